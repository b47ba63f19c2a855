// SPDX-License-Identifier: MIT
/*
 * Who a client is: what a verified token or a script's `authenticate` says of
 * it. Never changed once made and counted atomically, so that it may follow
 * its connection to another worker.
 *
 * Claims are kept as the JSON text they came in (bounded by SL_JWT_TEXT_MAX):
 * most connections never look at them, and a tree for each would cost more.
 */
#pragma once

#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

struct sl_identity {
    atomic_uint refs;
    uint64_t expires_ms;     /* since 1970; 0: it does not */
    struct sl_slice user_id; /* empty: none */
    struct sl_slice claims;  /* a JSON object; empty: none */
};

/* Copies; expires_ms is as above. Returns owned. */
struct sl_identity *sl_identity_new(struct sl_slice user_id,
                                    struct sl_slice claims,
                                    uint64_t expires_ms);

/* NULL is fine for both. */
struct sl_identity *sl_identity_ref(struct sl_identity *identity);
void sl_identity_unref(struct sl_identity *identity);

/* Whether both name the same user; two without one are alike. NULL is
 * anonymous. */
bool sl_identity_same_user(const struct sl_identity *a,
                           const struct sl_identity *b);
