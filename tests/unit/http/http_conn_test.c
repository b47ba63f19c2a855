// SPDX-License-Identifier: MIT
/*
 * Connections over real sockets: keep-alive, pipelining, answers that come
 * later, peers that leave, upgrades, time-outs, refusals that reach the client
 * although it is still sending, and a server that closes.
 */
#include "http/http.h"

#include "base/limits.h"
#include "tests/lib/test_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What the handler does is in the path: "/later" is kept for the test to
 * answer, "/up" is upgraded, "/big" gets a megabyte, others are echoed. */
struct handled {
    struct test_http http;
    unsigned count;
    struct sl_http_request *later;
    bool on_gone_wanted;
    unsigned gone;
    struct sl_str seen; /* "GET /path|body;" of each */
    struct sl_buf *big;
    struct sl_stream *stream; /* upgraded */
    struct sl_str rest;       /* what came to it */
    bool ended;
};

static struct handled h;

static void on_gone(struct sl_http_request *request)
{
    assert_ptr_equal(request, h.later);
    h.later = NULL;
    h.gone++;
}

static void on_data(struct sl_stream *stream, uint8_t *data, size_t len)
{
    (void)stream;
    sl_str_add(&h.rest, data, len);
}

static void on_end(struct sl_stream *stream, int err)
{
    (void)err;
    sl_stream_close(stream);
}

static void on_closed(struct sl_stream *stream)
{
    (void)stream;
    h.ended = true;
}

static const struct sl_stream_ops upgraded_ops = { on_data, on_end, NULL,
                                                   on_closed };

static void upgrade(struct sl_http_request *request)
{
    struct sl_slice rest;
    h.stream = sl_http_upgrade(request, &rest);
    assert_non_null(h.stream);
    h.stream->ops = &upgraded_ops;
    h.stream->user = NULL;
    sl_str_add_slice(&h.rest, rest);
    sl_stream_send_copy(h.stream, SL_SLICE("HTTP/1.1 101 \r\n\r\n"),
                        (struct sl_slice){ 0 });
    sl_stream_read_start(h.stream);
}

static void handle(struct sl_http_request *request, void *user)
{
    assert_ptr_equal(user, &h);
    h.count++;
    sl_str_add_slice(&h.seen, request->method);
    sl_str_add_char(&h.seen, ' ');
    sl_str_add_slice(&h.seen, request->url.path);
    sl_str_add_char(&h.seen, '|');
    sl_str_add_slice(&h.seen, request->body);
    sl_str_add_char(&h.seen, ';');
    assert_string_equal(request->remote, "127.0.0.1");
    if (sl_slice_eq(request->url.path, SL_SLICE("/later"))) {
        h.later = request;
        if (h.on_gone_wanted)
            request->on_gone = on_gone;
    } else if (sl_slice_eq(request->url.path, SL_SLICE("/up"))) {
        upgrade(request);
    } else if (sl_slice_eq(request->url.path, SL_SLICE("/big"))) {
        struct sl_http_answer answer = { .status = 200, .body_buf = h.big };
        sl_http_answer(request, &answer);
    } else {
        sl_http_answer_text(request, 200, request->url.path);
    }
}

static int setup(void **state)
{
    (void)state;
    h = (struct handled){ 0 };
    test_http_open(&h.http, handle, &h);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_http_close(&h.http);
    sl_str_release(&h.seen);
    sl_str_release(&h.rest);
    sl_buf_unref(h.big);
    return 0;
}

static struct sl_str ask(const char *request)
{
    return test_http_ask(&h.http, sl_slice_str(request));
}

static void assert_seen(const char *want)
{
    sl_str_cstr(&h.seen);
    assert_string_equal(h.seen.ptr, want);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* ---- requests and answers ---- */

static void answers(void **state)
{
    (void)state;
    struct sl_str got = ask("POST /x?y=1 HTTP/1.1\r\nHost: a\r\n"
                            "Content-Length: 5\r\n\r\nhello");
    assert_seen("POST /x|hello;");
    assert_has(&got, "HTTP/1.1 200 OK\r\nDate: ");
    assert_has(&got, "Content-Length: 2\r\n");
    assert_has(&got, "\r\n\r\n/x");
    assert_has_not(&got, "Connection:");
    sl_str_release(&got);
    assert_int_equal(sl_metric_get(&h.http.test.metrics, SL_M_HTTP_REQUESTS),
                     1);
}

static void keeps_alive_and_owns_nothing_meanwhile(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    for (unsigned i = 1; i <= 3; i++) {
        test_send(fd, SL_SLICE(GET("/a")));
        test_http_await(&h.http, fd, &got, i);
        test_loop_turn(&h.http.test);
        assert_int_equal(h.http.server.spare_count, 1);
    }
    close(fd);
    sl_str_release(&got);
}

static void pipelines_a_thousand(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    for (int i = 0; i < 1000; i++)
        sl_str_add_lit(&text, "POST /p HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 3\r\n\r\nabc");
    struct sl_str got = test_http_ask(&h.http, sl_str_slice(&text));
    assert_int_equal(test_count(&got, "HTTP/1.1 200 OK\r\n"), 1000);
    assert_int_equal(h.count, 1000);
    assert_int_equal(test_count(&h.seen, "POST /p|abc;"), 1000);
    sl_str_release(&got);
    sl_str_release(&text);
}

static void answers_in_order_when_one_is_late(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(GET("/later") GET("/b")));
    test_loop_until(&h.http.test, h.later != NULL);
    test_send(fd, SL_SLICE(GET("/c")));
    for (int i = 0; i < 5; i++)
        test_loop_turn(&h.http.test);
    assert_seen("GET /later|;"); /* the others wait */
    sl_http_answer_text(h.later, 200, SL_SLICE("late"));
    test_http_await(&h.http, fd, &got, 3);
    assert_true(strstr(got.ptr, "late") < strstr(got.ptr, "/b"));
    assert_true(strstr(got.ptr, "/b") < strstr(got.ptr, "/c"));
    close(fd);
    sl_str_release(&got);
}

/* Whoever pipelines without end behind a late answer is not read any more. */
static void bounds_what_is_held(void **state)
{
    (void)state;
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(GET("/later")));
    test_loop_until(&h.http.test, h.later != NULL);
    char junk[8192];
    memset(junk, '\n', sizeof(junk));
    ssize_t sent = 0, len;
    unsigned idle_turns = 0;
    while (idle_turns < 50) {
        len = send(fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += len > 0 ? len : 0;
        idle_turns = len > 0 ? 0 : idle_turns + 1;
        test_loop_turn(&h.http.test);
    }
    int64_t read = sl_metric_get(&h.http.test.metrics, SL_M_BYTES_IN);
    assert_true(read < SL_HTTP_HELD_MAX + SL_READ_BUF_SIZE + 100);
    assert_true(sent > read);
    sl_http_answer_text(h.later, 200, SL_SLICE(""));
    close(fd);
}

static void head_gets_no_body(void **state)
{
    (void)state;
    struct sl_str got = ask("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_has(&got, "Content-Length: 5\r\n");
    assert_has_not(&got, "/head");
    sl_str_release(&got);
}

static void http10_closes_unless_told(void **state)
{
    (void)state;
    struct sl_str got = ask("GET /a HTTP/1.0\r\n\r\n" GET("/b"));
    assert_has(&got, "Connection: close\r\n");
    assert_int_equal(h.count, 1); /* the second was not looked at */
    sl_str_release(&got);
    got = ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET("/b"));
    assert_int_equal(test_count(&got, "Connection: keep-alive\r\n"), 1);
    assert_int_equal(h.count, 3);
    sl_str_release(&got);
}

static void closes_when_asked(void **state)
{
    (void)state;
    struct sl_str got = ask(
        "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/b"));
    assert_has(&got, "Connection: close\r\n");
    assert_int_equal(h.count, 1);
    sl_str_release(&got);
}

static void continues(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE("POST /c HTTP/1.1\r\nHost: a\r\n"
                           "Expect: 100-continue\r\n"
                           "Content-Length: 4\r\n\r\n"));
    test_http_await(&h.http, fd, &got, 1);
    assert_string_equal(got.ptr, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(h.count, 0);
    test_send(fd, SL_SLICE("body"));
    test_http_await(&h.http, fd, &got, 2);
    assert_seen("POST /c|body;");
    close(fd);
    sl_str_release(&got);
}

/* A client that asks for much and reads nothing. */
static void waits_for_slow_readers(void **state)
{
    (void)state;
    h.big = sl_buf_new_empty(1 << 20);
    memset(h.big->data, 'x', 1 << 20);
    h.big->len = 1 << 20;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    for (int i = 0; i < 20; i++)
        test_send(fd, SL_SLICE(GET("/big")));
    for (int i = 0; i < 50; i++)
        test_loop_turn(&h.http.test);
    unsigned before = h.count; /* the kernel's buffers take some */
    assert_true(before < 15);
    assert_true(sl_metric_get(&h.http.test.metrics, SL_M_QUEUED_BYTES) <=
                (1 << 20) + SL_HTTP_QUEUE_MAX);
    test_loop_until(&h.http.test, (test_recv(fd, &got, NULL),
                                   got.len >= 20 * ((1 << 20) + 50)));
    test_http_await(&h.http, fd, &got, 20);
    assert_int_equal(h.count, 20);
    close(fd);
    sl_str_release(&got);
}

/* ---- refusals ---- */

static void refused(const char *request, const char *status)
{
    struct sl_str got = ask(request);
    unsigned before = h.count;
    assert_has(&got, status);
    assert_has(&got, "Connection: close\r\n");
    assert_has(&got, "Content-Type: text/plain");
    assert_int_equal(h.count, before);
    sl_str_release(&got);
}

static void refuses(void **state)
{
    (void)state;
    refused("hello world\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
    refused("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    refused("GET noslash HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ");
    refused("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ");
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 ");
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10001\r\n\r\n",
            "HTTP/1.1 413 ");
    assert_int_equal(sl_metric_get(&h.http.test.metrics, SL_M_HTTP_REFUSED), 6);
    assert_int_equal(h.count, 0);
}

static void refusal_follows_what_was_answered(void **state)
{
    (void)state;
    struct sl_str got = ask(GET("/a") "nonsense\r\n\r\n");
    assert_int_equal(h.count, 1);
    assert_true(strstr(got.ptr, " 200 ") < strstr(got.ptr, " 400 "));
    sl_str_release(&got);
}

/* The client reads the answer only after it sent all of its far too large
 * request: a reset would have taken the answer from it. */
static void refusal_reaches_a_client_that_still_sends(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "POST / HTTP/1.1\r\nHost: a\r\n"
                          "Content-Length: 3000000\r\n\r\n");
    memset(sl_str_reserve(&text, 3000000), 'x', 3000000);
    text.len += 3000000;
    struct sl_str got = test_http_ask(&h.http, sl_str_slice(&text));
    assert_has(&got, "HTTP/1.1 413 ");
    sl_str_release(&got);

    sl_str_clear(&text);
    sl_str_add_lit(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(sl_str_reserve(&text, 1000000), 'x', 1000000);
    text.len += 1000000;
    got = test_http_ask(&h.http, sl_str_slice(&text));
    assert_has(&got, "HTTP/1.1 431 ");
    sl_str_release(&got);
    sl_str_release(&text);
}

/* ---- time ---- */

static void begun_request_times_out(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    h.http.server.limits.head_timeout_ms = 30;
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE("GET / HT"));
    test_loop_until(&h.http.test, !test_recv(fd, &got, NULL));
    assert_has(&got, "HTTP/1.1 408 ");
    close(fd);
    sl_str_clear(&got);

    fd = test_http_connect(&h.http); /* a body that does not come */
    test_send(fd, SL_SLICE("POST / HTTP/1.1\r\nHost: a\r\n"
                           "Content-Length: 4\r\n\r\nbod"));
    test_loop_until(&h.http.test, !test_recv(fd, &got, NULL));
    assert_has(&got, "HTTP/1.1 408 ");
    close(fd);
    sl_str_release(&got);
}

static void idle_connection_closes_without_a_word(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    h.http.server.limits.idle_timeout_ms = 30;
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(GET("/a")));
    test_loop_until(&h.http.test, !test_recv(fd, &got, NULL));
    assert_int_equal(test_count(&got, "HTTP/1.1 "), 1);
    close(fd);
    sl_str_release(&got);
}

static void closes_a_thousand_that_send_nothing(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    h.http.server.limits.head_timeout_ms = 50;
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++)
        fds[i] = test_http_connect(&h.http);
    assert_int_equal(h.http.server.spare_count, 0); /* no parser was made */
    test_loop_until(&h.http.test, sl_list_empty(&h.http.server.conns));
    for (int i = 0; i < COUNT; i++) {
        struct sl_str got = { 0 };
        assert_false(test_recv(fds[i], &got, NULL));
        assert_int_equal(got.len, 0);
        sl_str_release(&got);
        close(fds[i]);
    }
}

/* ---- peers that leave ---- */

static void handler_is_told_that_the_peer_left(void **state)
{
    (void)state;
    h.on_gone_wanted = true;
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(GET("/later")));
    test_loop_until(&h.http.test, h.later != NULL);
    close(fd);
    test_loop_until(&h.http.test, h.gone == 1);
    test_loop_until(&h.http.test, sl_list_empty(&h.http.server.conns));
}

static void late_answer_to_a_peer_that_left(void **state)
{
    (void)state;
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(GET("/later")));
    test_loop_until(&h.http.test, h.later != NULL);
    close(fd);
    test_loop_until(&h.http.test,
                    sl_metric_get(&h.http.test.metrics, SL_M_SOCKETS) == 0);
    assert_false(sl_list_empty(&h.http.server.conns));
    assert_int_equal(h.later->method.len, 3); /* it is still there */
    sl_http_answer_text(h.later, 200, SL_SLICE("nobody listens"));
    test_loop_until(&h.http.test, sl_list_empty(&h.http.server.conns));
}

static void leaving_in_the_middle_of_a_request(void **state)
{
    (void)state;
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE("GET / HTTP/1.1\r\nHo"));
    test_loop_until(&h.http.test,
                    sl_metric_get(&h.http.test.metrics, SL_M_BYTES_IN) > 0);
    close(fd);
    test_loop_until(&h.http.test, sl_list_empty(&h.http.server.conns));
    assert_int_equal(h.count, 0);
}

/* ---- upgrades ---- */

#define UPGRADE(path)                                             \
    "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n" \
    "Upgrade: websocket\r\n\r\n"

static void upgrade_hands_over_what_came_with_it(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(UPGRADE("/up") "first"));
    test_http_await(&h.http, fd, &got, 1);
    test_send(fd, SL_SLICE("second"));
    test_loop_until(&h.http.test, h.rest.len == 11);
    assert_memory_equal(h.rest.ptr, "firstsecond", 11);
    assert_true(sl_list_empty(&h.http.server.conns));
    close(fd);
    test_loop_until(&h.http.test, h.ended);
    sl_str_release(&got);
}

static void upgrade_behind_pipelined_requests(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(GET("/later") GET("/b") UPGRADE("/up") "rest"));
    test_loop_until(&h.http.test, h.later != NULL);
    sl_http_answer_text(h.later, 200, SL_SLICE("late"));
    test_http_await(&h.http, fd, &got, 3);
    assert_int_equal(h.rest.len, 4);
    close(fd);
    test_loop_until(&h.http.test, h.ended);
    sl_str_release(&got);
}

static void upgrade_after_the_handler_returned(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fd = test_http_connect(&h.http);
    test_send(fd, SL_SLICE(UPGRADE("/later") "one"));
    test_loop_until(&h.http.test, h.later != NULL);
    assert_true(h.later->upgrade);
    test_send(fd, SL_SLICE("two"));
    for (int i = 0; i < 5; i++)
        test_loop_turn(&h.http.test);
    upgrade(h.later);
    assert_int_equal(h.rest.len, 6);
    assert_memory_equal(h.rest.ptr, "onetwo", 6);
    test_http_await(&h.http, fd, &got, 1);
    close(fd);
    test_loop_until(&h.http.test, h.ended);
    sl_str_release(&got);
}

/* A client may ask for an upgrade that nobody has; HTTP goes on. */
static void upgrade_may_be_ignored(void **state)
{
    (void)state;
    struct sl_str got = ask(UPGRADE("/a") GET("/b"));
    assert_seen("GET /a|;GET /b|;");
    assert_int_equal(test_count(&got, "HTTP/1.1 200 "), 2);
    sl_str_release(&got);
}

/* ---- closing ---- */

static void closing_server_ends_idle_and_answers_busy(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int idle = test_http_connect(&h.http);
    int busy = test_http_connect(&h.http);
    test_send(busy, SL_SLICE(GET("/later") GET("/never")));
    test_loop_until(&h.http.test, h.later != NULL);
    sl_http_server_close(&h.http.server);
    test_loop_until(&h.http.test, !test_recv(idle, &got, NULL));
    assert_int_equal(got.len, 0);
    assert_true(test_recv(busy, &got, NULL)); /* still open */

    sl_http_answer_text(h.later, 200, SL_SLICE("last"));
    test_loop_until(&h.http.test, !test_recv(busy, &got, NULL));
    assert_has(&got, "Connection: close\r\n");
    assert_has(&got, "last");
    assert_int_equal(h.count, 1);
    close(idle);
    close(busy);

    int late = test_http_connect(&h.http);
    test_loop_until(&h.http.test, !test_recv(late, &got, NULL));
    close(late);
    sl_str_release(&got);
}

/* Idle, in the middle of a request, and waiting for two kinds of handlers. */
static void aborting_server_closes_all(void **state)
{
    (void)state;
    struct sl_str got = { 0 };
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = test_http_connect(&h.http);
    test_send(fds[1], SL_SLICE("GET / HT"));
    test_send(fds[2], SL_SLICE(GET("/later")));
    test_loop_until(&h.http.test, h.later != NULL);
    struct sl_http_request *untold = h.later;
    h.on_gone_wanted = true;
    test_send(fds[3], SL_SLICE(GET("/later")));
    test_loop_until(&h.http.test, h.later != untold);

    sl_http_server_abort(&h.http.server);
    assert_int_equal(h.gone, 1);
    for (int i = 0; i < 4; i++) {
        test_loop_until(&h.http.test, !test_recv(fds[i], &got, NULL));
        close(fds[i]);
    }
    assert_int_equal(got.len, 0);
    sl_http_answer_text(untold, 200, SL_SLICE("nobody listens"));
    test_loop_until(&h.http.test, sl_list_empty(&h.http.server.conns));
    sl_str_release(&got);
}

#define CONN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN_TEST(answers),
        CONN_TEST(keeps_alive_and_owns_nothing_meanwhile),
        CONN_TEST(pipelines_a_thousand),
        CONN_TEST(answers_in_order_when_one_is_late),
        CONN_TEST(bounds_what_is_held),
        CONN_TEST(head_gets_no_body),
        CONN_TEST(http10_closes_unless_told),
        CONN_TEST(closes_when_asked),
        CONN_TEST(continues),
        CONN_TEST(waits_for_slow_readers),
        CONN_TEST(refuses),
        CONN_TEST(refusal_follows_what_was_answered),
        CONN_TEST(refusal_reaches_a_client_that_still_sends),
        CONN_TEST(begun_request_times_out),
        CONN_TEST(idle_connection_closes_without_a_word),
        CONN_TEST(closes_a_thousand_that_send_nothing),
        CONN_TEST(handler_is_told_that_the_peer_left),
        CONN_TEST(late_answer_to_a_peer_that_left),
        CONN_TEST(leaving_in_the_middle_of_a_request),
        CONN_TEST(upgrade_hands_over_what_came_with_it),
        CONN_TEST(upgrade_behind_pipelined_requests),
        CONN_TEST(upgrade_after_the_handler_returned),
        CONN_TEST(upgrade_may_be_ignored),
        CONN_TEST(closing_server_ends_idle_and_answers_busy),
        CONN_TEST(aborting_server_closes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
