// SPDX-License-Identifier: MIT
/*
 * Strings and numbers as JSON text.
 */
#include "base/err.h"
#include "slices.h"
#include "wire/internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static void check_text(struct sl_slice text, struct sl_slice wanted)
{
    struct sl_str out = { 0 };
    assert_int_equal(sl_json_add_text(&out, text), 0);
    assert_slices(sl_str_slice(&out), wanted);
    sl_str_release(&out);
}

static void escapes(void **state)
{
    (void)state;
    check_text((struct sl_slice){ 0 }, SL_SLICE("\"\""));
    check_text(SL_SLICE("plain"), SL_SLICE("\"plain\""));
    check_text(SL_SLICE("a\"b\\c/"), SL_SLICE("\"a\\\"b\\\\c/\""));
    check_text(SL_SLICE("\b\t\n\f\r"), SL_SLICE("\"\\b\\t\\n\\f\\r\""));
    check_text(SL_SLICE("\0\x01\x1f\x7f"),
               SL_SLICE("\"\\u0000\\u0001\\u001F\x7f\""));
    check_text(SL_SLICE("<a href='x'>&+"), SL_SLICE("\"<a href='x'>&+\""));
}

static void keeps_utf8(void **state)
{
    (void)state;
    check_text(SL_SLICE("\u017c\u2027\u202a \U0001F680 \u2028x\u2029\"\u00e9"),
               SL_SLICE("\"\u017c\u2027\u202a \U0001F680 \\u2028x\\u2029\\\""
                        "\u00e9\""));
    check_text(SL_SLICE("\u2028\u2028"), SL_SLICE("\"\\u2028\\u2028\""));
}

/* One byte that needs an escape at each place of a text of each length: the
 * words, the rest after them, and the borrows between bytes. */
static void finds_every_place(void **state)
{
    (void)state;
    const char specials[] = { '"', '\\', '\n', '\x1f' };
    for (size_t len = 1; len < 40; len++)
        for (size_t at = 0; at < len; at++)
            for (size_t i = 0; i < SL_COUNT(specials); i++) {
                char text[40];
                struct sl_str out = { 0 };
                memset(text, at % 2 == 0 ? '!' : '#', len);
                text[at] = specials[i];
                assert_int_equal(sl_json_add_text(&out, sl_slice_of(text, len)),
                                 0);
                assert_int_equal(out.ptr[at + 1], '\\');
                assert_memory_equal(out.ptr + 1, text, at);
                size_t tail = len - at - 1;
                assert_memory_equal(out.ptr + out.len - 1 - tail, text + at + 1,
                                    tail);
                sl_str_release(&out);
            }
}

static void refuses_bad_utf8(void **state)
{
    (void)state;
    const struct sl_slice texts[] = {
        SL_SLICE("\xff"),
        SL_SLICE("aaaaaaaaaaaa\xc5"),
        SL_SLICE("\xc0\x80"),
        SL_SLICE("\xed\xa0\x80"),
        SL_SLICE("\xf4\x90\x80\x80"),
        SL_SLICE("\"\x80"),
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        struct sl_str out = { 0 };
        sl_str_add_lit(&out, "kept");
        assert_int_equal(sl_json_add_text(&out, texts[i]), SL_E_UTF8);
        assert_bytes(sl_str_slice(&out), "kept");
        sl_str_release(&out);
    }
}

static void check_repair(struct sl_slice text, struct sl_slice wanted)
{
    struct sl_str out = { 0 };
    sl_json_repair_utf8(&out, text);
    assert_slices(sl_str_slice(&out), wanted);
    sl_str_release(&out);
}

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void repairs(void **state)
{
    (void)state;
    check_repair(SL_SLICE("a\u00e9\u20ac\U0001F680\0z"),
                 SL_SLICE("a\u00e9\u20ac\U0001F680\0z"));
    check_repair(SL_SLICE("\xff\xfe"), SL_SLICE(BAD BAD));
    check_repair(SL_SLICE("\xe2\x82z"), SL_SLICE(BAD "z"));
    check_repair(SL_SLICE("\xf0\x9f\x9a"), SL_SLICE(BAD));
    check_repair(SL_SLICE("\xed\xa0\x80"), SL_SLICE(BAD BAD BAD));
    check_repair(SL_SLICE("\xe0\x9f\xbf"), SL_SLICE(BAD BAD BAD));
    check_repair(SL_SLICE("\xf0\x8f\xf4\x90"), SL_SLICE(BAD BAD BAD BAD));
    check_repair(SL_SLICE("\xc1\xbf\xf5"), SL_SLICE(BAD BAD BAD));
    check_repair(SL_SLICE("\xc5"), SL_SLICE(BAD));
}

static void lossy_text(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_json_add_text_lossy(&out, SL_SLICE("ok"));
    sl_json_add_text_lossy(&out, SL_SLICE("\"\xc5\""));
    assert_bytes(sl_str_slice(&out), "\"ok\"\"\\\"" BAD "\\\"\"");
    sl_str_release(&out);
}

static void check_double(double value, const char *wanted)
{
    struct sl_str out = { 0 };
    assert_int_equal(sl_json_add_double(&out, value), 0);
    assert_slices(sl_str_slice(&out), sl_slice_str(wanted));
    sl_str_release(&out);
}

static void whole_numbers(void **state)
{
    (void)state;
    check_double(0, "0");
    check_double(-0.0, "-0");
    check_double(1, "1");
    check_double(-17, "-17");
    check_double(0x1p53 - 1, "9007199254740991");
    check_double(-0x1p53, "-9007199254740992");
    check_double(0x1p63, "9223372036854776000"); /* as JavaScript does */
    check_double(1e20, "100000000000000000000");
}

static void fractions(void **state)
{
    (void)state;
    check_double(0.5, "0.5");
    check_double(-1.25, "-1.25");
    check_double(0.1, "0.1");
}

static void reads_back_the_same(void **state)
{
    (void)state;
    const double values[] = { DBL_MAX, -DBL_MAX, DBL_MIN,   5e-324,  1e308,
                              1.0 / 3, 1e-7,     123.456,   0x1p100, 1e21,
                              1e22,    4.35,     0x1p53 + 2 };
    for (size_t i = 0; i < SL_COUNT(values); i++) {
        struct sl_str out = { 0 };
        assert_int_equal(sl_json_add_double(&out, values[i]), 0);
        double back = strtod(sl_str_cstr(&out), NULL);
        assert_memory_equal(&back, &values[i], sizeof(back));
        assert_null(memmem(out.ptr, out.len, ".0", 3));
        sl_str_release(&out);
    }
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    assert_int_equal(sl_json_add_double(&out, (double)NAN), SL_E_VALUE);
    assert_int_equal(sl_json_add_double(&out, (double)INFINITY), SL_E_VALUE);
    assert_int_equal(sl_json_add_double(&out, -(double)INFINITY), SL_E_VALUE);
    assert_int_equal(out.len, 0);
    sl_str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(keeps_utf8),
        cmocka_unit_test(finds_every_place),
        cmocka_unit_test(refuses_bad_utf8),
        cmocka_unit_test(repairs),
        cmocka_unit_test(lossy_text),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(fractions),
        cmocka_unit_test(reads_back_the_same),
        cmocka_unit_test(refuses_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
