// SPDX-License-Identifier: MIT
/*
 * A bounded first-in first-out queue of pointers that grows up to its bound.
 * All zero plus a bound is empty. One thread.
 */
#pragma once

#include "base/base.h"

#include <stdbool.h>

struct sl_ring {
    void **items;
    unsigned head, count, cap; /* cap: a power of two or 0 */
    unsigned count_max;
};

void sl_ring_init(struct sl_ring *ring, unsigned count_max);
void sl_ring_release(struct sl_ring *ring); /* items are the caller's */
bool sl_ring_push(struct sl_ring *ring, void *item); /* false: full; not NULL */
void *sl_ring_pop(struct sl_ring *ring);             /* NULL: empty */
