// SPDX-License-Identifier: MIT
/*
 * Series of scripts' metrics: what is added is found, values of each kind,
 * the bound on their number, and a reader beside the writer.
 */
#include "base/series.h"

#include "base/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct sl_series *add(struct sl_series_set *set,
                             enum sl_series_kind kind, const char *name,
                             const char *labels)
{
    return sl_series_add(
        set, &(struct sl_series_spec){ .kind = kind,
                                       .name = sl_slice_str(name),
                                       .labels = sl_slice_str(labels) });
}

static void keeps_what_it_was_told(void **state)
{
    (void)state;
    struct sl_series_set set = { .count = 0 };
    char name[] = "jobs_total", labels[] = "kind=\"mail\"";
    assert_null(sl_series_first(&set));
    const struct sl_series *series = add(&set, SL_SERIES_COUNTER, name, labels);
    name[0] = labels[0] = '?'; /* it has copies */
    const struct sl_series_spec *what = sl_series_what(series);
    assert_int_equal(what->kind, SL_SERIES_COUNTER);
    assert_true(sl_slice_eq(what->name, SL_SLICE("jobs_total")));
    assert_true(sl_slice_eq(what->labels, SL_SLICE("kind=\"mail\"")));
    assert_ptr_equal(sl_series_named(&set, SL_SLICE("jobs_total")), series);
    assert_null(sl_series_named(&set, SL_SLICE("jobs")));
    assert_ptr_equal(sl_series_find(&set, what->name, what->labels), series);
    assert_null(sl_series_find(&set, what->name, SL_SLICE("")));
    assert_ptr_equal(sl_series_first(&set), series);
    assert_null(sl_series_next(series));
    sl_series_release(&set);
    assert_null(sl_series_first(&set));
}

static void counts_and_measures(void **state)
{
    (void)state;
    struct sl_series_set set = { .count = 0 };
    struct sl_series *counter = add(&set, SL_SERIES_COUNTER, "a", "");
    struct sl_series *gauge = add(&set, SL_SERIES_GAUGE, "b", "");
    assert_true(sl_series_value(counter) == 0);
    sl_series_change(counter, 1);
    sl_series_change(counter, 2.5);
    assert_true(sl_series_value(counter) == 3.5);
    sl_series_put(gauge, 7);
    sl_series_change(gauge, -9);
    assert_true(sl_series_value(gauge) == -2);
    sl_series_release(&set);
}

static void sorts_into_buckets(void **state)
{
    (void)state;
    struct sl_series_set set = { .count = 0 };
    const double bounds[] = { 1, 10 };
    struct sl_series *series = sl_series_add(
        &set, &(struct sl_series_spec){ .kind = SL_SERIES_HISTOGRAM,
                                        .name = SL_SLICE("h"),
                                        .bounds = bounds,
                                        .bound_count = 2 });
    const double values[] = { 0.5, 1, 1.5, 10, 11, 12, -1 };
    for (unsigned i = 0; i < SL_COUNT(values); i++)
        sl_series_observe(series, values[i]);
    assert_int_equal(sl_series_bucket(series, 0), 3);
    assert_int_equal(sl_series_bucket(series, 1), 2);
    assert_int_equal(sl_series_bucket(series, 2), 2);
    assert_true(sl_series_value(series) == 35);
    sl_series_release(&set);
}

static void refuses_more_than_the_bound(void **state)
{
    (void)state;
    struct sl_series_set set = { .count = 0 };
    char name[32];
    for (int i = 0; i < SL_SERIES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_non_null(add(&set, SL_SERIES_GAUGE, name, ""));
    }
    assert_null(add(&set, SL_SERIES_GAUGE, "more", ""));
    assert_null(sl_series_named(&set, SL_SLICE("more")));
    assert_non_null(sl_series_named(&set, SL_SLICE("n0")));
    sl_series_release(&set);
    assert_non_null(add(&set, SL_SERIES_GAUGE, "more", ""));
    sl_series_release(&set);
}

static void *write_all(void *user)
{
    struct sl_series_set *set = user;
    char name[32];
    for (int i = 0; i < SL_SERIES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        sl_series_change(add(set, SL_SERIES_COUNTER, name, "x=\"1\""), 1);
    }
    return NULL;
}

static void another_thread_reads(void **state)
{
    (void)state;
    struct sl_series_set set = { .count = 0 };
    pthread_t writer;
    unsigned seen = 0;
    pthread_create(&writer, NULL, write_all, &set);
    while (seen < SL_SERIES_MAX) {
        unsigned count = 0;
        for (const struct sl_series *series = sl_series_first(&set);
             series != NULL; series = sl_series_next(series)) {
            assert_int_equal(sl_series_what(series)->name.ptr[0], 'n');
            assert_int_equal(sl_series_what(series)->labels.len, 5);
            count++;
        }
        assert_true(count >= seen);
        seen = count;
    }
    pthread_join(writer, NULL);
    assert_true(sl_series_value(sl_series_first(&set)) == 1);
    sl_series_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_it_was_told),
        cmocka_unit_test(counts_and_measures),
        cmocka_unit_test(sorts_into_buckets),
        cmocka_unit_test(refuses_more_than_the_bound),
        cmocka_unit_test(another_thread_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
