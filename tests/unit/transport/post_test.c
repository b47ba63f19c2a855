// SPDX-License-Identifier: MIT
/*
 * Bytes by POST: in any cut, before the transport, and while reading rests.
 */
#include "transport/post.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/poll_rig.h"

#define HELLO "{'protocol':'json','version':1}\n"

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

static void a_message_may_be_cut_and_a_body_empty(void **state)
{
    (void)state;
    poll_join(&rig, target);
    poll_ask(&rig, "POST", target, "{'type':1,'invocationId':'1',", 200, "");
    poll_ask(&rig, "POST", target, "", 200, "");
    poll_ask(&rig, "POST", target, "'target':'Add','arguments':[1,2]}\n", 200,
             "");
    poll_ask(&rig, "GET", target, "", 200,
             "{'type':3,'invocationId':'1','result':3}\n");
}

static void bytes_may_come_before_the_first_poll(void **state)
{
    (void)state;
    poll_ask(&rig, "POST", target, "{'protocol':'json',", 200, "");
    poll_ask(&rig, "POST", target, "'version':1}\n", 200, "");
    assert_true(rig.transport.early_bytes > 0);
    poll_ask(&rig, "GET", target, "", 200, "");
    assert_int_equal(rig.transport.early_bytes, 0);
    poll_ask(&rig, "GET", target, "", 200, "{}\n");
}

static void or_before_a_websocket(void **state)
{
    (void)state;
    struct ws_client client;
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_upgrade(&client, strchr(target, '?') + 1), 101);
    ws_client_hears(&client, "{}\n");
    ws_client_close(&client);
}

static void but_not_too_many(void **state)
{
    (void)state;
    static char big[8000];
    memset(big, ' ', sizeof(big) - 1);
    for (unsigned i = 0; i < SL_EARLY_BYTES_MAX / (sizeof(big) - 1); i++)
        poll_ask(&rig, "POST", target, big, 200, "");
    poll_ask(&rig, "POST", target, big, 413,
             "Too much was sent before the connect.");
}

static void nor_too_many_of_all_clients(void **state)
{
    (void)state;
    char other[64];
    const size_t others = SL_EARLY_TOTAL_MAX - sizeof(HELLO);
    rig.transport.early_bytes = others; /* of some hundred clients */
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    poll_negotiate(&rig, other);
    poll_ask(&rig, "POST", other, "ab", 413,
             "Too much was sent before the connect.");
    poll_ask(&rig, "POST", other, "a", 200, "");
    poll_ask(&rig, "GET", target, "", 200, "");
    poll_ask(&rig, "POST", other, HELLO, 200, "");
    poll_ask(&rig, "GET", other, "", 200, "");
    assert_int_equal(rig.transport.early_bytes, others);
    rig.transport.early_bytes = 0;
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    rig.entry->options.disconnect_timeout = 100;
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    test_loop_until(&rig.loop, sl_list_empty(&rig.transport.links));
    poll_ask(&rig, "GET", target, "", 404, "No Connection with that ID");
}

static void delete_before_the_first_poll(void **state)
{
    (void)state;
    static const char text[] =
        "Cannot terminate this connection using the DELETE endpoint.";
    poll_ask(&rig, "DELETE", target, "", 400, text);
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    poll_ask(&rig, "DELETE", target, "", 400, text);
}

static void a_paused_connection_lets_the_next_one_wait(void **state)
{
    (void)state;
    struct ws_client client;
    struct sl_str calls = { 0 };
    poll_join(&rig, target);
    for (unsigned i = 0; i < SL_WAITING_CALLS_MAX + 10; i++)
        sl_str_add_lit(&calls,
                       "{'type':1,'target':'Slow','arguments':['x']}\n");
    poll_ask(&rig, "POST", target, sl_str_cstr(&calls), 200, "");
    sl_str_release(&calls);
    ws_client_open_local(&client, &rig);
    poll_send(&client, "POST", target, "", "{'type':6}\n");
    test_loop_settle(&rig.loop);
    assert_false(!test_recv(client.fd, &client.in, NULL));
    assert_int_equal(client.in.len, 0);
    while (c_hub_finish(&rig.hub))
        test_loop_settle(&rig.loop);
    poll_hears(&client, 200, "");
    ws_client_close(&client);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_message_may_be_cut_and_a_body_empty),
        CASE(bytes_may_come_before_the_first_poll),
        CASE(or_before_a_websocket),
        CASE(but_not_too_many),
        CASE(nor_too_many_of_all_clients),
        CASE(nobody_waits_for_ever),
        CASE(delete_before_the_first_poll),
        CASE(a_paused_connection_lets_the_next_one_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
