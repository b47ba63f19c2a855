// SPDX-License-Identifier: MIT
/*
 * The nearest name: what is suggested for a misspelt one, what is too far to
 * be suggested, and names of any length and bytes.
 */
#include "bindings/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sl_nearest among(const char *name)
{
    static const char *const names[] = { "send", "spawn", "sleep", "keep",
                                         "others_in_group" };
    struct sl_nearest nearest;
    sl_nearest_init(&nearest, sl_slice_str(name));
    for (unsigned i = 0; i < SL_COUNT(names); i++)
        sl_nearest_offer(&nearest, sl_slice_str(names[i]));
    return nearest;
}

static void expect_near(const char *name, const char *best)
{
    struct sl_nearest nearest = among(name);
    assert_true(sl_nearest_is_near(&nearest));
    assert_true(sl_slice_eq(nearest.best, sl_slice_str(best)));
}

static void expect_far(const char *name)
{
    struct sl_nearest nearest = among(name);
    assert_false(sl_nearest_is_near(&nearest));
}

static void finds_what_was_meant(void **state)
{
    (void)state;
    expect_near("send", "send");
    expect_near("snd", "send");
    expect_near("sends", "send");
    expect_near("slepp", "sleep");
    expect_near("spaw", "spawn");
}

static void overlooks_case_and_underscores(void **state)
{
    (void)state;
    expect_near("Send", "send");
    expect_near("OthersInGroup", "others_in_group");
    expect_near("__KEEP__", "keep");
}

static void leaves_out_what_is_far(void **state)
{
    (void)state;
    expect_far("");
    expect_far("_");
    expect_far("ReceiveMessage");
    expect_far("se");
    expect_far("\xff\xfe\xfd\xfc");
}

static void takes_any_length(void **state)
{
    (void)state;
    char name[200];
    memset(name, 's', sizeof(name));
    struct sl_nearest nearest;
    sl_nearest_init(&nearest, sl_slice_of(name, sizeof(name)));
    assert_false(sl_nearest_is_near(&nearest));
    sl_nearest_offer(&nearest, SL_SLICE("send"));
    assert_false(sl_nearest_is_near(&nearest));
    sl_nearest_offer(&nearest, sl_slice_of(name, 40));
    assert_false(sl_nearest_is_near(&nearest));
}

static void keeps_the_first_of_equals(void **state)
{
    (void)state;
    struct sl_nearest nearest;
    sl_nearest_init(&nearest, SL_SLICE("hat"));
    sl_nearest_offer(&nearest, SL_SLICE("cat"));
    sl_nearest_offer(&nearest, SL_SLICE("bat"));
    assert_true(sl_slice_eq(nearest.best, SL_SLICE("cat")));
    sl_nearest_offer(&nearest, SL_SLICE("hats"));
    sl_nearest_offer(&nearest, SL_SLICE("hat"));
    assert_true(sl_slice_eq(nearest.best, SL_SLICE("hat")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_meant),
        cmocka_unit_test(overlooks_case_and_underscores),
        cmocka_unit_test(leaves_out_what_is_far),
        cmocka_unit_test(takes_any_length),
        cmocka_unit_test(keeps_the_first_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
