// SPDX-License-Identifier: MIT
/* The one clock of the load generator: monotonic, in nanoseconds. */
#pragma once

#include <stdint.h>
#include <time.h>

#define SL_NS_PER_SECOND 1000000000ull

static inline uint64_t sl_clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SL_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static inline uint64_t sl_clock_ns(double seconds)
{
    return (uint64_t)(seconds * (double)SL_NS_PER_SECOND);
}

static inline double sl_clock_seconds(uint64_t ns)
{
    return (double)ns / (double)SL_NS_PER_SECOND;
}
