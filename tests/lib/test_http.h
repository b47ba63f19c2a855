// SPDX-License-Identifier: MIT
/*
 * An HTTP server on a real loop and the clients that a test needs: raw sockets
 * that send what the test says and collect what comes back.
 */
#pragma once

#include "http/http.h"
#include "tests/lib/test_loop.h"

struct test_http {
    struct test_loop test;
    struct sl_http_server server;
};

/* Limits: head 4096 bytes, body 10000 bytes, time-outs of a minute. */
void test_http_open(struct test_http *http, sl_http_handler handler,
                    void *user);
void test_http_close(struct test_http *http);

/* A client's socket, connected. */
int test_http_connect(struct test_http *http);

/* Opens a connection, sends the bytes, half-closes, and returns all that came
 * until the server's end: released by the caller, ended by a zero byte. */
struct sl_str test_http_ask(struct test_http *http, struct sl_slice request);

/* Turns until `count` answers have come; the text is ended by a zero byte. */
void test_http_await(struct test_http *http, int fd, struct sl_str *got,
                     unsigned count);

/* How often `what` stands in the text. */
unsigned test_count(const struct sl_str *text, const char *what);

/* Fails unless the text has `what` inside. */
#define assert_has(text, what)                                       \
    do {                                                             \
        if (test_count((text), (what)) == 0)                         \
            fail_msg("no \"%s\" in: %.*s", (what), (int)(text)->len, \
                     (text)->ptr);                                   \
    } while (0)
#define assert_has_not(text, what) \
    assert_int_equal(test_count((text), (what)), 0)
