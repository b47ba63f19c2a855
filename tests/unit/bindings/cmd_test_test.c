// SPDX-License-Identifier: MIT
/*
 * The exit status of a run of tests, and that log lines go where they went
 * before. (What it prints: tests/program/testing.test.mjs.)
 */
#include "bindings/cmd_test.h"

#include "base/base.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HUB                                                             \
    "local signalua = require 'signalua'\nlocal Hub = signalua.hub()\n" \
    "function Hub:Word() return signalua.config.word end\nreturn Hub\n"
#define TEST(body)                                 \
    "local testing = require 'signalua.testing'\n" \
    "it('works', function()\n" body "\nend)\n"

static int run(const char *hub, const char *test_text)
{
    static const struct sl_setting_view settings[] = { { "word", "hello" } };
    char path[] = "/tmp/signalua-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t len = strlen(test_text);
    assert_int_equal(write(fd, test_text, len), (ssize_t)len);
    close(fd);
    const char *paths[] = { path };
    struct sl_script_file file = { SL_SLICE("chat.lua"), sl_slice_str(hub) };
    struct sl_script_set set = { .files = &file, .file_count = 1 };
    int status = sl_cmd_test(&(struct sl_cmd_test){
        .set = &set,
        .folder = "/tmp",
        .paths = paths,
        .path_count = 1,
        .settings = settings,
        .setting_count = SL_COUNT(settings),
        .log_level = SL_LOG_ERROR,
    });
    unlink(path);
    return status;
}

static void passes_and_fails(void **state)
{
    (void)state;
    assert_int_equal(run(HUB, TEST("")), 0);
    assert_int_equal(run(HUB, TEST("error('no')")), 1);
    assert_int_equal(run(HUB, TEST("assert.equal(1, 2)")), 1);
    assert_int_equal(run(HUB, "local x = = 1"), 1);
    assert_int_equal(run(HUB, "error('at once')"), 1);
    assert_int_equal(run(HUB, "-- no test"), 1);
}

static void serves_the_hubs_with_the_settings(void **state)
{
    (void)state;
    assert_int_equal(run(HUB, TEST("local a = testing.hub('chat'):connect()\n"
                                   "assert.equal('hello', a:invoke('Word'))")),
                     0);
}

static void does_not_run_when_hubs_do_not_load(void **state)
{
    (void)state;
    assert_int_equal(run("return 5", TEST("")), 1);
}

static void finds_no_file(void **state)
{
    (void)state;
    const char *paths[] = { "/nonexistent" };
    struct sl_script_set set = { .file_count = 0 };
    struct sl_cmd_test test = { .set = &set, .folder = "/tmp", .paths = paths };
    assert_int_equal(sl_cmd_test(&test), 1);
    test.path_count = 1;
    assert_int_equal(sl_cmd_test(&test), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_and_fails),
        cmocka_unit_test(serves_the_hubs_with_the_settings),
        cmocka_unit_test(does_not_run_when_hubs_do_not_load),
        cmocka_unit_test(finds_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
