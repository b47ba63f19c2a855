// SPDX-License-Identifier: MIT
/*
 * A table of the test's own, filled from flags, environment and file: who wins
 * over whom, secrets and their files, and what is refused with which words.
 */
#include "host/setting_table.h"

#include "base/err.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct sample {
    SL_SETTING_FIELD(PATH, config)
    SL_SETTING_FIELD(SECONDS, head_timeout)
    SL_SETTING_FIELD(COUNT, workers)
    SL_SETTING_FIELD(STRING, pod)
    SL_SETTING_FIELD(SECRET, api_key)
};

#define LINE(kind_, name_, fallback_, least_, most_)                   \
    {                                                                  \
        .name = #name_, .group = "Sample", .kind = SL_SETTING_##kind_, \
        .fallback = fallback_, .least = least_, .most = most_,         \
        .help = "Help.",                                               \
        .offset = SL_SETTING_OFFSET(struct sample, kind_, name_)       \
    }

static const struct sl_setting settings[] = {
    LINE(PATH, config, NULL, 0, 0),
    LINE(SECONDS, head_timeout, "10", 100, 3600000),
    LINE(COUNT, workers, "1", 0, 64),
    LINE(STRING, pod, NULL, 1, 20),
    LINE(SECRET, api_key, NULL, 4, 64),
};

static const struct sl_setting_table table = {
    .settings = settings,
    .count = SL_COUNT(settings),
};

/* ---- a run: sources in, struct and report out ---- */

struct pair {
    const char *name, *value;
    int line;
};

/* What the file holds; the callback knows no user of the test's. */
static const struct pair *file_pairs;
static int file_err;
static unsigned file_reads;

static int read_file(const char *path, sl_config_pair_cb on_pair, void *user,
                     struct sl_report *report)
{
    file_reads++;
    if (file_err != 0) {
        sl_report_set(report, path, 3, "unexpected symbol near '}'");
        return file_err;
    }
    for (const struct pair *pair = file_pairs; pair->name != NULL; pair++) {
        int err = on_pair(user, pair->name, pair->value, pair->line);
        if (err != 0)
            return err;
    }
    return 0;
}

struct run {
    struct sample sample;
    struct sl_report report;
    char text[SL_REPORT_TEXT_MAX + SL_REPORT_FILE_MAX]; /* formatted */
    char warnings[4 * SL_REPORT_TEXT_MAX];
    int err;
};

static void on_warning(void *user, const struct sl_report *warning)
{
    struct run *run = user;
    strcat(run->warnings, warning->text);
    strcat(run->warnings, "\n");
}

/* Flags as "name=value" with the file's spelling, ended by NULL. */
static void load(struct run *run, const char *const *flags,
                 char *const *environment, const struct pair *pairs)
{
    struct sl_setting_given given[8];
    unsigned count = 0;
    for (; flags != NULL && flags[count] != NULL; count++) {
        size_t len = strcspn(flags[count], "=");
        given[count].setting = sl_setting_table_find_name(
            &table, sl_slice_of(flags[count], len), &given[count].is_file);
        given[count].value = flags[count] + len + 1;
        assert_non_null(given[count].setting);
    }
    const struct sl_setting_sources sources = {
        .flags = given,
        .flag_count = count,
        .environment = environment,
        .read_file = pairs == NULL ? NULL : read_file,
        .on_warning = on_warning,
        .user = run,
    };
    *run = (struct run){ 0 };
    file_pairs = pairs;
    file_err = 0;
    run->err =
        sl_setting_table_load(&table, &run->sample, &sources, &run->report);
    sl_report_format(&run->report, run->text, sizeof(run->text));
}

static void done(struct run *run)
{
    sl_setting_table_clear(&table, &run->sample);
}

static void expect_refusal(struct run *run, const char *text)
{
    assert_int_equal(run->err, SL_E_CONFIG);
    assert_string_equal(run->text, text);
    done(run);
}

#define FLAGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ENV(...) ((char *const[]){ __VA_ARGS__, NULL })
#define PAIRS(...) ((const struct pair[]){ __VA_ARGS__, { NULL, NULL, 0 } })

/* ---- names ---- */

static void spellings(void **state)
{
    (void)state;
    bool is_file;
    const struct sl_setting *timeout = &settings[1], *key = &settings[4];
    assert_ptr_equal(
        sl_setting_table_find_name(&table, SL_SLICE("head_timeout"), &is_file),
        timeout);
    assert_ptr_equal(
        sl_setting_table_find_flag(&table, SL_SLICE("head-timeout"), &is_file),
        timeout);
    assert_ptr_equal(sl_setting_table_find_variable(
                         &table, SL_SLICE("SIGNALUA_HEAD_TIMEOUT"), &is_file),
                     timeout);
    assert_false(is_file);
    assert_null(
        sl_setting_table_find_flag(&table, SL_SLICE("head_timeout"), &is_file));
    assert_null(
        sl_setting_table_find_flag(&table, SL_SLICE("Head-Timeout"), &is_file));
    assert_null(
        sl_setting_table_find_flag(&table, SL_SLICE("head-time"), &is_file));
    assert_null(sl_setting_table_find_flag(&table, SL_SLICE(""), &is_file));
    assert_null(sl_setting_table_find_variable(
        &table, SL_SLICE("SIGNALUA_head_timeout"), &is_file));
    assert_null(sl_setting_table_find_variable(&table, SL_SLICE("HEAD_TIMEOUT"),
                                               &is_file));

    assert_ptr_equal(
        sl_setting_table_find_flag(&table, SL_SLICE("api-key-file"), &is_file),
        key);
    assert_true(is_file);
    assert_ptr_equal(sl_setting_table_find_variable(
                         &table, SL_SLICE("SIGNALUA_API_KEY_FILE"), &is_file),
                     key);
    assert_true(is_file);
    assert_null(
        sl_setting_table_find_flag(&table, SL_SLICE("pod-file"), &is_file));
    assert_null(
        sl_setting_table_find_flag(&table, SL_SLICE("-file"), &is_file));

    struct sl_str out = { 0 };
    sl_setting_print_flag(timeout, &out);
    sl_setting_print_variable(timeout, &out);
    assert_string_equal(sl_str_cstr(&out),
                        "--head-timeoutSIGNALUA_HEAD_TIMEOUT");
    sl_str_release(&out);
}

static void nearest_names(void **state)
{
    (void)state;
    static const struct {
        const char *wrong, *right;
    } cases[] = {
        { "head-tiemout", "head_timeout" },
        { "head_timeout", "head_timeout" },
        { "HEAD-TIMEOUT", "head_timeout" },
        { "SIGNALUA_HEADTIMEOUT", "head_timeout" },
        { "worker", "workers" },
        { "wrkrs", "workers" },
        { "pd", "pod" },
        { "conf", "config" },
        { "elephant", NULL },
        { "x", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        const struct sl_setting *nearest =
            sl_setting_table_nearest(&table, sl_slice_str(cases[i].wrong));
        if (cases[i].right == NULL) {
            assert_null(nearest);
            continue;
        }
        assert_non_null(nearest);
        assert_string_equal(nearest->name, cases[i].right);
    }
    char long_name[1000];
    memset(long_name, 'a', sizeof(long_name));
    assert_null(sl_setting_table_nearest(&table, sl_slice_of(long_name, 1000)));
}

/* ---- who wins ---- */

static void defaults_alone(void **state)
{
    (void)state;
    struct run run;
    file_reads = 0;
    load(&run, NULL, NULL, PAIRS({ "workers", "5", 1 }));
    assert_int_equal(run.err, 0);
    assert_int_equal(run.sample.head_timeout_ms, 10000);
    assert_int_equal(run.sample.workers, 1);
    assert_null(run.sample.pod);
    assert_int_equal(file_reads, 0); /* nobody named a file */
    done(&run);
}

static void flag_over_environment_over_file_over_default(void **state)
{
    (void)state;
    struct run run;
    const struct pair *pairs =
        PAIRS({ "workers", "2", 1 }, { "head_timeout", "2", 2 },
              { "pod", "from file", 3 });
    load(&run, FLAGS("config=f.lua", "workers=4"),
         ENV("SIGNALUA_WORKERS=3", "SIGNALUA_HEAD_TIMEOUT=3"), pairs);
    assert_int_equal(run.err, 0);
    assert_int_equal(run.sample.workers, 4);
    assert_int_equal(run.sample.head_timeout_ms, 3000);
    assert_string_equal(run.sample.pod, "from file");
    assert_string_equal(run.sample.config, "f.lua");
    done(&run);
}

static void the_last_flag_wins(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("workers=2", "workers=3"), NULL, NULL);
    assert_int_equal(run.sample.workers, 3);
    done(&run);
}

static void the_environment_names_the_file(void **state)
{
    (void)state;
    struct run run;
    load(&run, NULL, ENV("SIGNALUA_CONFIG=e.lua"), PAIRS({ "pod", "p", 1 }));
    assert_int_equal(run.err, 0);
    assert_string_equal(run.sample.pod, "p");
    done(&run);
    /* A flag without a value takes it away. */
    file_reads = 0;
    load(&run, FLAGS("config="), ENV("SIGNALUA_CONFIG=e.lua"),
         PAIRS({ "pod", "p", 1 }));
    assert_int_equal(run.err, 0);
    assert_int_equal(file_reads, 0);
    done(&run);
}

static void an_empty_variable_is_none(void **state)
{
    (void)state;
    struct run run;
    load(&run, NULL,
         ENV("SIGNALUA_WORKERS=", "SIGNALUA_CONFIG=", "SIGNALUA_NO_EQUALS"),
         NULL);
    assert_int_equal(run.err, 0);
    assert_int_equal(run.sample.workers, 1);
    done(&run);
}

/* ---- refusals ---- */

static void wrong_values_name_their_origin(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("workers=x"), NULL, NULL);
    expect_refusal(&run, "workers = \"x\" (from --workers) is wrong: it takes "
                         "a whole number from 0 to 64");
    load(&run, NULL, ENV("SIGNALUA_WORKERS=65"), NULL);
    expect_refusal(&run, "workers = \"65\" (from SIGNALUA_WORKERS) is wrong: "
                         "it takes a whole number from 0 to 64");
    load(&run, FLAGS("config=/etc/s.lua"), NULL,
         PAIRS({ "pod", "fine", 1 }, { "workers", "-1", 7 }));
    expect_refusal(&run, "/etc/s.lua:7: workers = \"-1\" (from the "
                         "configuration file) is wrong: it takes a whole "
                         "number from 0 to 64");
    /* Also where a flag would have won over it. */
    load(&run, FLAGS("workers=2"), ENV("SIGNALUA_WORKERS=many"), NULL);
    assert_int_equal(run.err, SL_E_CONFIG);
    done(&run);
}

static void wrong_names_in_the_file(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("config=c"), NULL, PAIRS({ "wokers", "1", 2 }));
    expect_refusal(&run, "c:2: wokers is not a setting; did you mean workers");
    load(&run, FLAGS("config=c"), NULL, PAIRS({ "elephant", "1", 0 }));
    expect_refusal(&run, "c: elephant is not a setting");
    load(&run, FLAGS("config=c"), NULL, PAIRS({ "config", "d", 1 }));
    expect_refusal(&run, "c:1: config cannot stand in the configuration file "
                         "itself");
}

static void a_file_at_fault(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("config=c"), NULL, NULL);
    expect_refusal(&run, "c: a configuration file cannot be read here");

    struct sl_setting_given given = { .setting = &settings[0],
                                      .value = "c.lua" };
    const struct sl_setting_sources sources = { .flags = &given,
                                                .flag_count = 1,
                                                .read_file = read_file };
    run = (struct run){ 0 };
    file_err = SL_E_SCRIPT;
    run.err = sl_setting_table_load(&table, &run.sample, &sources, &run.report);
    sl_report_format(&run.report, run.text, sizeof(run.text));
    expect_refusal(&run, "c.lua:3: unexpected symbol near '}'");
}

static void unknown_variables_only_warn(void **state)
{
    (void)state;
    struct run run;
    load(&run, NULL,
         ENV("SIGNALUA_WORKER=3", "SIGNALUA_ELEPHANT=1", "SIGNALUA_APP_X=1",
             "SIGNALUA_SERVICE_HOST=10.0.0.1", "SIGNALUA_PORT=tcp://1",
             "SIGNALUA_PORT_80_TCP_ADDR=1", "SIGNALUAX=1", "PATH=/bin"),
         NULL);
    assert_int_equal(run.err, 0);
    assert_string_equal(
        run.warnings,
        "the environment variable SIGNALUA_WORKER is not a setting; did you "
        "mean SIGNALUA_WORKERS\n"
        "the environment variable SIGNALUA_ELEPHANT is not a setting\n");
    done(&run);
}

/* ---- secrets ---- */

/* A file with these bytes; its name is in a static buffer. */
static const char *secret_file(const char *bytes, size_t len)
{
    static char path[64];
    strcpy(path, "/tmp/setting_table_test.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
    return path;
}

static void load_secret_file(struct run *run, const char *bytes, size_t len)
{
    char flag[128];
    const char *path = secret_file(bytes, len);
    snprintf(flag, sizeof(flag), "api_key_file=%s", path);
    load(run, FLAGS(flag), NULL, NULL);
    unlink(path);
}

static void secrets_come_by_value_or_file(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("api_key=from flag"), NULL, NULL);
    assert_string_equal(run.sample.api_key, "from flag");
    done(&run);
    load(&run, NULL, ENV("SIGNALUA_API_KEY=from env"), NULL);
    assert_string_equal(run.sample.api_key, "from env");
    done(&run);

    static const struct {
        const char *bytes, *key;
    } files[] = { { "from file", "from file" },
                  { "line\n", "line" },
                  { "windows\r\n", "windows" },
                  { "two\n\n", "two\n" },
                  { " kept ", " kept " } };
    for (size_t i = 0; i < SL_COUNT(files); i++) {
        load_secret_file(&run, files[i].bytes, strlen(files[i].bytes));
        assert_int_equal(run.err, 0);
        assert_string_equal(run.sample.api_key, files[i].key);
        done(&run);
    }

    /* A file of the stronger source wins over a value of the weaker. */
    char variable[128];
    const char *path = secret_file("strong", 6);
    snprintf(variable, sizeof(variable), "SIGNALUA_API_KEY_FILE=%s", path);
    load(&run, FLAGS("config=c"), ENV(variable),
         PAIRS({ "api_key", "weak", 1 }));
    unlink(path);
    assert_int_equal(run.err, 0);
    assert_string_equal(run.sample.api_key, "strong");
    done(&run);
}

static void secret_files_at_fault(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("api_key_file=/nonexistent/key"), NULL, NULL);
    expect_refusal(&run,
                   "api_key_file = \"/nonexistent/key\" (from --api-key-file) "
                   "gives no secret: No such file or directory");
    load(&run, FLAGS("api_key_file=/tmp"), NULL, NULL);
    assert_int_equal(run.err, SL_E_CONFIG);
    done(&run);
    load_secret_file(&run, "\n", 1);
    assert_non_null(strstr(run.text, "it is empty"));
    done(&run);
    load_secret_file(&run, "ab\0cd", 5);
    assert_non_null(strstr(run.text, "zero byte"));
    done(&run);
    load_secret_file(&run, "abc", 3);
    assert_int_equal(run.err, SL_E_CONFIG);
    assert_non_null(strstr(run.text, "4 to 64"));
    assert_null(strstr(run.text, "abc"));
    done(&run);
    static char big[SL_SECRET_FILE_MAX + 1];
    memset(big, 'k', sizeof(big));
    load_secret_file(&run, big, sizeof(big));
    assert_non_null(strstr(run.text, "larger than the limit"));
    done(&run);
}

static void value_and_file_at_once(void **state)
{
    (void)state;
    struct run run;
    load(&run, FLAGS("api_key=abcd", "api_key_file=/x"), NULL, NULL);
    expect_refusal(&run, "api_key is given twice, as a value and as a file "
                         "(--api-key-file): give one of the two");
    load(&run, NULL,
         ENV("SIGNALUA_API_KEY_FILE=/dev/null", "SIGNALUA_API_KEY=abcd"), NULL);
    assert_int_equal(run.err, SL_E_CONFIG);
    done(&run);
    load(&run, FLAGS("config=c"), NULL,
         PAIRS({ "api_key", "abcd", 1 }, { "api_key_file", "/x", 2 }));
    expect_refusal(&run, "c:2: api_key is given twice, as a value and as a "
                         "file (the configuration file): give one of the two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test(defaults_alone),
        cmocka_unit_test(flag_over_environment_over_file_over_default),
        cmocka_unit_test(the_last_flag_wins),
        cmocka_unit_test(the_environment_names_the_file),
        cmocka_unit_test(an_empty_variable_is_none),
        cmocka_unit_test(wrong_values_name_their_origin),
        cmocka_unit_test(wrong_names_in_the_file),
        cmocka_unit_test(a_file_at_fault),
        cmocka_unit_test(unknown_variables_only_warn),
        cmocka_unit_test(secrets_come_by_value_or_file),
        cmocka_unit_test(secret_files_at_fault),
        cmocka_unit_test(value_and_file_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
