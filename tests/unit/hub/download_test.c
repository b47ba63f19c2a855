// SPDX-License-Identifier: MIT
/*
 * Streams to the client: items in order, one end, and never more queued than
 * the client may let wait.
 */
#include "tests/lib/expect.h"

#include <stdio.h>

#define ITEM(id, n) "{'type':2,'invocationId':'" id "','item':" n "}\n"
#define END(id) "{'type':3,'invocationId':'" id "'}\n"

static void stream(struct peer *peer, const char *id, const char *target,
                   const char *args)
{
    char text[128];
    snprintf(text, sizeof(text),
             "{'type':4,'invocationId':'%s','target':'%s','arguments':%s}", id,
             target, args);
    peer_say(peer, text);
}

static void test_items_then_end(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "1", "Count", "[2]");
    expect_heard(&alone.a, ITEM("1", "0") ITEM("1", "1") END("1"));
    stream(&alone.a, "1", "Count", "[0]");
    expect_heard(&alone.a, END("1"));
    alone_release(&alone);
}

static void test_cancel(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "1", "Hang", "[]");
    peer_say(&alone.a, "{'type':5,'invocationId':'2'}");
    expect_heard(&alone.a, ITEM("1", "0"));
    peer_say(&alone.a, "{'type':5,'invocationId':'1'}");
    expect_heard(&alone.a, END("1"));
    expect_log(alone.worker, "cancel Hang\n");
    peer_say(&alone.a, "{'type':5,'invocationId':'1'}");
    expect_heard(&alone.a, "");
    alone_release(&alone);
}

static void test_id_in_use(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "q", "Hang", "[]");
    stream(&alone.a, "q", "Count", "[2]");
    expect_heard(&alone.a, ITEM("q", "0") FAILURE(
                               "q", "Invocation ID 'q' is already in use."));
    peer_say(&alone.a, "{'type':5,'invocationId':'q'}");
    expect_heard(&alone.a, END("q"));
    alone_release(&alone);
}

static void test_failure_says_streaming(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "1", "Break", "['boom']");
    expect_heard(&alone.a, ITEM("1", "0") FAILURE(
                               "1", "An error occurred on the server while "
                                    "streaming results. HubException: boom"));
    alone_release(&alone);
}

static void test_waits_for_a_client_that_does_not_read(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone.a.stuck = true;
    stream(&alone.a, "1", "Count", "[100000]");
    stream(&alone.a, "2", "Count", "[100000]");
    size_t most = 1048576 / 4 + 100;
    assert_in_range(alone.a.queued, 1, 2 * most);
    assert_false(alone.a.paused);
    unsigned turns = 0;
    while (alone.worker->hub.live_calls > 0) {
        assert_true(++turns < 1000);
        peer_read(&alone.a);
        alone.a.stuck = true;
        cluster_settle(&alone.cluster);
        assert_in_range(alone.a.queued, 0, 2 * most);
    }
    assert_true(turns > 10);
    assert_non_null(strstr(peer_heard(&alone.a), ITEM("2", "99999") END("2")));
    alone_release(&alone);
}

static void test_cancel_while_it_waits(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone.a.stuck = true;
    stream(&alone.a, "1", "Count", "[100000]");
    peer_say(&alone.a, "{'type':5,'invocationId':'1'}");
    assert_int_equal(alone.worker->hub.live_calls, 0);
    peer_read(&alone.a);
    cluster_settle(&alone.cluster);
    assert_non_null(strstr(peer_heard(&alone.a), END("1")));
    alone_release(&alone);
}

static void tune_two_streams(struct sl_hub_options *options)
{
    options->max_streams = 2;
}

/* An upload counts as well; the place of one that ended is free. */
static void test_so_many_at_once(void **state)
{
    (void)state;
    static const char too_many[] =
        FAILURE("3", "An unexpected error occurred invoking 'Hang' on the "
                     "server. HubException: Too many streams run for this "
                     "connection.");
    struct alone alone;
    alone_init(&alone, tune_two_streams);
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "1", "Hang", "[]");
    peer_say(&alone.a, "{'type':1,'invocationId':'2','target':'Sum',"
                       "'arguments':[],'streamIds':['u']}");
    peer_heard(&alone.a);
    stream(&alone.a, "3", "Hang", "[]");
    expect_heard(&alone.a, too_many);
    assert_int_equal(alone_metric(&alone, STREAMS_REFUSED), 1);
    peer_invoke(&alone.a, "4", "Echo", "[4]");
    expect_heard(&alone.a, RESULT("4", "4"));
    peer_say(&alone.a, "{'type':5,'invocationId':'1'}");
    stream(&alone.a, "3", "Count", "[1]");
    expect_heard(&alone.a, END("1") ITEM("3", "0") END("3"));
    peer_say(&alone.a, "{'type':3,'invocationId':'u'}");
    expect_heard(&alone.a, RESULT("2", "0"));
    alone_release(&alone);
}

static void test_connection_ends(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "1", "Hang", "[]");
    alone.a.stuck = true;
    stream(&alone.a, "2", "Count", "[100000]");
    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    assert_int_equal(alone.worker->hub.live_calls, 0);
    alone_release(&alone);
}

static void test_cancelled_before_on_connected_ended(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.on_connected = C_HUB_HELD;
    alone_join(&alone, &alone.a, "a");
    stream(&alone.a, "1", "Hang", "[]");
    peer_say(&alone.a, "{'type':5,'invocationId':'1'}");
    c_hub_connected_end(alone.a.conn, true);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, END("1"));
    assert_int_equal(alone.worker->hub.started, 0);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_then_end),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_id_in_use),
        cmocka_unit_test(test_failure_says_streaming),
        cmocka_unit_test(test_waits_for_a_client_that_does_not_read),
        cmocka_unit_test(test_cancel_while_it_waits),
        cmocka_unit_test(test_so_many_at_once),
        cmocka_unit_test(test_connection_ends),
        cmocka_unit_test(test_cancelled_before_on_connected_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
