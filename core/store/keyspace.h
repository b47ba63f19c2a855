// SPDX-License-Identifier: MIT
/*
 * The keys of the in-memory store: strings, lists and collections by name,
 * their deadlines, and the count of bytes that they hold. Knows no commands and
 * no replies. One thread at a time: the store holds its lock around each call.
 *
 * Times are milliseconds of one clock, given by the caller.
 */
#pragma once

#include "base/base.h"
#include "base/map.h"
#include "base/slice.h"
#include "store/collection.h"

#include <stdint.h>

enum sl_key_kind {
    SL_KEY_TEXT,
    SL_KEY_LIST,
    SL_KEY_HASH, /* this and the next two are collections */
    SL_KEY_SET,
    SL_KEY_SORTED,
};

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
    struct sl_collection *members; /* of a collection; owned */
    char name[];                   /* node.key points here */
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

/* Keeps `count` items of a list from `first` on: none removes the key. */
void sl_keyspace_trim(struct sl_keyspace *space, struct sl_key *key,
                      uint32_t first, uint32_t count);

/* The collection of that name, made when there is none, with room under the
 * bound for `more` bytes of members; NULL: over the bound, nothing changed. A
 * key that exists must be of that kind. After any change of its members comes
 * sl_keyspace_changed. */
struct sl_key *sl_keyspace_open(struct sl_keyspace *space, struct sl_slice name,
                                enum sl_key_kind kind, size_t more,
                                uint64_t now_ms);

/* Counts the members' bytes anew; an empty collection is removed. */
void sl_keyspace_changed(struct sl_keyspace *space, struct sl_key *key);

/* deadline_ms 0 takes the deadline away. */
void sl_keyspace_expire(struct sl_keyspace *space, struct sl_key *key,
                        uint64_t deadline_ms);

void sl_keyspace_remove(struct sl_keyspace *space, struct sl_key *key);

/* Removes at most `max` keys whose time has come, the oldest first. */
void sl_keyspace_sweep(struct sl_keyspace *space, uint64_t now_ms,
                       unsigned max);
