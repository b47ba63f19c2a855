// SPDX-License-Identifier: MIT
/*
 * How many a bucket gives, at once and over time.
 */
#include "hub/rate.h"

#include "base/limits.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS 1000000u

/* How many of `tries` the bucket gives at that time. */
static unsigned take(const struct sl_rate *rate, uint64_t *full_ns,
                     uint64_t now_ms, unsigned tries)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < tries; i++)
        taken += sl_rate_take(rate, full_ns, now_ms);
    return taken;
}

static void test_no_limit(void **state)
{
    (void)state;
    struct sl_rate none = { 0 };
    uint64_t full_ns = 0;
    assert_int_equal(take(&none, &full_ns, NOW_MS, 1000), 1000);
    assert_int_equal(full_ns, 0);
}

static void test_fills_evenly(void **state)
{
    (void)state;
    struct sl_rate rate = { .count = 5, .per_ms = 1000 };
    uint64_t full_ns = 0;
    assert_int_equal(take(&rate, &full_ns, NOW_MS, 9), 5);
    assert_int_equal(take(&rate, &full_ns, NOW_MS + 199, 9), 0);
    assert_int_equal(take(&rate, &full_ns, NOW_MS + 200, 9), 1);
    assert_int_equal(take(&rate, &full_ns, NOW_MS + 800, 9), 3);
    /* Never more than it holds. */
    assert_int_equal(take(&rate, &full_ns, NOW_MS + 60000, 9), 5);
}

static void test_extremes(void **state)
{
    (void)state;
    struct sl_rate fast = { .count = SL_RATE_COUNT_MAX, .per_ms = 1 };
    struct sl_rate slow = { .count = 1, .per_ms = 86400000 };
    uint64_t full_ns = 0;
    assert_int_equal(take(&fast, &full_ns, NOW_MS, SL_RATE_COUNT_MAX + 10),
                     SL_RATE_COUNT_MAX);
    full_ns = 0;
    assert_int_equal(take(&slow, &full_ns, NOW_MS, 3), 1);
    assert_int_equal(take(&slow, &full_ns, NOW_MS + 86399999, 3), 0);
    assert_int_equal(take(&slow, &full_ns, NOW_MS + 86400000, 3), 1);
}

static void test_buckets_are_apart(void **state)
{
    (void)state;
    struct sl_rate rate = { .count = 1, .per_ms = 1000 };
    struct sl_bucket *buckets = NULL;
    assert_true(sl_buckets_take(&buckets, SL_SLICE("a"), &rate, NOW_MS));
    assert_true(sl_buckets_take(&buckets, SL_SLICE("ab"), &rate, NOW_MS));
    assert_false(sl_buckets_take(&buckets, SL_SLICE("a"), &rate, NOW_MS));
    assert_false(sl_buckets_take(&buckets, SL_SLICE("ab"), &rate, NOW_MS));
    assert_true(sl_buckets_take(&buckets, SL_SLICE("a"), &rate, NOW_MS + 1000));
    sl_buckets_free(buckets);
    sl_buckets_free(NULL);
}

static void test_text(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_rate_describe(&(struct sl_rate){ 100, 1000 }, &out);
    sl_str_add_lit(&out, ", ");
    sl_rate_describe(&(struct sl_rate){ 3, 2500 }, &out);
    assert_string_equal(sl_str_cstr(&out), "100 in 1 s, 3 in 2.5 s");
    sl_str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_fills_evenly),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_buckets_are_apart),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
