// SPDX-License-Identifier: MIT
/*
 * Any text as a bearer token, as it stands and with a right signature: the
 * first line is the header, the rest the claims. Whoever is let in has a
 * token that says when it ends, and claims that scripts can read.
 */
#include "base/base64.h"
#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "wire/crypto.h"
#include "wire/json.h"
#include "wire/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define NOW_MS UINT64_C(1800000000000)
#define SECRET SL_SLICE("0123456789abcdef0123456789abcdef")

static struct sl_jwt *the_jwt(void)
{
    static struct sl_jwt *jwt;
    static char issuer[] = "us", audience[] = "signalr";
    static char *issuers[] = { issuer }, *audiences[] = { audience };
    if (jwt == NULL)
        jwt = sl_jwt_new(&(struct sl_jwt_setup){ .key = SECRET,
                                                 .issuers = issuers,
                                                 .issuer_count = 1,
                                                 .audiences = audiences,
                                                 .audience_count = 1,
                                                 .user_claim = "sub" },
                         NULL);
    return jwt;
}

static void verify(struct sl_slice token)
{
    struct sl_identity *identity;
    const char *why = NULL;
    int err = sl_jwt_verify(the_jwt(), token, NOW_MS, &identity, &why);
    if (err != 0) {
        sl_assert(identity == NULL && why != NULL);
        sl_assert(err == SL_E_FORGED || err == SL_E_EXPIRED ||
                  err == SL_E_TOO_LARGE);
        return;
    }
    struct sl_json json;
    struct sl_value root;
    sl_assert(token.len <= SL_JWT_TEXT_MAX && identity->expires_ms > NOW_MS);
    sl_json_init(&json);
    sl_assert(sl_json_read(&json, identity->claims, &root) == 0);
    sl_assert(sl_value_kind(&root) == SL_VALUE_OBJECT);
    sl_json_release(&json);
    sl_identity_unref(identity);
}

static void verify_signed(struct sl_slice text)
{
    struct sl_str token = { 0 };
    uint8_t mac[32];
    const char *end = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
    size_t first = end == NULL ? text.len : (size_t)(end - text.ptr);
    size_t skip = end == NULL ? first : first + 1;
    sl_base64url_encode(&token, sl_slice_of(text.ptr, first));
    sl_str_add_char(&token, '.');
    sl_base64url_encode(&token, sl_slice_of(text.ptr + skip, text.len - skip));
    sl_hmac_sha256(SECRET, sl_str_slice(&token), mac);
    sl_str_add_char(&token, '.');
    sl_base64url_encode(&token, sl_slice_of(mac, sizeof(mac)));
    verify(sl_str_slice(&token));
    sl_str_release(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    verify(sl_slice_of(bytes, len));
    verify_signed(sl_slice_of(bytes, len));
    return 0;
}
