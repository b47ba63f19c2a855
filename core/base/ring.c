// SPDX-License-Identifier: MIT
/*
 * The bounded queue. A ring of a power of two of places, doubled when full; the
 * bound itself may be any number.
 */
#include "base/ring.h"

#include "base/check.h"
#include "base/mem.h"

#include <string.h>

#define CAP_MIN 8u           /* places of the first allocation */
#define COUNT_MAX (1u << 30) /* so that doubling never overflows */

void sl_ring_init(struct sl_ring *ring, unsigned count_max)
{
    sl_assert(count_max <= COUNT_MAX);
    *ring = (struct sl_ring){ .count_max = count_max };
}

void sl_ring_release(struct sl_ring *ring)
{
    sl_free(ring->items);
    sl_ring_init(ring, ring->count_max);
}

static void grow(struct sl_ring *ring)
{
    unsigned cap = ring->cap == 0 ? CAP_MIN : ring->cap * 2;
    void **items = sl_alloc(cap * sizeof(*items));
    unsigned to_end = ring->cap - ring->head;
    if (ring->cap > 0) {
        memcpy(items, ring->items + ring->head, to_end * sizeof(*items));
        memcpy(items + to_end, ring->items, ring->head * sizeof(*items));
    }
    sl_free(ring->items);
    ring->items = items;
    ring->head = 0;
    ring->cap = cap;
}

bool sl_ring_push(struct sl_ring *ring, void *item)
{
    sl_assert(item != NULL); /* pop answers NULL for empty */
    if (ring->count >= ring->count_max)
        return false;
    if (ring->count == ring->cap)
        grow(ring);
    ring->items[(ring->head + ring->count) & (ring->cap - 1)] = item;
    ring->count++;
    return true;
}

void *sl_ring_pop(struct sl_ring *ring)
{
    if (ring->count == 0)
        return NULL;
    void *item = ring->items[ring->head];
    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->count--;
    return item;
}
