// SPDX-License-Identifier: MIT
/*
 * The table of metrics keeps the rules of the exposition format, and a reader
 * in another thread sees the writer's sums without a race.
 */
#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static void names_keep_the_rules(void **state)
{
    (void)state;
    for (int i = 0; i < SL_METRIC_COUNT; i++) {
        const struct sl_metric_info *info = &sl_metric_infos[i];
        size_t len = strlen(info->name);
        assert_true(len > 0);
        assert_int_equal(strspn(info->name, "abcdefghijklmnopqrstuvwxyz_"),
                         len);
        bool total = len > 6 && strcmp(info->name + len - 6, "_total") == 0;
        assert_int_equal(total, info->kind == SL_METRIC_COUNTER);
        /* A backslash or a line feed would need escaping on the page. */
        assert_int_equal(strcspn(info->help, "\\\n"), strlen(info->help));
        assert_int_equal(info->help[strlen(info->help) - 1], '.');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(info->name, sl_metric_infos[j].name);
    }
}

static void adds_and_sets(void **state)
{
    (void)state;
    struct sl_metrics metrics = { 0 };
    sl_metric_add(&metrics, SL_M_CONNECTIONS, 3);
    sl_metric_add(&metrics, SL_M_CONNECTIONS, -1);
    assert_int_equal(sl_metric_get(&metrics, SL_M_CONNECTIONS), 2);
    sl_metric_set(&metrics, SL_M_LUA_MEMORY, INT64_MAX);
    assert_true(sl_metric_get(&metrics, SL_M_LUA_MEMORY) == INT64_MAX);
    assert_int_equal(sl_metric_get(&metrics, SL_M_SOCKETS), 0);
}

static void sorts_turns_by_their_length(void **state)
{
    (void)state;
    struct sl_metrics metrics = { 0 };
    int64_t total_us = 0;
    for (unsigned i = 0; i < SL_LAG_BOUND_COUNT; i++) {
        uint32_t bound_us = sl_lag_bounds_us[i];
        assert_true(i == 0 || bound_us > sl_lag_bounds_us[i - 1]);
        sl_metric_lag(&metrics, bound_us);
        sl_metric_lag(&metrics, bound_us + 1);
        total_us += 2 * (int64_t)bound_us + 1;
    }
    assert_int_equal(metrics.lag.turns[0], 1);
    for (unsigned i = 1; i < SL_LAG_BOUND_COUNT; i++)
        assert_int_equal(metrics.lag.turns[i], 2);
    assert_int_equal(metrics.lag.turns[SL_LAG_BOUND_COUNT], 1);
    assert_int_equal(metrics.lag.total_us, total_us);
}

enum { ADDITIONS = 100000 };

static void *add_many(void *user)
{
    for (int i = 0; i < ADDITIONS; i++)
        sl_metric_add(user, SL_M_MESSAGES_IN, 1);
    return NULL;
}

static void another_thread_reads(void **state)
{
    (void)state;
    struct sl_metrics metrics = { 0 };
    pthread_t writer;
    pthread_create(&writer, NULL, add_many, &metrics);
    int64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t value = sl_metric_get(&metrics, SL_M_MESSAGES_IN);
        assert_true(value >= last && value <= ADDITIONS);
        last = value;
    }
    pthread_join(writer, NULL);
    assert_int_equal(sl_metric_get(&metrics, SL_M_MESSAGES_IN), ADDITIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_the_rules),
        cmocka_unit_test(adds_and_sets),
        cmocka_unit_test(sorts_turns_by_their_length),
        cmocka_unit_test(another_thread_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
