// SPDX-License-Identifier: MIT
/*
 * Requests of a hub with and without tokens: who they are taken for, what a
 * guarded hub answers, now or later, and that another user's token does not
 * get at a connection.
 */
#include "transport/auth.h"

#include "hub/conn.h"
#include "tests/lib/tokens.h"
#include "tests/lib/ws_rig.h"
#include "wire/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct ws_rig rig;
static struct sl_script_ops ops;

/* What the script says: at once, or when decide_now is called. */
static struct {
    unsigned refused;
    bool later;
    bool replaces; /* who it is, by `script` */
    sl_decided_cb decided;
    void *user;
    struct sl_identity *identity;
    unsigned asked;
} script;

static void decide_now(void)
{
    struct sl_identity *own = NULL;
    if (script.replaces)
        own = sl_identity_new(SL_SLICE("script"), (struct sl_slice){ 0 }, 0);
    script.decided(script.user, script.refused,
                   script.replaces ? own : script.identity);
    sl_identity_unref(own);
    sl_identity_unref(script.identity);
    script.identity = NULL;
}

static void on_authorize(void *user_script,
                         const struct sl_http_request *request,
                         struct sl_identity *identity, sl_decided_cb decided,
                         void *user)
{
    (void)user_script;
    (void)request;
    script.asked++;
    script.decided = decided;
    script.user = user;
    script.identity = sl_identity_ref(identity);
    if (!script.later)
        decide_now();
}

static int set_up(void **state)
{
    (void)state;
    memset(&script, 0, sizeof(script));
    ws_rig_open(&rig);
    ops = *rig.entry->ops;
    ops.authorize = on_authorize;
    rig.entry->ops = &ops;
    rig.transport.jwt =
        sl_jwt_new(&(struct sl_jwt_setup){ .key = SL_SLICE(TOKEN_SECRET),
                                           .user_claim = "sub" },
                   NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_jwt_free(rig.transport.jwt);
    ws_rig_close(&rig);
    return 0;
}

static int64_t metric(enum sl_metric id)
{
    return sl_metric_get(rig.loop.loop.metrics, id);
}

/* A token of a user that expires so long from now. */
static const char *token_of(const char *user, int expires_s)
{
    char claims[128];
    snprintf(claims, sizeof(claims), "{\"sub\":\"%s\",\"exp\":%lld}", user,
             (long long)(rig.wall_ms / 1000) + expires_s);
    return token_hs256(claims);
}

/* One request over a socket of its own; the answer's head and body. */
static const char *ask(const char *method, const char *target,
                       const char *token)
{
    static char got[4096];
    struct ws_client client;
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
                   method, target);
    if (token != NULL)
        sl_str_add_fmt(&text, "Authorization: %s\r\n", token);
    sl_str_add_lit(&text, "Content-Length: 0\r\n\r\n");
    ws_client_open(&client, &rig);
    ws_client_send(&client, sl_str_slice(&text));
    sl_str_release(&text);
    while (!client.ended) {
        test_loop_turn(&rig.loop);
        client.ended = !test_recv(client.fd, &client.in, NULL);
    }
    snprintf(got, sizeof(got), "%.*s", (int)client.in.len, client.in.ptr);
    ws_client_close(&client);
    return got;
}

static const char *bearer(const char *token)
{
    static char text[1024];
    snprintf(text, sizeof(text), "Bearer %s", token);
    return text;
}

#define NEGOTIATE "/chat/negotiate?negotiateVersion=1"

static void expect_status(const char *answer, const char *status)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 ||
        strncmp(answer + 9, status, 3) != 0)
        fail_msg("not %s: %s", status, answer);
}

/* Opens Long Polling as somebody; the target of its later requests. */
static const char *begin_polling(const char *token)
{
    static char target[128];
    const char *at =
        strstr(ask("POST", NEGOTIATE, token), "\"connectionToken\":\"");
    assert_non_null(at);
    snprintf(target, sizeof(target), "/chat?id=%.*s", SL_TOKEN_LEN, at + 19);
    expect_status(ask("GET", target, token), "200");
    return target;
}

static struct sl_conn *the_conn(void)
{
    struct sl_list *node = rig.world.apart.next;
    assert_ptr_not_equal(node, &rig.world.apart);
    return SL_CONTAINER_OF(node, struct sl_conn, node);
}

/* ---- open hubs ---- */

static void open_hubs_take_everybody(void **state)
{
    (void)state;
    begin_polling(NULL);
    assert_false(the_conn()->authenticated);
    expect_status(ask("POST", NEGOTIATE, bearer("garbage")), "200");
    assert_int_equal(metric(SL_M_BEARER_REFUSED), 1);
    expect_status(ask("POST", NEGOTIATE, bearer(token_of("ann", -60))), "200");
    assert_int_equal(metric(SL_M_BEARER_EXPIRED), 1);
    assert_int_equal(script.asked, 0);
}

static void tokens_say_who_it_is(void **state)
{
    (void)state;
    begin_polling(bearer(token_of("ann", 60)));
    assert_true(the_conn()->authenticated);
    assert_string_equal(the_conn()->user_id, "ann");
    assert_int_equal(metric(SL_M_BEARER_REFUSED), 0);
}

static void without_a_key_no_token_is_good(void **state)
{
    (void)state;
    struct sl_jwt *jwt = rig.transport.jwt;
    rig.transport.jwt = NULL;
    begin_polling(bearer(token_of("ann", 60)));
    assert_false(the_conn()->authenticated);
    rig.transport.jwt = jwt;
}

/* Where a token may stand, and that the header is looked at first. */
static void places_of_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *query;
        const char *user; /* NULL: nobody */
    } cases[] = {
        { "bearer ", "", "ann" },    { "BEARER   ", "", "ann" },
        { NULL, "bob", "bob" },      { "Bearer ", "bob", "ann" },
        { "Basic ", "", NULL },      { "Basic ", "bob", "bob" },
        { "Bearer", "", NULL },      { "Bearerx ", "", NULL },
        { "Bearer x", "bob", NULL },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_header header = { SL_SLICE("authorization"), { 0 } };
        struct sl_http_request request = { .headers = &header };
        struct sl_str value = { 0 }, query = { 0 };
        bool bad;
        if (cases[i].query[0] != '\0')
            sl_str_add_fmt(&query, "x=1&access_token=%s",
                           token_of(cases[i].query, 60));
        if (cases[i].scheme != NULL)
            sl_str_add_fmt(&value, "%s%s", cases[i].scheme,
                           token_of("ann", 60));
        header.value = sl_str_slice(&value);
        request.header_count = cases[i].scheme != NULL;
        request.url.query = sl_str_slice(&query);
        struct sl_identity *identity =
            sl_auth_identify(&rig.transport, &request, "test", &bad);
        if (cases[i].user == NULL)
            assert_null(identity);
        else
            assert_true(
                sl_slice_eq(identity->user_id, sl_slice_str(cases[i].user)));
        sl_identity_unref(identity);
        sl_str_release(&value);
        sl_str_release(&query);
    }
}

/* ---- guarded hubs ---- */

static void guarded_hubs_ask_the_script(void **state)
{
    (void)state;
    static const struct {
        unsigned refused;
        const char *token, *status, *challenge;
    } cases[] = {
        { 0, NULL, "200", NULL },
        { 401, NULL, "401", "WWW-Authenticate: Bearer\r\n" },
        { 401, "Bearer garbage", "401",
          "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n" },
        { 403, NULL, "403", NULL },
        { 500, NULL, "500", NULL },
        { 503, NULL, "503", NULL },
    };
    rig.entry->options.guarded = true;
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        script.refused = cases[i].refused;
        const char *got = ask("POST", NEGOTIATE, cases[i].token);
        expect_status(got, cases[i].status);
        if (cases[i].challenge != NULL)
            assert_non_null(strstr(got, cases[i].challenge));
        else
            assert_null(strstr(got, "WWW-Authenticate"));
    }
    assert_int_equal(script.asked, SL_COUNT(cases));
    assert_int_equal(metric(SL_M_UNAUTHORIZED), SL_COUNT(cases) - 1);
}

static void every_request_is_asked_about(void **state)
{
    (void)state;
    rig.entry->options.guarded = true;
    const char *target = begin_polling(NULL);
    assert_int_equal(script.asked, 2);
    script.refused = 401;
    expect_status(ask("GET", target, NULL), "401");
    expect_status(ask("POST", target, NULL), "401");
    expect_status(ask("DELETE", target, NULL), "401");
    expect_status(ask("GET", "/chat", NULL), "401");
    assert_int_equal(script.asked, 6);
    assert_int_equal(sl_world_conn_count(&rig.world), 1);
    script.refused = 0;
    expect_status(ask("DELETE", target, NULL), "202");
}

static void the_scripts_word_counts(void **state)
{
    (void)state;
    rig.entry->options.guarded = true;
    script.replaces = true;
    begin_polling(bearer(token_of("ann", 60)));
    assert_string_equal(the_conn()->user_id, "script");
}

static void a_decision_may_take_a_while(void **state)
{
    (void)state;
    struct ws_client client;
    rig.entry->options.guarded = true;
    script.later = true;
    for (unsigned refused = 0; refused <= 403; refused += 403) {
        struct sl_str text = { 0 };
        unsigned asked = script.asked;
        script.refused = refused;
        ws_upgrade_add(&text, "");
        ws_client_open(&client, &rig);
        ws_client_send(&client, sl_str_slice(&text));
        sl_str_release(&text);
        test_loop_until(&rig.loop, script.asked == asked + 1);
        decide_now();
        assert_int_equal(ws_client_answer(&client), refused == 0 ? 101 : 403);
        ws_client_close(&client);
    }
}

static void nobody_hears_what_comes_too_late(void **state)
{
    (void)state;
    struct ws_client client;
    struct sl_str text = { 0 };
    rig.entry->options.guarded = true;
    script.later = true;
    ws_upgrade_add(&text, "");
    ws_client_open(&client, &rig);
    ws_client_send(&client, sl_str_slice(&text));
    sl_str_release(&text);
    test_loop_until(&rig.loop, script.asked == 1);
    ws_client_close(&client);
    test_loop_until(&rig.loop, sl_list_empty(&rig.http.conns));
    decide_now();
    assert_int_equal(sl_world_conn_count(&rig.world), 0);
}

/* A reload takes the hub away while its script decides. */
static void an_endpoint_that_goes_answers(void **state)
{
    (void)state;
    struct ws_client client;
    struct sl_str text = { 0 };
    rig.entry->options.guarded = true;
    script.later = true;
    ws_upgrade_add(&text, "");
    ws_client_open(&client, &rig);
    ws_client_send(&client, sl_str_slice(&text));
    sl_str_release(&text);
    test_loop_until(&rig.loop, script.asked == 1);
    sl_endpoint_free(rig.endpoint, rig.router);
    rig.endpoint = sl_endpoint_new(&rig.transport, rig.entry, rig.router);
    assert_int_equal(ws_client_answer(&client), 404);
    decide_now();
    assert_int_equal(sl_world_conn_count(&rig.world), 0);
    ws_client_close(&client);
}

/* ---- other users ---- */

static void strangers_get_at_nothing(void **state)
{
    (void)state;
    static const char *const methods[] = { "GET", "POST", "DELETE" };
    const char *target = begin_polling(bearer(token_of("ann", 60)));
    for (size_t i = 0; i < SL_COUNT(methods); i++)
        expect_status(ask(methods[i], target, bearer(token_of("bob", 60))),
                      "403");
    assert_string_equal(the_conn()->user_id, "ann");
    /* The same user with another token, and as in the reference somebody
     * without one: the connection's own token is a secret. */
    expect_status(ask("POST", target, bearer(token_of("ann", 90))), "200");
    expect_status(ask("POST", target, NULL), "200");
    expect_status(ask("DELETE", target, bearer(token_of("ann", 90))), "202");
}

static void nor_at_what_was_sent_before(void **state)
{
    (void)state;
    char target[128];
    const char *at =
        strstr(ask("POST", NEGOTIATE, NULL), "\"connectionToken\":\"");
    assert_non_null(at);
    snprintf(target, sizeof(target), "/chat?id=%.*s", SL_TOKEN_LEN, at + 19);
    expect_status(ask("POST", target, bearer(token_of("ann", 60))), "200");
    expect_status(ask("GET", target, bearer(token_of("bob", 60))), "403");
    expect_status(ask("POST", target, bearer(token_of("bob", 60))), "403");
    expect_status(ask("GET", target, bearer(token_of("ann", 60))), "200");
    assert_string_equal(the_conn()->user_id, "ann");
}

/* ---- lifetimes ---- */

static void connections_end_with_their_token(void **state)
{
    (void)state;
    struct sl_identity *identity = sl_identity_new(
        SL_SLICE("ann"), (struct sl_slice){ 0 }, rig.wall_ms + 5000);
    assert_int_equal(sl_auth_lifetime_ms(rig.endpoint, identity), 0);
    rig.entry->options.close_on_expiry = 1;
    assert_int_equal(sl_auth_lifetime_ms(rig.endpoint, identity), 5000);
    assert_int_equal(sl_auth_lifetime_ms(rig.endpoint, NULL), 0);
    rig.wall_ms += 5000;
    assert_int_equal(sl_auth_lifetime_ms(rig.endpoint, identity), 1);
    rig.wall_ms -= 5000;
    sl_identity_unref(identity);

    const char *target = begin_polling(bearer(token_of("ann", 60)));
    uint64_t expires_ms = the_conn()->expires_ms;
    assert_int_equal(expires_ms - the_conn()->opened_ms, 60000);
    /* A poll with a younger token moves the end. */
    struct ws_client client;
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "GET %s HTTP/1.1\r\nHost: a\r\n", target);
    sl_str_add_fmt(&text, "Authorization: Bearer %s\r\n\r\n",
                   token_of("ann", 120));
    ws_client_open(&client, &rig);
    ws_client_send(&client, sl_str_slice(&text));
    test_loop_until(&rig.loop, the_conn()->expires_ms >= expires_ms + 60000);
    sl_str_release(&text);
    ws_client_close(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(open_hubs_take_everybody),
        TEST(tokens_say_who_it_is),
        TEST(without_a_key_no_token_is_good),
        TEST(places_of_a_token),
        TEST(guarded_hubs_ask_the_script),
        TEST(every_request_is_asked_about),
        TEST(the_scripts_word_counts),
        TEST(a_decision_may_take_a_while),
        TEST(nobody_hears_what_comes_too_late),
        TEST(an_endpoint_that_goes_answers),
        TEST(strangers_get_at_nothing),
        TEST(nor_at_what_was_sent_before),
        TEST(connections_end_with_their_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
