// SPDX-License-Identifier: MIT
/*
 * Streams from the client: open from the call to its end, bounded, and failed
 * when an item does not bind.
 */
#include "tests/lib/expect.h"

#include <stdio.h>

#define SUM(id, target, stream)                                            \
    "{'type':1,'invocationId':'" id "','target':'" target "','arguments':" \
    "[],'streamIds':['" stream "']}"
#define ITEM(n) "{'type':2,'invocationId':'u','item':" n "}"

static void test_items_and_end(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, ITEM("9"));
    peer_say(&alone.a, SUM("1", "Sum", "u"));
    peer_say(&alone.a, ITEM("40"));
    peer_say(&alone.a, "{'type':2,'item':2,'invocationId':'u'}");
    expect_heard(&alone.a, "");
    peer_say(&alone.a, "{'type':3,'invocationId':'u','result':7}");
    expect_heard(&alone.a, RESULT("1", "42"));
    peer_say(&alone.a, ITEM("1"));
    expect_heard(&alone.a, "");
    alone_release(&alone);
}

static void test_ends_with_an_error(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, SUM("1", "Sum", "u"));
    peer_say(&alone.a, "{'type':3,'invocationId':'u','error':'no'}");
    peer_say(&alone.a, SUM("2", "Sum", "u"));
    peer_say(&alone.a, ITEM("'x'"));
    expect_heard(&alone.a,
                 FAILURE("1", "An unexpected error occurred invoking 'Sum' on "
                              "the server. HubException: no")
                     FAILURE("2", "An unexpected error occurred invoking "
                                  "'Sum' on the server. HubException: Failed "
                                  "to bind Stream message."));
    alone_release(&alone);
}

static void test_full_buffer_pauses_reading(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, SUM("1", "Hold", "u"));
    for (int i = 0; i < 10; i++) {
        assert_false(alone.a.paused);
        peer_say(&alone.a, ITEM("1"));
    }
    assert_true(alone.a.paused);
    peer_say(&alone.a, "{'type':1,'invocationId':'2','target':'Echo',"
                       "'arguments':[1]}");
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, "");
    c_hub_finish(&alone.worker->hub);
    assert_false(alone.a.paused);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, RESULT("1", "10") RESULT("2", "1"));
    alone_release(&alone);
}

static void test_connection_ends(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, SUM("1", "Sum", "u"));
    peer_say(&alone.a, SUM("2", "Sum", "u"));
    peer_say(&alone.a, SUM("3", "Sum", "v"));
    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    assert_int_equal(alone.worker->hub.live_calls, 0);
    alone_release(&alone);
}

static void test_items_wait_for_on_connected(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.on_connected = C_HUB_HELD;
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, SUM("1", "Sum", "u"));
    assert_true(alone.a.paused);
    peer_say(&alone.a, ITEM("5"));
    peer_say(&alone.a, "{'type':3,'invocationId':'u'}");
    c_hub_connected_end(alone.a.conn, true);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, RESULT("1", "5"));
    assert_false(alone.a.paused);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_and_end),
        cmocka_unit_test(test_ends_with_an_error),
        cmocka_unit_test(test_full_buffer_pauses_reading),
        cmocka_unit_test(test_connection_ends),
        cmocka_unit_test(test_items_wait_for_on_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
