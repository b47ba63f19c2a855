// SPDX-License-Identifier: MIT
/*
 * A failed assertion ends the process with SIGABRT and one line on standard
 * error; a true one does nothing. The death is watched from a parent process.
 */
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the body in a child; returns its wait status and its standard error. */
static int status_of(void (*body)(void), char *out, size_t out_size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t n;
    while ((n = read(ends[0], out + len, out_size - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_dies(void (*body)(void), const char *text)
{
    char out[4096];
    int status = status_of(body, out, sizeof(out));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(out, text));
    assert_non_null(strchr(out, '\n'));
}

static void fail_assertion(void)
{
    int apples = 2;
    sl_assert(apples == 3);
}

static void reach(void)
{
    sl_unreachable();
}

static void say_much(void)
{
    char much[3000];
    memset(much, 'x', sizeof(much));
    sl_fatal("file.c", 7, "%.*s", (int)sizeof(much), much);
}

struct thing {
    uint32_t magic;
};

static void check_wrong_magic(void)
{
    struct thing thing;
    SL_MAGIC(&thing, 0x1234);
    sl_check_magic(&thing, 0x4321);
}

static void pass(void)
{
    struct thing thing;
    SL_MAGIC(&thing, 0x1234);
    sl_check_magic(&thing, 0x1234);
    sl_assert(thing.magic != 0);
}

static void false_assertion_aborts(void **state)
{
    (void)state;
    assert_dies(fail_assertion, "assertion failed: apples == 3\n");
    assert_dies(fail_assertion, "check_test.c:");
}

static void unreachable_aborts(void **state)
{
    (void)state;
    assert_dies(reach, "not reachable\n");
}

static void wrong_magic_aborts(void **state)
{
    (void)state;
    assert_dies(check_wrong_magic, "magic");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char out[4096];
    assert_true(WIFSIGNALED(status_of(say_much, out, sizeof(out))));
    assert_memory_equal(out, "fatal: file.c:7: xxx", 20);
    /* A sanitizer may write more after it. */
    size_t line_len = strcspn(out, "\n");
    assert_true(line_len > 900 && line_len < 1100);
    assert_int_equal(out[line_len], '\n');
}

static void true_assertion_does_nothing(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(status_of(pass, out, sizeof(out)), 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_assertion_aborts),
        cmocka_unit_test(unreachable_aborts),
        cmocka_unit_test(wrong_magic_aborts),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(true_assertion_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
