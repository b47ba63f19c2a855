// SPDX-License-Identifier: MIT
/*
 * Keys, their bytes and their deadlines. The heap is held against a plain
 * table of deadlines over thousands of random changes: whatever the order, the
 * sweep removes exactly what is due, and every byte is counted back.
 */
#include "store/keyspace.h"

#include "base/err.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BIG ((size_t)1 << 30)

static struct sl_slice name_of(char *buf, size_t size, unsigned number)
{
    int len = snprintf(buf, size, "key %u", number);
    return sl_slice_of(buf, (size_t)len);
}

static void bytes_come_and_go(void **state)
{
    (void)state;
    struct sl_keyspace space;
    sl_keyspace_init(&space, BIG);
    assert_int_equal(
        sl_keyspace_put_text(&space, SL_SLICE("a"), SL_SLICE("0123456789"), 0),
        0);
    size_t ten = space.bytes;
    assert_int_equal(
        sl_keyspace_put_text(&space, SL_SLICE("a"), SL_SLICE("0"), 0), 0);
    assert_int_equal(space.bytes, ten - 9);
    struct sl_slice items[] = { SL_SLICE("x"), SL_SLICE("yz") };
    assert_int_equal(sl_keyspace_push(&space, SL_SLICE("l"), items, 2, 0), 0);
    assert_int_equal(space.map.count, 2);
    sl_keyspace_remove(&space, sl_keyspace_find(&space, SL_SLICE("l"), 0));
    assert_int_equal(space.bytes, ten - 9);
    sl_keyspace_remove(&space, sl_keyspace_find(&space, SL_SLICE("a"), 0));
    assert_int_equal(space.bytes, 0);
    assert_null(sl_keyspace_find(&space, SL_SLICE("a"), 0));
    sl_keyspace_release(&space);
}

static void count_is_no_less_than_what_is_held(void **state)
{
    (void)state;
    struct sl_keyspace space;
    sl_keyspace_init(&space, BIG);
    char buf[32];
    size_t payload = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct sl_slice name = name_of(buf, sizeof(buf), i);
        assert_int_equal(sl_keyspace_put_text(&space, name, name, 0), 0);
        payload += 2 * name.len + sizeof(struct sl_key);
    }
    assert_true(space.bytes > payload);
    sl_keyspace_release(&space);
    assert_int_equal(space.bytes, 0);
}

static void text_takes_the_place_of_a_list(void **state)
{
    (void)state;
    struct sl_keyspace space;
    sl_keyspace_init(&space, BIG);
    struct sl_slice item = SL_SLICE("item");
    for (int i = 0; i < 100; i++)
        assert_int_equal(sl_keyspace_push(&space, SL_SLICE("k"), &item, 1, 0),
                         0);
    struct sl_key *key = sl_keyspace_find(&space, SL_SLICE("k"), 0);
    assert_int_equal(key->item_count, 100);
    assert_true(sl_slice_eq(key->items[99], item));
    sl_keyspace_expire(&space, key, 500);
    assert_int_equal(
        sl_keyspace_put_text(&space, SL_SLICE("k"), SL_SLICE("t"), 0), 0);
    key = sl_keyspace_find(&space, SL_SLICE("k"), 499);
    assert_int_equal(key->kind, SL_KEY_TEXT);
    assert_int_equal(key->item_count, 0);
    assert_int_equal(key->deadline_ms, 500);
    assert_null(sl_keyspace_find(&space, SL_SLICE("k"), 500));
    sl_keyspace_release(&space);
}

static void over_the_bound_nothing_changes(void **state)
{
    (void)state;
    struct sl_keyspace space;
    sl_keyspace_init(&space, 600);
    struct sl_slice items[] = { SL_SLICE("a"), SL_SLICE("b"), { NULL, 500 } };
    char big[500] = { 0 };
    items[2].ptr = big;
    assert_int_equal(sl_keyspace_push(&space, SL_SLICE("l"), items, 3, 0),
                     SL_E_FULL);
    assert_int_equal(space.bytes, 0);
    assert_null(sl_keyspace_find(&space, SL_SLICE("l"), 0));
    assert_int_equal(sl_keyspace_push(&space, SL_SLICE("l"), items, 2, 0), 0);
    size_t before = space.bytes;
    assert_int_equal(sl_keyspace_push(&space, SL_SLICE("l"), items, 3, 0),
                     SL_E_FULL);
    assert_int_equal(space.bytes, before);
    assert_int_equal(sl_keyspace_find(&space, SL_SLICE("l"), 0)->item_count, 2);
    sl_keyspace_release(&space);
}

static void trim_keeps_a_range(void **state)
{
    (void)state;
    struct sl_keyspace space;
    struct sl_slice name = SL_SLICE("l");
    char buf[32];
    sl_keyspace_init(&space, BIG);
    for (unsigned i = 0; i < 1000; i++) {
        struct sl_slice item = name_of(buf, sizeof(buf), i);
        assert_int_equal(sl_keyspace_push(&space, name, &item, 1, 0), 0);
        struct sl_key *key = sl_keyspace_find(&space, name, 0);
        if (i == 10)
            sl_keyspace_trim(&space, key, 0, key->item_count);
        if (i == 500) {
            size_t before = space.bytes;
            sl_keyspace_trim(&space, key, key->item_count - 3, 3);
            assert_true(key->item_cap < 16 && space.bytes < before / 50);
            assert_true(sl_slice_eq(key->items[2], item));
        }
    }
    struct sl_key *key = sl_keyspace_find(&space, name, 0);
    assert_int_equal(key->item_count, 3 + 499);
    assert_true(sl_slice_eq(key->items[0], SL_SLICE("key 498")));
    sl_keyspace_trim(&space, key, 0, 0);
    assert_null(sl_keyspace_find(&space, name, 0));
    assert_int_equal(space.bytes, 0);
    sl_keyspace_release(&space);
}

static void collections_are_counted(void **state)
{
    (void)state;
    struct sl_keyspace space;
    sl_keyspace_init(&space, 4096);
    struct sl_slice name = SL_SLICE("set");
    assert_null(sl_keyspace_open(&space, name, SL_KEY_SET, 4096, 0));
    assert_int_equal(space.bytes, 0);
    struct sl_key *key = sl_keyspace_open(&space, name, SL_KEY_SET, 100, 0);
    size_t before = space.bytes;
    struct sl_member *member = sl_collection_add(key->members, name, 0);
    sl_keyspace_changed(&space, key);
    assert_true(space.bytes > before);
    assert_ptr_equal(sl_keyspace_open(&space, name, SL_KEY_SET, 0, 0), key);
    sl_collection_remove(key->members, member);
    sl_keyspace_changed(&space, key);
    assert_int_equal(space.bytes, 0);
    assert_int_equal(space.map.count, 0);
    sl_keyspace_release(&space);
}

static void a_full_space_sweeps_first(void **state)
{
    (void)state;
    struct sl_keyspace space;
    char buf[32];
    sl_keyspace_init(&space, 4096);
    unsigned count = 0;
    while (sl_keyspace_put_text(&space, name_of(buf, sizeof(buf), count),
                                SL_SLICE("v"), 0) == 0) {
        sl_keyspace_expire(
            &space,
            sl_keyspace_find(&space, name_of(buf, sizeof(buf), count), 0), 10);
        count++;
    }
    assert_true(count > 10);
    assert_int_equal(
        sl_keyspace_put_text(&space, SL_SLICE("x"), SL_SLICE("v"), 9),
        SL_E_FULL);
    assert_int_equal(
        sl_keyspace_put_text(&space, SL_SLICE("x"), SL_SLICE("v"), 10), 0);
    assert_int_equal(space.map.count, 1);
    sl_keyspace_release(&space);
}

#define KEYS 500

/* What is due at now_ms, by the plain table. */
static unsigned sweep_table(uint64_t deadlines[KEYS], bool there[KEYS],
                            uint64_t now_ms)
{
    unsigned left = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        if (there[i] && deadlines[i] != 0 && deadlines[i] <= now_ms)
            there[i] = false;
        left += there[i];
    }
    return left;
}

static void heap_agrees_with_a_table(void **state)
{
    (void)state;
    struct sl_keyspace space;
    uint64_t deadlines[KEYS] = { 0 };
    bool there[KEYS] = { false };
    char buf[32];
    uint64_t now_ms = 1;
    srandom(7);
    sl_keyspace_init(&space, BIG);
    for (int round = 0; round < 20000; round++) {
        unsigned i = (unsigned)random() % KEYS;
        struct sl_slice name = name_of(buf, sizeof(buf), i);
        struct sl_key *key = sl_keyspace_find(&space, name, 0);
        assert_int_equal(key != NULL, there[i]);
        switch (random() % 4) {
        case 0:
            if (key != NULL)
                sl_keyspace_remove(&space, key);
            there[i] = false;
            break;
        case 1:
            now_ms += (uint64_t)random() % 4;
            sl_keyspace_sweep(&space, now_ms, UINT32_MAX);
            assert_int_equal(space.map.count,
                             sweep_table(deadlines, there, now_ms));
            break;
        default:
            assert_int_equal(
                sl_keyspace_put_text(&space, name, SL_SLICE("v"), 0), 0);
            deadlines[i] =
                random() % 5 == 0 ? 0 : now_ms + 1 + (uint64_t)random() % 200;
            sl_keyspace_expire(&space, sl_keyspace_find(&space, name, 0),
                               deadlines[i]);
            there[i] = true;
        }
    }
    sl_keyspace_release(&space);
    assert_int_equal(space.bytes, 0);
    assert_int_equal(space.heap_count, 0);
}

static void sweep_is_bounded_and_oldest_first(void **state)
{
    (void)state;
    struct sl_keyspace space;
    char buf[32];
    sl_keyspace_init(&space, BIG);
    for (unsigned i = 0; i < 100; i++) {
        struct sl_slice name = name_of(buf, sizeof(buf), i);
        assert_int_equal(sl_keyspace_put_text(&space, name, SL_SLICE("v"), 0),
                         0);
        sl_keyspace_expire(&space, sl_keyspace_find(&space, name, 0), 100 - i);
    }
    sl_keyspace_sweep(&space, 1000, 10);
    assert_int_equal(space.map.count, 90);
    assert_null(sl_keyspace_find(&space, name_of(buf, sizeof(buf), 90), 0));
    assert_non_null(sl_keyspace_find(&space, name_of(buf, sizeof(buf), 89), 0));
    sl_keyspace_sweep(&space, 0, 10);
    assert_int_equal(space.map.count, 90);
    sl_keyspace_release(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_and_go),
        cmocka_unit_test(count_is_no_less_than_what_is_held),
        cmocka_unit_test(text_takes_the_place_of_a_list),
        cmocka_unit_test(over_the_bound_nothing_changes),
        cmocka_unit_test(trim_keeps_a_range),
        cmocka_unit_test(collections_are_counted),
        cmocka_unit_test(a_full_space_sweeps_first),
        cmocka_unit_test(heap_agrees_with_a_table),
        cmocka_unit_test(sweep_is_bounded_and_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
