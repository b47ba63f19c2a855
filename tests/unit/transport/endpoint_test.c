// SPDX-License-Identifier: MIT
/*
 * The routes of a hub: which request gets which status and text, and tokens
 * through their life: claimed once, known while their connection lives,
 * never good for a second one.
 */
#include "transport/endpoint.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/ws_rig.h"

static struct ws_rig rig;

static int set_up(void **state)
{
    (void)state;
    ws_rig_open(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ws_rig_close(&rig);
    return 0;
}

static void assert_answer(const char *method, const char *target,
                          unsigned status, const char *text)
{
    struct ws_client client;
    struct sl_str body = { 0 };
    ws_client_open(&client, &rig);
    unsigned got = ws_client_request(&client, method, target, &body);
    if (got != status || strcmp(sl_str_cstr(&body), text) != 0)
        fail_msg("%s %s: %u \"%s\"", method, target, got, body.ptr);
    sl_str_release(&body);
    ws_client_close(&client);
}

static void negotiate(char query[64])
{
    struct ws_client client;
    struct sl_str body = { 0 };
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_request(&client, "POST",
                                       "/chat/negotiate?negotiateVersion=1",
                                       &body), 200);
    const char *at = strstr(body.ptr, "\"connectionToken\":\"");
    assert_non_null(at);
    memcpy(query, "id=", 3);
    memcpy(query + 3, at + 19, SL_TOKEN_LEN);
    query[3 + SL_TOKEN_LEN] = '\0';
    sl_str_release(&body);
    ws_client_close(&client);
}

static void requests_that_name_no_connection(void **state)
{
    (void)state;
    static const char *const methods[] = { "GET", "POST", "DELETE" };
    for (size_t i = 0; i < SL_COUNT(methods); i++) {
        assert_answer(methods[i], "/chat", 400, "Connection ID required");
        assert_answer(methods[i], "/chat?id=", 400, "Connection ID required");
        assert_answer(methods[i], "/chat?id=unknown", 404,
                      "No Connection with that ID");
    }
}

static void methods_that_are_not_for_it(void **state)
{
    (void)state;
    static const char *const methods[] = { "PUT", "PATCH", "OPTIONS" };
    for (size_t i = 0; i < SL_COUNT(methods); i++) {
        assert_answer(methods[i], "/chat?id=unknown", 405, "");
        assert_answer(methods[i], "/chat/negotiate", 405, "");
    }
    assert_answer("GET", "/chat/negotiate?negotiateVersion=1", 405, "");
}

static void paths_mind_neither_case_nor_a_slash(void **state)
{
    (void)state;
    assert_answer("POST", "/CHAT?x=1", 400, "Connection ID required");
    assert_answer("POST", "/chat/", 400, "Connection ID required");
    assert_answer("GET", "/Chat/Negotiate/", 405, "");
    assert_answer("GET", "/nothing", 404, "");
}

static void a_token_opens_one_connection(void **state)
{
    (void)state;
    char query[64];
    struct ws_client first, second;
    negotiate(query);
    ws_client_open(&first, &rig);
    ws_client_join(&first, query);
    assert_int_equal(sl_claims_count(rig.claims), 1);

    ws_client_open(&second, &rig);
    assert_int_equal(ws_client_upgrade(&second, query), 409);
    ws_client_close(&second);
    ws_client_say(&first, "{'type':1,'invocationId':'1','target':'Add',"
                          "'arguments':[1,2]}");
    ws_client_hears(&first, "{'type':3,'invocationId':'1','result':3}\n");

    ws_client_close(&first);
    test_loop_until(&rig.loop, rig.transport.socket_count == 0);
    ws_client_open(&second, &rig);
    assert_int_equal(ws_client_upgrade(&second, query), 404);
    ws_client_close(&second);
}

static void a_live_connection_and_other_requests(void **state)
{
    (void)state;
    char query[64], target[80];
    struct ws_client client;
    negotiate(query);
    ws_client_open(&client, &rig);
    ws_client_join(&client, query);
    snprintf(target, sizeof(target), "/chat?%s", query);
    assert_answer("POST", target, 405,
                  "POST requests are not allowed for WebSocket connections.");
    assert_answer("DELETE", target, 400,
                  "Cannot terminate this connection using the DELETE "
                  "endpoint.");
    assert_answer("GET", target, 400, "Cannot change transports "
                                      "mid-connection");
    ws_client_close(&client);
}

static void a_token_expires_unless_it_is_in_use(void **state)
{
    (void)state;
    char late[64], used[64];
    struct ws_client client, other;
    negotiate(late);
    negotiate(used);
    ws_client_open(&client, &rig);
    ws_client_join(&client, used);
    rig.wall_ms += rig.entry->options.negotiate_timeout + 1000;

    ws_client_open(&other, &rig);
    assert_int_equal(ws_client_upgrade(&other, late), 404);
    ws_client_close(&other);
    ws_client_open(&other, &rig);
    assert_int_equal(ws_client_upgrade(&other, used), 409);
    ws_client_close(&other);
    ws_client_close(&client);
}

static void a_closed_connection_is_not_revived_while_its_token_lives(
    void **state)
{
    (void)state;
    char query[64];
    struct ws_client client;
    negotiate(query);
    for (unsigned i = 0; i < 3; i++) {
        ws_client_open(&client, &rig);
        unsigned status = ws_client_upgrade(&client, query);
        assert_int_equal(status, i == 0 ? 101 : 404);
        ws_client_close(&client);
        test_loop_until(&rig.loop, rig.transport.socket_count == 0);
        rig.wall_ms += 10000;
    }
}

static void the_id_does_not_stand_for_the_token(void **state)
{
    (void)state;
    struct sl_token token;
    char query[64];
    sl_token_issue(&rig.keys, SL_SLICE("chat"), rig.wall_ms, false, false,
                   &token);
    snprintf(query, sizeof(query), "id=%s", token.conn_id);
    struct ws_client client;
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_upgrade(&client, query), 404);
    ws_client_close(&client);
}

static void a_full_table_of_claims_answers_503(void **state)
{
    (void)state;
    char query[64], name[SL_TOKEN_LEN + 1];
    int owner;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%022u", i);
        assert_int_equal(sl_claims_take(rig.claims, sl_slice_str(name), 0,
                                        rig.wall_ms, rig.wall_ms + 60000,
                                        &owner), 0);
    }
    negotiate(query);
    struct ws_client client;
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_upgrade(&client, query), 503);
    ws_client_close(&client);
}

static void a_hub_without_websockets_refuses_them(void **state)
{
    (void)state;
    rig.entry->options.transports = 1u << SL_TRANSPORT_LONG_POLLING;
    struct ws_client client;
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_upgrade(&client, ""), 404);
    ws_client_close(&client);
}

static void what_is_no_upgrade_is_another_request(void **state)
{
    (void)state;
    struct ws_client client;
    ws_client_open(&client, &rig);
    ws_client_send(&client, SL_SLICE(
        "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    assert_int_equal(ws_client_answer(&client), 400);
    ws_client_close(&client);
    ws_client_open(&client, &rig);
    ws_client_send(&client, SL_SLICE(
        "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"));
    assert_int_equal(ws_client_answer(&client), 400);
    ws_client_close(&client);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(requests_that_name_no_connection),
        CASE(methods_that_are_not_for_it),
        CASE(paths_mind_neither_case_nor_a_slash),
        CASE(a_token_opens_one_connection),
        CASE(a_live_connection_and_other_requests),
        CASE(a_token_expires_unless_it_is_in_use),
        CASE(a_closed_connection_is_not_revived_while_its_token_lives),
        CASE(the_id_does_not_stand_for_the_token),
        CASE(a_full_table_of_claims_answers_503),
        CASE(a_hub_without_websockets_refuses_them),
        CASE(what_is_no_upgrade_is_another_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
