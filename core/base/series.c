// SPDX-License-Identifier: MIT
/*
 * A list that only grows at its head: what a reader has reached stays. Values
 * have one writer, so loads and stores are enough.
 */
#include "base/series.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/mem.h"

#include <string.h>

struct sl_series {
    struct sl_series *next; /* older; never changes */
    struct sl_series_spec what;
    double bounds[SL_SERIES_BOUNDS_MAX];
    _Atomic double value;
    _Atomic uint64_t *buckets; /* of a histogram; bound_count + 1 */
    char text[];               /* name, labels */
};

struct sl_series *sl_series_add(struct sl_series_set *set,
                                const struct sl_series_spec *spec)
{
    sl_assert(spec->bound_count <= SL_SERIES_BOUNDS_MAX);
    if (set->count == SL_SERIES_MAX)
        return NULL;
    size_t text_len = spec->name.len + spec->labels.len;
    struct sl_series *series = sl_zalloc(sizeof(*series) + text_len);
    char *labels = series->text + spec->name.len;
    memcpy(series->text, spec->name.ptr, spec->name.len);
    if (spec->labels.len > 0)
        memcpy(labels, spec->labels.ptr, spec->labels.len);
    series->what = *spec;
    series->what.name.ptr = series->text;
    series->what.labels.ptr = labels;
    series->what.bounds = series->bounds;
    for (unsigned i = 0; i < spec->bound_count; i++)
        series->bounds[i] = spec->bounds[i];
    if (spec->kind == SL_SERIES_HISTOGRAM)
        series->buckets =
            sl_zalloc((spec->bound_count + 1) * sizeof(*series->buckets));
    series->next = atomic_load_explicit(&set->first, memory_order_relaxed);
    set->count++;
    atomic_store_explicit(&set->first, series, memory_order_release);
    return series;
}

struct sl_series *sl_series_find(const struct sl_series_set *set,
                                 struct sl_slice name, struct sl_slice labels)
{
    struct sl_series *series =
        atomic_load_explicit(&set->first, memory_order_relaxed);
    while (series != NULL && (!sl_slice_eq(series->what.name, name) ||
                              !sl_slice_eq(series->what.labels, labels)))
        series = series->next;
    return series;
}

const struct sl_series *sl_series_named(const struct sl_series_set *set,
                                        struct sl_slice name)
{
    const struct sl_series *series = sl_series_first(set);
    while (series != NULL && !sl_slice_eq(series->what.name, name))
        series = series->next;
    return series;
}

void sl_series_change(struct sl_series *series, double by)
{
    sl_series_put(series, sl_series_value(series) + by);
}

void sl_series_put(struct sl_series *series, double value)
{
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

void sl_series_observe(struct sl_series *series, double value)
{
    sl_assert(series->what.kind == SL_SERIES_HISTOGRAM);
    unsigned at = 0;
    while (at < series->what.bound_count && value > series->bounds[at])
        at++;
    uint64_t count = sl_series_bucket(series, at);
    atomic_store_explicit(&series->buckets[at], count + 1,
                          memory_order_relaxed);
    sl_series_change(series, value);
}

void sl_series_release(struct sl_series_set *set)
{
    struct sl_series *series =
        atomic_load_explicit(&set->first, memory_order_acquire);
    while (series != NULL) {
        struct sl_series *next = series->next;
        sl_free((void *)series->buckets);
        sl_free(series);
        series = next;
    }
    atomic_store_explicit(&set->first, NULL, memory_order_relaxed);
    set->count = 0;
}

const struct sl_series *sl_series_first(const struct sl_series_set *set)
{
    return atomic_load_explicit(&set->first, memory_order_acquire);
}

const struct sl_series *sl_series_next(const struct sl_series *series)
{
    return series->next;
}

const struct sl_series_spec *sl_series_what(const struct sl_series *series)
{
    return &series->what;
}

double sl_series_value(const struct sl_series *series)
{
    return atomic_load_explicit(&series->value, memory_order_relaxed);
}

uint64_t sl_series_bucket(const struct sl_series *series, unsigned at)
{
    sl_assert(at <= series->what.bound_count);
    return atomic_load_explicit(&series->buckets[at], memory_order_relaxed);
}
