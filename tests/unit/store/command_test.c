// SPDX-License-Identifier: MIT
/*
 * Numbers as Redis reads them, ranges of indexes, and answers that copy.
 */
#include "store/command.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void integers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-1", true, -1 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "-0", false, 0 },
        { "01", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "1.0", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        int64_t value = 0;
        assert_int_equal(sl_parse_integer(sl_slice_str(cases[i].text), &value),
                         cases[i].ok);
        if (cases[i].ok)
            assert_true(value == cases[i].value);
    }
}

static void floats(void **state)
{
    static const char *const wrong[] = { "",    " 1",    "1 ",     "1x", "nan",
                                         "NaN", "1e999", "1e-999", "-" };
    char longest[200];
    double value;
    (void)state;
    assert_true(sl_parse_float(SL_SLICE("2.5"), &value) && value == 2.5);
    assert_true(sl_parse_float(SL_SLICE("-1e3"), &value) && value == -1000);
    assert_true(sl_parse_float(SL_SLICE("-inf"), &value) && value < -1e308);
    for (size_t i = 0; i < SL_COUNT(wrong); i++)
        assert_false(sl_parse_float(sl_slice_str(wrong[i]), &value));
    assert_false(sl_parse_float(SL_SLICE("1\0"), &value));
    memset(longest, '1', sizeof(longest));
    assert_false(sl_parse_float(sl_slice_of(longest, sizeof(longest)), &value));
}

static void ranges(void **state)
{
    static const struct {
        int64_t first, last;
        uint32_t count, from, taken;
    } cases[] = {
        { 0, -1, 5, 0, 5 },
        { -2, -1, 5, 3, 2 },
        { 1, 100, 5, 1, 4 },
        { -100, 1, 5, 0, 2 },
        { 3, 2, 5, 3, 0 },
        { 5, 9, 5, 5, 0 },
        { 0, -6, 5, 0, 0 },
        { 0, -1, 0, 0, 0 },
        { INT64_MIN, INT64_MAX, 5, 0, 5 },
    };
    (void)state;
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        int64_t first = cases[i].first;
        assert_int_equal(sl_range(&first, cases[i].last, cases[i].count),
                         cases[i].taken);
        if (cases[i].taken > 0)
            assert_int_equal(first, cases[i].from);
    }
}

static void answers_copy(void **state)
{
    (void)state;
    char a[] = "one", b[] = "two";
    struct sl_slice items[] = { sl_slice_str(a), { 0 }, sl_slice_str(b) };
    struct sl_call call = { .argc = 0 };
    sl_answer_items(&call, items, 3);
    a[0] = b[0] = '!';
    assert_int_equal(call.reply.kind, SL_REPLY_ARRAY);
    assert_int_equal(call.reply.item_count, 3);
    assert_true(sl_slice_eq(call.reply.items[0], SL_SLICE("one")));
    assert_int_equal(call.reply.items[1].len, 0);
    assert_true(sl_slice_eq(call.reply.items[2], SL_SLICE("two")));
    sl_str_release(&call.bytes);
    sl_free(call.items);

    uint64_t refused_count = 0;
    call = (struct sl_call){ .refused_count = &refused_count };
    sl_answer_full(&call);
    assert_int_equal(refused_count, 1);
    assert_int_equal(call.reply.kind, SL_REPLY_ERROR);
    sl_str_release(&call.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(floats),
        cmocka_unit_test(ranges),
        cmocka_unit_test(answers_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
