// SPDX-License-Identifier: MIT
/*
 * Metrics: one block of counters per thread, written by that thread alone
 * (relaxed atomics, no lock), added up when scraped. The fixed ones come from
 * metric.def, one is a histogram; who owns the block releases the series beside
 * them.
 */
#pragma once

#include "base/base.h"
#include "base/series.h"

#include <stdatomic.h>
#include <stdint.h>

enum sl_metric_kind { SL_METRIC_COUNTER, SL_METRIC_GAUGE };

enum sl_metric {
#define SL_METRIC(id, kind, name, help) SL_M_##id,
#include "base/metric.def"
#undef SL_METRIC
    SL_METRIC_COUNT
};

struct sl_metric_info {
    const char *name; /* without the prefix */
    const char *help;
    enum sl_metric_kind kind;
};

extern const struct sl_metric_info sl_metric_infos[SL_METRIC_COUNT];

/* Upper bounds of the loop lag's buckets, microseconds; one more is for what
 * took longer. */
#define SL_LAG_BOUNDS_US 1000, 5000, 25000, 100000, 500000, 2500000, 10000000
#define SL_LAG_BOUND_COUNT 7u

extern const uint32_t sl_lag_bounds_us[SL_LAG_BOUND_COUNT];

/* How long the turns of the thread's loop took: what arrives while one runs
 * waits for its end. */
struct sl_lag {
    _Atomic int64_t turns[SL_LAG_BOUND_COUNT + 1];
    _Atomic int64_t total_us;
};

struct sl_metrics {
    _Atomic int64_t values[SL_METRIC_COUNT];
    struct sl_lag lag;
    struct sl_series_set series; /* those that scripts made */
};

/* Owning thread only. */
void sl_metric_lag(struct sl_metrics *metrics, uint64_t turn_us);

/* Load and store, not a locked add: each value has one writer, the owning
 * thread (but for SCRIPT_HOLDS, which the watchdog counts). */
static inline void sl_metric_add(struct sl_metrics *metrics, enum sl_metric id,
                                 int64_t delta)
{
    int64_t value =
        atomic_load_explicit(&metrics->values[id], memory_order_relaxed);
    atomic_store_explicit(&metrics->values[id], value + delta,
                          memory_order_relaxed);
}

static inline void sl_metric_set(struct sl_metrics *metrics, enum sl_metric id,
                                 int64_t value)
{
    atomic_store_explicit(&metrics->values[id], value, memory_order_relaxed);
}

/* Any thread. */
static inline int64_t sl_metric_get(const struct sl_metrics *metrics,
                                    enum sl_metric id)
{
    return atomic_load_explicit(
        &((struct sl_metrics *)(uintptr_t)metrics)->values[id],
        memory_order_relaxed);
}
