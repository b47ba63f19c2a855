// SPDX-License-Identifier: MIT
/*
 * Numbers and what is kept, without a connection.
 */
#include "hub/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT 10u

static bool add(struct sl_replay *replay, size_t len)
{
    struct sl_buf *message = sl_buf_new_empty(len);
    message->len = (uint32_t)len;
    bool goes = sl_replay_add(replay, message, LIMIT);
    assert_int_equal(message->refs, 2); /* kept, not copied */
    sl_buf_unref(message);
    return goes;
}

static void test_numbers_begin_at_one(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_int_equal(sl_replay_first(&replay), 1);
    assert_int_equal(sl_replay_count(&replay), 0);
    assert_true(add(&replay, 1));
    assert_true(add(&replay, 1));
    assert_int_equal(sl_replay_first(&replay), 1);
    sl_replay_acknowledge(&replay, 1);
    assert_int_equal(sl_replay_first(&replay), 2);
    assert_int_equal(sl_replay_count(&replay), 1);
    sl_replay_acknowledge(&replay, 2);
    assert_int_equal(sl_replay_first(&replay), 3);
    assert_int_equal(sl_replay_bytes(&replay), 0);
    sl_replay_release(&replay);
}

static void test_limit_is_overshot_by_one(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_true(add(&replay, LIMIT)); /* at the limit is not over it */
    assert_true(add(&replay, 5));
    assert_false(add(&replay, 1));
    assert_false(add(&replay, 2));
    assert_int_equal(replay.held, 2);
    assert_int_equal(replay.held_bytes, 3);
    assert_int_equal(sl_replay_count(&replay), 2);
    assert_null(sl_replay_next_held(&replay, LIMIT));
    sl_replay_acknowledge(&replay, 1);
    assert_int_equal(sl_replay_next_held(&replay, LIMIT)->len, 1);
    assert_int_equal(sl_replay_next_held(&replay, LIMIT)->len, 2);
    assert_null(sl_replay_next_held(&replay, LIMIT));
    assert_int_equal(replay.bytes, 8);
    assert_int_equal(replay.held_bytes, 0);
    assert_int_equal(sl_replay_first(&replay), 2);
    sl_replay_release(&replay);
}

/* Order would be lost otherwise. */
static void test_nothing_overtakes_what_is_held(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_true(add(&replay, LIMIT + 1));
    assert_false(add(&replay, 1));
    sl_replay_acknowledge(&replay, 1);
    assert_false(add(&replay, 2));
    assert_int_equal(sl_replay_next_held(&replay, LIMIT)->len, 1);
    assert_int_equal(sl_replay_next_held(&replay, LIMIT)->len, 2);
    sl_replay_release(&replay);
}

static void test_no_number_forgets_what_was_not_sent(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_true(add(&replay, LIMIT + 1));
    assert_false(add(&replay, 1));
    sl_replay_acknowledge(&replay, INT64_MAX);
    assert_int_equal(replay.bytes, 0);
    assert_int_equal(replay.held, 1);
    assert_int_equal(sl_replay_first(&replay), 2);
    sl_replay_acknowledge(&replay, INT64_MIN);
    assert_int_equal(replay.held, 1);
    sl_replay_release(&replay);
}

static void test_memory_comes_back(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    for (int i = 0; i < 1000; i++)
        (void)add(&replay, 0);
    assert_true(replay.kept.cap >= 1000);
    assert_int_equal(sl_replay_at(&replay, 999)->len, 0);
    sl_replay_acknowledge(&replay, 1000);
    assert_int_equal(replay.kept.cap, 0);
    assert_true(add(&replay, 3));
    assert_int_equal(sl_replay_first(&replay), 1001);
    sl_replay_release(&replay);
}

static void test_what_came_before_is_not_taken_again(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_false(sl_replay_owes(&replay));
    for (int i = 0; i < 3; i++)
        assert_true(sl_replay_receive(&replay));
    assert_true(sl_replay_owes(&replay));
    assert_int_equal(replay.received_most, 3);
    assert_true(sl_replay_sequence(&replay, 2));
    assert_false(sl_replay_receive(&replay)); /* 2 */
    assert_false(sl_replay_receive(&replay)); /* 3 */
    assert_true(sl_replay_receive(&replay));  /* 4 */
    assert_int_equal(replay.received_most, 4);
    sl_replay_release(&replay);
}

static void test_sequence_may_not_leave_out(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_true(sl_replay_sequence(&replay, 1));
    assert_false(sl_replay_sequence(&replay, 2));
    assert_true(sl_replay_receive(&replay));
    assert_true(sl_replay_sequence(&replay, 2));
    assert_false(sl_replay_sequence(&replay, INT64_MAX));
    assert_true(sl_replay_sequence(&replay, INT64_MIN)); /* its own harm */
    assert_false(sl_replay_receive(&replay));
    sl_replay_release(&replay);
}

/* The client sent it again because it was not told. */
static void test_duplicate_is_acknowledged_again(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay);
    assert_true(sl_replay_receive(&replay));
    replay.acknowledged = replay.received_most;
    assert_false(sl_replay_owes(&replay));
    assert_true(sl_replay_sequence(&replay, 1));
    assert_false(sl_replay_receive(&replay));
    assert_true(sl_replay_owes(&replay));
    assert_int_equal(replay.received_most, 1);
    sl_replay_release(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_begin_at_one),
        cmocka_unit_test(test_limit_is_overshot_by_one),
        cmocka_unit_test(test_nothing_overtakes_what_is_held),
        cmocka_unit_test(test_no_number_forgets_what_was_not_sent),
        cmocka_unit_test(test_memory_comes_back),
        cmocka_unit_test(test_what_came_before_is_not_taken_again),
        cmocka_unit_test(test_sequence_may_not_leave_out),
        cmocka_unit_test(test_duplicate_is_acknowledged_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
