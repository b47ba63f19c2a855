// SPDX-License-Identifier: MIT
/*
 * Every reason has a name of its own, as the Lua API promises them.
 */
#include "hub/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    static const char *const promised[] = {
        "client", "lost",     "timeout", "too_large", "protocol", "slow",
        "kicked", "shutdown", "abort",   "expired",   "removed",
    };
    assert_int_equal(SL_CLOSE_REASON_COUNT,
                     sizeof(promised) / sizeof(promised[0]));
    for (unsigned i = 0; i < SL_CLOSE_REASON_COUNT; i++)
        assert_string_equal(sl_close_reason_name((enum sl_close_reason)i),
                            promised[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
