// SPDX-License-Identifier: MIT
/* Reports: the three forms, and cutting at the right end between characters. */
#include "base/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

#include <string.h>

static struct sl_report report;
static char out[2048];

static void three_forms(void **state)
{
    (void)state;
    sl_report_set(&report, "hubs/chat.lua", 12, "no method '%s'", "send");
    assert_string_equal(sl_report_format(&report, out, sizeof(out)),
                        "hubs/chat.lua:12: no method 'send'");
    sl_report_set(&report, "signalua.lua", 0, "unknown setting");
    assert_string_equal(sl_report_format(&report, out, sizeof(out)),
                        "signalua.lua: unknown setting");
    sl_report_set(&report, NULL, 0, "%d ports", 2);
    assert_string_equal(sl_report_format(&report, out, sizeof(out)), "2 ports");
}

static void no_report_is_fine(void **state)
{
    (void)state;
    sl_report_set(NULL, "file", 1, "text %d", 1);
}

static void format_fits_its_room(void **state)
{
    (void)state;
    sl_report_set(&report, "file", 1, "text");
    assert_string_equal(sl_report_format(&report, out, 8), "file:1:");
    assert_string_equal(sl_report_format(&report, out, 1), "");
}

static void long_file_keeps_its_end(void **state)
{
    (void)state;
    char file[1000];
    memset(file, 'x', sizeof(file));
    memcpy(file + sizeof(file) - 9, "/hub.lua", 9);
    sl_report_set(&report, file, 1, "text");
    assert_int_equal(strlen(report.file), SL_REPORT_FILE_MAX - 1);
    assert_string_equal(report.file + SL_REPORT_FILE_MAX - 9, "/hub.lua");

    /* One byte less is whole. */
    file[SL_REPORT_FILE_MAX - 1] = '\0';
    sl_report_set(&report, file, 1, "text");
    assert_string_equal(report.file, file);
}

/* Whatever the offset, the cut never leaves half a character. */
static void cuts_between_characters(void **state)
{
    (void)state;
    static const char *const chars[] = { "\xc3\xa4", "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80" };
    for (size_t c = 0; c < SL_COUNT(chars); c++) {
        for (size_t offset = 0; offset < 5; offset++) {
            char text[4096] = "aaaaa";
            text[offset] = '\0';
            while (strlen(text) < 2000)
                strcat(text, chars[c]);
            sl_report_set(&report, text, 1, "%s", text);
            assert_true(sl_utf8_valid(sl_slice_str(report.file)));
            assert_true(sl_utf8_valid(sl_slice_str(report.text)));
            assert_true(strlen(report.file) >= SL_REPORT_FILE_MAX - 5);
            assert_true(strlen(report.text) >= SL_REPORT_TEXT_MAX - 5);
            assert_memory_equal(report.text, text, strlen(report.text));
        }
    }
}

static void long_ascii_text_is_cut_late(void **state)
{
    (void)state;
    sl_report_set(&report, NULL, 0, "%*s", 3000, "x");
    assert_int_equal(strlen(report.text), SL_REPORT_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms),
        cmocka_unit_test(no_report_is_fine),
        cmocka_unit_test(format_fits_its_room),
        cmocka_unit_test(long_file_keeps_its_end),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(long_ascii_text_is_cut_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
