// SPDX-License-Identifier: MIT
/*
 * Which pages get which headers, preflights, and WebSockets of other origins;
 * over real sockets, in front of a handler that answers everything.
 */
#include "http/cors.h"

#include "tests/lib/test_http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct test_http http;
static struct sl_cors *cors;
static bool streams;

static void on_closed(struct sl_stream *stream)
{
    (void)stream;
}

static void on_request(struct sl_http_request *request, void *user)
{
    (void)user;
    bool chunked;
    if (sl_cors_handle(cors, request))
        return;
    if (!streams) {
        sl_http_answer_text(request, 200, SL_SLICE("served"));
        return;
    }
    struct sl_stream *stream = sl_http_begin(
        request, &(struct sl_http_answer){ .status = 200 }, &chunked);
    static const struct sl_stream_ops ops = { .on_closed = on_closed };
    stream->ops = &ops;
    sl_stream_push(stream);
    sl_stream_close(stream);
}

static int setup(void **state)
{
    (void)state;
    char *origins[] = { (char[]){ "https://app.example" },
                        (char[]){ "http://app.example:8080" } };
    cors = sl_cors_new(origins, 2);
    test_http_open(&http, on_request, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&http);
    sl_cors_free(cors);
    return 0;
}

static struct sl_str ask(const char *line, const char *headers)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s HTTP/1.1\r\nHost: own.example\r\n%s\r\n", line,
                   headers);
    struct sl_str got = test_http_ask(&http, sl_str_slice(&text));
    sl_str_release(&text);
    return got;
}

static void expect_plain(struct sl_str *got)
{
    assert_has(got, "Vary: Origin\r\n");
    assert_has_not(got, "Access-Control");
    sl_str_release(got);
}

static void listed_pages_may_read(void **state)
{
    (void)state;
    struct sl_str got = ask("GET /", "Origin: https://app.example\r\n");
    assert_has(&got, "200 OK");
    assert_has(&got, "Access-Control-Allow-Origin: https://app.example\r\n");
    assert_has(&got, "Access-Control-Allow-Credentials: true\r\n");
    assert_int_equal(test_count(&got, "Vary: Origin\r\n"), 1);
    assert_has(&got, "served");
    sl_str_release(&got);
    got = ask("GET /", "Origin: http://app.example:8080\r\n");
    assert_has(&got, "Allow-Origin: http://app.example:8080\r\n");
    sl_str_release(&got);
}

static void others_get_nothing(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "Origin: null\r\n",
        "Origin: *\r\n",
        "Origin: http://app.example\r\n",
        "Origin: https://app.example:443\r\n",
        "Origin: https://app.example.evil\r\n",
        "Origin: https://evil.app.example\r\n",
        "Origin: HTTPS://APP.EXAMPLE\r\n",
        "Origin: https://own.example\r\n",
    };
    for (size_t i = 0; i < SL_COUNT(others); i++) {
        struct sl_str got = ask("POST /", others[i]);
        assert_has(&got, "200 OK");
        expect_plain(&got);
    }
}

static void answers_in_pieces_carry_them(void **state)
{
    (void)state;
    streams = true;
    struct sl_str got = ask("GET /", "Origin: https://app.example\r\n");
    streams = false;
    assert_has(&got, "Transfer-Encoding: chunked\r\n");
    assert_has(&got, "Access-Control-Allow-Origin: https://app.example\r\n");
    assert_has(&got, "Vary: Origin\r\n");
    sl_str_release(&got);
}

static void preflights_are_answered(void **state)
{
    (void)state;
    struct sl_str got = ask(
        "OPTIONS /", "Origin: https://app.example\r\n"
                     "Access-Control-Request-Method: POST\r\n"
                     "Access-Control-Request-Headers: authorization,x-a\r\n");
    assert_has(&got, "204 No Content");
    assert_has(&got, "Access-Control-Allow-Origin: https://app.example\r\n");
    assert_has(&got, "Access-Control-Allow-Methods: POST\r\n");
    assert_has(&got, "Access-Control-Allow-Headers: authorization,x-a\r\n");
    assert_has(&got, "Vary: Origin\r\n");
    assert_has_not(&got, "served");
    sl_str_release(&got);
    got = ask("OPTIONS /", "Origin: https://app.example\r\n"
                           "Access-Control-Request-Method: GET\r\n");
    assert_has_not(&got, "Allow-Headers");
    sl_str_release(&got);
}

static void preflights_of_others_allow_nothing(void **state)
{
    (void)state;
    struct sl_str got = ask("OPTIONS /", "Origin: https://evil.example\r\n"
                                         "Access-Control-Request-Method: GET"
                                         "\r\n");
    assert_has(&got, "204 No Content");
    expect_plain(&got);
    /* No preflight: the handler's. */
    got = ask("OPTIONS /", "Origin: https://evil.example\r\n");
    assert_has(&got, "served");
    expect_plain(&got);
}

static void websockets_go_by_the_same_list(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *status;
    } cases[] = {
        { "", "200 OK" },
        { "Origin: https://app.example\r\n", "200 OK" },
        { "Origin: https://own.example\r\n", "200 OK" },
        { "Origin: http://OWN.example\r\n", "200 OK" },
        { "Origin: https://evil.example\r\n", "403 Forbidden" },
        { "Origin: https://own.example.evil\r\n", "403 Forbidden" },
        { "Origin: https://own.example:444\r\n", "403 Forbidden" },
        { "Origin: null\r\n", "403 Forbidden" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        char headers[256];
        snprintf(headers, sizeof(headers),
                 "%sConnection: Upgrade\r\nUpgrade: websocket\r\n",
                 cases[i].origin);
        struct sl_str got = ask("GET /", headers);
        if (test_count(&got, cases[i].status) != 1)
            fail_msg("%s: %s", cases[i].origin, got.ptr);
        sl_str_release(&got);
    }
}

static void without_a_list_nothing_is_said(void **state)
{
    (void)state;
    assert_null(sl_cors_new(NULL, 0));
    sl_cors_free(NULL);
    struct sl_cors *own = cors;
    cors = NULL;
    struct sl_str got = ask("OPTIONS /", "Origin: https://evil.example\r\n"
                                         "Access-Control-Request-Method: GET"
                                         "\r\n");
    cors = own;
    assert_has(&got, "served");
    assert_has_not(&got, "Vary");
    sl_str_release(&got);
}

static void origins_have_one_form(void **state)
{
    (void)state;
    static const char *const right[] = { "https://a", "http://a.example:8080",
                                         "http://[::1]:80",
                                         "capacitor://localhost" };
    static const struct {
        const char *origin, *fault;
    } wrong[] = {
        { "*", "has a wildcard: each origin is listed as it is" },
        { "https://*.example",
          "has a wildcard: each origin is listed as it is" },
        { "app.example", "is no origin: write it as in https://app.example" },
        { "null", "is no origin: write it as in https://app.example" },
        { "://a", "is no origin: write it as in https://app.example" },
        { "https://", "is no origin: write it as in https://app.example" },
        { "https://a/", "has more than scheme, host and port" },
        { "https://a?b", "has more than scheme, host and port" },
        { "https://u@a", "has more than scheme, host and port" },
        { "https://App.example",
          "has capital letters: browsers send origins in lower case" },
    };
    for (size_t i = 0; i < SL_COUNT(right); i++)
        assert_null(sl_cors_origin_fault(right[i]));
    for (size_t i = 0; i < SL_COUNT(wrong); i++)
        assert_string_equal(sl_cors_origin_fault(wrong[i].origin),
                            wrong[i].fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_pages_may_read),
        cmocka_unit_test(others_get_nothing),
        cmocka_unit_test(answers_in_pieces_carry_them),
        cmocka_unit_test(preflights_are_answered),
        cmocka_unit_test(preflights_of_others_allow_nothing),
        cmocka_unit_test(websockets_go_by_the_same_list),
        cmocka_unit_test(without_a_list_nothing_is_said),
        cmocka_unit_test(origins_have_one_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
