// SPDX-License-Identifier: MIT
/*
 * The keys that tokens are verified with: from a secret's text, from PEM, from
 * a JWK or a JWKS (jwt.h says how they are told apart). Seen by jwt.c alone.
 */
#pragma once

#include "base/report.h"
#include "base/slice.h"

#include <cjose/cjose.h>

enum sl_jwt_alg {
    SL_JWT_HS256,
    SL_JWT_HS384,
    SL_JWT_HS512,
    SL_JWT_RS256,
    SL_JWT_RS384,
    SL_JWT_RS512,
    SL_JWT_PS256,
    SL_JWT_PS384,
    SL_JWT_PS512,
    SL_JWT_ES256,
    SL_JWT_ES384,
    SL_JWT_ES512,
    SL_JWT_ALG_COUNT
};

extern const char *const sl_jwt_alg_names[SL_JWT_ALG_COUNT];

struct sl_jwt_key {
    cjose_jwk_t *jwk;
    unsigned algs; /* bit per enum sl_jwt_alg: what it may verify */
};

struct sl_jwt_keys {
    struct sl_jwt_key *items; /* owned */
    unsigned count;
};

/* 0, or SL_E_CONFIG with the report filled and no key held. */
int sl_jwt_keys_read(struct sl_jwt_keys *keys, struct sl_slice text,
                     struct sl_report *report);
void sl_jwt_keys_release(struct sl_jwt_keys *keys);
