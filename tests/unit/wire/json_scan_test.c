// SPDX-License-Identifier: MIT
/*
 * The scanner: what is one value by grammar, what is not, and how many surplus
 * commas it forgives.
 */
#include "slices.h"
#include "wire/internal.h"

static bool scan(struct sl_slice text, unsigned depth, unsigned commas_spare,
                 struct sl_slice *value)
{
    struct sl_json_scan scan = {
        .at = text.ptr,
        .end = text.ptr + text.len,
        .depth = depth,
        .commas_spare = commas_spare,
    };
    return sl_json_scan_value(&scan, value);
}

static void takes_one_value(void **state)
{
    (void)state;
    const char *values[] = {
        "null",        "true",
        "false",       "0",
        "-0",          "12.5e-7",
        "1E+9",        "1e999",
        "\"\"",        "\"\\u00e9\\n\"",
        "\"\\ud83d\"", "\"\xff\xfe\"",
        "[]",          "{}",
        "[ 1 , [ ] ]", "{\"a\" : {\"b\" : [true]}, \"c\" : 1}",
    };
    for (size_t i = 0; i < SL_COUNT(values); i++) {
        struct sl_str text = { 0 };
        struct sl_slice value;
        sl_str_add_fmt(&text, " \t%s ,rest", values[i]);
        assert_true(scan(sl_str_slice(&text), 0, 0, &value));
        assert_slices(value, sl_slice_str(values[i]));
        sl_str_release(&text);
    }
}

static void refuses_broken_grammar(void **state)
{
    (void)state;
    const char *texts[] = {
        "",        " ",           "nul",       "tru e",      "-",    "1.",
        ".5",      "1e",          "1e+",       "\"",         "\"\\", "\"\\x\"",
        "\"\\u12", "\"\\u12g4\"", "\"\n\"",    "[",          "[1",   "[1,",
        "[,1]",    "[1,]",        "[1 2]",     "[1}",        "{",    "{1:1}",
        "{\"a\"}", "{\"a\":}",    "{\"a\":1",  "{\"a\":1,}", "{,}",  "NaN",
        "'a'",     "]",           "{\"a\" 1}", "[1,,2]",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        struct sl_slice value;
        assert_false(scan(sl_slice_str(texts[i]), 0, 0, &value));
    }
}

static void forgives_commas(void **state)
{
    (void)state;
    struct sl_slice value;
    assert_true(scan(SL_SLICE("[1,]"), 0, 1, &value));
    assert_bytes(value, "[1,]");
    assert_true(scan(SL_SLICE("[1,,2]"), 0, 1, &value));
    assert_true(scan(SL_SLICE("[{\"a\":1 , } ]"), 0, 1, &value));
    assert_true(scan(SL_SLICE("[1,2]"), 0, 1, &value));
    assert_false(scan(SL_SLICE("[1,,]"), 0, 1, &value));
    assert_false(scan(SL_SLICE("[[1,],]"), 0, 1, &value));
    assert_false(scan(SL_SLICE("[,1]"), 0, 1, &value));
}

static void bounds_depth(void **state)
{
    (void)state;
    char text[2 * SL_JSON_DEPTH_MAX];
    struct sl_slice value, all = sl_slice_of(text, sizeof(text));
    memset(text, '[', SL_JSON_DEPTH_MAX);
    memset(text + SL_JSON_DEPTH_MAX, ']', SL_JSON_DEPTH_MAX);
    assert_true(scan(all, 0, 0, &value));
    assert_int_equal(value.len, sizeof(text));
    assert_false(scan(all, 1, 0, &value));
    assert_false(sl_json_deeper(all, SL_JSON_DEPTH_MAX));
    assert_true(sl_json_deeper(all, SL_JSON_DEPTH_MAX - 1));
}

static void depth_knows_strings(void **state)
{
    (void)state;
    struct sl_slice text = SL_SLICE("[\"[[\\\"[[\\\\\",{\"{\":[]}]");
    assert_false(sl_json_deeper(text, 3));
    assert_true(sl_json_deeper(text, 2));
    assert_false(sl_json_deeper(SL_SLICE("[[],[],[]]"), 2));
}

static void takes_parts(void **state)
{
    (void)state;
    struct sl_slice text = SL_SLICE(" \"k\" : 1"), key;
    struct sl_json_scan parts = { .at = text.ptr, .end = text.ptr + text.len };
    assert_false(sl_json_scan_char(&parts, ':'));
    assert_true(sl_json_scan_string(&parts, &key));
    assert_bytes(key, "\"k\"");
    assert_true(sl_json_scan_char(&parts, ':'));
    assert_false(sl_json_scan_string(&parts, &key));
    sl_json_scan_space(&parts);
    assert_int_equal(parts.end - parts.at, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_value),
        cmocka_unit_test(refuses_broken_grammar),
        cmocka_unit_test(forgives_commas),
        cmocka_unit_test(bounds_depth),
        cmocka_unit_test(depth_knows_strings),
        cmocka_unit_test(takes_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
