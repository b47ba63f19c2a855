// SPDX-License-Identifier: MIT
/*
 * The life of a connection: order of events, the ways it ends, back-pressure.
 */
#include "hub/conn.h"

#include "tests/lib/expect.h"

/* A connection is mostly idle: 10,000 of them count (the budget for all that
 * belongs to one is 1.5 KB). */
_Static_assert(sizeof(struct sl_conn) <= 384, "connections stay small");

static unsigned open_count(const struct alone *alone)
{
    return alone->worker->entry->hub->conn_count;
}

static void test_life(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open(&alone.a, alone.worker, "a", "ann");
    struct sl_conn *conn = alone.a.conn;
    assert_int_equal(conn->state, SL_CONN_HANDSHAKE);
    assert_int_equal(open_count(&alone), 0);
    sl_slot_id handle = conn->handle;
    assert_ptr_equal(sl_world_conn(&alone.worker->world, handle), conn);
    assert_true(
        sl_slice_eq(sl_conn_id(conn), SL_SLICE("a---------------------")));
    assert_ptr_equal(sl_conn_world(conn), &alone.worker->world);

    peer_say(&alone.a, "{'protocol':'JSON','version':0}");
    expect_heard(&alone.a, "{}\n");
    assert_int_equal(conn->state, SL_CONN_OPEN);
    assert_string_equal(conn->user_id, "ann");
    assert_true(sl_conn_is_of(conn, SL_SLICE("ann")));
    assert_false(sl_conn_is_of(conn, SL_SLICE("Ann")));
    assert_false(sl_conn_is_of(conn, (struct sl_slice){ 0 }));
    assert_int_equal(open_count(&alone), 1);
    assert_int_equal(alone_metric(&alone, CONNECTIONS), 1);

    peer_leave(&alone.a, SL_CLOSE_LOST);
    assert_true(conn->aborted);
    assert_int_equal(open_count(&alone), 0);
    assert_int_equal(alone_metric(&alone, CONNECTIONS), 0);
    /* Nothing of the script runs before the run queue does. */
    expect_log(alone.worker, "connected a\n");
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "disconnected a lost\nforget a\n");
    assert_null(sl_world_conn(&alone.worker->world, handle));
    assert_int_equal(alone_metric(&alone, CONNECTIONS_OPENED), 1);
    alone_release(&alone);
}

static void test_handshake_comes_first(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.greeting = "welcome";
    peer_open(&alone.a, alone.worker, "a", NULL);
    peer_say(&alone.a, "{'protocol':'json','version':1}");
    expect_heard(&alone.a, "{}\n" HEAR("welcome"));
    alone_release(&alone);
}

static void test_calls_wait_for_on_connected(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.on_connected = C_HUB_HELD;
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_invoke(&alone.a, "2", "Nope", "[]");
    peer_say(&alone.a, "{'type':4,'invocationId':'3','target':'Stream',"
                       "'arguments':[]}");
    peer_invoke(&alone.a, "4", "Echo", "[4]");
    cluster_settle(&alone.cluster);
    assert_non_null(strstr(peer_heard(&alone.a), "'2','error'"));
    assert_int_equal(alone.worker->hub.started, 0);

    /* Broadcasts reach it already. */
    alone.worker->hub.on_connected = C_HUB_AT_ONCE;
    alone_join(&alone, &alone.b, "b");
    peer_invoke(&alone.b, NULL, "SendAll", "['m']");
    expect_heard(&alone.a, HEAR("m"));

    c_hub_connected_end(alone.a.conn, true);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a,
                 RESULT("1", "1") RESULT("3", "null") RESULT("4", "4"));
    alone_release(&alone);
}

static void test_reading_pauses_while_on_connected_runs(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.on_connected = C_HUB_HELD;
    alone_join(&alone, &alone.a, "a");
    for (int i = 0; i < 64; i++)
        peer_invoke(&alone.a, NULL, "Echo", "[1]");
    assert_true(alone.a.paused);
    c_hub_connected_end(alone.a.conn, true);
    cluster_settle(&alone.cluster);
    assert_false(alone.a.paused);
    assert_int_equal(alone.worker->hub.started, 64);
    alone_release(&alone);
}

static void tune_details(struct sl_hub_options *options)
{
    options->detailed_errors = 1;
}

static void expect_ungreeted(void (*tune)(struct sl_hub_options *),
                             enum c_hub_event_mode mode, const char *heard)
{
    struct alone alone;
    alone_init(&alone, tune);
    alone.worker->hub.on_connected = mode;
    peer_open(&alone.a, alone.worker, "a", "ann");
    peer_say_raw(&alone.a, "{'protocol':'json','version':1}\n{'type':6}\n");
    expect_heard(&alone.a, heard);
    assert_true(alone.a.closed);
    cluster_settle(&alone.cluster);
    /* on_disconnected is not called. */
    expect_log(alone.worker, "connected a\nforget a\n");
    assert_int_equal(alone.worker->entry->hub->users.count, 0);
    alone_release(&alone);
}

static void test_failed_on_connected(void **state)
{
    (void)state;
    expect_ungreeted(NULL, C_HUB_FAILS,
                     "{}\n{'type':7,'error':'Connection closed with an error."
                     "'}\n");
    expect_ungreeted(NULL, C_HUB_FAILS_HUB_ERROR,
                     "{}\n{'type':7,'error':'Connection closed with an error. "
                     "HubException: not today'}\n");
    expect_ungreeted(tune_details, C_HUB_FAILS,
                     "{}\n{'type':7,'error':'Connection closed with an error. "
                     "InvalidOperationException: not today'}\n");
}

static void expect_lost_while_connecting(bool ok, const char *log)
{
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.on_connected = C_HUB_HELD;
    alone_join(&alone, &alone.a, "a");
    struct sl_conn *conn = alone.a.conn;
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "drop Echo\nhurry a\n");
    sl_runq_push(&alone.worker->runq, &conn->task);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, ""); /* told once */
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 1);
    c_hub_connected_end(conn, ok);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, log);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 0);
    alone_release(&alone);
}

static void test_lost_while_on_connected_runs(void **state)
{
    (void)state;
    expect_lost_while_connecting(true, "disconnected a lost\nforget a\n");
    expect_lost_while_connecting(false, "forget a\n");
}

static void test_member_until_on_disconnected_ends(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone.worker->hub.on_disconnected = C_HUB_HELD;
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    struct sl_conn *conn = alone.a.conn;
    struct sl_hub *hub = alone.worker->entry->hub;
    peer_invoke(&alone.a, NULL, "JoinGroup", "['g']");
    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    assert_int_equal(conn->state, SL_CONN_LEAVING);
    assert_int_equal(hub->groups.count, 1);
    assert_int_equal(hub->by_id.count, 2);

    /* What is sent to it now is dropped. */
    peer_invoke(&alone.b, "1", "SendGroup", "['g','m']");
    peer_invoke(&alone.b, "2", "SendClient", "['a---------------------','m']");
    expect_heard(&alone.b, RESULT("1", "null") RESULT("2", "null"));
    expect_heard(&alone.a, "");

    sl_conn_disconnected_done(conn);
    assert_int_equal(hub->groups.count, 0);
    assert_int_equal(hub->by_id.count, 1);
    cluster_settle(&alone.cluster);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 1);
    alone.worker->hub.on_disconnected = C_HUB_AT_ONCE;
    alone_release(&alone);
}

/* ---- closing ---- */

static void test_abort_inside_a_method(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say_raw(&alone.a,
                 "{'type':1,'invocationId':'1','target':'Abort','arguments':[]}"
                 "\n{'type':1,'invocationId':'2','target':'Echo','arguments':["
                 "1]}\n");
    /* Neither its completion nor the next call. */
    expect_heard(&alone.a, CLOSE);
    assert_true(alone.a.closed);
    assert_int_equal(alone.worker->hub.started, 1);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "disconnected a abort\nforget a\n");

    alone_join(&alone, &alone.b, "b");
    peer_invoke(&alone.b, "1", "AbortWith", "['enough']");
    expect_heard(&alone.b, "{'type':7,'error':'enough'}\n");
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "disconnected b abort: enough\nforget b\n");
    alone_release(&alone);
}

static void test_abort_while_calls_wait_in_the_chunk(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "2", "Abort", "[]");
    peer_invoke(&alone.a, "3", "Echo", "[3]");
    c_hub_finish(&alone.worker->hub);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, RESULT("1", "1") CLOSE);
    expect_log(alone.worker, "drop Echo\ndisconnected a abort\nforget a\n");
    alone_release(&alone);
}

static void test_first_reason_counts(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_conn *conn = alone.a.conn;
    sl_conn_close(conn, SL_CLOSE_KICKED, SL_SLICE("out"), true);
    sl_conn_close(conn, SL_CLOSE_EXPIRED, SL_SLICE("late"), false);
    sl_conn_abort(conn, SL_SLICE("later"));
    sl_conn_lost(conn, SL_CLOSE_LOST);
    sl_conn_received(conn, SL_SLICE("x"));
    sl_conn_drained(conn);
    expect_heard(&alone.a, "{'type':7,'error':'out','allowReconnect':true}\n");
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "disconnected a kicked: out\nforget a\n");
    alone_release(&alone);
}

static void test_close_before_the_handshake(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open(&alone.a, alone.worker, "a", NULL);
    sl_conn_close(alone.a.conn, SL_CLOSE_SHUTDOWN, (struct sl_slice){ 0 },
                  true);
    expect_heard(&alone.a, "");
    assert_true(alone.a.closed);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "forget a\n");
    alone_release(&alone);
}

static void test_duplicate_id(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "same");
    peer_open(&alone.b, alone.worker, "same", NULL);
    peer_say(&alone.b, "{'protocol':'json','version':1}");
    expect_heard(&alone.b, "{}\n");
    assert_true(alone.b.closed && alone.b.failed);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "forget same\n");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    expect_heard(&alone.a, RESULT("1", "1"));
    alone_release(&alone);
}

static void test_unusable_user_ids(void **state)
{
    (void)state;
    struct alone alone;
    static char longest[1025];
    memset(longest, 'u', sizeof(longest));
    alone_init(&alone, NULL);
    struct sl_slice unusable = sl_slice_of("ann\0x", 5), none = { 0 };
    struct sl_conn_setup setup = { .identity =
                                       sl_identity_new(unusable, none, 0) };
    peer_open_as(&alone.a, alone.worker, "a", setup);
    assert_null(alone.a.conn->user_id);
    assert_true(sl_conn_is_of(alone.a.conn, unusable));
    assert_true(sl_conn_is_of(alone.a.conn, (struct sl_slice){ 0 }));
    assert_false(sl_conn_is_of(alone.a.conn, SL_SLICE("ann")));
    sl_identity_unref(setup.identity);
    setup.identity =
        sl_identity_new(sl_slice_of(longest, sizeof(longest)), none, 0);
    peer_open_as(&alone.b, alone.worker, "b", setup);
    assert_null(alone.b.conn->user_id);
    sl_identity_unref(setup.identity);
    alone_release(&alone);
}

/* ---- slow clients ---- */

static void tune_small_queue(struct sl_hub_options *options)
{
    options->max_outbound = 2000;
}

static void test_slow_client_is_closed(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small_queue);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    alone.a.stuck = true;
    for (int i = 0; i < 100; i++)
        peer_invoke(&alone.b, NULL, "SendAll", "['message']");
    assert_false(alone.a.closed); /* not before the run queue's turn */
    assert_true(alone.a.queued > 2000 && alone.a.queued < 2100);
    cluster_settle(&alone.cluster);
    assert_true(alone.a.closed && alone.a.dropped);
    assert_null(strstr(peer_heard(&alone.a), "'type':7"));
    expect_log(alone.worker,
               "disconnected a slow: Connection closed because the client "
               "does not read fast enough.\nforget a\n");
    assert_int_equal(alone_metric(&alone, SLOW_CLOSED), 1);
    /* Nobody else noticed. */
    assert_int_equal(strlen(peer_heard(&alone.b)),
                     100 * strlen(HEAR("message")));
    alone_release(&alone);
}

static void test_slow_client_lost_before_it_is_closed(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small_queue);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    alone.a.stuck = true;
    for (int i = 0; i < 100; i++)
        peer_invoke(&alone.b, NULL, "SendAll", "['message']");
    assert_true(alone.a.conn->overflowed);
    sl_conn_close(alone.a.conn, SL_CLOSE_KICKED, (struct sl_slice){ 0 }, true);
    assert_false(alone.a.closed);
    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    assert_non_null(strstr(c_hub_log(&alone.worker->hub), "a slow: "));
    alone_release(&alone);
}

/* It is over as a slow one, whatever else comes due in that moment. */
static void test_slow_client_times_out_too(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small_queue);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    peer_say(&alone.a, "{'type':6}");
    alone.a.stuck = true;
    /* One large message: reading was not paused before. */
    struct sl_str args = { 0 };
    sl_str_add_lit(&args, "['");
    memset(sl_str_reserve(&args, 3000), 'x', 3000);
    args.len += 3000;
    sl_str_add_lit(&args, "']");
    peer_invoke(&alone.b, NULL, "SendOthers", sl_str_cstr(&args));
    sl_str_release(&args);
    assert_true(alone.a.conn->overflowed);
    cluster_advance(&alone.cluster, 30000);
    assert_true(alone.a.closed && alone.a.dropped);
    assert_non_null(strstr(c_hub_log(&alone.worker->hub), "a slow: "));
    alone_release(&alone);
}

static void test_reading_pauses_at_half_of_the_queue(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small_queue);
    alone_join(&alone, &alone.a, "a");
    alone.a.stuck = true;
    struct sl_str many = { 0 };
    for (int i = 0; i < 100; i++)
        sl_str_add_lit(&many, "{'type':1,'invocationId':'1','target':'Echo',"
                              "'arguments':['xxxxxxxxxxxxxxxxxxxx']}\n");
    peer_say_raw(&alone.a, sl_str_cstr(&many));
    sl_str_release(&many);
    assert_true(alone.a.paused);
    assert_true(alone.a.queued > 1000 && alone.a.queued < 1100);
    unsigned started = alone.worker->hub.started;
    assert_true(started < 100);

    peer_read(&alone.a);
    assert_false(alone.a.paused);
    cluster_settle(&alone.cluster);
    assert_int_equal(alone.worker->hub.started, 100);
    assert_false(alone.a.closed);
    assert_int_equal(alone_metric(&alone, READING_PAUSED), 1);
    alone_release(&alone);
}

/* Two causes: reading resumes when both are gone. */
static void test_two_causes_of_a_pause(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_small_queue);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    alone.a.stuck = true;
    for (int i = 0; i < 65; i++)
        peer_invoke(&alone.a, NULL, "Slow", "[1]");
    for (int i = 0; i < 22; i++)
        peer_invoke(&alone.b, NULL, "SendAll", "['message']");
    assert_int_equal(alone.a.conn->pauses, SL_PAUSE_CALLS | SL_PAUSE_OUTBOUND);
    peer_read(&alone.a);
    assert_true(alone.a.paused);
    while (c_hub_finish(&alone.worker->hub))
        cluster_settle(&alone.cluster);
    assert_false(alone.a.paused);
    assert_int_equal(alone.a.pauses, 1);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_handshake_comes_first),
        cmocka_unit_test(test_calls_wait_for_on_connected),
        cmocka_unit_test(test_reading_pauses_while_on_connected_runs),
        cmocka_unit_test(test_failed_on_connected),
        cmocka_unit_test(test_lost_while_on_connected_runs),
        cmocka_unit_test(test_member_until_on_disconnected_ends),
        cmocka_unit_test(test_abort_inside_a_method),
        cmocka_unit_test(test_abort_while_calls_wait_in_the_chunk),
        cmocka_unit_test(test_first_reason_counts),
        cmocka_unit_test(test_close_before_the_handshake),
        cmocka_unit_test(test_duplicate_id),
        cmocka_unit_test(test_unusable_user_ids),
        cmocka_unit_test(test_slow_client_is_closed),
        cmocka_unit_test(test_slow_client_lost_before_it_is_closed),
        cmocka_unit_test(test_slow_client_times_out_too),
        cmocka_unit_test(test_reading_pauses_at_half_of_the_queue),
        cmocka_unit_test(test_two_causes_of_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
