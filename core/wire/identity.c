// SPDX-License-Identifier: MIT
/*
 * One allocation: the struct, then both texts.
 */
#include "wire/identity.h"

#include "base/check.h"
#include "base/mem.h"

#include <openssl/crypto.h>

static char *put(char *at, struct sl_slice text, struct sl_slice *into)
{
    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    *into = sl_slice_of(at, text.len);
    return at + text.len;
}

struct sl_identity *sl_identity_new(struct sl_slice user_id,
                                    struct sl_slice claims, uint64_t expires_ms)
{
    struct sl_identity *identity =
        sl_alloc(sizeof(*identity) + user_id.len + claims.len);
    char *at = (char *)(identity + 1);
    atomic_init(&identity->refs, 1);
    identity->expires_ms = expires_ms;
    at = put(at, user_id, &identity->user_id);
    put(at, claims, &identity->claims);
    return identity;
}

struct sl_identity *sl_identity_ref(struct sl_identity *identity)
{
    if (identity != NULL)
        atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
    return identity;
}

void sl_identity_unref(struct sl_identity *identity)
{
    if (identity == NULL)
        return;
    unsigned refs =
        atomic_fetch_sub_explicit(&identity->refs, 1, memory_order_acq_rel);
    sl_assert(refs > 0);
    if (refs != 1)
        return;
    /* What a client is trusted with should not lie about in free memory. */
    OPENSSL_cleanse(identity + 1, identity->user_id.len + identity->claims.len);
    sl_free(identity);
}

bool sl_identity_same_user(const struct sl_identity *a,
                           const struct sl_identity *b)
{
    struct sl_slice none = { 0 };
    return sl_slice_eq(a == NULL ? none : a->user_id,
                       b == NULL ? none : b->user_id);
}
