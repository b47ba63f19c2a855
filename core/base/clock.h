// SPDX-License-Identifier: MIT
/*
 * Monotonic and wall time behind one replaceable function. Logic never asks
 * the system: it gets a sl_clock or a wheel whose time is given.
 */
#pragma once

#include <stdint.h>

struct sl_clock {
    uint64_t (*monotonic_ns)(void *user);
    uint64_t (*wall_ms)(void *user); /* since 1970, UTC */
    void *user;
};

/* The system's clocks. */
extern const struct sl_clock sl_clock_system;

static inline uint64_t sl_clock_monotonic_ms(const struct sl_clock *clock)
{
    return clock->monotonic_ns(clock->user) / 1000000;
}

static inline uint64_t sl_clock_wall_ms(const struct sl_clock *clock)
{
    return clock->wall_ms(clock->user);
}
