// SPDX-License-Identifier: MIT
/*
 * The hash map: intrusive nodes, keyed by slices, chained, seeded with a
 * secret (SipHash), so that no client can choose colliding names. The map owns
 * neither nodes nor keys: a node's key points into the element that embeds the
 * node and must stay unchanged while it is in the map. Grows and shrinks with
 * its contents. One thread.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_map_node {
    struct sl_map_node *next;
    struct sl_slice key; /* borrowed from the element */
    uint32_t hash;
};

struct sl_map {
    struct sl_map_node **buckets; /* NULL while empty and never used */
    uint32_t bucket_count;        /* a power of two, or 0 */
    uint32_t count;               /* nodes */
    uint32_t visiting;            /* foreach calls that run: no resizing */
};

void sl_map_init(struct sl_map *map);

/* Frees the table; the nodes are the caller's and should be out already. */
void sl_map_release(struct sl_map *map);

struct sl_map_node *sl_map_find(const struct sl_map *map, struct sl_slice key);

/* node->key must be set and not be in the map yet. */
void sl_map_add(struct sl_map *map, struct sl_map_node *node);

/* The node must be in the map. */
void sl_map_remove(struct sl_map *map, struct sl_map_node *node);

/* Calls visit for each node, in no order; visit may remove (and free) that
 * node, nothing else. */
void sl_map_foreach(struct sl_map *map,
                    void (*visit)(struct sl_map_node *node, void *user),
                    void *user);

/* The seeded hash used above (process-wide secret, made at first use). */
uint64_t sl_hash(struct sl_slice key);

/* SipHash-1-3 under a given secret, for known answers. */
uint64_t sl_hash_keyed(uint64_t secret0, uint64_t secret1, struct sl_slice key);
