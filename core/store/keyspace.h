// SPDX-License-Identifier: MIT
/*
 * The keys of the in-memory store: strings and lists by name, their deadlines,
 * and the count of bytes that they hold. Knows no commands and no replies. One
 * thread at a time: the store holds its lock around each call.
 *
 * Times are milliseconds of one clock, given by the caller.
 */
#pragma once

#include "base/base.h"
#include "base/map.h"
#include "base/slice.h"

#include <stdint.h>

enum sl_key_kind { SL_KEY_TEXT, SL_KEY_LIST };

struct sl_key {
    struct sl_map_node node;
    enum sl_key_kind kind;
    uint32_t heap_at;       /* place among the deadlines, from 1; 0: none */
    uint64_t deadline_ms;   /* 0: lives until it is removed */
    size_t bytes;           /* what it counts against the bound */
    struct sl_slice text;   /* SL_KEY_TEXT: owned bytes */
    struct sl_slice *items; /* SL_KEY_LIST: owned, as are their bytes */
    uint32_t item_count;
    uint32_t item_cap;
    char name[]; /* node.key points here */
};

struct sl_keyspace {
    struct sl_map map;
    struct sl_key **heap; /* the keys with a deadline, the nearest first */
    uint32_t heap_count;
    uint32_t heap_cap;
    size_t bytes;     /* held, a fair estimate of overheads included */
    size_t bytes_max; /* more is refused */
};

void sl_keyspace_init(struct sl_keyspace *space, size_t bytes_max);
void sl_keyspace_release(struct sl_keyspace *space);

/* NULL: no such key. One whose time has come is removed here. The pointer is
 * good until the next call that gets the keyspace. */
struct sl_key *sl_keyspace_find(struct sl_keyspace *space, struct sl_slice name,
                                uint64_t now_ms);

/* Copies. The key holds this text from now on, whatever it held, and keeps its
 * deadline. SL_E_FULL: over the bound, nothing changed. */
int sl_keyspace_put_text(struct sl_keyspace *space, struct sl_slice name,
                         struct sl_slice text, uint64_t now_ms);

/* Copies. Appends all items or, with SL_E_FULL, none. A key that exists must
 * be a list. */
int sl_keyspace_push(struct sl_keyspace *space, struct sl_slice name,
                     const struct sl_slice *items, uint32_t count,
                     uint64_t now_ms);

/* deadline_ms 0 takes the deadline away. */
void sl_keyspace_expire(struct sl_keyspace *space, struct sl_key *key,
                        uint64_t deadline_ms);

void sl_keyspace_remove(struct sl_keyspace *space, struct sl_key *key);

/* Removes at most `max` keys whose time has come, the oldest first. */
void sl_keyspace_sweep(struct sl_keyspace *space, uint64_t now_ms,
                       unsigned max);
