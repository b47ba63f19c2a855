// SPDX-License-Identifier: MIT
/*
 * Signed tokens for tests, made by libcrypto alone: what verifies them in the
 * program is another library.
 */
#pragma once

#include "base/str.h"

#include <openssl/evp.h>

/* Returns owned (EVP_PKEY_free). */
EVP_PKEY *token_secret(const char *text);
EVP_PKEY *token_rsa(unsigned bits);
EVP_PKEY *token_ec(const char *curve); /* "P-256" */

/* Appends the token; `alg` decides how it is signed ("HS256", "PS512" ...),
 * whatever the header says. */
void token_sign(struct sl_str *out, const char *alg, EVP_PKEY *key,
                const char *header, const char *claims);

/* The public half: PEM, and a JWK whose other members ("\"kid\":\"1\",") stand
 * in `more`. Appends. */
void token_pem(struct sl_str *out, EVP_PKEY *key);
void token_jwk(struct sl_str *out, EVP_PKEY *key, const char *more);

/* An HS256 token with these claims, in a text that lives until the next call.
 * The secret is TOKEN_SECRET. */
const char *token_hs256(const char *claims);
#define TOKEN_SECRET "0123456789abcdef0123456789abcdef0123456789abcdef"
