// SPDX-License-Identifier: MIT
/*
 * The growing string: appended bytes stay in order over every growth, formatted
 * text is complete whatever room was left, and numbers are right at their ends.
 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_bytes(const struct sl_str *str, const char *text)
{
    assert_int_equal(str->len, strlen(text));
    assert_memory_equal(str->ptr, text, str->len);
    assert_true(str->len <= str->cap);
}

static void all_zero_is_empty(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    sl_str_add(&str, NULL, 0);
    sl_str_add_slice(&str, (struct sl_slice){ 0 });
    assert_null(str.ptr);
    assert_int_equal(sl_str_slice(&str).len, 0);
    sl_str_clear(&str);
    sl_str_trim(&str, 0);
    sl_str_release(&str);
    assert_null(str.ptr);
}

static void reserve_never_gives_null(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    assert_non_null(sl_str_reserve(&str, 0));
    assert_int_equal(str.len, 0);
    sl_str_release(&str);
}

static void appended_bytes_keep_order(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    for (unsigned i = 0; i < 10000; i++)
        sl_str_add_char(&str, (char)('a' + i % 26));
    assert_int_equal(str.len, 10000);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(str.ptr[i], 'a' + i % 26);
    sl_str_release(&str);
}

static void exact_fit_does_not_grow(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    sl_str_add_char(&str, 'x');
    size_t cap = str.cap;
    while (str.len < cap)
        sl_str_add_char(&str, 'y');
    assert_int_equal(str.cap, cap);
    sl_str_add_char(&str, 'z');
    assert_true(str.cap > cap);
    assert_int_equal(str.ptr[cap - 1], 'y');
    assert_int_equal(str.ptr[cap], 'z');
    sl_str_release(&str);
}

static void formats_complete_text(void **state)
{
    (void)state;
    /* Every amount of room left before it, so that each branch is taken. */
    for (size_t before = 0; before < 80; before++) {
        struct sl_str str = { 0 };
        for (size_t i = 0; i < before; i++)
            sl_str_add_char(&str, '.');
        sl_str_add_fmt(&str, "%s-%d", "abcdefgh", 12345);
        assert_int_equal(str.len, before + 14);
        assert_memory_equal(str.ptr + before, "abcdefgh-12345", 14);
        sl_str_release(&str);
    }
    struct sl_str str = { 0 };
    sl_str_add_fmt(&str, "%*s|", 5000, "x");
    assert_int_equal(str.len, 5001);
    assert_int_equal(str.ptr[4999], 'x');
    assert_int_equal(str.ptr[5000], '|');
    sl_str_release(&str);
}

static void formats_integers(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    sl_str_add_u64(&str, 0);
    sl_str_add_char(&str, ' ');
    sl_str_add_u64(&str, UINT64_MAX);
    sl_str_add_lit(&str, " ");
    sl_str_add_i64(&str, INT64_MIN);
    sl_str_add_lit(&str, " ");
    sl_str_add_i64(&str, INT64_MAX);
    sl_str_add_lit(&str, " ");
    sl_str_add_i64(&str, -1);
    sl_str_add_lit(&str, " ");
    sl_str_add_i64(&str, 0);
    assert_bytes(&str, "0 18446744073709551615 -9223372036854775808 "
                       "9223372036854775807 -1 0");
    sl_str_release(&str);
}

static void cstr_ends_with_zero(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    assert_string_equal(sl_str_cstr(&str), "");
    sl_str_add_lit(&str, "abc");
    assert_string_equal(sl_str_cstr(&str), "abc");
    assert_int_equal(str.len, 3);
    while (str.len < str.cap)
        sl_str_add_char(&str, '!');
    assert_int_equal(strlen(sl_str_cstr(&str)), str.len);
    sl_str_release(&str);
}

static void trim_drops_only_large_ones(void **state)
{
    (void)state;
    struct sl_str str = { 0 };
    sl_str_add_lit(&str, "kept");
    sl_str_trim(&str, 4096);
    assert_bytes(&str, "kept");
    sl_str_reserve(&str, 5000);
    sl_str_trim(&str, 4096);
    assert_null(str.ptr);
    assert_int_equal(str.cap, 0);
    assert_int_equal(str.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_zero_is_empty),
        cmocka_unit_test(reserve_never_gives_null),
        cmocka_unit_test(appended_bytes_keep_order),
        cmocka_unit_test(exact_fit_does_not_grow),
        cmocka_unit_test(formats_complete_text),
        cmocka_unit_test(formats_integers),
        cmocka_unit_test(cstr_ends_with_zero),
        cmocka_unit_test(trim_drops_only_large_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
