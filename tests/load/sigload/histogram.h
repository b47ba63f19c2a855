// SPDX-License-Identifier: MIT
/*
 * Latencies in nanoseconds, counted in buckets of at most 1/32 of their value:
 * constant memory, constant time, quantiles good to about 2 %.  All zero is an
 * empty histogram.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One row per power of two from 2^6 up; in a row, 32 of 64 columns are used. */
#define SL_HISTOGRAM_COLUMNS ((size_t)64)
#define SL_HISTOGRAM_ROWS ((size_t)59)

struct sl_histogram {
    uint64_t buckets[SL_HISTOGRAM_ROWS * SL_HISTOGRAM_COLUMNS];
    uint64_t count;
    uint64_t max_ns;
    double sum_ns;
};

static inline void sl_histogram_add(struct sl_histogram *histogram, uint64_t ns)
{
    unsigned row = 0;
    if (ns >= SL_HISTOGRAM_COLUMNS)
        row = 58u - (unsigned)__builtin_clzll(ns);
    histogram->buckets[row * SL_HISTOGRAM_COLUMNS + (ns >> row)]++;
    histogram->count++;
    histogram->sum_ns += (double)ns;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

/* The middle of the bucket that holds the given quantile (0 to 1), in us. */
double sl_histogram_quantile_us(const struct sl_histogram *histogram,
                                double quantile);

double sl_histogram_mean_us(const struct sl_histogram *histogram);
double sl_histogram_max_us(const struct sl_histogram *histogram);
