// SPDX-License-Identifier: MIT
/*
 * What a key holds that is a hash, a set or a sorted set: members by name, in
 * an order that can be indexed. One thread at a time.
 *
 * Members of a sorted collection stand by score, equal ones by name; others
 * stand as they came, but the last takes the place of one that goes.
 */
#pragma once

#include "base/base.h"
#include "base/map.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_member {
    struct sl_map_node node; /* node.key is the name */
    struct sl_slice value;   /* of a hash: owned bytes */
    double score;            /* of a sorted set */
    uint32_t at;             /* place in the order, unless that is sorted */
    char name[];
};

struct sl_collection {
    struct sl_map map;
    struct sl_member **order; /* map.count of them */
    uint32_t cap;             /* room in order */
    bool sorted;
    size_t bytes; /* held, a fair estimate of overheads included */
};

/* Returns owned. */
struct sl_collection *sl_collection_new(bool sorted) SL_MUST_USE;
void sl_collection_free(struct sl_collection *collection); /* NULL is fine */

/* Bytes that a new member of that name and value adds. */
size_t sl_collection_cost(struct sl_slice name, struct sl_slice value);

/* NULL: no such member. */
struct sl_member *sl_collection_find(const struct sl_collection *collection,
                                     struct sl_slice name);

/* Copies. The name must be new. */
struct sl_member *sl_collection_add(struct sl_collection *collection,
                                    struct sl_slice name, double score);

/* Copies. */
void sl_collection_set_value(struct sl_collection *collection,
                             struct sl_member *member, struct sl_slice value);

/* Moves the member of a sorted collection to its place. */
void sl_collection_set_score(struct sl_collection *collection,
                             struct sl_member *member, double score);

void sl_collection_remove(struct sl_collection *collection,
                          struct sl_member *member);
