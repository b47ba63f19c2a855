// SPDX-License-Identifier: MIT
/*
 * A connection that outlives its transport, under a fake clock: 15 s
 * disconnect time-out, 1 s to an acknowledgement, 5 s for what is held.
 */
#include "base/limits.h"
#include "hub/world.h"
#include "tests/lib/expect.h"

#include <stdio.h>

#define SEQUENCE(n) "{'type':9,'sequenceId':" n "}\n"
#define ACK(n) "{'type':8,'sequenceId':" n "}\n"

static void join(struct alone *alone, struct peer *peer, const char *name)
{
    peer_join_stateful(peer, alone->worker, name);
    c_hub_log(&alone->worker->hub);
}

static void test_unacknowledged_messages_come_again(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    expect_heard(&alone.a, RESULT("1", "1") RESULT("2", "2"));
    peer_say(&alone.a, "{'type':8,'sequenceId':1}");
    assert_true(peer_cut(&alone.a));
    assert_int_equal(alone_metric(&alone, AWAY), 1);
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("2") RESULT("2", "2"));
    peer_invoke(&alone.a, "3", "Echo", "[3]");
    expect_heard(&alone.a, RESULT("3", "3"));
    assert_int_equal(alone_metric(&alone, AWAY), 0);
    assert_int_equal(alone_metric(&alone, AWAY_BYTES), 0);
    assert_int_equal(alone_metric(&alone, RECONNECTS), 1);
    expect_log(alone.worker, "");
    alone_release(&alone);
}

static void test_all_acknowledged_gives_the_next_number(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_say(&alone.a, "{'type':8,'sequenceId':1}");
    peer_heard(&alone.a);
    assert_true(peer_cut(&alone.a));
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("2"));
    alone_release(&alone);
}

static void test_what_is_sent_to_one_that_is_away(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    peer_invoke(&alone.a, NULL, "JoinGroup", "['g']");
    assert_true(peer_cut(&alone.a));
    peer_invoke(&alone.b, NULL, "SendGroup", "['g','x']");
    peer_invoke(&alone.b, NULL, "SendAll", "['y']");
    expect_heard(&alone.b, HEAR("y"));
    assert_true(alone_metric(&alone, AWAY_BYTES) > 0);
    expect_heard(&alone.a, "");
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("1") HEAR("x") HEAR("y"));
    alone_release(&alone);
}

static void test_running_call_ends_while_away(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[7]");
    assert_true(peer_cut(&alone.a));
    assert_true(c_hub_finish(&alone.worker->hub));
    cluster_settle(&alone.cluster);
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("1") RESULT("1", "7"));
    alone_release(&alone);
}

static void test_duplicates_are_not_run(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_heard(&alone.a);
    assert_true(peer_cut(&alone.a));
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("1") RESULT("1", "1"));
    peer_say(&alone.a, "{'type':9,'sequenceId':1}");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    expect_heard(&alone.a, RESULT("2", "2"));
    cluster_advance(&alone.cluster, SL_ACK_PERIOD_MS);
    expect_heard(&alone.a, ACK("2"));
    alone_release(&alone);
}

/* Also what leads to nothing: both ends count by type. */
static void test_every_counted_type_counts(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':6}");
    peer_say(&alone.a, "{'type':2,'invocationId':'no','item':1}");
    peer_say(&alone.a, "{'type':3,'invocationId':'no','result':1}");
    peer_say(&alone.a, "{'type':5,'invocationId':'no'}");
    peer_invoke(&alone.a, NULL, "NoSuchMethod", "[]");
    peer_say(&alone.a, "{'type':42}");
    cluster_advance(&alone.cluster, SL_ACK_PERIOD_MS - 1);
    expect_heard(&alone.a, "");
    cluster_advance(&alone.cluster, 1);
    expect_heard(&alone.a, ACK("4"));
    cluster_advance(&alone.cluster, 5000);
    expect_heard(&alone.a, "");
    alone_release(&alone);
}

/* Each cut would put it off otherwise, and the client's buffer fill up. */
static void test_cuts_do_not_put_off_the_acknowledgement(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, NULL, "Echo", "[1]");
    cluster_advance(&alone.cluster, SL_ACK_PERIOD_MS - 1);
    assert_true(peer_cut(&alone.a));
    cluster_advance(&alone.cluster, 500);
    assert_true(peer_return(&alone.a));
    cluster_advance(&alone.cluster, 1);
    expect_heard(&alone.a, SEQUENCE("1") ACK("1"));
    alone_release(&alone);
}

static void test_sequence_too_far_ahead(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    assert_true(peer_cut(&alone.a));
    assert_true(peer_return(&alone.a));
    peer_heard(&alone.a);
    peer_say(&alone.a, "{'type':9,'sequenceId':9}");
    expect_heard(&alone.a, CLOSE_ERROR);
    assert_true(alone.a.closed);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker,
               "disconnected a protocol: Sequence ID greater than amount of "
               "messages we've received.\nforget a\n");
    alone_release(&alone);
}

static void test_new_transport_takes_over_from_a_living_one(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_say_raw(&alone.a, "{'type':1,'target':'Ec"); /* cut in a message */
    peer_heard(&alone.a);
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("1") RESULT("1", "1"));
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    expect_heard(&alone.a, RESULT("2", "2"));
    alone_release(&alone);
}

static void test_version_one_ends_with_its_transport(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open_as(&alone.a, alone.worker, "a",
                 (struct sl_conn_setup){ .stateful = true });
    peer_say(&alone.a, "{'protocol':'json','version':1}");
    peer_invoke(&alone.a, NULL, "Echo", "[1]");
    peer_heard(&alone.a);
    cluster_advance(&alone.cluster, 2000);
    expect_heard(&alone.a, "");
    assert_false(peer_cut(&alone.a));
    alone_release(&alone);
}

static void test_lost_before_the_handshake(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open_as(&alone.a, alone.worker, "a",
                 (struct sl_conn_setup){ .stateful = true });
    peer_say_raw(&alone.a, "{'protocol':");
    assert_true(peer_cut(&alone.a));
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, "");
    peer_say(&alone.a, "{'protocol':'json','version':2}");
    expect_heard(&alone.a, "{}\n");
    alone_release(&alone);
}

static void test_away_for_too_long(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':6}");
    assert_true(peer_cut(&alone.a));
    cluster_advance(&alone.cluster, 14999);
    assert_false(alone.a.closed);
    assert_true(peer_return(&alone.a));
    expect_heard(&alone.a, SEQUENCE("1"));
    assert_true(peer_cut(&alone.a));
    cluster_advance(&alone.cluster, 15000);
    assert_true(alone.a.closed); /* the stand-in was told */
    assert_false(peer_return(&alone.a));
    expect_log(alone.worker, "disconnected a lost\nforget a\n");
    assert_int_equal(alone_metric(&alone, AWAY), 0);
    assert_int_equal(alone_metric(&alone, AWAY_DROPPED), 0);
    alone_release(&alone);
}

static void test_no_way_back_once_it_closes(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, NULL, "Abort", "[]");
    assert_true(alone.a.closed);
    assert_false(peer_return(&alone.a));
    join(&alone, &alone.b, "b");
    assert_true(peer_cut(&alone.b));
    sl_conn_abort(alone.b.conn, (struct sl_slice){ 0 });
    assert_true(alone.b.closed);
    assert_false(peer_return(&alone.b));
    assert_int_equal(alone_metric(&alone, AWAY), 0);
    alone_release(&alone);
}

static void tune_small(struct sl_hub_options *options)
{
    options->stateful_reconnect_buffer = 10;
    options->max_outbound = 1024;
}

static void test_over_the_limit_messages_wait(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    expect_heard(&alone.a, RESULT("1", "1"));
    cluster_advance(&alone.cluster, 900);
    peer_say(&alone.a, "{'type':8,'sequenceId':1}");
    expect_heard(&alone.a, RESULT("2", "2"));
    assert_false(alone.a.closed);
    alone_release(&alone);
}

/* Its close message does not wait. */
static void test_no_acknowledgement_for_too_long(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small);
    join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    cluster_advance(&alone.cluster, SL_REPLAY_STALL_MS - 1);
    peer_heard(&alone.a);
    assert_false(alone.a.closed);
    cluster_advance(&alone.cluster, 1);
    expect_heard(&alone.a, CLOSE_ERROR);
    assert_true(alone.a.closed);
    assert_int_equal(alone_metric(&alone, SLOW_CLOSED), 1);
    alone_release(&alone);
}

static void test_what_is_held_is_bounded(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small);
    join(&alone, &alone.a, "a");
    for (int i = 0; i < 100 && alone.a.conn != NULL; i++) {
        peer_invoke(&alone.a, "1", "Echo", "['xxxxxxxxxxxxxxxxxxxxxxxxxxxx']");
        cluster_settle(&alone.cluster);
    }
    assert_true(alone.a.closed);
    expect_log(alone.worker,
               "disconnected a slow: Connection closed because the client "
               "does not read fast enough.\nforget a\n");
    alone_release(&alone);
}

/* The receiver of a broadcast is given up in the middle of it. */
static void test_too_much_for_one_that_is_away(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small);
    join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    assert_true(peer_cut(&alone.a));
    for (int i = 0; i < 100; i++) {
        peer_invoke(&alone.b, NULL, "SendAll", "['xxxxxxxxxxxxxxxx']");
        cluster_settle(&alone.cluster);
    }
    assert_true(alone.a.closed);
    assert_false(alone.b.closed);
    expect_log(alone.worker, "disconnected a lost\nforget a\n");
    assert_int_equal(alone_metric(&alone, AWAY), 0);
    assert_int_equal(alone_metric(&alone, AWAY_BYTES), 0);
    assert_int_equal(alone_metric(&alone, AWAY_DROPPED), 1);
    alone_release(&alone);
}

static void test_the_longest_away_goes_first(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    enum { OVER = 3 };
    unsigned count = SL_AWAY_MAX + OVER;
    struct peer *peers = sl_zalloc(count * sizeof(*peers));
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        join(&alone, &peers[i], name);
        assert_true(peer_cut(&peers[i]));
    }
    cluster_settle(&alone.cluster);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(peers[i].closed, i < OVER);
    assert_int_equal(alone_metric(&alone, AWAY), SL_AWAY_MAX);
    assert_int_equal(alone_metric(&alone, AWAY_DROPPED), OVER);
    cluster_advance(&alone.cluster, 15000);
    assert_int_equal(alone_metric(&alone, AWAY), 0);
    assert_int_equal(alone_metric(&alone, CONNECTIONS), 0);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 0);
    for (unsigned i = 0; i < count; i++)
        peer_release(&peers[i]);
    sl_free(peers);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unacknowledged_messages_come_again),
        cmocka_unit_test(test_all_acknowledged_gives_the_next_number),
        cmocka_unit_test(test_what_is_sent_to_one_that_is_away),
        cmocka_unit_test(test_running_call_ends_while_away),
        cmocka_unit_test(test_duplicates_are_not_run),
        cmocka_unit_test(test_every_counted_type_counts),
        cmocka_unit_test(test_cuts_do_not_put_off_the_acknowledgement),
        cmocka_unit_test(test_sequence_too_far_ahead),
        cmocka_unit_test(test_new_transport_takes_over_from_a_living_one),
        cmocka_unit_test(test_version_one_ends_with_its_transport),
        cmocka_unit_test(test_lost_before_the_handshake),
        cmocka_unit_test(test_away_for_too_long),
        cmocka_unit_test(test_no_way_back_once_it_closes),
        cmocka_unit_test(test_over_the_limit_messages_wait),
        cmocka_unit_test(test_no_acknowledgement_for_too_long),
        cmocka_unit_test(test_what_is_held_is_bounded),
        cmocka_unit_test(test_too_much_for_one_that_is_away),
        cmocka_unit_test(test_the_longest_away_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
