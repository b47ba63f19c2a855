// SPDX-License-Identifier: MIT
/*
 * Connection tokens. The layout and its reasons stand in token.h.
 */
#include "transport/token.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/crypto.h"

#include <string.h>

#define RAW_LEN 16
#define SIGNED_LEN 9 /* time, flags and random bytes */
#define MAC_LEN (RAW_LEN - SIGNED_LEN)
#define TIME_BITS 22
#define TIME_MASK ((1u << TIME_BITS) - 1)
#define FLAG_VERSION0 (1u << TIME_BITS)
#define FLAG_STATEFUL (1u << (TIME_BITS + 1))

static void encode(const uint8_t *raw, char *out)
{
    struct sl_str text = { 0 };
    sl_base64url_encode(&text, sl_slice_of(raw, RAW_LEN));
    sl_assert(text.len == SL_TOKEN_LEN);
    memcpy(out, text.ptr, SL_TOKEN_LEN);
    out[SL_TOKEN_LEN] = '\0';
    sl_str_release(&text);
}

static bool decode(struct sl_slice text, uint8_t *raw)
{
    struct sl_str bytes = { 0 };
    bool ok = text.len == SL_TOKEN_LEN &&
              sl_base64url_decode(&bytes, text) == 0 && bytes.len == RAW_LEN;
    if (ok)
        memcpy(raw, bytes.ptr, RAW_LEN);
    sl_str_release(&bytes);
    return ok;
}

static struct sl_slice key_slice(const struct sl_token_keys *keys, unsigned i)
{
    return sl_slice_of(keys->keys[i], SL_TOKEN_KEY_LEN);
}

/* `label` keeps signature and id apart: one must not be usable as the other. */
static void mac(struct sl_slice key, const char *label, struct sl_slice hub,
                const uint8_t *bytes, size_t len, uint8_t out[32])
{
    struct sl_str text = { 0 };
    sl_str_add_slice(&text, sl_slice_str(label));
    sl_str_add_char(&text, '\0');
    sl_str_add_slice(&text, hub);
    sl_str_add_char(&text, '\0');
    sl_str_add(&text, bytes, len);
    sl_hmac_sha256(key, sl_str_slice(&text), out);
    sl_str_release(&text);
}

static void derive_id(struct sl_slice key, struct sl_slice hub,
                      const uint8_t *raw, struct sl_token *token)
{
    if (token->version0) {
        memcpy(token->conn_id, token->text, sizeof(token->conn_id));
        return;
    }
    uint8_t digest[32];
    mac(key, "id", hub, raw, RAW_LEN, digest);
    encode(digest, token->conn_id);
}

void sl_token_keys_init(struct sl_token_keys *keys, struct sl_slice secret)
{
    *keys = (struct sl_token_keys){ .count = 1 };
    if (secret.len == 0)
        sl_random_bytes(keys->keys[0], SL_TOKEN_KEY_LEN);
    else
        sl_hmac_sha256(SL_SLICE("signalua connection token"), secret,
                       keys->keys[0]);
}

void sl_token_issue(const struct sl_token_keys *keys, struct sl_slice hub,
                    uint64_t wall_ms, bool version0, bool stateful,
                    struct sl_token *token)
{
    uint8_t raw[RAW_LEN], digest[32];
    uint32_t head = (uint32_t)(wall_ms / 1000) & TIME_MASK;
    head |= (version0 ? FLAG_VERSION0 : 0) | (stateful ? FLAG_STATEFUL : 0);
    raw[0] = (uint8_t)(head >> 16);
    raw[1] = (uint8_t)(head >> 8);
    raw[2] = (uint8_t)head;
    sl_random_bytes(raw + 3, SIGNED_LEN - 3);
    struct sl_slice key = key_slice(keys, 0);
    mac(key, "token", hub, raw, SIGNED_LEN, digest);
    memcpy(raw + SIGNED_LEN, digest, MAC_LEN);

    *token = (struct sl_token){ .version0 = version0, .stateful = stateful };
    encode(raw, token->text);
    derive_id(key, hub, raw, token);
}

/* Seconds since the token was made, up to the wrap; small negative ages (a pod
 * whose clock is ahead) count as 0. */
static uint32_t age_seconds(uint32_t issued, uint64_t wall_ms)
{
    uint32_t age = ((uint32_t)(wall_ms / 1000) - issued) & TIME_MASK;
    return age > TIME_MASK - SL_TOKEN_SKEW_S ? 0 : age;
}

int sl_token_verify(const struct sl_token_keys *keys, struct sl_slice hub,
                    struct sl_slice text, uint64_t wall_ms,
                    uint64_t lifetime_ms, struct sl_token *token)
{
    uint8_t raw[RAW_LEN], digest[32];
    if (!decode(text, raw))
        return SL_E_FORGED;
    for (unsigned i = 0; i < keys->count; i++) {
        struct sl_slice key = key_slice(keys, i);
        mac(key, "token", hub, raw, SIGNED_LEN, digest);
        if (!sl_equal_const_time(digest, raw + SIGNED_LEN, MAC_LEN))
            continue;
        uint32_t head = (uint32_t)raw[0] << 16 | (uint32_t)raw[1] << 8 | raw[2];
        *token = (struct sl_token){
            .age_ms = (uint64_t)age_seconds(head & TIME_MASK, wall_ms) * 1000,
            .version0 = head & FLAG_VERSION0,
            .stateful = head & FLAG_STATEFUL,
        };
        memcpy(token->text, text.ptr, SL_TOKEN_LEN);
        derive_id(key, hub, raw, token);
        return token->age_ms > lifetime_ms ? SL_E_EXPIRED : 0;
    }
    return SL_E_FORGED;
}
