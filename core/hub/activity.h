// SPDX-License-Identifier: MIT
/*
 * What a worker's scripts are doing right now, for a thread that watches: the
 * engine writes, in the worker's thread, with plain stores; the watchdog reads,
 * without a lock. A few nanoseconds per entry into a script, no clock.
 *
 * The number of entries tells one stay inside a script from the next: as long
 * as it is odd and the same, the same piece of a script has the worker.
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sl_routine;

#define SL_VERSION_LETTERS 8u /* of sl_script_set's version */

struct sl_activity {
    _Atomic uint64_t stay; /* odd inside a script, even outside */
    const struct sl_routine
        *_Atomic routine;      /* never freed while workers run */
    _Atomic uint64_t version;  /* the letters of it */
    atomic_bool interruptible; /* its code runs interpreted */
    _Atomic uint64_t unwanted; /* the stay that the watchdog wants to end */
};

/* What the watchdog saw. */
struct sl_stay {
    uint64_t number; /* odd: inside a script; then the rest is known */
    const struct sl_routine *routine;
    char version[SL_VERSION_LETTERS + 1];
    bool interruptible;
};

/* ---- the worker's thread ---- */

static inline void sl_activity_enter(struct sl_activity *activity,
                                     const struct sl_routine *routine,
                                     const char *version, bool interruptible)
{
    uint64_t letters;
    memcpy(&letters, version, sizeof(letters));
    atomic_store_explicit(&activity->routine, routine, memory_order_relaxed);
    atomic_store_explicit(&activity->version, letters, memory_order_relaxed);
    atomic_store_explicit(&activity->interruptible, interruptible,
                          memory_order_relaxed);
    uint64_t stay = atomic_load_explicit(&activity->stay, memory_order_relaxed);
    atomic_store_explicit(&activity->stay, stay + 1, memory_order_release);
}

static inline void sl_activity_leave(struct sl_activity *activity)
{
    uint64_t stay = atomic_load_explicit(&activity->stay, memory_order_relaxed);
    atomic_store_explicit(&activity->stay, stay + 1, memory_order_release);
}

/* Also from a signal handler: whether the present stay is the unwanted one. */
static inline bool sl_activity_is_unwanted(struct sl_activity *activity)
{
    return atomic_load_explicit(&activity->stay, memory_order_relaxed) ==
           atomic_load_explicit(&activity->unwanted, memory_order_acquire);
}

/* ---- the watchdog's ---- */

/* The rest may belong to the next stay when `number` has changed meanwhile:
 * whoever sees the same number twice knows that it did not. */
static inline struct sl_stay sl_activity_look(struct sl_activity *activity)
{
    struct sl_stay stay = {
        .number = atomic_load_explicit(&activity->stay, memory_order_acquire),
        .routine =
            atomic_load_explicit(&activity->routine, memory_order_relaxed),
        .interruptible = atomic_load_explicit(&activity->interruptible,
                                              memory_order_relaxed),
    };
    uint64_t letters =
        atomic_load_explicit(&activity->version, memory_order_relaxed);
    memcpy(stay.version, &letters, sizeof(letters));
    return stay;
}

static inline void sl_activity_end(struct sl_activity *activity,
                                   uint64_t number)
{
    atomic_store_explicit(&activity->unwanted, number, memory_order_release);
}
