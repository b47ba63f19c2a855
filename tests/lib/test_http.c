// SPDX-License-Identifier: MIT
/*
 * See the header: nothing here is clever.
 */
#include "tests/lib/test_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void test_http_open(struct test_http *http, sl_http_handler handler, void *user)
{
    const struct sl_http_limits limits = {
        .head_max = 4096,
        .body_max = 10000,
        .head_timeout_ms = 60000,
        .idle_timeout_ms = 60000,
    };
    test_loop_open(&http->test);
    sl_http_server_init(&http->server, &http->test.loop, &limits, handler,
                        user);
}

void test_http_close(struct test_http *http)
{
    sl_http_server_close(&http->server);
    test_loop_until(&http->test, sl_list_empty(&http->server.conns));
    test_loop_close(&http->test);
}

int test_http_connect(struct test_http *http)
{
    int pair[2];
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    test_tcp_pair(pair);
    assert_int_equal(getpeername(pair[0], (struct sockaddr *)&peer, &size), 0);
    sl_http_accept(&http->server, pair[0], &peer);
    return pair[1];
}

struct sl_str test_http_ask(struct test_http *http, struct sl_slice request)
{
    struct sl_str got = { 0 };
    int fd = test_http_connect(http);
    while (request.len > 0) {
        ssize_t len =
            send(fd, request.ptr, request.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len > 0)
            request = sl_slice_of(request.ptr + len, request.len - (size_t)len);
        test_loop_turn(&http->test);
    }
    shutdown(fd, SHUT_WR);
    int error;
    test_loop_until(&http->test, !test_recv(fd, &got, &error));
    assert_int_equal(error, 0);
    close(fd);
    sl_str_cstr(&got);
    return got;
}

void test_http_await(struct test_http *http, int fd, struct sl_str *got,
                     unsigned count)
{
    test_loop_until(&http->test, (test_recv(fd, got, NULL),
                                  test_count(got, "HTTP/1.1 ") >= count));
    sl_str_cstr(got);
}

unsigned test_count(const struct sl_str *text, const char *what)
{
    unsigned count = 0;
    size_t len = strlen(what);
    const char *at = text->ptr, *end = text->ptr + text->len;
    while (at != NULL && (size_t)(end - at) >= len) {
        at = memmem(at, (size_t)(end - at), what, len);
        if (at == NULL)
            break;
        count++;
        at += len;
    }
    return count;
}
