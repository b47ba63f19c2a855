// SPDX-License-Identifier: MIT
/*
 * Answers byte by byte, as a client gets them.
 */
#include "tests/lib/test_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static struct test_http http;
static struct sl_http_answer answer; /* what the handler answers */

static void handle(struct sl_http_request *request, void *user)
{
    (void)user;
    sl_http_answer(request, &answer);
}

static int setup(void **state)
{
    (void)state;
    answer = (struct sl_http_answer){ 0 };
    test_http_open(&http, handle, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&http);
    return 0;
}

static struct sl_str get(void)
{
    return test_http_ask(&http, SL_SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

/* The line of the date, which differs each second, cut out. */
static void assert_answer(const char *want)
{
    struct sl_str got = get();
    char *date = strstr(got.ptr, "Date: ");
    assert_non_null(date);
    char *end = strstr(date, "\r\n") + 2;
    memmove(date, end, strlen(end) + 1);
    assert_string_equal(got.ptr, want);
    sl_str_release(&got);
}

static void writes_all_parts(void **state)
{
    (void)state;
    const struct sl_header headers[] = {
        { SL_SLICE("X-One"), SL_SLICE("1") },
        { SL_SLICE("X-Two"), SL_SLICE("") },
    };
    http.server.server_name = "signalua";
    answer = (struct sl_http_answer){
        .status = 201,
        .headers = headers,
        .header_count = SL_COUNT(headers),
        .content_type = SL_SLICE("text/css"),
        .body = SL_SLICE("body"),
        .close = true,
    };
    assert_answer("HTTP/1.1 201 Created\r\nServer: signalua\r\n"
                  "Content-Type: text/css\r\nContent-Length: 4\r\n"
                  "Connection: close\r\nX-One: 1\r\nX-Two: \r\n\r\nbody");
}

static void writes_little(void **state)
{
    (void)state;
    answer.status = 404;
    assert_answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    answer.status = 799; /* of a script */
    assert_answer("HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n");
}

static void some_statuses_have_no_body(void **state)
{
    (void)state;
    answer.body = SL_SLICE("must not be sent");
    answer.status = 204;
    assert_answer("HTTP/1.1 204 No Content\r\n\r\n");
    answer.status = 304;
    assert_answer("HTTP/1.1 304 Not Modified\r\n\r\n");
}

static void shares_a_buffer(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("shared"));
    answer.status = 200;
    answer.body_buf = buf;
    assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nshared");
    assert_int_equal(buf->refs, 1);
    sl_buf_unref(buf);
}

static void headers_cannot_be_split(void **state)
{
    (void)state;
    const struct sl_header headers[] = {
        { SL_SLICE("X-Bad"), SL_SLICE("a\r\nSet-Cookie: b") },
        { SL_SLICE("X-Bad\nX"), SL_SLICE("c") },
        { SL_SLICE(""), SL_SLICE("d") },
        { SL_SLICE("X-Zero"), SL_SLICE("e\0f") },
        { SL_SLICE("X-Good"), SL_SLICE("g") },
    };
    answer = (struct sl_http_answer){
        .status = 200,
        .headers = headers,
        .header_count = SL_COUNT(headers),
        .content_type = SL_SLICE("text/plain\r\nX-Bad: h"),
    };
    assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Good: g\r\n\r\n");
}

static void date_is_now(void **state)
{
    (void)state;
    answer.status = 200;
    time_t before = time(NULL);
    struct sl_str got = get();
    time_t after = time(NULL);
    struct tm tm = { 0 };
    const char *date = strstr(got.ptr, "Date: ");
    assert_non_null(date);
    assert_non_null(strptime(date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm));
    time_t then = timegm(&tm);
    assert_true(then >= before && then <= after);
    sl_str_release(&got);
}

#define RESPONSE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESPONSE_TEST(writes_all_parts),
        RESPONSE_TEST(writes_little),
        RESPONSE_TEST(some_statuses_have_no_body),
        RESPONSE_TEST(shares_a_buffer),
        RESPONSE_TEST(headers_cannot_be_split),
        RESPONSE_TEST(date_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
