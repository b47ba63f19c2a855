// SPDX-License-Identifier: MIT
/*
 * Two servers on one loop: what lands on the first is answered by the second,
 * with all that came over the socket.
 */
#include "transport/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/test_http.h"

#include <unistd.h>

static struct test_http http;
static struct sl_http_server other;
static struct sl_relay *relay;
static bool moves;

static void on_first(struct sl_http_request *request, void *user)
{
    (void)user;
    moves = sl_relay_move(relay, 1, request);
    if (!moves)
        sl_http_answer_text(request, 503, SL_SLICE("stays"));
}

static void on_second(struct sl_http_request *request, void *user)
{
    (void)user;
    struct sl_str text = { 0 };
    sl_str_add_slice(&text, request->method);
    sl_str_add_char(&text, ' ');
    sl_str_add_slice(&text, request->target);
    sl_str_add_char(&text, ' ');
    sl_str_add_slice(&text, sl_http_header(request, SL_SLICE("x-word")));
    sl_str_add_char(&text, ' ');
    sl_str_add_slice(&text, request->body);
    sl_http_answer_text(request, 200, sl_str_slice(&text));
    sl_str_release(&text);
}

static void requests_are_answered_elsewhere(void **state)
{
    (void)state;
    test_http_open(&http, on_first, NULL);
    sl_http_server_init(&other, &http.test.loop, &http.server.limits, on_second,
                        NULL);
    relay = sl_relay_new(2);
    sl_relay_attach(relay, 1, &other, &http.test.loop);

    int fd = test_http_connect(&http);
    struct sl_str got = { 0 };
    test_send(fd, SL_SLICE("POST /a?b=1 HTTP/1.1\r\nHost: x\r\nX-Word: hi\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n"
                           "3\r\none\r\n2\r\n!!\r\n0\r\n\r\n"
                           "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"));
    test_http_await(&http, fd, &got, 2);
    assert_true(moves);
    assert_has(&got, "POST /a?b=1 hi one!!");
    assert_has(&got, "GET /next  ");
    sl_str_release(&got);

    close(fd);
    test_loop_until(&http.test, sl_list_empty(&other.conns));
    sl_http_server_close(&other);
    test_http_close(&http);
    sl_relay_free(relay);
}

static void a_server_that_closes_closes_what_comes(void **state)
{
    (void)state;
    test_http_open(&http, on_first, NULL);
    sl_http_server_init(&other, &http.test.loop, &http.server.limits, on_second,
                        NULL);
    relay = sl_relay_new(2);
    sl_relay_attach(relay, 1, &other, &http.test.loop);
    sl_http_server_close(&other);
    struct sl_str got =
        test_http_ask(&http, SL_SLICE("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(got.len, 0);
    sl_str_release(&got);
    test_loop_until(&http.test, sl_list_empty(&other.conns));
    test_http_close(&http);
    sl_relay_free(relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_elsewhere),
        cmocka_unit_test(a_server_that_closes_closes_what_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
