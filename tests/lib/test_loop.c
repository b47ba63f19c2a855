// SPDX-License-Identifier: MIT
/*
 * Turns do not wait in the poll: the test's own sockets, which the loop does
 * not watch, are looked at between two turns.
 */
#include "tests/lib/test_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS UINT64_C(10000000000)
#define STEP_MS 100   /* by which the given time moves at most */
#define QUIET_TURNS 4 /* a closed handle, a letter, their consequences */

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
}

void test_loop_open(struct test_loop *test)
{
    test->metrics = (struct sl_metrics){ 0 };
    assert_int_equal(sl_loop_init(&test->loop, &test->metrics), 0);
    uv_timer_init(&test->loop.uv, &test->guard);
    uv_timer_start(&test->guard, on_guard, 3600000, 3600000);
    test_loop_be_patient(test);
}

void test_loop_be_patient(struct test_loop *test)
{
    test->deadline_ns = uv_hrtime() + PATIENCE_NS;
}

void test_loop_close(struct test_loop *test)
{
    uv_close((uv_handle_t *)&test->guard, NULL);
    sl_loop_release(&test->loop);
    assert_int_equal(sl_metric_get(&test->metrics, SL_M_SOCKETS), 0);
    assert_int_equal(sl_metric_get(&test->metrics, SL_M_QUEUED_BYTES), 0);
}

void test_loop_turn(struct test_loop *test)
{
    if (uv_hrtime() > test->deadline_ns)
        fail_msg("waited in vain");
    uv_run(&test->loop.uv, UV_RUN_NOWAIT);
    sched_yield();
}

void test_loop_stop_time(struct test_loop *test)
{
    test->now_ms = sl_loop_now(&test->loop);
    test->loop.given_ms = &test->now_ms;
}

void test_loop_pass(struct test_loop *test, uint64_t ms)
{
    while (ms > 0) {
        uint64_t step = ms < STEP_MS ? ms : STEP_MS;
        test->now_ms += step;
        ms -= step;
        test_loop_turn(test);
    }
    test_loop_settle(test);
}

/* Changes with whatever a turn may do. */
static int64_t activity(const struct test_loop *test)
{
    return sl_metric_get(&test->metrics, SL_M_BYTES_IN) +
           sl_metric_get(&test->metrics, SL_M_BYTES_OUT) +
           sl_metric_get(&test->metrics, SL_M_LETTERS) -
           sl_metric_get(&test->metrics, SL_M_SOCKETS);
}

void test_loop_settle(struct test_loop *test)
{
    for (unsigned quiet = 0; quiet < QUIET_TURNS; quiet++) {
        int64_t before = activity(test);
        test_loop_turn(test);
        if (activity(test) != before)
            quiet = 0;
    }
}

static int listen_loopback(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    *address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(bind(fd, (struct sockaddr *)address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
    return fd;
}

/* As the listener's sockets, and so that a test's own small pieces do not wait
 * for each other's acknowledgements. */
static void set_no_delay(int fd)
{
    int on = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
                     0);
}

int test_tcp_connect(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)),
                     0);
    set_no_delay(fd);
    return fd;
}

void test_tcp_pair(int out[2])
{
    struct sockaddr_in address;
    int listening = listen_loopback(&address);
    out[1] = test_tcp_connect(ntohs(address.sin_port));
    out[0] = accept(listening, NULL, NULL);
    assert_true(out[0] >= 0);
    set_no_delay(out[0]);
    close(listening);
}

void test_local_pair(int out[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out),
                     0);
}

bool test_recv(int fd, struct sl_str *into, int *error)
{
    if (error != NULL)
        *error = 0;
    for (;;) {
        ssize_t len =
            recv(fd, sl_str_reserve(into, 65536), 65536, MSG_DONTWAIT);
        if (len > 0) {
            into->len += (size_t)len;
            continue;
        }
        if (len < 0 && errno == EAGAIN)
            return true;
        if (len < 0 && error != NULL)
            *error = errno;
        return false;
    }
}

void test_send(int fd, struct sl_slice bytes)
{
    assert_int_equal(
        send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT), bytes.len);
}
