// SPDX-License-Identifier: MIT
/*
 * Lines go to a pipe and are compared: both formats, escaping, levels, cutting
 * at every length around the limit, and whole lines from several threads.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int ends[2];
static char got[SL_LOG_LINE_MAX * 2];

/* What was written since the last call, without the time, which is checked. */
static const char *take_line(void)
{
    ssize_t len = read(ends[0], got, sizeof(got) - 1);
    if (len < 0)
        return "";
    got[len] = '\0';
    assert_true(len <= SL_LOG_LINE_MAX);
    assert_int_equal(got[len - 1], '\n');
    assert_ptr_equal(strchr(got, '\n'), got + len - 1);
    got[len - 1] = '\0';

    char *time = got[0] == '{' ? got + strlen("{\"time\":\"") : got;
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == 'd')
            assert_in_range(time[i], '0', '9');
        else
            assert_int_equal(time[i], form[i]);
    }
    return time + sizeof(form) - 1;
}

static int setup(void **state)
{
    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    sl_log_thread("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_log_setup(STDERR_FILENO, SL_LOG_INFO, SL_LOG_TEXT);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void text_lines(void **state)
{
    (void)state;
    sl_log_setup(ends[1], SL_LOG_DEBUG, SL_LOG_TEXT);
    sl_log_info("started");
    assert_string_equal(take_line(), " INFO  started");
    sl_log_error("two words", SL_F_STR("plain", "a.b/c:1"),
                 SL_F_STR("spaced", "a b"), SL_F_STR("empty", ""),
                 SL_F_INT("count", -5), SL_F_NUM("ratio", 0.1),
                 SL_F_BOOL("yes", true), SL_F_BOOL("no", false));
    assert_string_equal(take_line(),
                        " ERROR two words plain=a.b/c:1 spaced=\"a b\" "
                        "empty=\"\" count=-5 ratio=0.1 yes=true no=false");
    sl_log_debug("d");
    assert_string_equal(take_line(), " DEBUG d");
    sl_log_warn("w", SL_F_STR("a", "x=y"), SL_F_STR("b", "say \"hi\""));
    assert_string_equal(take_line(), " WARN  w a=\"x=y\" b=\"say \\\"hi\\\"\"");
}

static void json_lines(void **state)
{
    (void)state;
    sl_log_setup(ends[1], SL_LOG_DEBUG, SL_LOG_JSON);
    sl_log_info("started");
    assert_string_equal(take_line(),
                        "\",\"level\":\"info\",\"text\":\"started\"}");
    sl_log_warn("say \"hi\"", SL_F_STR("path", "a\\b"),
                SL_F_INT("n", INT64_MIN), SL_F_NUM("x", 1.5),
                SL_F_NUM("none", NAN), SL_F_BOOL("b", true));
    assert_string_equal(take_line(),
                        "\",\"level\":\"warn\",\"text\":\"say \\\"hi\\\"\","
                        "\"path\":\"a\\\\b\",\"n\":-9223372036854775808,"
                        "\"x\":1.5,\"none\":null,\"b\":true}");
}

static void thread_name_is_a_field(void **state)
{
    (void)state;
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_JSON);
    sl_log_thread("worker 2");
    sl_log_info("x", SL_F_INT("n", 1));
    assert_string_equal(take_line(), "\",\"level\":\"info\",\"text\":\"x\","
                                     "\"worker\":\"worker 2\",\"n\":1}");
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_TEXT);
    sl_log_info("x");
    assert_string_equal(take_line(), " INFO  x worker=\"worker 2\"");
}

static void auto_means_json_without_a_terminal(void **state)
{
    (void)state;
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_AUTO);
    sl_log_info("x");
    take_line();
    assert_int_equal(got[0], '{');
}

static void nothing_forges_a_line(void **state)
{
    (void)state;
    struct sl_slice evil = SL_SLICE("a\n\r\t\x1b[2J\x7f\0\xc2\x9b\xff\xc3");
    struct sl_slice fine = SL_SLICE("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_JSON);
    sl_log_info("x", SL_F_SLICE("e", evil), SL_F_SLICE("f", fine));
    assert_string_equal(take_line(),
                        "\",\"level\":\"info\",\"text\":\"x\",\"e\":"
                        "\"a\\n\\r\\t\\u001b[2J\\u007f\\u0000\\u009b"
                        "\\\\xff\\\\xc3\",\"f\":"
                        "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"}");
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_TEXT);
    sl_log_info("a\nb\x1b\xff", SL_F_SLICE("f", fine));
    assert_string_equal(take_line(),
                        " INFO  a\\nb\\u001b\\xff f="
                        "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void numbers_read_back(void **state)
{
    (void)state;
    static const double numbers[] = { 0.1, 1.0 / 3, 1e300, -0.0, 12345678.125 };
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_TEXT);
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        sl_log_info("x", SL_F_NUM("n", numbers[i]));
        const char *line = take_line();
        double back = strtod(strstr(line, "n=") + 2, NULL);
        assert_memory_equal(&back, &numbers[i], sizeof(back));
    }
}

static void levels_filter(void **state)
{
    (void)state;
    sl_log_setup(ends[1], SL_LOG_WARN, SL_LOG_TEXT);
    sl_log_info("x");
    assert_string_equal(take_line(), "");
    sl_log_write(SL_LOG_INFO, "x", NULL, 0);
    assert_string_equal(take_line(), "");
    sl_log_warn("x");
    assert_string_equal(take_line(), " WARN  x");
    sl_log_setup(ends[1], SL_LOG_OFF, SL_LOG_TEXT);
    sl_log_error("x");
    sl_log_write(SL_LOG_OFF, "x", NULL, 0);
    assert_string_equal(take_line(), "");
}

static void fields_are_not_made_when_disabled(void **state)
{
    (void)state;
    int made = 0;
    sl_log_setup(ends[1], SL_LOG_WARN, SL_LOG_TEXT);
    sl_log_info("x", SL_F_INT("n", ++made));
    assert_int_equal(made, 0);
    sl_log_warn("x", SL_F_INT("n", ++made));
    assert_int_equal(made, 1);
}

static void level_names(void **state)
{
    (void)state;
    for (int i = SL_LOG_DEBUG; i <= SL_LOG_OFF; i++) {
        enum sl_log_level level;
        const char *name = sl_log_level_name((enum sl_log_level)i);
        assert_true(sl_log_level_parse(name, &level));
        assert_int_equal(level, i);
    }
    enum sl_log_level level = SL_LOG_ERROR;
    assert_false(sl_log_level_parse("INFO", &level));
    assert_false(sl_log_level_parse("", &level));
    assert_int_equal(level, SL_LOG_ERROR);
}

/* Strings closed, one object: a scanner that knows quotes and escapes. */
static void assert_whole_json(const char *line)
{
    bool quoted = false;
    for (const char *at = line; *at != '\0'; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\')
            assert_true(*++at != '\0');
        else if (!quoted && *at == '}')
            assert_int_equal(at[1], '\0');
    }
    assert_false(quoted);
    assert_int_equal(line[strlen(line) - 1], '}');
    assert_true(sl_utf8_valid(sl_slice_str(line)));
}

static bool ends_with(const char *line, const char *end)
{
    return strlen(line) >= strlen(end) &&
           strcmp(line + strlen(line) - strlen(end), end) == 0;
}

/* Each length around the limit, so that the cut falls within each part of what
 * follows: a character, an escape, a name, a number, a quote. */
static void long_lines_are_cut(void **state)
{
    (void)state;
    static const char *const ends_of_text[] = { "z", "\xe2\x82\xac", "\n",
                                                "\x01", "\xff" };
    char text[SL_LOG_LINE_MAX + 200];
    for (size_t kind = 0; kind < SL_COUNT(ends_of_text); kind++) {
        bool seen_cut = false, seen_whole = false;
        for (size_t len = SL_LOG_LINE_MAX - 220; len < SL_LOG_LINE_MAX; len++) {
            memset(text, 'x', len);
            strcpy(text + len, ends_of_text[kind]);
            for (int in_field = 0; in_field < 2; in_field++) {
                sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_JSON);
                sl_log_info(in_field ? "t" : text,
                            SL_F_STR("long", in_field ? text : ""),
                            SL_F_INT("number", 12345), SL_F_STR("end", "last"));
                take_line();
                assert_whole_json(got);
                bool cut = ends_with(got, ",\"cut\":true}");
                assert_true(cut || ends_with(got, ",\"end\":\"last\"}"));
                seen_cut |= cut;
                seen_whole |= !cut;
                sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_TEXT);
                sl_log_info(in_field ? "t" : text,
                            SL_F_STR("long", in_field ? text : ""),
                            SL_F_STR("end", "last"));
                const char *line = take_line();
                assert_true(ends_with(line, " cut=true") ||
                            ends_with(line, " end=last"));
            }
        }
        assert_true(seen_cut && seen_whole);
    }
}

static void many_fields_are_cut_whole(void **state)
{
    (void)state;
    struct sl_field fields[3000];
    for (size_t i = 0; i < SL_COUNT(fields); i++)
        fields[i] = SL_F_INT("n", 7);
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_JSON);
    sl_log_write(SL_LOG_INFO, "x", fields, SL_COUNT(fields));
    take_line();
    assert_whole_json(got);
    assert_true(ends_with(got, "\"n\":7,\"cut\":true}"));
}

static void a_full_pipe_stops_nothing(void **state)
{
    (void)state;
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_TEXT);
    errno = 0;
    for (int i = 0; i < 10000; i++)
        sl_log_info("nobody reads this");
    assert_int_equal(errno, 0); /* the caller's errno is its own */
}

enum { THREADS = 4, LINES = 500 };

static void *log_many(void *user)
{
    sl_log_thread(user);
    for (int i = 0; i < LINES; i++)
        sl_log_info("line", SL_F_STR("from", user));
    return NULL;
}

static void lines_of_threads_stay_whole(void **state)
{
    (void)state;
    static char names[THREADS][16] = { "w0", "w1", "w2", "w3" };
    int counts[THREADS] = { 0 };
    pthread_t threads[THREADS];
    fcntl(ends[0], F_SETFL, 0);
    fcntl(ends[1], F_SETFL, 0);
    sl_log_setup(ends[1], SL_LOG_INFO, SL_LOG_TEXT);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_many, names[i]);
    FILE *in = fdopen(dup(ends[0]), "r");
    assert_non_null(in);
    for (int i = 0; i < THREADS * LINES; i++) {
        char line[256], worker[8], from[8];
        assert_non_null(fgets(line, sizeof(line), in));
        assert_int_equal(
            sscanf(line, "%*s INFO line worker=%7s from=%7s", worker, from), 2);
        assert_string_equal(worker, from);
        counts[worker[1] - '0']++;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(counts[i], LINES);
    }
    fclose(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(json_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(thread_name_is_a_field, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(auto_means_json_without_a_terminal,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_forges_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(levels_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(fields_are_not_made_when_disabled,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(level_names, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(many_fields_are_cut_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_pipe_stops_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(lines_of_threads_stay_whole, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
