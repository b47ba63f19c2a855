// SPDX-License-Identifier: MIT
/*
 * Addresses with their error texts, accepting over real sockets, pausing, and
 * running out of descriptors: the listener rests, says so once, counts it, and
 * accepts again when there are some.
 */
#include "net/listener.h"

#include "base/limits.h"
#include "base/log.h"
#include "tests/lib/test_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include <cmocka.h>

struct taken {
    int fds[128];
    unsigned count;
    unsigned pause_at; /* 0: never */
    char peer[SL_ADDRESS_TEXT_MAX];
};

static void on_accept(struct sl_listener *listener, int fd,
                      const struct sockaddr_storage *peer, void *user)
{
    struct taken *taken = user;
    taken->fds[taken->count++] = fd;
    sl_address_text(peer, taken->peer);
    if (taken->count == taken->pause_at)
        sl_listener_pause(listener);
}

static void close_taken(struct taken *taken)
{
    while (taken->count > 0)
        close(taken->fds[--taken->count]);
}

static void expect_address(const char *text, const char *ip, unsigned port)
{
    struct sockaddr_storage address;
    struct sl_report report = { 0 };
    char out[SL_ADDRESS_TEXT_MAX];
    if (sl_address_parse(sl_slice_str(text), &address, &report) != 0)
        fail_msg("%s: %s", text, report.text);
    sl_address_text(&address, out);
    assert_string_equal(out, ip);
    const struct sockaddr_in *in4 = (const void *)&address;
    assert_int_equal(ntohs(in4->sin_port), port); /* same place in IPv6 */
}

static void addresses(void **state)
{
    (void)state;
    expect_address("127.0.0.1:8080", "127.0.0.1", 8080);
    expect_address(":8080", "0.0.0.0", 8080);
    expect_address("0.0.0.0:0", "0.0.0.0", 0);
    expect_address("[::1]:65535", "::1", 65535);
    expect_address("[::ffff:10.1.2.3]:1", "10.1.2.3", 1);
    expect_address("localhost:80", "127.0.0.1", 80);
}

static void wrong_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:80x",
        "127.0.0.1:-1",
        "::1",
        "::1:80",
        "[::1:80",
        "[]:80",
        "127.0.0.1:123456",
        "[nonsense]:80",
        "999.1.1.1:80",
    };
    for (size_t i = 0; i < SL_COUNT(wrong); i++) {
        struct sockaddr_storage address;
        struct sl_report report = { 0 };
        int err = sl_address_parse(sl_slice_str(wrong[i]), &address, &report);
        if (err == 0)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_true(report.text[0] != '\0');
    }
}

static void reports_what_is_wrong(void **state)
{
    (void)state;
    struct test_loop test;
    struct taken taken = { 0 };
    struct sl_report report = { 0 };
    test_loop_open(&test);
    struct sl_listener *first = sl_listener_open(
        &test.loop, SL_SLICE("127.0.0.1:0"), 16, on_accept, &taken, &report);
    assert_non_null(first);

    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", sl_listener_port(first));
    assert_null(sl_listener_open(&test.loop, sl_slice_str(address), 16,
                                 on_accept, &taken, &report));
    assert_non_null(strstr(report.text, address));
    assert_non_null(strstr(report.text, "another server"));
    assert_null(sl_listener_open(&test.loop, SL_SLICE("nonsense"), 16,
                                 on_accept, &taken, &report));
    assert_non_null(strstr(report.text, "HOST:PORT"));
    sl_listener_close(first);
    sl_listener_close(first);
    test_loop_close(&test);
}

static void accepts_pauses_resumes(void **state)
{
    (void)state;
    struct test_loop test;
    struct taken taken = { .pause_at = 3 };
    test_loop_open(&test);
    struct sl_listener *listener = sl_listener_open(
        &test.loop, SL_SLICE("127.0.0.1:0"), 128, on_accept, &taken, NULL);
    assert_non_null(listener);
    int clients[100];
    for (int i = 0; i < 100; i++)
        clients[i] = test_tcp_connect(sl_listener_port(listener));

    test_loop_until(&test, taken.count == 3);
    for (int i = 0; i < 10; i++)
        test_loop_turn(&test);
    assert_int_equal(taken.count, 3); /* even within one turn */
    sl_listener_resume(listener);
    test_loop_until(&test, taken.count == 100);
    assert_string_equal(taken.peer, "127.0.0.1");
    assert_true(fcntl(taken.fds[0], F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(taken.fds[0], F_GETFD) & FD_CLOEXEC);

    for (int i = 0; i < 100; i++)
        close(clients[i]);
    close_taken(&taken);
    sl_listener_close(listener);
    test_loop_close(&test);
}

/* Takes all descriptors but those that are open already. */
/* Probes and time-outs are set on no accepted socket: they are inherited. */
static void accepted_sockets_find_lost_peers(void **state)
{
    (void)state;
    struct test_loop test;
    struct taken taken = { 0 };
    test_loop_open(&test);
    struct sl_listener *listener = sl_listener_open(
        &test.loop, SL_SLICE("127.0.0.1:0"), 16, on_accept, &taken, NULL);
    int client = test_tcp_connect(sl_listener_port(listener));
    test_loop_until(&test, taken.count == 1);
    static const struct {
        int level, name, value;
    } options[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, SL_PEER_TIMEOUT_MS / 3000 },
        { IPPROTO_TCP, TCP_USER_TIMEOUT, SL_PEER_TIMEOUT_MS },
    };
    for (size_t i = 0; i < SL_COUNT(options); i++) {
        int value = 0;
        socklen_t size = sizeof(value);
        assert_int_equal(getsockopt(taken.fds[0], options[i].level,
                                    options[i].name, &value, &size),
                         0);
        assert_int_equal(value, options[i].value);
    }
    close_taken(&taken);
    close(client);
    sl_listener_close(listener);
    test_loop_close(&test);
}

static void limit_descriptors(rlim_t limit)
{
    struct rlimit now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    now.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static unsigned count_lines(struct sl_slice text, const char *word)
{
    unsigned count = 0;
    const char *at = text.ptr;
    while ((at = memmem(at, (size_t)(text.ptr + text.len - at), word,
                        strlen(word))) != NULL) {
        count++;
        at++;
    }
    return count;
}

static void survives_lack_of_descriptors(void **state)
{
    (void)state;
    struct test_loop test;
    struct taken taken = { 0 };
    int log[2];
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
    sl_log_setup(log[1], SL_LOG_INFO, SL_LOG_JSON);
    test_loop_open(&test);
    struct sl_listener *listener = sl_listener_open(
        &test.loop, SL_SLICE("127.0.0.1:0"), 16, on_accept, &taken, NULL);
    assert_non_null(listener);
    int client = test_tcp_connect(sl_listener_port(listener));

    limit_descriptors((rlim_t)client + 1);
    test_loop_until(&test,
                    sl_metric_get(&test.metrics, SL_M_ACCEPT_FAILED) == 2);
    assert_int_equal(taken.count, 0);
    limit_descriptors(before.rlim_cur);
    test_loop_until(&test, taken.count == 1);

    /* Two failures, one line. */
    char text[8192];
    ssize_t len = read(log[0], text, sizeof(text));
    assert_true(len > 0);
    assert_int_equal(count_lines(sl_slice_of(text, (size_t)len),
                                 "cannot accept connections"),
                     1);
    sl_log_setup(2, SL_LOG_INFO, SL_LOG_AUTO);

    close(client);
    close(log[0]);
    close(log[1]);
    close_taken(&taken);
    sl_listener_close(listener);
    test_loop_close(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(wrong_addresses),
        cmocka_unit_test(reports_what_is_wrong),
        cmocka_unit_test(accepts_pauses_resumes),
        cmocka_unit_test(accepted_sockets_find_lost_peers),
        cmocka_unit_test(survives_lack_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
