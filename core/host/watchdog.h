// SPDX-License-Identifier: MIT
/*
 * Finds scripts that hold their worker: a thread that looks at what the
 * workers say of themselves (net/loop.h, hub/activity.h; atomics alone, no
 * lock and no Lua) and logs hub, method, script version and for how long.
 *
 * A worker is held as long as its loop does not turn and the same piece of a
 * script runs, or, without a script, nothing changes. A turn in which many
 * short calls run is work, not a hold; the loop-lag histogram shows it.
 *
 * Made, started, stopped and freed by the host's thread.
 */
#pragma once

#include "base/metric.h"
#include "base/str.h"
#include "hub/activity.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>

/* A worker. Borrowed; outlives the watchdog's thread. */
struct sl_watched {
    const struct sl_loop *loop;
    struct sl_activity *activity;
    struct sl_metrics *metrics; /* SL_M_SCRIPT_HOLDS is counted here */
};

struct sl_watchdog_options {
    uint64_t warn_ms;  /* held for longer: is logged; 0: never */
    uint64_t limit_ms; /* for longer: not healthy; 0: never */
};

struct sl_watchdog;

/* Returns owned. The workers are copied. */
struct sl_watchdog *sl_watchdog_new(const struct sl_watched *workers,
                                    unsigned count,
                                    const struct sl_watchdog_options *options);

/* Before the workers go. NULL is fine; stops the thread. */
void sl_watchdog_free(struct sl_watchdog *watchdog);

/* Runs the thread. Negative: the system has none left. */
int sl_watchdog_start(struct sl_watchdog *watchdog);

/* One look at every worker, as the thread takes it; for tests, which bring
 * their own time. Milliseconds of libuv's clock. */
void sl_watchdog_look(struct sl_watchdog *watchdog, uint64_t now_ms);

/* How long the thread rests between two looks. */
uint64_t sl_watchdog_tick_ms(const struct sl_watchdog *watchdog);

/* Whether the loop of every worker has turned within limit_ms; otherwise says
 * which has not, and whose script it runs. Any thread. */
bool sl_watchdog_healthy(const struct sl_watchdog *watchdog, uint64_t now_ms,
                         struct sl_str *why);
