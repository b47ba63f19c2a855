// SPDX-License-Identifier: MIT
/* Slices: comparison with zero bytes and empty ends, case, trimming, prefix. */
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void empty_slices_are_equal(void **state)
{
    (void)state;
    struct sl_slice none = { 0 };
    assert_true(sl_slice_eq(none, SL_SLICE("")));
    assert_true(sl_slice_eq(sl_slice_str(NULL), none));
    assert_true(sl_slice_eq_nocase(none, SL_SLICE("")));
    assert_true(sl_slice_starts(none, none));
    assert_int_equal(sl_slice_trim(none).len, 0);
}

static void zero_is_an_ordinary_byte(void **state)
{
    (void)state;
    assert_int_equal(SL_SLICE("a\0b").len, 3);
    assert_false(sl_slice_eq(SL_SLICE("a\0b"), SL_SLICE("a\0c")));
    assert_true(sl_slice_eq(SL_SLICE("a\0b"), SL_SLICE("a\0b")));
    assert_false(sl_slice_eq(SL_SLICE("a"), SL_SLICE("a\0")));
}

static void case_matters_for_ascii_alone(void **state)
{
    (void)state;
    assert_true(
        sl_slice_eq_nocase(SL_SLICE("Content-TYPE"), SL_SLICE("content-type")));
    assert_false(sl_slice_eq_nocase(SL_SLICE("@"), SL_SLICE("`")));
    assert_false(sl_slice_eq_nocase(SL_SLICE("["), SL_SLICE("{")));
    assert_false(sl_slice_eq_nocase(SL_SLICE("\xc4"), SL_SLICE("\xe4")));
    assert_false(sl_slice_eq_nocase(SL_SLICE("ab"), SL_SLICE("abc")));
}

static void trims_both_ends(void **state)
{
    (void)state;
    assert_true(
        sl_slice_eq(sl_slice_trim(SL_SLICE(" \t a b\t ")), SL_SLICE("a b")));
    assert_int_equal(sl_slice_trim(SL_SLICE(" \t ")).len, 0);
    assert_true(sl_slice_eq(sl_slice_trim(SL_SLICE("\r\n")), SL_SLICE("\r\n")));
}

static void knows_prefixes(void **state)
{
    (void)state;
    assert_true(sl_slice_starts(SL_SLICE("/chat"), SL_SLICE("/")));
    assert_true(sl_slice_starts(SL_SLICE("/chat"), SL_SLICE("/chat")));
    assert_false(sl_slice_starts(SL_SLICE("/cha"), SL_SLICE("/chat")));
    assert_false(sl_slice_starts(SL_SLICE("chat"), SL_SLICE("/")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_slices_are_equal),
        cmocka_unit_test(zero_is_an_ordinary_byte),
        cmocka_unit_test(case_matters_for_ascii_alone),
        cmocka_unit_test(trims_both_ends),
        cmocka_unit_test(knows_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
