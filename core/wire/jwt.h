// SPDX-License-Identifier: MIT
/*
 * JSON Web Tokens (RFC 7519), signed (RFC 7515), verified by cjose. One per
 * worker: cjose's keys are not for several threads.
 *
 * The kind of a key decides what it may verify: a text or an `oct` key HS256,
 * HS384 and HS512 (as far as it is as long as their hash), an RSA key RS... and
 * PS..., an EC key the one ES... of its curve; a JWK's `alg` narrows that. So
 * a token cannot choose to have a public key taken for a secret, and `none` is
 * no algorithm at all. A token must say when it expires.
 */
#pragma once

#include "base/report.h"
#include "base/slice.h"
#include "wire/identity.h"

struct sl_jwt;

struct sl_jwt_setup {
    /* With "-----BEGIN " in it: blocks of "PUBLIC KEY" and "CERTIFICATE" (PEM).
     * Beginning with "{": a JWK, or a JWKS. Else the text itself is a secret.
     * Several keys: whichever fits verifies. */
    struct sl_slice key;
    /* `iss` must be one of them; `aud` must be or hold one. None: the claim is
     * not looked at. Borrowed for the life of the sl_jwt. */
    char *const *issuers, *const *audiences;
    unsigned issuer_count, audience_count;
    const char *user_claim; /* names the user: a text or a whole number */
    uint64_t skew_ms;       /* by which the issuer's clock may differ */
};

/* Returns owned; NULL with the report filled ("holds a private key ...") when
 * no key can be read. Copies the key. The report holds nothing of it. */
struct sl_jwt *sl_jwt_new(const struct sl_jwt_setup *setup,
                          struct sl_report *report);
void sl_jwt_free(struct sl_jwt *jwt); /* NULL is fine */

/* 0 with *identity owned by the caller. SL_E_TOO_LARGE; SL_E_EXPIRED: not any
 * more, or not yet; SL_E_FORGED: whatever else is wrong with it. *why (a
 * literal, for the log) then says more; nothing of the token is in it. */
int sl_jwt_verify(struct sl_jwt *jwt, struct sl_slice token, uint64_t wall_ms,
                  struct sl_identity **identity, const char **why);
