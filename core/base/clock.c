// SPDX-License-Identifier: MIT
/* The system's clocks. */
#include "base/clock.h"

#include "base/check.h"

#include <time.h>

static uint64_t read_ns(clockid_t id)
{
    struct timespec at;
    int err = clock_gettime(id, &at);
    sl_assert(err == 0 && at.tv_sec >= 0);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static uint64_t monotonic_ns(void *user SL_UNUSED)
{
    return read_ns(CLOCK_MONOTONIC);
}

static uint64_t wall_ms(void *user SL_UNUSED)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

const struct sl_clock sl_clock_system = {
    .monotonic_ns = monotonic_ns,
    .wall_ms = wall_ms,
};
