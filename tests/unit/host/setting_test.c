// SPDX-License-Identifier: MIT
/*
 * Each kind of setting: texts that are read, what they become, what they are
 * printed as, and texts that are refused, with a sentence that names setting,
 * value, origin and what would be right, and that leaves the field alone.
 */
#include "host/setting.h"

#include "base/err.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    SL_SETTING_FIELD(STRING, name)
    SL_SETTING_FIELD(PATH, folder)
    SL_SETTING_FIELD(ADDRESS, listen)
    SL_SETTING_FIELD(ADDRESS, admin)
    SL_SETTING_FIELD(COUNT, workers)
    SL_SETTING_FIELD(BYTES, head_max)
    SL_SETTING_FIELD(SECONDS, timeout)
    SL_SETTING_FIELD(FLAG, fast)
    SL_SETTING_FIELD(CHOICE, level)
    SL_SETTING_FIELD(LIST, origins)
    SL_SETTING_FIELD(SECRET, key)
};

#define LINE(kind_, name_, fallback_, least_, most_, words_)           \
    {                                                                  \
        .name = #name_, .group = "Sample", .kind = SL_SETTING_##kind_, \
        .fallback = fallback_, .least = least_, .most = most_,         \
        .words = words_, .help = "Help.",                              \
        .offset = SL_SETTING_OFFSET(struct sample, kind_, name_)       \
    }

enum {
    NAME,
    FOLDER,
    LISTEN,
    ADMIN,
    WORKERS,
    HEAD_MAX,
    TIMEOUT,
    FAST,
    LEVEL,
    ORIGINS,
    KEY,
    COUNT
};

static const struct sl_setting settings[COUNT] = {
    [NAME] = LINE(STRING, name, "x", 1, 8, NULL),
    [FOLDER] = LINE(PATH, folder, NULL, 0, 0, NULL),
    [LISTEN] = LINE(ADDRESS, listen, "127.0.0.1:80", 0, 0, NULL),
    [ADMIN] = LINE(ADDRESS, admin, "127.0.0.1:81", 0, 0, "off none"),
    [WORKERS] = LINE(COUNT, workers, "0", 0, 64, NULL),
    [HEAD_MAX] = LINE(BYTES, head_max, "16k", 1024, 1 << 30, NULL),
    [TIMEOUT] = LINE(SECONDS, timeout, "10", 100, 3600000, NULL),
    [FAST] = LINE(FLAG, fast, "no", 0, 0, NULL),
    [LEVEL] = LINE(CHOICE, level, "info", 0, 0, "debug info warn"),
    [ORIGINS] = LINE(LIST, origins, NULL, 1, 3, NULL),
    [KEY] = LINE(SECRET, key, NULL, 4, 16, NULL),
};

static void clear(struct sample *sample)
{
    for (int i = 0; i < COUNT; i++)
        sl_setting_clear(&settings[i], sample);
}

/* ---- right and wrong, by table ---- */

static const struct {
    int setting;
    const char *text, *printed; /* printed NULL: refused */
} cases[] = {
    { NAME, "a", "a" },
    { NAME, "12345678", "12345678" },
    { NAME, "123456789", NULL },
    { NAME, "", NULL },
    { NAME, "a\nb", NULL },
    { NAME, "a\x7f", NULL },
    { NAME, "ż", "ż" },
    { FOLDER, "/a b/c", "/a b/c" },
    { FOLDER, "a\tb", NULL },
    { LISTEN, "0.0.0.0:8080", "0.0.0.0:8080" },
    { LISTEN, "localhost:0", "localhost:0" },
    { LISTEN, "[::1]:65535", "[::1]:65535" },
    { LISTEN, ":80", ":80" },
    { LISTEN, "8080", NULL },
    { LISTEN, "host", NULL },
    { LISTEN, "host:", NULL },
    { LISTEN, "host:65536", NULL },
    { LISTEN, "host:-1", NULL },
    { LISTEN, "host:8080/", NULL },
    { LISTEN, "http://host:8080", NULL },
    { LISTEN, "::1:8080", NULL },
    { LISTEN, "[]:80", NULL },
    { LISTEN, "[::1:80", NULL },
    { LISTEN, "a b:80", NULL },
    { LISTEN, "off", NULL },
    { ADMIN, "off", "off" },
    { ADMIN, "NONE", "off" },
    { ADMIN, "h:1", "h:1" },
    { WORKERS, "0", "0" },
    { WORKERS, "64", "64" },
    { WORKERS, "065", NULL },
    { WORKERS, "65", NULL },
    { WORKERS, "-1", NULL },
    { WORKERS, "+1", NULL },
    { WORKERS, " 1", NULL },
    { WORKERS, "1 ", NULL },
    { WORKERS, "1.0", NULL },
    { WORKERS, "four", NULL },
    { WORKERS, "99999999999999999999999", NULL },
    { HEAD_MAX, "1024", "1024" },
    { HEAD_MAX, "1k", "1024" },
    { HEAD_MAX, "1K", "1024" },
    { HEAD_MAX, "2KiB", "2048" },
    { HEAD_MAX, "3mb", "3145728" },
    { HEAD_MAX, "1g", "1073741824" },
    { HEAD_MAX, "2000b", "2000" },
    { HEAD_MAX, "1023", NULL },
    { HEAD_MAX, "2g", NULL },
    { HEAD_MAX, "1t", NULL },
    { HEAD_MAX, "1.5k", NULL },
    { HEAD_MAX, "k", NULL },
    { HEAD_MAX, "18446744073709551615g", NULL },
    { TIMEOUT, "10", "10" },
    { TIMEOUT, "10s", "10" },
    { TIMEOUT, "0.5", "0.5" },
    { TIMEOUT, "0.125", "0.125" },
    { TIMEOUT, "1.50", "1.5" },
    { TIMEOUT, "250ms", "0.25" },
    { TIMEOUT, "2m", "120" },
    { TIMEOUT, "0.5m", "30" },
    { TIMEOUT, "1h", "3600" },
    { TIMEOUT, "0", NULL },
    { TIMEOUT, "0.0999", NULL },
    { TIMEOUT, "99ms", NULL },
    { TIMEOUT, "0.5ms", NULL },
    { TIMEOUT, "100.5ms", NULL },
    { TIMEOUT, "2h", NULL },
    { TIMEOUT, "1.", NULL },
    { TIMEOUT, ".5", NULL },
    { TIMEOUT, "1.2.3", NULL },
    { TIMEOUT, "1e2", NULL },
    { TIMEOUT, "10 s", NULL },
    { TIMEOUT, "never", NULL },
    { TIMEOUT, "18446744073709551615h", NULL },
    { FAST, "yes", "yes" },
    { FAST, "TRUE", "yes" },
    { FAST, "on", "yes" },
    { FAST, "1", "yes" },
    { FAST, "no", "no" },
    { FAST, "false", "no" },
    { FAST, "off", "no" },
    { FAST, "0", "no" },
    { FAST, "2", NULL },
    { FAST, "y", NULL },
    { FAST, "", NULL },
    { LEVEL, "debug", "debug" },
    { LEVEL, "WARN", "warn" },
    { LEVEL, "war", NULL },
    { LEVEL, "warning", NULL },
    { LEVEL, "debug info", NULL },
    { ORIGINS, "a", "a" },
    { ORIGINS, "a,b , c", "a,b,c" },
    { ORIGINS, "a,b,c,d", NULL },
    { ORIGINS, "a,,b", NULL },
    { ORIGINS, "a,", NULL },
    { ORIGINS, ",", NULL },
};

static void check_case(size_t i)
{
    struct sample sample = { 0 };
    struct sl_report report = { 0 };
    struct sl_str out = { 0 };
    const struct sl_setting *setting = &settings[cases[i].setting];
    int err =
        sl_setting_apply(setting, &sample, cases[i].text, "--flag", &report);
    if ((err == 0) != (cases[i].printed != NULL))
        fail_msg("%s = \"%s\" gave %d", setting->name, cases[i].text, err);
    if (err == 0) {
        sl_setting_print(setting, &sample, &out);
        assert_string_equal(sl_str_cstr(&out), cases[i].printed);
        /* What is printed is read back as the same. */
        assert_int_equal(
            sl_setting_apply(setting, &sample, sl_str_cstr(&out), "", NULL), 0);
    } else {
        assert_int_equal(err, SL_E_CONFIG);
        assert_non_null(strstr(report.text, setting->name));
        assert_non_null(strstr(report.text, cases[i].text));
        assert_non_null(strstr(report.text, "--flag"));
        sl_setting_print_expected(setting, &out);
        assert_non_null(strstr(report.text, sl_str_cstr(&out)));
    }
    sl_str_release(&out);
    clear(&sample);
}

static void reads_prints_and_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        check_case(i);
}

static void fields_hold_what_was_read(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    static const char *const texts[COUNT] = {
        "me",  "f",   "h:1",  "off", "7",      "2k",
        "1.5", "yes", "warn", "a,b", "secret",
    };
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(
            sl_setting_apply(&settings[i], &sample, texts[i], "", NULL), 0);
    assert_string_equal(sample.name, "me");
    assert_string_equal(sample.listen, "h:1");
    assert_null(sample.admin);
    assert_int_equal(sample.workers, 7);
    assert_int_equal(sample.head_max, 2048);
    assert_int_equal(sample.timeout_ms, 1500);
    assert_true(sample.fast);
    assert_int_equal(sample.level, 2);
    assert_int_equal(sample.origins.count, 2);
    assert_string_equal(sample.origins.items[1], "b");
    assert_string_equal(sample.key, "secret");
    clear(&sample);
    assert_null(sample.key);
    assert_int_equal(sample.origins.count, 0);
    clear(&sample);
}

static void a_refused_text_leaves_the_field(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    static const char *const wrong[COUNT] = {
        "123456789", "\n", "x", "x", "x", "x", "x", "x", "x", ",", "abc",
    };
    static const char *const right[COUNT] = {
        "me",  "f",   "h:1",  "h:2", "7",      "2k",
        "1.5", "yes", "warn", "a,b", "secret",
    };
    for (int i = 0; i < COUNT; i++) {
        struct sl_str before = { 0 }, after = { 0 };
        assert_int_equal(
            sl_setting_apply(&settings[i], &sample, right[i], "", NULL), 0);
        if (i != KEY)
            sl_setting_print(&settings[i], &sample, &before);
        assert_int_equal(
            sl_setting_apply(&settings[i], &sample, wrong[i], "", NULL),
            SL_E_CONFIG);
        if (i != KEY)
            sl_setting_print(&settings[i], &sample, &after);
        assert_string_equal(sl_str_cstr(&after), sl_str_cstr(&before));
        sl_str_release(&before);
        sl_str_release(&after);
    }
    assert_string_equal(sample.key, "secret");
    clear(&sample);
}

static void nothing_takes_an_optional_value_away(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    assert_int_equal(
        sl_setting_apply(&settings[FOLDER], &sample, "f", "", NULL), 0);
    assert_int_equal(sl_setting_apply(&settings[FOLDER], &sample, "", "", NULL),
                     0);
    assert_null(sample.folder);
}

static void secrets_are_not_told(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    struct sl_report report = { 0 };
    assert_int_equal(
        sl_setting_apply(&settings[KEY], &sample, "zzz", "--key", &report),
        SL_E_CONFIG);
    assert_null(strstr(report.text, "zzz"));
    assert_non_null(strstr(report.text, "key (from --key)"));
    assert_non_null(strstr(report.text, "4 to 16"));
}

static void a_huge_text_is_refused(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    struct sl_report report = { 0 };
    static char text[SL_SETTING_TEXT_MAX + 2];
    memset(text, 'a', sizeof(text) - 1);
    assert_int_equal(
        sl_setting_apply(&settings[FOLDER], &sample, text, "", &report),
        SL_E_CONFIG);
    text[SL_SETTING_TEXT_MAX] = '\0';
    assert_int_equal(
        sl_setting_apply(&settings[FOLDER], &sample, text, "", &report), 0);
    clear(&sample);
}

static void tells_what_it_takes(void **state)
{
    (void)state;
    static const char *const takes[COUNT] = {
        "TEXT",   "PATH",    "HOST:PORT", "HOST:PORT|off|none", "N",
        "BYTES",  "SECONDS", "yes|no",    "debug|info|warn",    "A,B,...",
        "SECRET",
    };
    for (int i = 0; i < COUNT; i++) {
        struct sl_str out = { 0 };
        sl_setting_print_takes(&settings[i], &out);
        assert_string_equal(sl_str_cstr(&out), takes[i]);
        sl_str_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_prints_and_refuses),
        cmocka_unit_test(fields_hold_what_was_read),
        cmocka_unit_test(a_refused_text_leaves_the_field),
        cmocka_unit_test(nothing_takes_an_optional_value_away),
        cmocka_unit_test(secrets_are_not_told),
        cmocka_unit_test(a_huge_text_is_refused),
        cmocka_unit_test(tells_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
