// SPDX-License-Identifier: MIT
/*
 * What a handler sees of a request: its parts, headers by name, tokens of
 * comma-separated headers; and that request objects are used again.
 */
#include "http/internal.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct sl_http_server server;
    struct sl_http_exchange *exchange;
    struct sockaddr_storage peer;
};

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    const struct sl_http_limits limits = { .head_max = 1000, .body_max = 100 };
    sl_http_server_init(&f.server, NULL, &limits, NULL, NULL);
    f.exchange = sl_http_exchange_new(&f.server);
    struct sockaddr_in in4 = { .sin_family = AF_INET };
    inet_pton(AF_INET, "10.1.2.3", &in4.sin_addr);
    memcpy(&f.peer, &in4, sizeof(in4));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_http_exchange_free(&f.server, f.exchange);
    sl_http_exchange_free_spare(&f.server);
    return 0;
}

static bool fill(const char *text)
{
    size_t used;
    sl_http_parser_start(&f.exchange->parser, 1000, 100);
    assert_int_equal(
        sl_http_parser_feed(&f.exchange->parser, sl_slice_str(text), &used),
        SL_HTTP_PARSE_DONE);
    return sl_http_exchange_fill(f.exchange, &f.peer);
}

static void assert_slice(struct sl_slice got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void has_all_parts(void **state)
{
    (void)state;
    assert_true(fill("POST /a%20b?q=1 HTTP/1.0\r\nX-One: 1\r\nx-one: 2\r\n"
                     "Empty:\r\nContent-Length: 2\r\n\r\nhi"));
    const struct sl_http_request *request = &f.exchange->request;
    assert_slice(request->method, "POST");
    assert_slice(request->target, "/a%20b?q=1");
    assert_slice(request->url.path, "/a%20b");
    assert_slice(request->url.query, "q=1");
    assert_slice(request->body, "hi");
    assert_string_equal(request->remote, "10.1.2.3");
    assert_false(request->http11);
    assert_false(request->upgrade);
    assert_int_equal(request->header_count, 4);
    assert_slice(sl_http_header(request, SL_SLICE("x-one")), "1");
    assert_slice(sl_http_header(request, SL_SLICE("empty")), "");
    assert_null(sl_http_header(request, SL_SLICE("absent")).ptr);
}

static void finds_tokens(void **state)
{
    (void)state;
    assert_true(fill("GET / HTTP/1.1\r\nHost: a\r\n"
                     "Connection: keep-alive , UPGRADE\r\n"
                     "Connection: other,,\r\nUpgrade: websocket\r\n\r\n"));
    const struct sl_http_request *request = &f.exchange->request;
    const struct sl_slice name = SL_SLICE("connection");
    assert_true(request->upgrade);
    assert_true(sl_http_header_has(request, name, SL_SLICE("upgrade")));
    assert_true(sl_http_header_has(request, name, SL_SLICE("keep-alive")));
    assert_true(sl_http_header_has(request, name, SL_SLICE("Other")));
    assert_false(sl_http_header_has(request, name, SL_SLICE("grade")));
    assert_false(sl_http_header_has(request, name, SL_SLICE("upgrades")));
    assert_false(sl_http_header_has(request, SL_SLICE("te"), SL_SLICE("x")));
}

static void reads_forms_of_targets(void **state)
{
    (void)state;
    assert_true(fill("GET http://host:1/p?q HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_slice(f.exchange->request.url.path, "/p");
    assert_slice(f.exchange->request.url.query, "q");
    assert_true(fill("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_slice(f.exchange->request.url.path, "*");
    assert_false(fill("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"));
}

static void objects_are_kept_up_to_a_bound(void **state)
{
    (void)state;
    struct sl_http_exchange *many[SL_HTTP_REQUESTS_KEPT + 10];
    for (size_t i = 0; i < SL_COUNT(many); i++)
        many[i] = sl_http_exchange_new(&f.server);
    for (size_t i = 0; i < SL_COUNT(many); i++)
        sl_http_exchange_free(&f.server, many[i]);
    assert_int_equal(f.server.spare_count, SL_HTTP_REQUESTS_KEPT);
    struct sl_http_exchange *again = sl_http_exchange_new(&f.server);
    assert_int_equal(f.server.spare_count, SL_HTTP_REQUESTS_KEPT - 1);
    assert_null(again->request.headers);
    sl_http_exchange_free(&f.server, again);
    sl_http_exchange_free(&f.server, NULL);
}

#define REQUEST_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUEST_TEST(has_all_parts),
        REQUEST_TEST(finds_tokens),
        REQUEST_TEST(reads_forms_of_targets),
        REQUEST_TEST(objects_are_kept_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
