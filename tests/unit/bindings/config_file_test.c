// SPDX-License-Identifier: MIT
/*
 * The configuration file: what it yields, in which order and with which lines,
 * and what it may not be.
 */
#include "bindings/config_file.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct sl_str pairs;
static const char *refused; /* a name that the callback refuses */

static int on_pair(void *user, const char *name, const char *value, int line)
{
    assert_ptr_equal(user, &pairs);
    if (refused != NULL && strcmp(refused, name) == 0)
        return SL_E_CONFIG;
    sl_str_add_fmt(&pairs, "%d:%s=%s\n", line, name, value);
    return 0;
}

static int read_text(const char *text, size_t len, struct sl_report *report)
{
    char path[] = "/tmp/signalua-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    sl_str_clear(&pairs);
    int err = sl_config_file_read(path, on_pair, &pairs, report);
    sl_str_cstr(&pairs);
    if (report->file[0] != '\0')
        assert_string_equal(report->file, path);
    unlink(path);
    return err;
}

static void yields_assignments(void **state)
{
    (void)state;
    struct sl_report report = { .line = 0 };
    const char *text = "-- a comment\n"
                       "listen = \"0.0.0.0:8080\"\n"
                       "workers = 4 share = 0.5\n"
                       "stateful = true\n"
                       "origins = { \"a\",\n"
                       "            \"b\" }\n"
                       "local base = 10\n"
                       "size = base * 1024 * 1024\n"
                       "again = listen .. \"!\"\n"
                       "workers = 5\n"
                       "off = false\n";
    assert_int_equal(read_text(text, strlen(text), &report), 0);
    assert_string_equal(pairs.ptr, "2:listen=0.0.0.0:8080\n"
                                   "3:workers=4\n"
                                   "3:share=0.5\n"
                                   "4:stateful=true\n"
                                   "6:origins=a,b\n"
                                   "8:size=10485760\n"
                                   "9:again=0.0.0.0:8080!\n"
                                   "10:workers=5\n"
                                   "11:off=false\n");
    assert_int_equal(report.line, 0);
}

static void expect_error(const char *text, int line, const char *part)
{
    struct sl_report report = { .line = 0 };
    assert_int_equal(read_text(text, strlen(text), &report), SL_E_CONFIG);
    if (strstr(report.text, part) == NULL)
        print_error("%s: %s\n", text, report.text);
    assert_non_null(strstr(report.text, part));
    assert_int_equal(report.line, line);
}

static void tells_errors_with_their_line(void **state)
{
    (void)state;
    expect_error("a = 1\nb = = 2\n", 2, "unexpected symbol");
    expect_error("\na = {}\n", 2, "a must be a string, a number, true, false");
    expect_error("a = function() end\n", 1, "a must be a string");
    expect_error("a = {1, 2}\n", 1, "a must be a string");
    expect_error("a = \"x\\0y\"\n", 1, "a must be a string");
    expect_error("\n\nos.exit(1)\n", 3, "attempt to index global 'os'");
    expect_error("print(1)\n", 1, "attempt to call global 'print'");
    expect_error("\x1bLJ", 0, "mode");
}

static void ends_with_the_callbacks_error(void **state)
{
    (void)state;
    struct sl_report report = { .line = 0 };
    const char *text = "a = 1\nb = 2\nc = 3\n";
    refused = "b";
    int err = read_text(text, strlen(text), &report);
    refused = NULL;
    assert_int_equal(err, SL_E_CONFIG);
    assert_string_equal(pairs.ptr, "1:a=1\n");
    assert_string_equal(report.text, "");
}

static void reports_a_missing_file(void **state)
{
    (void)state;
    struct sl_report report = { .line = 0 };
    assert_int_equal(
        sl_config_file_read("/nonexistent/x.lua", on_pair, &pairs, &report),
        SL_E_CONFIG);
    assert_non_null(strstr(report.text, "No such file"));
    assert_string_equal(report.file, "/nonexistent/x.lua");
}

static int teardown(void **state)
{
    (void)state;
    sl_str_release(&pairs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yields_assignments),
        cmocka_unit_test(tells_errors_with_their_line),
        cmocka_unit_test(ends_with_the_callbacks_error),
        cmocka_unit_test(reports_a_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
