// SPDX-License-Identifier: MIT
/*
 * A command of the in-memory store as it runs: its arguments, how it looks
 * them up, and how it answers. Inside core/store only.
 */
#pragma once

#include "base/str.h"
#include "store/keyspace.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_STORE_E_INTEGER "ERR value is not an integer or out of range"
#define SL_STORE_E_FLOAT "ERR value is not a valid float"
#define SL_STORE_E_SYNTAX "ERR syntax error"
#define SL_STORE_E_TYPE \
    "WRONGTYPE Operation against a key holding the wrong kind of value"

/* Answers once, at most; none is nil. Runs under the store's lock. */
struct sl_call {
    struct sl_keyspace *space;
    uint64_t *refused_count; /* writes refused by the bound */
    const struct sl_slice *argv;
    unsigned argc;
    uint64_t now_ms;
    struct sl_reply reply;
    struct sl_str bytes;    /* what the reply's texts point into */
    struct sl_slice *items; /* of an array reply; owned */
};

/* ---- answers ---- */

void sl_answer_integer(struct sl_call *call, int64_t integer);

/* With what call->bytes holds. */
void sl_answer_bytes(struct sl_call *call, enum sl_reply_kind kind);

/* Copies. */
void sl_answer_text(struct sl_call *call, enum sl_reply_kind kind,
                    struct sl_slice text);
void sl_answer_error(struct sl_call *call, const char *text);
void sl_answer_arity(struct sl_call *call, const char *name);
void sl_answer_full(struct sl_call *call);

/* An array; copies. */
void sl_answer_items(struct sl_call *call, const struct sl_slice *items,
                     unsigned count);

/* ---- arguments ---- */

/* As strict as Redis: no blanks, no plus, no leading zeros. */
bool sl_parse_integer(struct sl_slice text, int64_t *out);

/* What strtod takes, whole, and infinities; no NaN. */
bool sl_parse_float(struct sl_slice text, double *out);

/* A range of indexes, negative ones from the end, within `count` items: how
 * many of them, from *first on. */
uint32_t sl_range(int64_t *first, int64_t last, uint32_t count);

/* The two arguments from argv[at] on; false: answered with an error. */
bool sl_parse_range(struct sl_call *call, unsigned at, int64_t *first,
                    int64_t *last);

static inline bool sl_is_word(struct sl_slice text, const char *word)
{
    return sl_slice_eq_nocase(text, sl_slice_str(word));
}

/* The key that argv[1] names. */
struct sl_key *sl_call_key(struct sl_call *call);

/* False, and answered, when the key (NULL is fine) holds another kind. */
bool sl_is_kind(struct sl_call *call, const struct sl_key *key,
                enum sl_key_kind kind);

/* ---- collection_commands.c ---- */

void sl_run_hget(struct sl_call *call);
void sl_run_hset(struct sl_call *call);
void sl_run_hdel(struct sl_call *call);
void sl_run_hgetall(struct sl_call *call);
void sl_run_sadd(struct sl_call *call);
void sl_run_srem(struct sl_call *call);
void sl_run_smembers(struct sl_call *call);
void sl_run_zadd(struct sl_call *call);
void sl_run_zrem(struct sl_call *call);
void sl_run_zrange(struct sl_call *call);
