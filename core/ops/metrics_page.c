// SPDX-License-Identifier: MIT
/*
 * The metrics page. Samples of one metric stand together under its HELP and
 * TYPE lines, as the format wants.
 */
#include "ops/metrics_page.h"

#include "base/mem.h"
#include "hub/routines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_metric(struct sl_str *out, const struct sl_control *control,
                         enum sl_metric id)
{
    const struct sl_metric_info *info = &sl_metric_infos[id];
    const char *type = info->kind == SL_METRIC_COUNTER ? "counter" : "gauge";
    sl_str_add_fmt(out, "# HELP signalua_%s %s\n# TYPE signalua_%s %s\n",
                   info->name, info->help, info->name, type);
    unsigned count = control->thread_count(control->user);
    for (unsigned i = 0; i < count; i++) {
        const char *thread;
        const struct sl_metrics *metrics =
            control->thread_metrics(control->user, i, &thread);
        sl_str_add_fmt(out, "signalua_%s{worker=\"%s\"} %lld\n", info->name,
                       thread, (long long)sl_metric_get(metrics, id));
    }
}

/* ---- what scripts made ---- */

#define THREAD_NAME_SIZE 16

struct sample {
    const struct sl_series *series;
    const struct sl_series_spec *what;
    char thread[THREAD_NAME_SIZE]; /* the one asked for lasts one call */
};

struct samples {
    struct sample *items;
    unsigned count, cap;
};

static void add_samples(struct samples *samples, const struct sl_metrics *from,
                        const char *thread)
{
    const struct sl_series *series = sl_series_first(&from->series);
    for (; series != NULL; series = sl_series_next(series)) {
        if (samples->count == samples->cap) {
            samples->cap = samples->cap == 0 ? 64 : samples->cap * 2;
            samples->items = sl_realloc(samples->items,
                                        samples->cap * sizeof(*samples->items));
        }
        struct sample *sample = &samples->items[samples->count++];
        sample->series = series;
        sample->what = sl_series_what(series);
        snprintf(sample->thread, sizeof(sample->thread), "%s", thread);
    }
}

static int compare_slices(struct sl_slice a, struct sl_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* By name, since the samples of one must stand together. */
static int compare_samples(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    int order = compare_slices(a->what->name, b->what->name);
    if (order == 0)
        order = compare_slices(a->what->labels, b->what->labels);
    return order != 0 ? order : strcmp(a->thread, b->thread);
}

/* As short as it can be read back. */
static void write_number(struct sl_str *out, double value)
{
    char text[32];
    if (isinf(value)) {
        sl_str_add_slice(out, value > 0 ? SL_SLICE("+Inf") : SL_SLICE("-Inf"));
        return;
    }
    snprintf(text, sizeof(text), "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof(text), "%.17g", value);
    sl_str_add_slice(out, sl_slice_str(text));
}

/* Up to the value; bound: of a bucket, else NULL. */
static void write_begin(struct sl_str *out, const struct sample *sample,
                        const char *suffix, const double *bound)
{
    struct sl_slice name = sample->what->name, labels = sample->what->labels;
    sl_str_add_fmt(out, "signalua_app_%.*s%s{worker=\"%s\"", (int)name.len,
                   name.ptr, suffix, sample->thread);
    if (labels.len > 0)
        sl_str_add_fmt(out, ",%.*s", (int)labels.len, labels.ptr);
    if (bound != NULL) {
        sl_str_add_lit(out, ",le=\"");
        write_number(out, *bound);
        sl_str_add_char(out, '"');
    }
    sl_str_add_lit(out, "} ");
}

static void write_histogram(struct sl_str *out, const struct sample *sample)
{
    const double over_all = INFINITY;
    uint64_t count = 0;
    for (unsigned i = 0; i <= sample->what->bound_count; i++) {
        bool last = i == sample->what->bound_count;
        count += sl_series_bucket(sample->series, i);
        write_begin(out, sample, "_bucket",
                    last ? &over_all : &sample->what->bounds[i]);
        sl_str_add_u64(out, count);
        sl_str_add_char(out, '\n');
    }
    write_begin(out, sample, "_sum", NULL);
    write_number(out, sl_series_value(sample->series));
    sl_str_add_char(out, '\n');
    write_begin(out, sample, "_count", NULL);
    sl_str_add_u64(out, count);
    sl_str_add_char(out, '\n');
}

static void write_sample(struct sl_str *out, const struct sample *sample)
{
    if (sample->what->kind == SL_SERIES_HISTOGRAM) {
        write_histogram(out, sample);
        return;
    }
    write_begin(out, sample, "", NULL);
    write_number(out, sl_series_value(sample->series));
    sl_str_add_char(out, '\n');
}

static void write_series(struct sl_str *out, const struct sl_control *control)
{
    static const char *const types[] = { "counter", "gauge", "histogram" };
    struct samples samples = { .items = NULL };
    unsigned threads = control->thread_count(control->user);
    for (unsigned i = 0; i < threads; i++) {
        const char *thread;
        const struct sl_metrics *metrics =
            control->thread_metrics(control->user, i, &thread);
        add_samples(&samples, metrics, thread);
    }
    if (samples.count > 0)
        qsort(samples.items, samples.count, sizeof(*samples.items),
              compare_samples);
    const struct sl_series_spec *family = NULL;
    for (unsigned i = 0; i < samples.count; i++) {
        const struct sample *sample = &samples.items[i];
        struct sl_slice name = sample->what->name;
        if (family == NULL || !sl_slice_eq(family->name, name)) {
            family = sample->what;
            sl_str_add_fmt(out, "# TYPE signalua_app_%.*s %s\n", (int)name.len,
                           name.ptr, types[family->kind]);
        }
        /* A name of two kinds (in two workers) would spoil the whole page. */
        if (family->kind == sample->what->kind)
            write_sample(out, sample);
    }
    sl_free(samples.items);
}

/* ---- loop lag, and errors by method ---- */

/* The format's buckets hold what the ones before them hold, too. */
static void write_lag_of(struct sl_str *out, const struct sl_metrics *metrics,
                         const char *thread)
{
    struct sl_lag *lag = &((struct sl_metrics *)(uintptr_t)metrics)->lag;
    int64_t count = 0;
    for (unsigned i = 0; i <= SL_LAG_BOUND_COUNT; i++) {
        count += atomic_load_explicit(&lag->turns[i], memory_order_relaxed);
        sl_str_add_fmt(out, "signalua_loop_lag_seconds_bucket{worker=\"%s\",",
                       thread);
        if (i < SL_LAG_BOUND_COUNT)
            sl_str_add_fmt(out, "le=\"%g\"}", sl_lag_bounds_us[i] / 1e6);
        else
            sl_str_add_lit(out, "le=\"+Inf\"}");
        sl_str_add_fmt(out, " %lld\n", (long long)count);
    }
    int64_t total_us =
        atomic_load_explicit(&lag->total_us, memory_order_relaxed);
    sl_str_add_fmt(out,
                   "signalua_loop_lag_seconds_sum{worker=\"%s\"} %.6f\n"
                   "signalua_loop_lag_seconds_count{worker=\"%s\"} %lld\n",
                   thread, (double)total_us / 1e6, thread, (long long)count);
}

static void write_lag(struct sl_str *out, const struct sl_control *control)
{
    sl_str_add_lit(
        out, "# HELP signalua_loop_lag_seconds Turns of the thread's loop: how "
             "long what arrives meanwhile waits at most.\n"
             "# TYPE signalua_loop_lag_seconds histogram\n");
    unsigned count = control->thread_count(control->user);
    for (unsigned i = 0; i < count; i++) {
        const char *thread;
        const struct sl_metrics *metrics =
            control->thread_metrics(control->user, i, &thread);
        write_lag_of(out, metrics, thread);
    }
}

/* As the value of a label. */
static void write_escaped(struct sl_str *out, struct sl_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            sl_str_add_lit(out, "\\n");
            continue;
        }
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            sl_str_add_char(out, '\\');
        sl_str_add_char(out, text.ptr[i]);
    }
}

static void write_errors(void *user, const struct sl_routine *routine)
{
    struct sl_str *out = user;
    sl_str_add_lit(out, "signalua_method_errors_total{hub=\"");
    write_escaped(out, routine->hub);
    sl_str_add_lit(out, "\",method=\"");
    write_escaped(out, routine->method);
    uint64_t errors =
        atomic_load_explicit(&((struct sl_routine *)(uintptr_t)routine)->errors,
                             memory_order_relaxed);
    sl_str_add_fmt(out, "\"} %llu\n", (unsigned long long)errors);
}

static void write_routines(struct sl_str *out,
                           const struct sl_routines *routines)
{
    if (routines == NULL)
        return;
    sl_str_add_lit(out, "# HELP signalua_method_errors_total Errors raised by "
                        "a method, hook, timer or route of a hub.\n"
                        "# TYPE signalua_method_errors_total counter\n");
    sl_routines_each(routines, write_errors, out);
}

void sl_metrics_page_write(struct sl_str *out, const struct sl_control *control)
{
    sl_str_add_lit(out, "# HELP signalua_build_info Version of the program.\n"
                        "# TYPE signalua_build_info gauge\n"
                        "signalua_build_info{version=\"" SL_VERSION "\"} 1\n");
    for (unsigned id = 0; id < SL_METRIC_COUNT; id++)
        write_metric(out, control, (enum sl_metric)id);
    write_lag(out, control);
    write_routines(out, control->routines);
    write_series(out, control);
}
