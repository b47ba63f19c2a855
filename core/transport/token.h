// SPDX-License-Identifier: MIT
/*
 * Connection tokens: what negotiate hands out and the first request brings
 * back, maybe to another worker or another pod. A token carries its issue
 * time and is signed, so that whoever shares the key can accept it without
 * having heard of it; nothing is kept between the two requests.
 *
 * 16 bytes as 22 characters of base64url, the length that clients of the
 * reference know:
 *
 *   0       3           9             16
 *   | time  |  random   |  signature  |
 *
 * time: 22 bits of seconds (they wrap after 48 days; a token lives a minute)
 * and two flags. signature: the first 7 bytes of HMAC-SHA256 over the hub's
 * name and the first 9 bytes: a forger has one chance in 2^56 per request.
 * The key is found by trying the few there are, newest first.
 *
 * The public connection id is derived from the token with the same key, so
 * that every pod derives the same; knowing the id does not give the token.
 * Version 0 of negotiate knows one value only: the token is the id there.
 */
#pragma once

#include "base/random.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define SL_TOKEN_LEN 22
#define SL_TOKEN_KEY_LEN 32
#define SL_TOKEN_KEYS_MAX 3
#define SL_TOKEN_SKEW_S 30 /* by which another pod's clock may be ahead */

/* By how much age_ms may be too small: it is cut to seconds, and 0 for a token
 * from the near future. Who remembers used tokens does so this much longer. */
#define SL_TOKEN_AGE_ERROR_MS ((SL_TOKEN_SKEW_S + 1) * UINT64_C(1000))

/* Read-only while workers run. */
struct sl_token_keys {
    unsigned count; /* the first signs, all verify */
    uint8_t keys[SL_TOKEN_KEYS_MAX][SL_TOKEN_KEY_LEN];
};

struct sl_token {
    uint64_t age_ms;
    bool version0;
    bool stateful; /* negotiate granted stateful reconnect */
    char text[SL_TOKEN_LEN + 1];
    char conn_id[SL_ID_LEN + 1];
};

/* One key, from a secret of any length, or random ones (secret empty). */
void sl_token_keys_init(struct sl_token_keys *keys, struct sl_slice secret);

/* Makes a new token for a hub (its backplane name). age_ms is 0. */
void sl_token_issue(const struct sl_token_keys *keys, struct sl_slice hub,
                    uint64_t wall_ms, bool version0, bool stateful,
                    struct sl_token *token);

/* 0 and the token filled; SL_E_FORGED; SL_E_EXPIRED when older than
 * lifetime_ms. */
int sl_token_verify(const struct sl_token_keys *keys, struct sl_slice hub,
                    struct sl_slice text, uint64_t wall_ms,
                    uint64_t lifetime_ms, struct sl_token *token);
