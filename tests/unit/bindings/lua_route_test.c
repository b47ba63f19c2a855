// SPDX-License-Identifier: MIT
/*
 * signalua.route over real sockets: requests as scripts see them, answers as
 * clients do, and every wrong answer as a 500 with a log line.
 */
#include "base/limits.h"
#include "bindings/coroutine.h"
#include "tests/lib/lua_rig.h"
#include "tests/lib/test_http.h"

#include <unistd.h>

static const char script[] =
    "local signalua = require 'signalua'\n"
    "local Hub = signalua.hub()\n"
    "local route = signalua.route\n"
    "route('GET', '/health', function() return 200, 'ok' end)\n"
    "route('post', '/echo', function(r) return 201, r.method .. ' ' .. r.path"
    " .. ' ' .. r.body .. ' ' .. r.query.a .. ' ' .. r.headers['x-b'] .. ' '"
    " .. r.remote_address, {['Content-Type'] = 'text/x', ['X-C'] = 'd'} end)\n"
    "route('GET', '/empty', function() return 204 end)\n"
    "route('GET', '/slow', function() signalua.sleep(1) return 200, 's' end)\n"
    "route('GET', '/fails', function() error('broken') end)\n"
    "route('GET', '/none', function() end)\n"
    "route('GET', '/status', function() return 'ok' end)\n"
    "route('GET', '/body', function() return 200, {} end)\n"
    "route('GET', '/header', function() return 200, '', {['X'] = 'a\\nb'} end)\n"
    "route('GET', '/headers', function() return 200, '', 5 end)\n"
    "route('GET', '/late', function() signalua.sleep(0)\n"
    " error('broken') end)\n"
    "route('GET', '/table', function() error({a = 1}) end)\n"
    "route('GET', '/told', function() error(signalua.hub_error('told', 7))"
    " end)\n"
    "route('GET', '/never', function() while true do signalua.sleep(60) end"
    " end)\n"
    "return Hub\n";

static struct lua_rig rig;
static struct test_http http;

static void handle(struct sl_http_request *request, void *user)
{
    (void)user;
    if (!sl_lua_engine_ops.route(rig.engine, request, NULL))
        sl_http_answer_text(request, 404, SL_SLICE("nobody"));
}

static int setup(void **state)
{
    (void)state;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", script);
    assert_int_equal(lua_rig_load(&rig), 0);
    test_http_open(&http, handle, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&http);
    lua_rig_release(&rig);
    return 0;
}

static void expect_answer(const char *request, const char *status,
                          const char *part)
{
    struct sl_str got = test_http_ask(&http, sl_slice_str(request));
    assert_has(&got, status);
    assert_has(&got, part);
    sl_str_release(&got);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void answers(void **state)
{
    (void)state;
    expect_answer(GET("/health"), "HTTP/1.1 200 ", "\r\n\r\nok");
    expect_answer(GET("/health"), "HTTP/1.1 200 ", "text/plain");
    expect_answer(GET("/empty"), "HTTP/1.1 204 ", "\r\n\r\n");
    expect_answer("POST /echo?a=1%202&a=3 HTTP/1.1\r\nHost: x\r\nX-B: y\r\n"
                  "Content-Length: 2\r\n\r\nhi",
                  "HTTP/1.1 201 ", "\r\n\r\nPOST /echo hi 1 2 y 127.0.0.1");
    expect_answer("POST /echo?a=1 HTTP/1.1\r\nHost: x\r\nX-B: y\r\n"
                  "Content-Length: 2\r\n\r\nhi",
                  "Content-Type: text/x", "X-C: d");
}

static void leaves_others_alone(void **state)
{
    (void)state;
    expect_answer(GET("/nope"), "HTTP/1.1 404 ", "nobody");
    expect_answer(GET("/health/x"), "HTTP/1.1 404 ", "nobody");
    expect_answer(GET("/echo"), "HTTP/1.1 405 ", "Allow: POST");
}

static void answers_500_for_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *request, *logged;
    } cases[] = {
        { GET("/fails"), "chat.lua:8: broken" },
        { GET("/none"), "the first result must be a status" },
        { GET("/status"), "the first result must be a status" },
        { GET("/body"), "the body must be a string" },
        { GET("/header"), "headers must be names and texts" },
        { GET("/headers"), "the headers must be a table" },
        { GET("/table"), "(error object is a table value)" },
    };
    for (unsigned i = 0; i < SL_COUNT(cases); i++) {
        lua_rig_logged(&rig);
        struct sl_str got =
            test_http_ask(&http, sl_slice_str(cases[i].request));
        assert_has(&got, "HTTP/1.1 500 ");
        assert_has(&got, "Content-Length: 0\r\n");
        assert_true(memcmp(got.ptr + got.len - 4, "\r\n\r\n", 4) == 0);
        sl_str_release(&got);
        expect_logged(&rig, cases[i].logged);
    }
    /* What a hub_error says is for clients of hubs; here it is one too many. */
    expect_answer(GET("/told"), "HTTP/1.1 500 ", "Content-Length: 0\r\n");
}

/* The same once it has waited: the log has the line that raised. */
static void answers_500_for_a_late_error(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&http);
    lua_rig_logged(&rig);
    test_send(fd, SL_SLICE(GET("/late")));
    test_loop_until(&http.test,
                    cluster_metric(rig.worker, SL_M_COROUTINES) == 1);
    cluster_advance(&rig.cluster, 1);
    test_http_await(&http, fd, &got, 1);
    assert_has(&got, "HTTP/1.1 500 ");
    assert_has_not(&got, "broken");
    expect_logged(&rig, "chat.lua:15: broken");
    assert_int_equal(cluster_metric(rig.worker, SL_M_SCRIPT_ERRORS), 1);
    sl_str_release(&got);
    close(fd);
}

/* The rig's limit is 10,000 bytes; the function hears of none that is longer. */
static void bodies_are_bounded(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    for (size_t size = 10000; size <= 10001; size++) {
        sl_str_clear(&text);
        sl_str_add_fmt(&text,
                       "POST /echo?a=1 HTTP/1.1\r\nHost: x\r\nX-B: y\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       size);
        for (size_t i = 0; i < size; i++)
            sl_str_add_char(&text, 'z');
        struct sl_str got = test_http_ask(&http, sl_str_slice(&text));
        assert_has(&got, size > 10000 ? "HTTP/1.1 413 " : "HTTP/1.1 201 ");
        assert_int_equal(test_count(&got, "POST /echo zzz"), size <= 10000);
        sl_str_release(&got);
    }
    sl_str_release(&text);
}

static void answers_later(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&http);
    test_send(fd, SL_SLICE(GET("/slow")));
    test_loop_until(&http.test,
                    cluster_metric(rig.worker, SL_M_COROUTINES) == 1);
    cluster_advance(&rig.cluster, 1001);
    test_http_await(&http, fd, &got, 1);
    assert_has(&got, "\r\n\r\ns");
    sl_str_release(&got);
    close(fd);
}

static void outlives_the_client(void **state)
{
    (void)state;
    int fd = test_http_connect(&http);
    int64_t before = cluster_metric(rig.worker, SL_M_COROUTINES);
    test_send(fd, SL_SLICE(GET("/slow")));
    test_loop_until(&http.test,
                    cluster_metric(rig.worker, SL_M_COROUTINES) == before + 1);
    close(fd);
    struct sl_co *co =
        SL_CONTAINER_OF(rig.engine->live.next, struct sl_co, node);
    test_loop_until(&http.test, co->user == NULL);
    cluster_advance(&rig.cluster, 1001);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), before);
}

/* A client asks for what never comes, and goes. */
static void ask_and_leave(void)
{
    unsigned left = rig.engine->routes_left;
    int64_t running = cluster_metric(rig.worker, SL_M_COROUTINES);
    int fd = test_http_connect(&http);
    test_send(fd, SL_SLICE(GET("/never")));
    test_loop_until(&http.test,
                    cluster_metric(rig.worker, SL_M_COROUTINES) == running + 1);
    close(fd);
    test_loop_until(&http.test, rig.engine->routes_left == left + 1);
    cluster_settle(&rig.cluster);
}

static void those_that_never_end_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SL_ROUTES_LEFT_MAX; i++)
        ask_and_leave();
    assert_int_equal(rig.engine->routes_left, SL_ROUTES_LEFT_MAX);
    lua_rig_logged(&rig);
    for (unsigned i = 0; i < 3; i++)
        ask_and_leave();
    assert_int_equal(rig.engine->routes_left, SL_ROUTES_LEFT_MAX);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES),
                     SL_ROUTES_LEFT_MAX);
    expect_logged(&rig, "route cancelled: its client left");
    expect_answer(GET("/health"), "HTTP/1.1 200 ", "ok");
}

static void refuses_wrong_routes(void **state)
{
    (void)state;
    struct lua_rig other;
    lua_rig_init(&other, 1);
    lua_rig_file(&other, "chat.lua",
                 "require('signalua').route('GET', 'x', print)");
    assert_int_not_equal(lua_rig_load(&other), 0);
    assert_non_null(strstr(
        other.errors.ptr, "chat.lua:1: signalua.route wants a method, a path"));
    lua_rig_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_others_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_500_for_what_is_wrong, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(answers_500_for_a_late_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bodies_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(those_that_never_end_are_bounded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(answers_later, setup, teardown),
        cmocka_unit_test_setup_teardown(outlives_the_client, setup, teardown),
        cmocka_unit_test(refuses_wrong_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
