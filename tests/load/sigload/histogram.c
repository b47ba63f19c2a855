// SPDX-License-Identifier: MIT
/* Latencies in buckets: reading the quantiles back. */
#include "histogram.h"

#define NS_PER_US 1000.0

double sl_histogram_quantile_us(const struct sl_histogram *histogram,
                                double quantile)
{
    const double rank = quantile * (double)histogram->count;
    uint64_t seen = 0;
    for (size_t i = 0; i < SL_HISTOGRAM_ROWS * SL_HISTOGRAM_COLUMNS; i++) {
        seen += histogram->buckets[i];
        if ((double)seen > rank) {
            const unsigned row = (unsigned)(i / SL_HISTOGRAM_COLUMNS);
            const double column = (double)(i % SL_HISTOGRAM_COLUMNS);
            return (column + 0.5) * (double)(1ull << row) / NS_PER_US;
        }
    }
    return sl_histogram_max_us(histogram);
}

double sl_histogram_mean_us(const struct sl_histogram *histogram)
{
    if (histogram->count == 0)
        return 0;
    return histogram->sum_ns / (double)histogram->count / NS_PER_US;
}

double sl_histogram_max_us(const struct sl_histogram *histogram)
{
    return (double)histogram->max_ns / NS_PER_US;
}
