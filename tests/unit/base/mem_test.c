// SPDX-License-Identifier: MIT
/*
 * Blocks of size 0, copies that end in a zero, and the pool: what is put comes
 * back first, and no more than keep_max blocks are kept.
 */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void zero_sizes_can_be_freed(void **state)
{
    (void)state;
    void *plain = sl_alloc(0);
    void *zeroed = sl_zalloc(0);
    void *tried = sl_try_alloc(0);
    void *grown = sl_realloc(NULL, 0);
    assert_non_null(plain);
    assert_non_null(zeroed);
    assert_non_null(tried);
    assert_non_null(grown);
    sl_free(plain);
    sl_free(zeroed);
    sl_free(tried);
    sl_free(grown);
    sl_free(NULL);
}

static void zalloc_zeroes(void **state)
{
    (void)state;
    unsigned char *block = sl_zalloc(1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    sl_free(block);
}

static void realloc_keeps_bytes(void **state)
{
    (void)state;
    char *block = sl_alloc(4);
    memcpy(block, "abcd", 4);
    block = sl_realloc(block, 100000);
    assert_memory_equal(block, "abcd", 4);
    sl_free(block);
}

/* Sanitizers end the process instead, unless told otherwise by these, which
 * their library looks for. */
#define FOR_SANITIZERS __attribute__((visibility("default")))

FOR_SANITIZERS const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

FOR_SANITIZERS const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void try_alloc_answers_null(void **state)
{
    (void)state;
    /* Volatile: the compiler knows that no block is so large and says so. */
    volatile size_t too_much = SIZE_MAX / 2;
    assert_null(sl_try_alloc(too_much));
}

static void copies_end_in_zero(void **state)
{
    (void)state;
    char *text = sl_strdup("hello");
    assert_string_equal(text, "hello");
    sl_free(text);

    text = sl_slice_dup(sl_slice_of("a\0bcd", 4));
    assert_memory_equal(text, "a\0bc\0", 5);
    sl_free(text);

    text = sl_slice_dup((struct sl_slice){ 0 });
    assert_string_equal(text, "");
    sl_free(text);
}

static void pool_gives_back_last_first(void **state)
{
    (void)state;
    struct sl_pool pool;
    sl_pool_init(&pool, 40, 8);
    void *first = sl_pool_get(&pool);
    void *second = sl_pool_get(&pool);
    memset(first, 1, 40);
    memset(second, 2, 40);
    sl_pool_put(&pool, first);
    sl_pool_put(&pool, second);
    assert_int_equal(pool.free_count, 2);
    assert_ptr_equal(sl_pool_get(&pool), second);
    assert_ptr_equal(sl_pool_get(&pool), first);
    assert_int_equal(pool.free_count, 0);
    memset(first, 3, 40); /* fails here if the block were still poisoned */
    sl_pool_put(&pool, first);
    sl_pool_put(&pool, second);
    sl_pool_release(&pool);
    assert_int_equal(pool.free_count, 0);
}

static void pool_keeps_no_more_than_told(void **state)
{
    (void)state;
    struct sl_pool pool;
    void *blocks[5];
    sl_pool_init(&pool, 100, 3);
    for (int i = 0; i < 5; i++)
        blocks[i] = sl_pool_get(&pool);
    for (int i = 0; i < 5; i++)
        sl_pool_put(&pool, blocks[i]);
    sl_pool_put(&pool, NULL);
    assert_int_equal(pool.free_count, 3);
    assert_ptr_equal(sl_pool_get(&pool), blocks[2]);
    sl_free(blocks[2]);
    sl_pool_release(&pool);
}

static void tiny_blocks_hold_a_link(void **state)
{
    (void)state;
    struct sl_pool pool;
    sl_pool_init(&pool, 1, 2);
    assert_true(pool.block_size >= sizeof(void *));
    void *block = sl_pool_get(&pool);
    sl_pool_put(&pool, block);
    assert_ptr_equal(sl_pool_get(&pool), block);
    sl_pool_put(&pool, block);
    sl_pool_release(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_sizes_can_be_freed),
        cmocka_unit_test(zalloc_zeroes),
        cmocka_unit_test(realloc_keeps_bytes),
        cmocka_unit_test(try_alloc_answers_null),
        cmocka_unit_test(copies_end_in_zero),
        cmocka_unit_test(pool_gives_back_last_first),
        cmocka_unit_test(pool_keeps_no_more_than_told),
        cmocka_unit_test(tiny_blocks_hold_a_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
