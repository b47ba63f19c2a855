// SPDX-License-Identifier: MIT
/*
 * The whole host with an engine in C: it starts, says where, serves with one
 * and with several workers, answers the admin pages and ends with status 0 on
 * a signal; what keeps it from starting is an error and status 1.
 */
#include "host/host.h"

#include "base/log.h"
#include "base/str.h"
#include "tests/lib/c_engine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/signalua-host-XXXXXX";
static char hub_file[64];
static struct sl_config config;
static int log_pipe[2];
static struct sl_str log_text;

static void write_hub(const char *text)
{
    FILE *file = fopen(hub_file, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(hub_file, sizeof(hub_file), "%s/chat.lua", folder);
    write_hub("");
    char *const environment[] = { NULL };
    const struct sl_setting_sources sources = { .environment = environment };
    struct sl_report report;
    assert_int_equal(sl_config_load(&config, &sources, &report), 0);
    free(config.hubs);
    config.hubs = strdup(folder);
    free(config.listen);
    config.listen = strdup("127.0.0.1:0");
    free(config.admin);
    config.admin = strdup("127.0.0.1:0");
    config.workers = 1;
    assert_int_equal(pipe2(log_pipe, O_CLOEXEC), 0);
    sl_log_setup(log_pipe[1], SL_LOG_INFO, SL_LOG_JSON);
    sl_str_clear(&log_text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_log_setup(STDERR_FILENO, SL_LOG_INFO, SL_LOG_AUTO);
    close(log_pipe[0]);
    close(log_pipe[1]);
    sl_config_release(&config);
    unlink(hub_file);
    rmdir(folder);
    sl_str_release(&log_text);
    return 0;
}

static void *serve(void *user)
{
    *(int *)user = sl_host_serve(&config, &c_engine_ops);
    return NULL;
}

/* Waits for a line with `text` and returns the number behind "name":. */
static unsigned await_log(const char *text, const char *name)
{
    char pattern[64];
    snprintf(pattern, sizeof(pattern), "\"%s\":", name);
    while (strstr(sl_str_cstr(&log_text), text) == NULL) {
        char *to = sl_str_reserve(&log_text, 4096);
        ssize_t len = read(log_pipe[0], to, 4096);
        assert_true(len > 0);
        log_text.len += (size_t)len;
    }
    const char *at = strstr(strstr(log_text.ptr, text), pattern);
    return at == NULL ? 0 : (unsigned)strtoul(at + strlen(pattern), NULL, 10);
}

static void ask(unsigned port, const char *path, const char *want)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)),
                     0);
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text,
                   "GET %s HTTP/1.1\r\nHost: x\r\n"
                   "Connection: close\r\n\r\n",
                   path);
    assert_int_equal(send(fd, text.ptr, text.len, MSG_NOSIGNAL), text.len);
    sl_str_clear(&text);
    ssize_t len;
    while ((len = recv(fd, sl_str_reserve(&text, 65536), 65536, 0)) > 0)
        text.len += (size_t)len;
    if (strstr(sl_str_cstr(&text), want) == NULL)
        fail_msg("%s: no \"%s\" in %s", path, want, text.ptr);
    sl_str_release(&text);
    close(fd);
}

static void serve_with(unsigned workers, int stop_signal)
{
    int status = -1;
    pthread_t thread;
    config.workers = workers;
    assert_int_equal(pthread_create(&thread, NULL, serve, &status), 0);
    unsigned port = await_log("\"text\":\"started\"", "port");
    unsigned admin = await_log("\"text\":\"started\"", "admin_port");
    for (unsigned i = 0; i < 2 * workers; i++)
        ask(port, "/ping", "pong");
    ask(port, "/chat", "Connection ID required");
    ask(port, "/nothing", "404 Not Found");
    ask(admin, "/healthz", "200 OK");
    char last[64];
    snprintf(last, sizeof(last), "signalua_http_requests_total{worker=\"%u\"}",
             workers - 1);
    ask(admin, "/metrics", last);
    kill(getpid(), stop_signal);
    pthread_join(thread, NULL);
    assert_int_equal(status, 0);
    await_log("\"text\":\"stopped\"", "none");
}

static void one_worker(void **state)
{
    (void)state;
    serve_with(1, SIGTERM);
}

static void three_workers(void **state)
{
    (void)state;
    serve_with(3, SIGINT);
}

static void a_limit_on_sockets(void **state)
{
    (void)state;
    int status = -1;
    pthread_t thread;
    config.max_sockets = 1;
    assert_int_equal(pthread_create(&thread, NULL, serve, &status), 0);
    unsigned port = await_log("\"text\":\"started\"", "port");
    unsigned admin = await_log("\"text\":\"started\"", "admin_port");
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fds[2];
    for (unsigned i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(
            connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
    }
    char byte;
    assert_true(recv(fds[1], &byte, 1, 0) <= 0);
    ask(admin, "/metrics", "signalua_sockets_refused_total{worker=\"0\"} 1\n");
    close(fds[0]);
    close(fds[1]);
    kill(getpid(), SIGTERM);
    pthread_join(thread, NULL);
    assert_int_equal(status, 0);
}

static void scripts_that_do_not_load_are_a_reason_not_to_start(void **state)
{
    (void)state;
    write_hub("error");
    assert_int_equal(sl_host_serve(&config, &c_engine_ops), 1);
    await_log("chat.lua:1: does not load", "none");
}

static void so_is_a_missing_folder(void **state)
{
    (void)state;
    free(config.hubs);
    config.hubs = strdup("/nowhere/at/all");
    assert_int_equal(sl_host_serve(&config, &c_engine_ops), 1);
    await_log("/nowhere/at/all", "none");
}

static void so_is_a_port_that_is_taken(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    free(config.listen);
    assert_true(
        asprintf(&config.listen, "127.0.0.1:%u", ntohs(address.sin_port)) > 0);
    for (config.workers = 1; config.workers <= 2; config.workers++)
        assert_int_equal(sl_host_serve(&config, &c_engine_ops), 1);
    await_log(config.listen, "none");
    close(fd);
}

static void check_loads_and_does_not_serve(void **state)
{
    (void)state;
    assert_int_equal(sl_host_check(&config, &c_engine_ops), 0);
    write_hub("error");
    assert_int_equal(sl_host_check(&config, &c_engine_ops), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_worker),
        CASE(three_workers),
        CASE(a_limit_on_sockets),
        CASE(scripts_that_do_not_load_are_a_reason_not_to_start),
        CASE(so_is_a_missing_folder),
        CASE(so_is_a_port_that_is_taken),
        CASE(check_loads_and_does_not_serve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
