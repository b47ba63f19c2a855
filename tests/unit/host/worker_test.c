// SPDX-License-Identifier: MIT
/*
 * One worker as a thread, with an engine in C: it serves what it is handed,
 * tells its clients when it stops, and leaves nothing behind, whether it ran,
 * never started, or could not load its scripts.
 */
#include "host/worker.h"

#include "base/err.h"
#include "tests/lib/c_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct sl_directory *directory;
static struct sl_bus *bus;
static struct sl_claims *claims;
static struct sl_token_keys keys;
static struct sl_worker_env env;
static struct sl_worker worker;
static char reported[256];

static const struct sl_script_file good_files[] = {
    { SL_SLICE("chat.lua"), SL_SLICE("") },
};
static const struct sl_script_file bad_files[] = {
    { SL_SLICE("bad.lua"), SL_SLICE("error") },
};
static const struct sl_script_set good_set = { good_files, 1, "00000000",
                                               NULL };
static const struct sl_script_set bad_set = { bad_files, 1, "11111111", NULL };

static void on_error(void *user, const struct sl_report *report)
{
    (void)user;
    sl_report_format(report, reported, sizeof(reported));
}

static int setup(void **state)
{
    (void)state;
    reported[0] = '\0';
    directory = sl_directory_new();
    bus = sl_bus_new(directory, 1);
    claims = sl_claims_new(100);
    sl_token_keys_init(&keys, (struct sl_slice){ 0 });
    env = (struct sl_worker_env){
        .engine = &c_engine_ops,
        .scripts = &good_set,
        .bus = bus,
        .claims = claims,
        .keys = &keys,
        .pod = "test",
        .http_limits = { 8192, 8192, 5000, 5000 },
        .shutdown_timeout_ms = 2000,
        .on_error = on_error,
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_worker_free(&worker);
    sl_claims_free(claims);
    sl_bus_free(bus);
    sl_directory_free(directory);
    return 0;
}

/* A client's end of a socket that the worker was handed. */
static int hand_socket(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct sockaddr_storage peer = { .ss_family = AF_INET };
    sl_worker_hand_socket(&worker, pair[0], &peer);
    return pair[1];
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `text` has come, or the end; the socket blocks. */
static void await(int fd, struct sl_str *got, const char *text)
{
    while (got->len == 0 ||
           memmem(got->ptr, got->len, text, strlen(text)) == NULL) {
        char *to = sl_str_reserve(got, 4096);
        ssize_t len = recv(fd, to, 4096, 0);
        if (len <= 0)
            fail_msg("ended before \"%s\"", text);
        got->len += (size_t)len;
    }
}

static void await_end(int fd)
{
    char bytes[4096];
    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        continue;
    close(fd);
}

static void upgrade(int fd, struct sl_str *got)
{
    send_text(fd, "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    await(fd, got, "\r\n\r\n");
    /* {"protocol":"json","version":1}RS masked with zeros */
    send_text(fd, "\x81\xa0");
    assert_int_equal(send(fd, "\0\0\0\0", 4, MSG_NOSIGNAL), 4);
    send_text(fd, "{\"protocol\":\"json\",\"version\":1}\x1e");
    await(fd, got, "{}\x1e");
}

static void it_serves_and_stops(void **state)
{
    (void)state;
    assert_int_equal(sl_worker_init(&worker, &env, 0), 0);
    assert_int_equal(sl_worker_start(&worker), 0);
    struct sl_str http = { 0 }, ws = { 0 };
    int a = hand_socket(), b = hand_socket();
    send_text(a, "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
    await(a, &http, "pong");
    upgrade(b, &ws);
    assert_int_equal(sl_worker_load(&worker), 2);

    sl_worker_stop(&worker);
    await(b, &ws, "{\"type\":7,");
    await(b, &ws, "\"allowReconnect\":true}\x1e");
    await_end(a);
    close(b);
    sl_worker_join(&worker);
    assert_int_equal(sl_worker_load(&worker), 0);
    sl_str_release(&http);
    sl_str_release(&ws);
}

/* The client neither answers the Close nor leaves. */
static void a_stop_does_not_wait_for_ever(void **state)
{
    (void)state;
    env.shutdown_timeout_ms = 50;
    assert_int_equal(sl_worker_init(&worker, &env, 0), 0);
    assert_int_equal(sl_worker_start(&worker), 0);
    struct sl_str ws = { 0 };
    int fd = hand_socket();
    upgrade(fd, &ws);
    sl_worker_stop(&worker);
    sl_worker_join(&worker);
    await_end(fd);
    sl_str_release(&ws);
}

static void sockets_that_come_while_it_stops_are_closed(void **state)
{
    (void)state;
    assert_int_equal(sl_worker_init(&worker, &env, 0), 0);
    assert_int_equal(sl_worker_start(&worker), 0);
    sl_worker_stop(&worker);
    int fd = hand_socket();
    sl_worker_join(&worker);
    sl_worker_free(&worker);
    await_end(fd);
    worker = (struct sl_worker){ 0 };
}

static void one_that_never_started(void **state)
{
    (void)state;
    assert_int_equal(sl_worker_init(&worker, &env, 0), 0);
    sl_worker_stop(&worker);
    sl_worker_join(&worker);
}

static void scripts_that_do_not_load(void **state)
{
    (void)state;
    env.scripts = &bad_set;
    assert_int_equal(sl_worker_init(&worker, &env, 0), SL_E_SCRIPT);
    assert_string_equal(reported, "bad.lua:1: does not load");
}

static void a_www_folder_that_is_missing(void **state)
{
    (void)state;
    env.www = "/nowhere/at/all";
    assert_int_equal(sl_worker_init(&worker, &env, 0), SL_E_CONFIG);
    assert_non_null(strstr(reported, "/nowhere/at/all"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_serves_and_stops),
        CASE(a_stop_does_not_wait_for_ever),
        CASE(sockets_that_come_while_it_stops_are_closed),
        CASE(one_that_never_started),
        CASE(scripts_that_do_not_load),
        CASE(a_www_folder_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
