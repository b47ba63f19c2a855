// SPDX-License-Identifier: MIT
/* Every code has its name and text, and values that are not ours have some. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

static void our_codes(void **state)
{
    (void)state;
#define SL_ERR(code, said)                                \
    assert_string_equal(sl_err_name(SL_E_##code), #code); \
    assert_string_equal(sl_err_text(SL_E_##code), said);  \
    assert_true(SL_E_##code <= -10001);
#include "base/err.def"
#undef SL_ERR
    assert_int_equal(SL_E_BASE64, -10001);
}

static void names_are_unique(void **state)
{
    (void)state;
    for (int i = 0; i < SL_ERR_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(sl_err_name(-10001 - i),
                                    sl_err_name(-10001 - j));
}

static void the_systems_codes(void **state)
{
    (void)state;
    assert_string_equal(sl_err_name(-ECONNRESET), "ECONNRESET");
    assert_string_equal(sl_err_text(-ECONNRESET), strerror(ECONNRESET));
    assert_string_equal(sl_err_text(-ENOENT), strerror(ENOENT));
    assert_string_equal(sl_err_text(0), strerror(0));
    assert_string_equal(sl_err_name(-4095), "EOF");
    assert_string_equal(sl_err_text(-4095), "end of file");
}

static void unknown_values(void **state)
{
    (void)state;
    static const int values[] = {
        1, INT_MAX, INT_MIN, -3999, -9999, -10000, -10001 - SL_ERR_COUNT,
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_string_equal(sl_err_name(values[i]), "ERRNO");
        assert_string_equal(sl_err_text(values[i]), "unknown error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_codes),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(the_systems_codes),
        cmocka_unit_test(unknown_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
