// SPDX-License-Identifier: MIT
/*
 * The allocator's front. There is no allocator of our own behind it: measured
 * needs are met by sl_pool, and a plain malloc keeps every memory checker
 * useful. Blocks that rest in a pool are poisoned under the address
 * sanitizer, so that pooling does not hide a use after free.
 */
#include "base/mem.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#endif

#ifdef ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#endif

/* The C library may answer a size of 0 with NULL, which means failure here. */
static size_t nonzero(size_t size)
{
    return size == 0 ? 1 : size;
}

static void *checked(void *ptr, size_t size)
{
    if (SL_UNLIKELY(ptr == NULL))
        sl_fatal(__FILE__, __LINE__, "no memory for %zu bytes", size);
    return ptr;
}

void *sl_try_alloc(size_t size)
{
    return malloc(nonzero(size));
}

void *sl_alloc(size_t size)
{
    return checked(malloc(nonzero(size)), size);
}

void *sl_zalloc(size_t size)
{
    return checked(calloc(1, nonzero(size)), size);
}

void *sl_realloc(void *ptr, size_t size)
{
    return checked(realloc(ptr, nonzero(size)), size);
}

void sl_free(void *ptr)
{
    free(ptr);
}

char *sl_slice_dup(struct sl_slice text)
{
    char *copy = sl_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

char *sl_strdup(const char *text)
{
    return sl_slice_dup(sl_slice_str(text));
}

/* ---- pool: the first word of a resting block links to the next one ---- */

void sl_pool_init(struct sl_pool *pool, size_t block_size, unsigned keep_max)
{
    *pool = (struct sl_pool){
        .block_size = block_size < sizeof(void *) ? sizeof(void *) : block_size,
        .keep_max = keep_max,
    };
}

static void *pop_free(struct sl_pool *pool)
{
    void *block = pool->free_list;
    ASAN_UNPOISON_MEMORY_REGION(block, pool->block_size);
    memcpy(&pool->free_list, block, sizeof(void *));
    pool->free_count--;
    return block;
}

void sl_pool_release(struct sl_pool *pool)
{
    while (pool->free_list != NULL)
        sl_free(pop_free(pool));
    sl_assert(pool->free_count == 0);
}

void *sl_pool_get(struct sl_pool *pool)
{
    sl_assert(pool->block_size >= sizeof(void *));
    if (pool->free_list == NULL)
        return sl_alloc(pool->block_size);
    return pop_free(pool);
}

void sl_pool_put(struct sl_pool *pool, void *block)
{
    if (block == NULL)
        return;
    if (pool->free_count >= pool->keep_max) {
        sl_free(block);
        return;
    }
    memcpy(block, &pool->free_list, sizeof(void *));
    pool->free_list = block;
    pool->free_count++;
    ASAN_POISON_MEMORY_REGION(block, pool->block_size);
}
