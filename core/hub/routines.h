// SPDX-License-Identifier: MIT
/*
 * Everything that scripts are run for: a hub's methods, hooks, timers, routes,
 * each named by hub and method. One table for all workers and all generations
 * of the scripts, so that errors are counted per method over reloads, and so
 * that a name outlives the script that it comes from: routines are never freed
 * while a worker runs.
 *
 * Bounded: what comes when the table is full is one routine, "other".
 *
 * Any thread.
 */
#pragma once

#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

struct sl_routine {
    struct sl_slice hub;    /* "game/lobby"; empty: of no hub */
    struct sl_slice method; /* "Move", "on_connected", "every" ... */
    _Atomic uint64_t errors;
};

struct sl_routines;

/* Returns owned. At most `most` routines. */
struct sl_routines *sl_routines_new(unsigned most);
void sl_routines_free(struct sl_routines *routines);

/* The routine of that name, made at its first mention. */
struct sl_routine *sl_routines_get(struct sl_routines *routines,
                                   struct sl_slice hub, struct sl_slice method);

typedef void (*sl_routine_cb)(void *user, const struct sl_routine *routine);

/* In the order in which they were made. New ones may come meanwhile. */
void sl_routines_each(const struct sl_routines *routines, sl_routine_cb visit,
                      void *user);

static inline void sl_routine_failed(struct sl_routine *routine)
{
    atomic_fetch_add_explicit(&routine->errors, 1, memory_order_relaxed);
}
