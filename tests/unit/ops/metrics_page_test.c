// SPDX-License-Identifier: MIT
/*
 * The metrics page: every fixed metric is there once, with HELP, TYPE and one
 * sample per thread; the format is what Prometheus reads.
 */
#include "ops/metrics_page.h"

#include "hub/routines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

static struct sl_metrics threads[2];

static unsigned thread_count(void *user)
{
    (void)user;
    return 2;
}

static const struct sl_metrics *thread_metrics(void *user, unsigned index,
                                               const char **name)
{
    static char text[8]; /* one for all, as the host has */
    (void)user;
    strcpy(text, index == 0 ? "0" : "main");
    *name = text;
    return &threads[index];
}

static const struct sl_control control = {
    .thread_count = thread_count,
    .thread_metrics = thread_metrics,
};

static unsigned occurrences(const char *text, const char *word)
{
    unsigned count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

static void every_metric_stands_there_once(void **state)
{
    (void)state;
    struct sl_str page = { 0 }, line = { 0 };
    sl_metrics_page_write(&page, &control);
    const char *text = sl_str_cstr(&page);
    for (unsigned id = 0; id < SL_METRIC_COUNT; id++) {
        const struct sl_metric_info *info = &sl_metric_infos[id];
        sl_str_clear(&line);
        sl_str_add_fmt(&line, "# TYPE signalua_%s %s\n", info->name,
                       info->kind == SL_METRIC_COUNTER ? "counter" : "gauge");
        assert_int_equal(occurrences(text, sl_str_cstr(&line)), 1);
        sl_str_clear(&line);
        sl_str_add_fmt(&line, "\nsignalua_%s{worker=\"main\"} ", info->name);
        assert_int_equal(occurrences(text, sl_str_cstr(&line)), 1);
    }
    sl_str_release(&line);
    sl_str_release(&page);
}

static struct sl_series *add(unsigned thread, enum sl_series_kind kind,
                             const char *name, const char *labels)
{
    static const double bounds[] = { 0.1, 5 };
    bool histogram = kind == SL_SERIES_HISTOGRAM;
    return sl_series_add(
        &threads[thread].series,
        &(struct sl_series_spec){ .kind = kind,
                                  .name = sl_slice_str(name),
                                  .labels = sl_slice_str(labels),
                                  .bounds = histogram ? bounds : NULL,
                                  .bound_count = histogram ? 2 : 0 });
}

static void scripts_metrics_stand_together(void **state)
{
    (void)state;
    struct sl_str page = { 0 };
    sl_series_change(add(0, SL_SERIES_COUNTER, "b_total", "x=\"2\""), 1e15);
    sl_series_put(add(0, SL_SERIES_GAUGE, "a", ""), -0.1);
    sl_series_change(add(1, SL_SERIES_COUNTER, "b_total", "x=\"2\""), 2);
    sl_series_change(add(0, SL_SERIES_COUNTER, "b_total", "x=\"1\""), 3);
    add(1, SL_SERIES_GAUGE, "b_total", "x=\"3\""); /* of another kind */
    struct sl_series *times = add(0, SL_SERIES_HISTOGRAM, "c", "y=\"z\"");
    sl_series_observe(times, 0.05);
    sl_series_observe(times, 1);
    sl_series_observe(times, 7);
    sl_metrics_page_write(&page, &control);
    const char *text = strstr(sl_str_cstr(&page), "# TYPE signalua_app_");
    assert_string_equal(
        text, "# TYPE signalua_app_a gauge\n"
              "signalua_app_a{worker=\"0\"} -0.1\n"
              "# TYPE signalua_app_b_total counter\n"
              "signalua_app_b_total{worker=\"0\",x=\"1\"} 3\n"
              "signalua_app_b_total{worker=\"0\",x=\"2\"} 1e+15\n"
              "signalua_app_b_total{worker=\"main\",x=\"2\"} 2\n"
              "# TYPE signalua_app_c histogram\n"
              "signalua_app_c_bucket{worker=\"0\",y=\"z\",le=\"0.1\"} 1\n"
              "signalua_app_c_bucket{worker=\"0\",y=\"z\",le=\"5\"} 2\n"
              "signalua_app_c_bucket{worker=\"0\",y=\"z\",le=\"+Inf\"} 3\n"
              "signalua_app_c_sum{worker=\"0\",y=\"z\"} 8.05\n"
              "signalua_app_c_count{worker=\"0\",y=\"z\"} 3\n");
    for (unsigned i = 0; i < 2; i++)
        sl_series_release(&threads[i].series);
    sl_str_release(&page);
}

static void samples_are_the_threads_own(void **state)
{
    (void)state;
    sl_metric_add(&threads[0], SL_M_CONNECTIONS, 41);
    sl_metric_add(&threads[0], SL_M_CONNECTIONS, 1);
    sl_metric_add(&threads[1], SL_M_ACCEPT_FAILED, 7);
    struct sl_str page = { 0 };
    sl_metrics_page_write(&page, &control);
    const char *text = sl_str_cstr(&page);
    assert_non_null(strstr(text, "\nsignalua_connections{worker=\"0\"} 42\n"));
    assert_non_null(
        strstr(text, "\nsignalua_connections{worker=\"main\"} 0\n"));
    assert_non_null(
        strstr(text, "\nsignalua_accept_failures_total{worker=\"main\"} 7\n"));
    sl_str_release(&page);
}

static void buckets_of_loop_lag_add_up(void **state)
{
    (void)state;
    sl_metric_lag(&threads[0], 400);
    sl_metric_lag(&threads[0], 30000);
    sl_metric_lag(&threads[0], 30000000);
    struct sl_str page = { 0 };
    sl_metrics_page_write(&page, &control);
    const char *text = sl_str_cstr(&page);
    assert_non_null(strstr(text, "# TYPE signalua_loop_lag_seconds histogram\n"
                                 "signalua_loop_lag_seconds_bucket"
                                 "{worker=\"0\",le=\"0.001\"} 1\n"));
    assert_non_null(strstr(text, "{worker=\"0\",le=\"0.025\"} 1\n"
                                 "signalua_loop_lag_seconds_bucket"
                                 "{worker=\"0\",le=\"0.1\"} 2\n"));
    assert_non_null(strstr(text, "{worker=\"0\",le=\"10\"} 2\n"));
    assert_non_null(strstr(text, "{worker=\"0\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "seconds_sum{worker=\"0\"} 30.030400\n"));
    assert_non_null(strstr(text, "seconds_count{worker=\"0\"} 3\n"));
    assert_non_null(strstr(text, "seconds_count{worker=\"main\"} 0\n"));
    sl_str_release(&page);
}

static void errors_are_told_by_method(void **state)
{
    (void)state;
    struct sl_routines *routines = sl_routines_new(10);
    sl_routines_get(routines, SL_SLICE("chat"), SL_SLICE("Say"));
    sl_routine_failed(
        sl_routines_get(routines, SL_SLICE("a/b"), SL_SLICE("odd \"name\\\n")));
    struct sl_control with = control;
    with.routines = routines;
    struct sl_str page = { 0 };
    sl_metrics_page_write(&page, &with);
    const char *text = sl_str_cstr(&page);
    assert_non_null(strstr(text, "# TYPE signalua_method_errors_total counter\n"
                                 "signalua_method_errors_total"
                                 "{hub=\"chat\",method=\"Say\"} 0\n"));
    assert_non_null(strstr(text, "{hub=\"a/b\","
                                 "method=\"odd \\\"name\\\\\\n\"} 1\n"));
    assert_non_null(strstr(text, "{hub=\"\",method=\"other\"} 0\n"));
    sl_str_release(&page);
    sl_routines_free(routines);
}

static void counters_and_only_they_end_in_total(void **state)
{
    (void)state;
    for (unsigned id = 0; id < SL_METRIC_COUNT; id++) {
        const char *name = sl_metric_infos[id].name;
        size_t len = strlen(name);
        bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
        assert_int_equal(total, sl_metric_infos[id].kind == SL_METRIC_COUNTER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_stands_there_once),
        cmocka_unit_test(samples_are_the_threads_own),
        cmocka_unit_test(scripts_metrics_stand_together),
        cmocka_unit_test(buckets_of_loop_lag_add_up),
        cmocka_unit_test(errors_are_told_by_method),
        cmocka_unit_test(counters_and_only_they_end_in_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
