// SPDX-License-Identifier: MIT
/*
 * signalua.metrics from outside: values reach the worker's series, which
 * outlive the scripts; beyond the limit one line and a metric say so. (The
 * rest, as authors see it: tests/lua/lua_metrics_test.lua.)
 */
#include "tests/lib/lua_rig.h"

#include "base/limits.h"

#include <stdio.h>

#define TOP "local signalua = require 'signalua'\nlocal Hub = signalua.hub()\n"
#define END "\nreturn Hub\n"

static double value_of(const struct lua_rig *rig, const char *name,
                       const char *labels)
{
    struct sl_series *series = sl_series_find(
        &rig->worker->metrics.series, sl_slice_str(name), sl_slice_str(labels));
    assert_non_null(series);
    return sl_series_value(series);
}

static void counts(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 TOP "local calls = signalua.metrics.counter('calls_total',\n"
                     "  {who = 'a\"b'})\n"
                     "local level = signalua.metrics.gauge('level')\n"
                     "local time = signalua.metrics.histogram('s', nil, {1})\n"
                     "function Hub:Run(n)\n"
                     "  calls:inc(n) level:set(n) level:dec() time:observe(n)\n"
                     "end" END);
    lua_rig_call(&rig, "Run", "[2]");
    lua_rig_call(&rig, "Run", "[0.5]");
    assert_true(value_of(&rig, "calls_total", "who=\"a\\\"b\"") == 2.5);
    assert_true(value_of(&rig, "level", "") == -0.5);
    assert_true(value_of(&rig, "s", "") == 2.5);
    const struct sl_series *time =
        sl_series_named(&rig.worker->metrics.series, SL_SLICE("s"));
    assert_int_equal(sl_series_bucket(time, 0), 1);
    assert_int_equal(sl_series_bucket(time, 1), 1);
    lua_rig_release(&rig);
}

static void outlive_the_scripts(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "local n = signalua.metrics.counter('n_total')\n"
                           "function Hub:Run() n:inc() end" END);
    lua_rig_call(&rig, "Run", "[]");
    assert_int_equal(lua_rig_load(&rig), 0);
    assert_true(value_of(&rig, "n_total", "") == 1);
    lua_rig_call(&rig, "Run", "[]");
    assert_true(value_of(&rig, "n_total", "") == 2);
    lua_rig_release(&rig);
}

static void tells_of_too_many(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP
                 "function Hub:Run(first, last)\n"
                 "  for i = first, last do\n"
                 "    signalua.metrics.counter('n_total', {user = i}):inc()\n"
                 "  end\n"
                 "end" END);
    char args[32];
    snprintf(args, sizeof(args), "[1,%d]", SL_SERIES_MAX);
    lua_rig_call(&rig, "Run", args);
    assert_null(strstr(lua_rig_logged(&rig), "too many metrics"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_SERIES_REFUSED), 0);
    lua_rig_call(&rig, "Run", "[5000,5001]");
    assert_int_equal(cluster_metric(rig.worker, SL_M_SERIES_REFUSED), 2);
    const char *line = strstr(lua_rig_logged(&rig), "too many metrics");
    assert_non_null(line);
    assert_non_null(strstr(line, "\"metric\":\"n_total\""));
    assert_null(strstr(line + 1, "too many metrics"));
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(outlive_the_scripts),
        cmocka_unit_test(tells_of_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
