// SPDX-License-Identifier: MIT
/*
 * The routes of a hub: which request gets which status and text, and tokens
 * through their life: claimed once, known while their connection lives,
 * never good for a second one.
 */
#include "transport/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
                                       &body),
                     200);
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
    assert_answer("GET", target, 400,
                  "Cannot change transports "
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

static void assert_not_revived(const char *query, uint64_t for_ms)
{
    for (uint64_t t = 0; t < for_ms; t += 500) {
        struct ws_client client;
        ws_client_open(&client, &rig);
        assert_int_equal(ws_client_upgrade(&client, query), 404);
        ws_client_close(&client);
        rig.wall_ms += 500;
    }
}

static void use_up(const char *query)
{
    struct ws_client client;
    ws_client_open(&client, &rig);
    assert_int_equal(ws_client_upgrade(&client, query), 101);
    ws_client_close(&client);
    test_loop_until(&rig.loop, rig.transport.socket_count == 0);
}

/* The token is made at the beginning of a second: it knows no more of its age
 * than that, so its last second is the one to look at. */
static void a_closed_connection_is_not_revived_while_its_token_lives(
    void **state)
{
    (void)state;
    char query[64];
    rig.wall_ms -= rig.wall_ms % 1000;
    negotiate(query);
    use_up(query);
    assert_not_revived(query, rig.entry->options.negotiate_timeout + 3000);
}

/* A token belongs to the hub, and each of its entries has a time of its own:
 * the shortest must not make the pod forget it. */
static void nor_at_an_entry_that_gives_tokens_more_time(void **state)
{
    (void)state;
    char query[64];
    struct sl_hub_def def = {
        .name = SL_SLICE("patient"),
        .path = SL_SLICE("/patient"),
        .backplane_name = SL_SLICE("chat"),
        .ops = &c_hub_ops,
        .script = &rig.hub,
    };
    sl_hub_options_default(&def.options);
    sl_hub_add_entry(&rig.world, &def);
    rig.entry->options.negotiate_timeout = 1000;
    negotiate(query);
    use_up(query);
    /* As the other entry judges tokens. */
    rig.entry->options.negotiate_timeout = def.options.negotiate_timeout;
    assert_not_revived(query, def.options.negotiate_timeout + 3000);
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
                                        &owner),
                         0);
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
    ws_client_send(
        &client,
        SL_SLICE("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                 "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    assert_int_equal(ws_client_answer(&client), 400);
    ws_client_close(&client);
    ws_client_open(&client, &rig);
    ws_client_send(
        &client,
        SL_SLICE("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
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
        CASE(nor_at_an_entry_that_gives_tokens_more_time),
        CASE(the_id_does_not_stand_for_the_token),
        CASE(a_full_table_of_claims_answers_503),
        CASE(a_hub_without_websockets_refuses_them),
        CASE(what_is_no_upgrade_is_another_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
