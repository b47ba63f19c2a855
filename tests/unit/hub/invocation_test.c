// SPDX-License-Identifier: MIT
/*
 * Order and slots: one call at a time by default, n at a time when allowed, a
 * bounded queue behind them; and how calls end.
 */
#include "tests/lib/expect.h"

#include <stdio.h>

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    peer_invoke(&alone.a, "3", "Slow", "[3]");
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, "");
    assert_int_equal(alone_metric(&alone, INVOCATIONS_WAITING), 2);

    c_hub_finish(&alone.worker->hub);
    /* The completion is out before the next one starts. */
    expect_heard(&alone.a, RESULT("1", "1"));
    assert_int_equal(alone.worker->hub.started, 1);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, RESULT("2", "2"));
    assert_int_equal(alone.worker->hub.started, 3);
    c_hub_finish(&alone.worker->hub);
    expect_heard(&alone.a, RESULT("3", "3"));
    assert_int_equal(alone.worker->hub.most_running, 1);
    assert_int_equal(alone_metric(&alone, INVOCATIONS_WAITING), 0);
    alone_release(&alone);
}

static void tune_parallel(struct sl_hub_options *options)
{
    options->max_parallel_invocations = 3;
}

static void test_n_at_a_time(void **state)
{
    (void)state;
    struct alone alone;
    char id[16];
    alone_init(&alone, tune_parallel);
    alone_join(&alone, &alone.a, "a");
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "%d", i);
        peer_invoke(&alone.a, id, "Slow", "[0]");
    }
    assert_int_equal(alone.worker->hub.started, 3);
    while (c_hub_finish(&alone.worker->hub))
        cluster_settle(&alone.cluster);
    assert_int_equal(alone.worker->hub.started, 10);
    assert_int_equal(alone.worker->hub.most_running, 3);
    alone_release(&alone);
}

/* Nobody overtakes: with a free slot and somebody waiting, one waits too. */
static void test_free_slot_belongs_to_who_waits(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    c_hub_finish(&alone.worker->hub);
    peer_invoke(&alone.a, "3", "Echo", "[3]");
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, RESULT("1", "1") RESULT("2", "2") RESULT("3", "3"));
    alone_release(&alone);
}

static void test_connections_do_not_share_slots(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.b, "1", "Echo", "[2]");
    expect_heard(&alone.b, RESULT("1", "2"));
    alone_release(&alone);
}

static void test_calls_with_streams_take_no_slot(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_say(&alone.a, "{'type':1,'invocationId':'2','target':'Upload',"
                       "'arguments':[],'streamIds':['u']}");
    expect_heard(&alone.a, RESULT("2", "null"));
    peer_say(&alone.a, "{'type':4,'invocationId':'3','target':'Stream',"
                       "'arguments':[]}");
    expect_heard(&alone.a, RESULT("3", "null"));
    alone_release(&alone);
}

/* The stack would not hold a thousand calls inside each other. */
static void test_long_chain_is_no_recursion(void **state)
{
    (void)state;
    struct alone alone;
    struct sl_str many = { 0 };
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "0", "Slow", "[0]");
    for (int i = 0; i < 10000; i++)
        sl_str_add_lit(&many, "{'type':1,'invocationId':'1','target':'Echo',"
                              "'arguments':[1]}\n");
    peer_say_raw(&alone.a, sl_str_cstr(&many));
    sl_str_release(&many);
    assert_int_equal(alone.worker->hub.started, 1);
    c_hub_finish(&alone.worker->hub);
    cluster_settle(&alone.cluster);
    assert_int_equal(alone.worker->hub.started, 10001);
    assert_int_equal(alone.worker->hub.most_running, 1);
    alone_release(&alone);
}

static void test_waiting_bytes_are_bounded(void **state)
{
    (void)state;
    struct alone alone;
    struct sl_str big = { 0 };
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    sl_str_add_lit(&big, "['");
    memset(sl_str_reserve(&big, 30000), 'x', 30000);
    big.len += 30000;
    sl_str_add_lit(&big, "']");
    peer_invoke(&alone.a, NULL, "Slow", "[1]");
    int sent = 0;
    while (!alone.a.paused && sent < 100) {
        peer_invoke(&alone.a, NULL, "Echo", sl_str_cstr(&big));
        sent++;
    }
    assert_int_equal(sent, 262144 / 30000 + 1);
    c_hub_finish(&alone.worker->hub);
    cluster_settle(&alone.cluster);
    assert_false(alone.a.paused);
    sl_str_release(&big);
    alone_release(&alone);
}

/* ---- ends ---- */

static void tune_details(struct sl_hub_options *options)
{
    options->detailed_errors = 1;
}

static void expect_faults(void (*tune)(struct sl_hub_options *),
                          const char *heard)
{
    struct alone alone;
    alone_init(&alone, tune);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "throw", "['boom']");
    peer_invoke(&alone.a, "2", "ThrowHub", "['boom']");
    peer_invoke(&alone.a, NULL, "ThrowHub", "['boom']");
    expect_heard(&alone.a, heard);
    assert_int_equal(alone_metric(&alone, INVOCATIONS_FAILED), 3);
    alone_release(&alone);
}

static void test_faults(void **state)
{
    (void)state;
    expect_faults(
        NULL, FAILURE("1", "An unexpected error occurred invoking 'Throw' on "
                           "the server.")
                  FAILURE("2", "An unexpected error occurred invoking "
                               "'ThrowHub' on the server. HubException: boom"));
    expect_faults(
        tune_details,
        FAILURE("1", "An unexpected error occurred invoking 'Throw' on the "
                     "server. InvalidOperationException: boom")
            FAILURE("2", "An unexpected error occurred invoking 'ThrowHub' on "
                         "the server. HubException: boom"));
}

static void test_unwritable_result(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Unwritable", "[]");
    peer_invoke(&alone.a, "2", "Echo", "[1]");
    expect_heard(&alone.a,
                 FAILURE("1", "An unexpected error occurred invoking "
                              "'Unwritable' on the server.") RESULT("2", "1"));
    alone_release(&alone);
}

static void test_connection_ends_while_calls_run_and_wait(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    peer_invoke(&alone.a, "3", "Echo", "[3]");
    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "drop Echo\ndrop Echo\ncancel Slow\n"
                             "disconnected a lost\nforget a\n");
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 0);
    assert_int_equal(alone_metric(&alone, INVOCATIONS_WAITING), 0);

    /* The running one outlived it, and ends without a word. */
    assert_true(c_hub_finish(&alone.worker->hub));
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, "");
    assert_int_equal(alone.worker->hub.live_calls, 0);
    alone_release(&alone);
}

static void test_duplicate_ids_are_both_served(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_parallel);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "1", "Slow", "[2]");
    c_hub_finish(&alone.worker->hub);
    c_hub_finish(&alone.worker->hub);
    expect_heard(&alone.a, RESULT("1", "1") RESULT("1", "2"));
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_n_at_a_time),
        cmocka_unit_test(test_free_slot_belongs_to_who_waits),
        cmocka_unit_test(test_connections_do_not_share_slots),
        cmocka_unit_test(test_calls_with_streams_take_no_slot),
        cmocka_unit_test(test_long_chain_is_no_recursion),
        cmocka_unit_test(test_waiting_bytes_are_bounded),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_unwritable_result),
        cmocka_unit_test(test_connection_ends_while_calls_run_and_wait),
        cmocka_unit_test(test_duplicate_ids_are_both_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
