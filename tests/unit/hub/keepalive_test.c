// SPDX-License-Identifier: MIT
/*
 * Pings and time-outs under a fake clock: 15 s keep-alive, 30 s client
 * time-out, 15 s handshake time-out.
 */
#include "tests/lib/expect.h"

static void test_pings_whatever_else_is_sent(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    for (int i = 0; i < 3; i++) {
        cluster_advance(&alone.cluster, 14000);
        expect_heard(&alone.a, "");
        peer_invoke(&alone.a, "1", "Echo", "[1]");
        expect_heard(&alone.a, RESULT("1", "1"));
        cluster_advance(&alone.cluster, 1000);
        expect_heard(&alone.a, PING);
    }
    assert_int_equal(alone.a.shared, 3);
    alone_release(&alone);
}

static void test_silent_client_that_never_pinged_stays(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    for (int i = 0; i < 20; i++)
        cluster_advance(&alone.cluster, 15000);
    assert_false(alone.a.closed);
    alone_release(&alone);
}

static void test_client_timeout(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    cluster_advance(&alone.cluster, 10000);
    peer_say(&alone.a, "{'type':6}");
    cluster_advance(&alone.cluster, 29999);
    assert_false(alone.a.closed);
    peer_heard(&alone.a);
    cluster_advance(&alone.cluster, 1);
    assert_true(alone.a.closed);
    assert_false(alone.a.failed);
    expect_heard(&alone.a, CLOSE_ERROR);
    expect_log(alone.worker,
               "disconnected a timeout: Client hasn't sent a message/ping "
               "within the configured ClientTimeoutInterval.\nforget a\n");
    assert_int_equal(alone_metric(&alone, CLIENT_TIMEOUTS), 1);
    alone_release(&alone);
}

static void test_messages_restart_the_clock_parts_do_not(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':6}");
    cluster_advance(&alone.cluster, 20000);
    peer_invoke(&alone.a, NULL, "Echo", "[1]");
    cluster_advance(&alone.cluster, 29000);
    peer_say_raw(&alone.a, "{'type':6");
    assert_false(alone.a.closed);
    cluster_advance(&alone.cluster, 1000);
    assert_true(alone.a.closed);
    alone_release(&alone);
}

static void tune_details(struct sl_hub_options *options)
{
    options->detailed_errors = 1;
}

static void test_timeout_says_more_with_details(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_details);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':6}");
    cluster_advance(&alone.cluster, 15000);
    peer_heard(&alone.a);
    cluster_advance(&alone.cluster, 15000);
    assert_non_null(strstr(peer_heard(&alone.a),
                           "Connection closed with an error. "
                           "OperationCanceledException: Client hasn't"));
    alone_release(&alone);
}

static void test_late_handshake(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open(&alone.a, alone.worker, "a", NULL);
    peer_say_raw(&alone.a, "{'protocol':'json'");
    cluster_advance(&alone.cluster, 14999);
    assert_false(alone.a.closed);
    cluster_advance(&alone.cluster, 1);
    assert_true(alone.a.closed);
    expect_heard(&alone.a, "{'error':'Handshake was canceled.'}\n");
    expect_log(alone.worker, "forget a\n");
    assert_int_equal(alone_metric(&alone, HANDSHAKES_FAILED), 1);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 0);
    alone_release(&alone);
}

static void test_inherent_keep_alive(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_conn_setup setup = { .inherent_keep_alive = true,
                                   .transport = SL_TRANSPORT_LONG_POLLING };
    peer_open_as(&alone.a, alone.worker, "a", setup);
    peer_say(&alone.a, "{'protocol':'json','version':1}");
    peer_say(&alone.a, "{'type':6}");
    expect_heard(&alone.a, "{}\n");
    for (int i = 0; i < 20; i++)
        cluster_advance(&alone.cluster, 15000);
    expect_heard(&alone.a, "");
    assert_false(alone.a.closed);
    alone_release(&alone);

    /* The handshake time-out holds for them, too. */
    alone_init(&alone, NULL);
    peer_open_as(&alone.a, alone.worker, "a", setup);
    cluster_advance(&alone.cluster, 15000);
    assert_true(alone.a.closed);
    alone_release(&alone);
}

/* Whatever it says meanwhile; of any transport, before and after the handshake.
 * The client may come back, with a new token. */
static void test_lifetime(void **state)
{
    (void)state;
    for (int polls = 0; polls < 2; polls++) {
        struct alone alone;
        alone_init(&alone, NULL);
        struct sl_conn_setup setup = { .lifetime_ms = 40000,
                                       .inherent_keep_alive = polls == 1 };
        peer_open_as(&alone.a, alone.worker, "a", setup);
        peer_say(&alone.a, "{'protocol':'json','version':1}");
        for (int i = 0; i < 3; i++) {
            cluster_advance(&alone.cluster, 13000);
            peer_say(&alone.a, "{'type':6}");
        }
        peer_heard(&alone.a);
        cluster_advance(&alone.cluster, 999);
        assert_false(alone.a.closed);
        cluster_advance(&alone.cluster, 1);
        assert_true(alone.a.closed);
        assert_false(alone.a.failed);
        expect_heard(&alone.a, "{'type':7,'allowReconnect':true}\n");
        expect_log(alone.worker,
                   "connected a\ndisconnected a expired\nforget a\n");
        alone_release(&alone);
    }
}

static void test_lifetime_ends_a_handshake(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_conn_setup setup = { .lifetime_ms = 5000 };
    peer_open_as(&alone.a, alone.worker, "a", setup);
    cluster_advance(&alone.cluster, 4999);
    assert_false(alone.a.closed);
    cluster_advance(&alone.cluster, 1);
    assert_true(alone.a.closed);
    alone_release(&alone);
}

static void test_lifetime_can_be_renewed(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_conn_setup setup = { .lifetime_ms = 10000,
                                   .inherent_keep_alive = true };
    peer_open_as(&alone.a, alone.worker, "a", setup);
    peer_say(&alone.a, "{'protocol':'json','version':1}");
    cluster_advance(&alone.cluster, 9000);
    sl_conn_set_lifetime(alone.a.conn, 10000);
    cluster_advance(&alone.cluster, 9999);
    assert_false(alone.a.closed);
    sl_conn_set_lifetime(alone.a.conn, 0);
    cluster_advance(&alone.cluster, 100000);
    assert_false(alone.a.closed);
    sl_conn_set_lifetime(alone.a.conn, 1);
    cluster_advance(&alone.cluster, 1);
    assert_true(alone.a.closed);
    alone_release(&alone);
}

/* 64 calls wait, reading is paused: the client could not be heard anyway. */
static void test_clock_stands_while_reading_is_paused(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':6}");
    for (int i = 0; i < 65; i++)
        peer_invoke(&alone.a, NULL, "Slow", "[1]");
    assert_true(alone.a.paused);
    cluster_advance(&alone.cluster, 100000);
    assert_false(alone.a.closed);
    while (c_hub_finish(&alone.worker->hub))
        cluster_settle(&alone.cluster);
    assert_false(alone.a.paused);
    cluster_advance(&alone.cluster, 29999);
    assert_false(alone.a.closed);
    cluster_advance(&alone.cluster, 1);
    assert_true(alone.a.closed);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pings_whatever_else_is_sent),
        cmocka_unit_test(test_silent_client_that_never_pinged_stays),
        cmocka_unit_test(test_client_timeout),
        cmocka_unit_test(test_messages_restart_the_clock_parts_do_not),
        cmocka_unit_test(test_timeout_says_more_with_details),
        cmocka_unit_test(test_late_handshake),
        cmocka_unit_test(test_inherent_keep_alive),
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_lifetime_ends_a_handshake),
        cmocka_unit_test(test_lifetime_can_be_renewed),
        cmocka_unit_test(test_clock_stands_while_reading_is_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
