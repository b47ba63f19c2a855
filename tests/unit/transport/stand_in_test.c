// SPDX-License-Identifier: MIT
/*
 * A stateful connection between two sockets: who may have it back, what ends
 * it meanwhile, and that nothing is left then.
 */
#include "transport/stand_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub/conn.h"
#include "tests/lib/ws_rig.h"

static struct ws_rig rig;
static struct ws_client client;
static char query[64];

static void join(void)
{
    struct sl_token token;
    sl_token_issue(&rig.keys, SL_SLICE("chat"), rig.wall_ms, false, true,
                   &token);
    snprintf(query, sizeof(query), "id=%s", token.text);
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_upgrade(&client, query), 101);
    ws_client_say(&client, "{'protocol':'json','version':2}");
    ws_client_hears(&client, "{}\n");
    c_hub_log(&rig.hub);
}

static int64_t metric(enum sl_metric id)
{
    return sl_metric_get(&rig.loop.metrics, id);
}

static void lose(void)
{
    ws_client_close(&client);
    test_loop_until(&rig.loop, rig.transport.socket_count == 0);
}

static unsigned come_back(void)
{
    ws_client_open(&client, &rig);
    return ws_client_upgrade(&client, query);
}

static int set_up(void **state)
{
    (void)state;
    ws_rig_open(&rig);
    join();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ws_client_close(&client);
    ws_rig_close(&rig);
    return 0;
}

static struct sl_conn *the_conn(void)
{
    struct sl_link *link =
        sl_link_find(&rig.transport, sl_slice_str(query + 3));
    assert_non_null(link);
    return link->conn;
}

static void assert_gone(const char *log)
{
    test_loop_until(&rig.loop, sl_world_conn_count(&rig.world) == 0);
    assert_non_null(strstr(c_hub_log(&rig.hub), log));
    assert_true(sl_list_empty(&rig.transport.links));
    assert_int_equal(metric(SL_M_AWAY), 0);
    assert_int_equal(metric(SL_M_AWAY_BYTES), 0);
    assert_int_equal(come_back(), 404);
}

static void a_lost_socket_comes_back(void **state)
{
    (void)state;
    struct sl_conn *conn = the_conn();
    ws_client_say(&client, "{'type':1,'target':'Slow','arguments':[5],"
                           "'invocationId':'1'}");
    test_loop_until(&rig.loop, rig.hub.started == 1);
    lose();
    assert_int_equal(metric(SL_M_AWAY), 1);
    assert_true(c_hub_finish(&rig.hub));
    assert_int_equal(come_back(), 101);
    assert_ptr_equal(the_conn(), conn);
    assert_int_equal(metric(SL_M_AWAY), 0);
    assert_true(sl_list_empty(&rig.transport.links));
    ws_client_hears(&client, "{'type':9,'sequenceId':1}\n");
    ws_client_hears(&client, "{'type':3,'invocationId':'1','result':5}\n");
    assert_string_equal(c_hub_log(&rig.hub), "");
}

static void a_reset_counts_as_lost(void **state)
{
    (void)state;
    struct linger at_once = { .l_onoff = 1 };
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    lose();
    assert_int_equal(come_back(), 101);
    ws_client_hears(&client, "{'type':9,'sequenceId':1}\n");
}

static void a_new_socket_takes_over_from_a_living_one(void **state)
{
    (void)state;
    struct ws_client old = client;
    unsigned first;
    struct sl_str payload = { 0 };
    ws_client_send(&old, SL_SLICE("\x81\xfe")); /* in mid-frame */
    test_loop_until(&rig.loop, rig.transport.reader_count == 1);
    assert_int_equal(come_back(), 101);
    ws_client_hears(&client, "{'type':9,'sequenceId':1}\n");
    assert_false(ws_client_next(&old, &first, &payload)); /* its end */
    assert_int_equal(rig.transport.reader_count, 0);
    assert_int_equal(rig.transport.socket_count, 1);
    ws_client_say(&client, "{'type':1,'target':'Echo','arguments':[7],"
                           "'invocationId':'1'}");
    ws_client_hears(&client, "{'type':3,'invocationId':'1','result':7}\n");
    sl_str_release(&payload);
    ws_client_close(&old);
}

static void frames_may_come_with_the_request(void **state)
{
    (void)state;
    struct sl_str bytes = { 0 };
    lose();
    ws_upgrade_add(&bytes, query);
    ws_frame_add(&bytes, 0x81,
                 SL_SLICE("{\"type\":9,\"sequenceId\":1}\x1e"
                          "{\"type\":1,\"target\":\"Echo\","
                          "\"arguments\":[7],\"invocationId\":\"1\"}\x1e"));
    ws_client_open(&client, &rig);
    ws_client_send(&client, sl_str_slice(&bytes));
    assert_int_equal(ws_client_answer(&client), 101);
    ws_client_hears(&client, "{'type':9,'sequenceId':1}\n");
    ws_client_hears(&client, "{'type':3,'invocationId':'1','result':7}\n");
    sl_str_release(&bytes);
}

/* Neither while it is away nor while it is not. */
static void another_user_does_not_get_it(void **state)
{
    (void)state;
    struct ws_client thief;
    struct sl_conn *conn = the_conn();
    conn->user_id = sl_slice_dup(SL_SLICE("ann"));
    ws_client_open(&thief, &rig);
    assert_int_equal(ws_client_upgrade(&thief, query), 403);
    ws_client_close(&thief);
    ws_client_say(&client, "{'type':1,'target':'Echo','arguments':[7],"
                           "'invocationId':'1'}");
    ws_client_hears(&client, "{'type':3,'invocationId':'1','result':7}\n");
    lose();
    ws_client_open(&thief, &rig);
    assert_int_equal(ws_client_upgrade(&thief, query), 403);
    ws_client_close(&thief);
    assert_int_equal(metric(SL_M_AWAY), 1);
    assert_ptr_equal(the_conn(), conn);
    assert_string_equal(c_hub_log(&rig.hub), "");
}

static void other_requests_are_answered_as_for_a_living_one(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        unsigned status;
    } cases[] = { { "POST", 405 }, { "DELETE", 400 }, { "GET", 400 } };
    char target[80];
    snprintf(target, sizeof(target), "/chat?%s", query);
    lose();
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_str body = { 0 };
        ws_client_open(&client, &rig);
        assert_int_equal(
            ws_client_request(&client, cases[i].method, target, &body),
            cases[i].status);
        sl_str_release(&body);
        ws_client_close(&client);
    }
    assert_int_equal(come_back(), 101);
}

static void it_ends_after_a_time(void **state)
{
    (void)state;
    uint64_t timeout_ms = rig.entry->options.disconnect_timeout;
    test_loop_stop_time(&rig.loop);
    lose();
    test_loop_pass(&rig.loop, timeout_ms - 1);
    assert_int_equal(metric(SL_M_AWAY), 1);
    test_loop_pass(&rig.loop, 1);
    assert_gone("lost");
}

static void the_hub_ends_it(void **state)
{
    (void)state;
    lose();
    sl_conn_close(the_conn(), SL_CLOSE_KICKED, (struct sl_slice){ 0 }, false);
    assert_gone("kicked");
}

static void shutdown_ends_it(void **state)
{
    (void)state;
    lose();
    sl_transport_abort(&rig.transport);
    assert_gone("shutdown");
}

static void a_goodbye_is_one(void **state)
{
    (void)state;
    ws_client_frame(&client, 0x88, (struct sl_slice){ 0 });
    ws_client_hears_close(&client, 1000);
    ws_client_close(&client);
    assert_gone("client");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lost_socket_comes_back),
        CASE(a_reset_counts_as_lost),
        CASE(a_new_socket_takes_over_from_a_living_one),
        CASE(frames_may_come_with_the_request),
        CASE(another_user_does_not_get_it),
        CASE(other_requests_are_answered_as_for_a_living_one),
        CASE(it_ends_after_a_time),
        CASE(the_hub_ends_it),
        CASE(shutdown_ends_it),
        CASE(a_goodbye_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
