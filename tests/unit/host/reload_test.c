// SPDX-License-Identifier: MIT
/*
 * Reloads over two workers whose letters are delivered by hand: all or none
 * commit, errors are told once, what comes in between is one more reload, and
 * a worker that stays silent fails it.
 */
#include "host/reload.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "tests/lib/c_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define WORKERS 2

static char root[64];
static struct sl_directory *directory;
static struct sl_bus *bus;
static struct sl_claims *claims;
static struct sl_token_keys keys;
static struct sl_worker_env env;
static struct sl_worker workers[WORKERS];
static struct sl_loop loop;
static struct sl_metrics metrics;
static struct sl_reload reload;

static void path_of(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", root, name);
}

static void save(const char *name, const char *text)
{
    char path[128];
    path_of(path, sizeof(path), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void delete (const char *name)
{
    char path[128];
    path_of(path, sizeof(path), name);
    unlink(path);
}

static void on_error(void *user, const struct sl_report *report)
{
    (void)user;
    (void)report;
}

static int setup(void **state)
{
    (void)state;
    sl_log_setup(STDERR_FILENO, SL_LOG_OFF, SL_LOG_JSON);
    strcpy(root, "/tmp/reload_test.XXXXXX");
    if (mkdtemp(root) == NULL)
        return -1;
    save("chat.lua", "one");
    struct sl_report report = { 0 };
    metrics = (struct sl_metrics){ 0 };
    directory = sl_directory_new();
    bus = sl_bus_new(directory, WORKERS);
    claims = sl_claims_new(100);
    sl_token_keys_init(&keys, (struct sl_slice){ 0 });
    assert_int_equal(sl_reload_init(&reload, root, &report), 0);
    env = (struct sl_worker_env){
        .engine = &c_engine_ops,
        .scripts = &reload.current->snapshot.set,
        .bus = bus,
        .claims = claims,
        .keys = &keys,
        .pod = "test",
        .http_limits = { 8192, 8192, 5000, 5000 },
        .on_error = on_error,
    };
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(sl_worker_init(&workers[i], &env, i), 0);
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    sl_reload_attach(&reload, &loop, &metrics, workers, WORKERS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_reload_stop(&reload);
    for (unsigned i = 0; i < WORKERS; i++)
        sl_mailbox_deliver(&workers[i].loop.mailbox);
    for (unsigned i = 0; i < WORKERS; i++)
        sl_worker_free(&workers[i]);
    sl_loop_release(&loop);
    sl_reload_release(&reload);
    sl_claims_free(claims);
    sl_bus_free(bus);
    sl_directory_free(directory);
    delete ("chat.lua");
    delete ("new.lua");
    return rmdir(root);
}

static void deliver(void)
{
    size_t count;
    do {
        count = sl_mailbox_deliver(&loop.mailbox);
        for (unsigned i = 0; i < WORKERS; i++)
            count += sl_mailbox_deliver(&workers[i].loop.mailbox);
    } while (count > 0);
}

static const char *described(void)
{
    static struct sl_str text;
    sl_str_clear(&text);
    sl_reload_describe(&reload, &text);
    return sl_str_cstr(&text);
}

static int64_t metric(enum sl_metric id)
{
    return sl_metric_get(&metrics, id);
}

static void commits_everywhere(void **state)
{
    (void)state;
    char old[9];
    strcpy(old, reload.current->snapshot.set.version);
    save("chat.lua", "two");
    save("new.lua", "");
    sl_reload_start(&reload, "watch");
    assert_string_equal(reload.current->snapshot.set.version, old);
    deliver();
    assert_string_not_equal(reload.current->snapshot.set.version, old);
    assert_int_equal(reload.outcome, SL_RELOAD_COMMITTED);
    assert_string_equal(sl_str_cstr(&reload.changes), "chat.lua, +new.lua");
    assert_int_equal(metric(SL_M_RELOADS), 1);
    assert_non_null(strstr(described(), "\"trigger\":\"watch\""));
    for (unsigned i = 0; i < WORKERS; i++)
        assert_non_null(sl_hub_find(&workers[i].world, SL_SLICE("new")));
    delete ("new.lua");
    sl_reload_start(&reload, "watch");
    deliver();
    assert_string_equal(sl_str_cstr(&reload.changes), "-new.lua");
}

static void tells_errors_once_and_changes_nothing(void **state)
{
    (void)state;
    const struct sl_scripts *before = reload.current;
    save("chat.lua", "two");
    save("new.lua", "error");
    sl_reload_start(&reload, "watch");
    deliver();
    assert_ptr_equal(reload.current, before);
    assert_int_equal(reload.outcome, SL_RELOAD_FAILED);
    assert_int_equal(reload.error_count, 1);
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 1);
    assert_non_null(
        strstr(described(), "\"errors\":[\"new.lua:1: does not load\"]"));
    /* A watch does not try the same again; who asks for it does. */
    sl_reload_start(&reload, "watch");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 1);
    sl_reload_start(&reload, "signal");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 2);
    /* Mended, and broken in the same way: that is news. */
    save("chat.lua", "one");
    delete ("new.lua");
    sl_reload_start(&reload, "watch");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS), 0);
    save("chat.lua", "two");
    save("new.lua", "error");
    sl_reload_start(&reload, "watch");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 3);
}

static void gathers_what_comes_in_between(void **state)
{
    (void)state;
    save("chat.lua", "two");
    sl_reload_start(&reload, "watch");
    save("chat.lua", "three");
    sl_reload_start(&reload, "watch");
    sl_reload_start(&reload, "signal");
    sl_reload_start(&reload, "watch");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS), 2);
    assert_string_equal(reload.trigger, "signal");
    assert_true(sl_slice_eq(reload.current->snapshot.set.files[0].text,
                            SL_SLICE("three")));
    assert_non_null(strstr(described(), "\"generations\":[{"));
    assert_null(strstr(described(), "\"serves\":false"));
}

static void fails_when_a_worker_is_silent(void **state)
{
    (void)state;
    const struct sl_scripts *before = reload.current;
    save("chat.lua", "two");
    sl_reload_start(&reload, "watch");
    sl_mailbox_deliver(&workers[0].loop.mailbox);
    sl_mailbox_deliver(&loop.mailbox);
    sl_wheel_advance(&loop.wheel, loop.wheel.now_ms + SL_RELOAD_TIMEOUT_MS + 1);
    assert_int_equal(reload.outcome, SL_RELOAD_FAILED);
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 1);
    deliver(); /* it comes to itself, and drops what it prepared */
    assert_ptr_equal(reload.current, before);
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 1);
    sl_reload_start(&reload, "signal");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS), 1);
}

static void survives_a_folder_that_is_gone(void **state)
{
    (void)state;
    char away[80];
    snprintf(away, sizeof(away), "%s.away", root);
    assert_int_equal(rename(root, away), 0);
    sl_reload_start(&reload, "watch");
    sl_reload_start(&reload, "watch");
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 1);
    assert_int_equal(rename(away, root), 0);
    sl_reload_start(&reload, "watch");
    deliver();
    assert_int_equal(metric(SL_M_RELOADS), 0);
    assert_int_equal(metric(SL_M_RELOADS_FAILED), 1);
}

static void keeps_a_set_while_somebody_holds_it(void **state)
{
    (void)state;
    struct sl_scripts *first = reload.current;
    sl_script_set_hold(&first->snapshot.set);
    save("chat.lua", "two");
    sl_reload_start(&reload, "signal");
    deliver();
    assert_non_null(strstr(described(), "\"workers\":1,\"serves\":false"));
    sl_script_set_let_go(&first->snapshot.set);
    assert_null(strstr(described(), "\"serves\":false"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(commits_everywhere),
        TEST(tells_errors_once_and_changes_nothing),
        TEST(gathers_what_comes_in_between),
        TEST(fails_when_a_worker_is_silent),
        TEST(survives_a_folder_that_is_gone),
        TEST(keeps_a_set_while_somebody_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
