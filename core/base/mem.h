// SPDX-License-Identifier: MIT
/*
 * Memory. Small allocations cannot fail: sl_alloc and friends end the process,
 * since a branch that no test reaches is worse than a restart. What the
 * network sizes is first compared with a limit, then uses sl_try_alloc, whose
 * failure closes that one connection.
 *
 * A sl_pool is a free list of equal blocks for one thread: it keeps at most
 * `keep_max` freed blocks and gives the rest back to the allocator.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

/* Never NULL. size 0 gives a block that can be freed. Any thread. */
void *sl_alloc(size_t size) SL_MUST_USE;
void *sl_zalloc(size_t size) SL_MUST_USE; /* zeroed */
void *sl_realloc(void *ptr, size_t size) SL_MUST_USE;

/* NULL when there is no memory. */
void *sl_try_alloc(size_t size) SL_MUST_USE;

/* Takes; NULL is fine. */
void sl_free(void *ptr);

/* Returns owned: a copy that ends in a zero byte. */
char *sl_strdup(const char *text) SL_MUST_USE;
char *sl_slice_dup(struct sl_slice text) SL_MUST_USE;

struct sl_pool {
    void *free_list;
    size_t block_size; /* bytes, at least a pointer */
    unsigned free_count;
    unsigned keep_max; /* blocks kept for reuse */
};

void sl_pool_init(struct sl_pool *pool, size_t block_size, unsigned keep_max);
void sl_pool_release(struct sl_pool *pool);

/* Not zeroed. Same thread as the pool's owner. */
void *sl_pool_get(struct sl_pool *pool) SL_MUST_USE;
void sl_pool_put(struct sl_pool *pool, void *block);
