// SPDX-License-Identifier: MIT
/*
 * The admin pages over a real socket: metrics in their format, health with a
 * reason when there is none, and nothing else.
 */
#include "ops/admin.h"

#include "tests/lib/test_http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct test_http http;
static struct sl_http_router *router;
static struct sl_metrics metrics;
static bool is_healthy;

static unsigned thread_count(void *user)
{
    (void)user;
    return 1;
}

static const struct sl_metrics *thread_metrics(void *user, unsigned index,
                                               const char **name)
{
    (void)user;
    (void)index;
    *name = "0";
    return &metrics;
}

static bool healthy(void *user, struct sl_str *why)
{
    (void)user;
    if (!is_healthy)
        sl_str_add_lit(why, "worker 3 has been held for 12000 ms\n");
    return is_healthy;
}

static void describe_hubs(void *user, struct sl_str *out)
{
    (void)user;
    sl_str_add_lit(out, "{\"version\":\"1\"}");
}

static void reload(void *user, struct sl_http_request *request)
{
    (void)user;
    sl_http_answer_text(request, 422, SL_SLICE("{\"outcome\":\"failed\"}"));
}

static const struct sl_control control = {
    .thread_count = thread_count,
    .thread_metrics = thread_metrics,
    .healthy = healthy,
    .describe_hubs = describe_hubs,
    .reload = reload,
};

static int setup(void **state)
{
    (void)state;
    is_healthy = true;
    router = sl_http_router_new();
    sl_admin_add_routes(router, &control);
    test_http_open(&http, sl_http_router_handle, router);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&http);
    sl_http_router_free(router);
    return 0;
}

static struct sl_str ask(const char *method, const char *path)
{
    struct sl_str request = { 0 };
    sl_str_add_fmt(&request, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
    struct sl_str answer = test_http_ask(&http, sl_str_slice(&request));
    sl_str_release(&request);
    return answer;
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    sl_metric_set(&metrics, SL_M_CONNECTIONS, 5);
    struct sl_str answer = ask("GET", "/metrics");
    assert_has(&answer, "HTTP/1.1 200 OK\r\n");
    assert_has(&answer, "Content-Type: text/plain; version=0.0.4");
    assert_has(&answer, "\nsignalua_connections{worker=\"0\"} 5\n");
    sl_str_release(&answer);
}

static void health_says_why_not(void **state)
{
    (void)state;
    struct sl_str answer = ask("GET", "/healthz");
    assert_has(&answer, "HTTP/1.1 200 OK\r\n");
    assert_has(&answer, "\r\n\r\nok\n");
    sl_str_release(&answer);

    is_healthy = false;
    answer = ask("GET", "/healthz");
    assert_has(&answer, "HTTP/1.1 503 Service Unavailable\r\n");
    assert_has(&answer, "\r\n\r\nworker 3 has been held for 12000 ms\n");
    sl_str_release(&answer);
}

static void scripts_are_described_and_reloaded(void **state)
{
    (void)state;
    struct sl_str answer = ask("GET", "/admin/hubs");
    assert_has(&answer, "HTTP/1.1 200 OK\r\n");
    assert_has(&answer, "Content-Type: application/json\r\n");
    assert_has(&answer, "\r\n\r\n{\"version\":\"1\"}");
    sl_str_release(&answer);
    answer = ask("POST", "/admin/reload");
    assert_has(&answer, "HTTP/1.1 422 ");
    assert_has(&answer, "{\"outcome\":\"failed\"}");
    sl_str_release(&answer);
    answer = ask("GET", "/admin/reload");
    assert_has(&answer, "HTTP/1.1 405 ");
    sl_str_release(&answer);
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    struct sl_str answer = ask("POST", "/metrics");
    assert_has(&answer, "HTTP/1.1 405 ");
    sl_str_release(&answer);
    answer = ask("GET", "/chat");
    assert_has(&answer, "HTTP/1.1 404 ");
    sl_str_release(&answer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(metrics_are_prometheus_text),
        CASE(health_says_why_not),
        CASE(scripts_are_described_and_reloaded),
        CASE(everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
