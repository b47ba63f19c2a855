// SPDX-License-Identifier: MIT
/*
 * Polls: the first, those that wait, two at once, none in time, and the end.
 */
#include "transport/long_polling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/poll_rig.h"

#define UNKNOWN "No Connection with that ID"
#define ADD "{'type':1,'invocationId':'1','target':'Add','arguments':[1,2]}\n"
#define ADDED "{'type':3,'invocationId':'1','result':3}\n"

static struct ws_rig rig;
static char target[64];

static int set_up(void **state)
{
    (void)state;
    ws_rig_open(&rig);
    poll_negotiate(&rig, target);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ws_rig_close(&rig);
    return 0;
}

static void a_call_is_answered_by_the_next_poll(void **state)
{
    (void)state;
    poll_join(&rig, target);
    poll_ask(&rig, "POST", target, ADD, 200, "");
    poll_ask(&rig, "GET", target, "", 200, ADDED);
}

static void a_poll_waits_for_an_answer(void **state)
{
    (void)state;
    struct ws_client poll;
    poll_join(&rig, target);
    ws_client_open(&poll, &rig);
    poll_send(&poll, "GET", target, "", "");
    poll_ask(&rig, "POST", target, ADD ADD, 200, "");
    poll_hears(&poll, 200, ADDED ADDED);
    ws_client_close(&poll);
}

static void a_second_poll_ends_the_first(void **state)
{
    (void)state;
    struct ws_client first, second;
    poll_join(&rig, target);
    ws_client_open(&first, &rig);
    ws_client_open(&second, &rig);
    poll_send(&first, "GET", target, "", "");
    test_loop_turn(&rig.loop);
    test_loop_turn(&rig.loop);
    poll_send(&second, "GET", target, "", "");
    poll_hears(&first, 204, "");
    poll_ask(&rig, "POST", target, ADD, 200, "");
    poll_hears(&second, 200, ADDED);
    ws_client_close(&first);
    ws_client_close(&second);
}

static void a_poll_times_out_empty(void **state)
{
    (void)state;
    struct ws_client poll;
    rig.entry->options.poll_timeout = 100;
    poll_join(&rig, target);
    ws_client_open(&poll, &rig);
    poll_send(&poll, "GET", target, "", "");
    poll_hears(&poll, 200, "");
    poll_ask(&rig, "POST", target, ADD, 200, "");
    poll_ask(&rig, "GET", target, "", 200, ADDED);
    ws_client_close(&poll);
}

static void nothing_is_lost_when_a_poll_is_given_up(void **state)
{
    (void)state;
    struct ws_client poll;
    poll_join(&rig, target);
    ws_client_open(&poll, &rig);
    poll_send(&poll, "GET", target, "", "");
    for (int i = 0; i < 5; i++)
        test_loop_turn(&rig.loop);
    ws_client_close(&poll);
    for (int i = 0; i < 5; i++)
        test_loop_turn(&rig.loop);
    poll_ask(&rig, "POST", target, ADD, 200, "");
    poll_ask(&rig, "GET", target, "", 200, ADDED);
}

static void a_client_that_polls_no_more_is_lost(void **state)
{
    (void)state;
    rig.entry->options.disconnect_timeout = 100;
    poll_join(&rig, target);
    test_loop_until(&rig.loop, sl_list_empty(&rig.transport.links));
    test_loop_until(&rig.loop, sl_world_conn_count(&rig.world) == 0);
    assert_non_null(strstr(c_hub_log(&rig.hub), " lost"));
    poll_ask(&rig, "GET", target, "", 404, UNKNOWN);
}

static void delete_says_goodbye(void **state)
{
    (void)state;
    struct ws_client poll;
    poll_join(&rig, target);
    ws_client_open(&poll, &rig);
    poll_send(&poll, "GET", target, "", "");
    for (int i = 0; i < 5; i++)
        test_loop_turn(&rig.loop);
    poll_ask(&rig, "DELETE", target, "", 202, "");
    poll_hears(&poll, 204, "");
    ws_client_close(&poll);
    poll_ask(&rig, "DELETE", target, "", 404, UNKNOWN);
    poll_ask(&rig, "POST", target, ADD, 404, UNKNOWN);
    test_loop_until(&rig.loop, sl_world_conn_count(&rig.world) == 0);
    assert_non_null(strstr(c_hub_log(&rig.hub), " client"));
}

static void the_end_is_told_once(void **state)
{
    (void)state;
    poll_join(&rig, target);
    poll_ask(&rig, "POST", target, "{'type':7}\n", 200, "");
    poll_ask(&rig, "GET", target, "", 200, "{'type':7}\n");
    poll_ask(&rig, "GET", target, "", 204, "");
    poll_ask(&rig, "GET", target, "", 404, UNKNOWN);
}

static int64_t queued_bytes(void)
{
    return sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES);
}

static void what_waits_is_bounded_and_let_go(void **state)
{
    (void)state;
    struct ws_client other;
    rig.entry->options.max_outbound = 4096;
    poll_join(&rig, target);
    ws_client_open(&other, &rig);
    ws_client_join(&other, "");
    while (sl_metric_get(&rig.loop.metrics, SL_M_SLOW_CLOSED) == 0) {
        ws_client_say(&other, "{'type':1,'target':'SendOthers',"
                              "'arguments':['a text of no great length']}");
        test_loop_turn(&rig.loop);
        assert_true(queued_bytes() < 2 * 4096);
    }
    test_loop_until(&rig.loop, queued_bytes() == 0);
    assert_non_null(strstr(c_hub_log(&rig.hub), " slow"));
    poll_ask(&rig, "GET", target, "", 204, "");
    poll_ask(&rig, "GET", target, "", 404, UNKNOWN);
    ws_client_close(&other);
}

/* A message to all, with `text` as long as is asked for. */
static void send_all(struct ws_client *from, size_t len)
{
    struct sl_str call = { 0 };
    sl_str_add_lit(&call, "{'type':1,'target':'SendOthers','arguments':['");
    for (size_t i = 0; i < len; i++)
        sl_str_add_char(&call, 'x');
    sl_str_add_lit(&call, "']}");
    ws_client_say(from, sl_str_cstr(&call));
    sl_str_release(&call);
}

static void one_broadcast_is_not_copied(void **state)
{
    (void)state;
    enum { LARGE = 3000, FRAMED = LARGE + 44 };
    struct ws_client other;
    char expected[2 * FRAMED + 1];
    poll_join(&rig, target);
    ws_client_open(&other, &rig);
    ws_client_join(&other, "");
    for (unsigned round = 1; round <= 2; round++) {
        size_t len = 0;
        for (unsigned i = 0; i < round; i++) {
            send_all(&other, LARGE);
            len += (size_t)snprintf(expected + len, sizeof(expected) - len,
                                    "{'type':1,'target':'Hear','arguments':['"
                                    "%0*d']}\n",
                                    LARGE, 0);
        }
        for (size_t i = 0; i < len; i++)
            if (expected[i] == '0')
                expected[i] = 'x';
        test_loop_until(&rig.loop, queued_bytes() == (int64_t)len);
        poll_ask(&rig, "GET", target, "", 200, expected);
        assert_int_equal(queued_bytes(), 0);
    }
    send_all(&other, LARGE); /* and one that nobody fetches */
    test_loop_until(&rig.loop, queued_bytes() > 0);
    ws_client_close(&other);
    poll_ask(&rig, "DELETE", target, "", 202, "");
    assert_int_equal(queued_bytes(), 0);
}

/* Each poll takes what waits, and only then there is more. */
static void a_stream_waits_for_polls(void **state)
{
    (void)state;
    struct ws_client poll;
    struct sl_str all = { 0 };
    unsigned polls = 0;
    rig.entry->options.max_outbound = 4096;
    poll_join(&rig, target);
    poll_ask(&rig, "POST", target,
             "{'type':4,'invocationId':'1','target':'Count',"
             "'arguments':[1000]}\n",
             200, "");
    ws_client_open(&poll, &rig);
    while (all.len == 0 || memmem(all.ptr, all.len, "\"type\":3", 8) == NULL) {
        assert_true(queued_bytes() > 0 && queued_bytes() < 2048);
        poll_send(&poll, "GET", target, "", "");
        assert_int_equal(ws_client_answer(&poll), 200);
        sl_str_add_slice(&all, sl_str_slice(&poll.in));
        sl_str_clear(&poll.in);
        for (int i = 0; i < 5; i++)
            test_loop_turn(&rig.loop);
        polls++;
    }
    assert_true(polls > 10);
    unsigned items = 0;
    for (size_t i = 0; i < all.len; i++)
        items += all.ptr[i] == 0x1e;
    assert_int_equal(items, 1001);
    sl_str_release(&all);
    ws_client_close(&poll);
    assert_int_equal(sl_metric_get(&rig.loop.metrics, SL_M_SLOW_CLOSED), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_is_answered_by_the_next_poll),
        CASE(a_poll_waits_for_an_answer),
        CASE(a_second_poll_ends_the_first),
        CASE(a_poll_times_out_empty),
        CASE(nothing_is_lost_when_a_poll_is_given_up),
        CASE(a_client_that_polls_no_more_is_lost),
        CASE(delete_says_goodbye),
        CASE(the_end_is_told_once),
        CASE(what_waits_is_bounded_and_let_go),
        CASE(one_broadcast_is_not_copied),
        CASE(a_stream_waits_for_polls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
