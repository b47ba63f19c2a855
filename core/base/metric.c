// SPDX-License-Identifier: MIT
/* What metric.def says, as a table; and the histogram of loop lag. */
#include "base/metric.h"

const struct sl_metric_info sl_metric_infos[SL_METRIC_COUNT] = {
#define SL_METRIC(id, kind, name, help) { name, help, SL_METRIC_##kind },
#include "base/metric.def"
#undef SL_METRIC
};

const uint32_t sl_lag_bounds_us[SL_LAG_BOUND_COUNT] = { SL_LAG_BOUNDS_US };

static void add(_Atomic int64_t *value, int64_t delta)
{
    int64_t old = atomic_load_explicit(value, memory_order_relaxed);
    atomic_store_explicit(value, old + delta, memory_order_relaxed);
}

void sl_metric_lag(struct sl_metrics *metrics, uint64_t turn_us)
{
    unsigned bucket = 0;
    while (bucket < SL_LAG_BOUND_COUNT && turn_us > sl_lag_bounds_us[bucket])
        bucket++;
    add(&metrics->lag.turns[bucket], 1);
    add(&metrics->lag.total_us, (int64_t)turn_us);
}
