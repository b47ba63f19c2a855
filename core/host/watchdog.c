// SPDX-License-Identifier: MIT
/*
 * Each look compares what a worker does with the look before. When both are
 * the same turn of the loop and the same stay in a script, the time between is
 * added up. So no clock is read where scripts run, and a hold is known to a
 * fraction of script_warn.
 *
 * A method that is always slow would fill the log: after it was named it rests
 * for a while, unless it goes over the limit.
 */
#include "host/watchdog.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/routines.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define LOOKS_PER_WARN 4u /* a hold is told at most a quarter late */

enum told { TOLD_NOTHING, TOLD_WARN, TOLD_LIMIT };

struct place {
    struct sl_watched worker;
    char name[24]; /* as in its own log lines */
    /* The hold that lasts. */
    uint64_t awake_since_ms; /* 0: none */
    struct sl_stay stay;
    uint64_t first_ms; /* when it was seen first */
    uint64_t last_ms;
    enum told told;
    /* Who was logged last, and until when not again. */
    const struct sl_routine *named;
    uint64_t rest_until_ms;
    unsigned unnamed; /* holds since, that were not logged */
};

struct sl_watchdog {
    struct sl_watchdog_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* of `stopping` alone */
    pthread_cond_t wake;
    bool started, stopping;
    unsigned count;
    struct place places[];
};

/* ---- telling ---- */

/* NULL: no script. */
static const struct sl_routine *holder(const struct place *place)
{
    return place->stay.number % 2 == 1 ? place->stay.routine : NULL;
}

static void tell(const struct place *place, enum sl_log_level level,
                 const char *text, uint64_t held_ms)
{
    const struct sl_routine *routine = holder(place);
    struct sl_field fields[6];
    unsigned count = 0;
    fields[count++] = SL_F_STR("worker", place->name);
    if (routine != NULL) {
        fields[count++] = SL_F_SLICE("hub", routine->hub);
        fields[count++] = SL_F_SLICE("method", routine->method);
        fields[count++] = SL_F_STR("version", place->stay.version);
    }
    fields[count++] = SL_F_INT("ms", (int64_t)held_ms);
    if (place->unnamed > 0)
        fields[count++] = SL_F_INT("more", place->unnamed);
    if (sl_log_enabled(level))
        sl_log_write(level, text, fields, count);
}

static const char *held_text(const struct place *place)
{
    return holder(place) == NULL ? "a worker is held"
                                 : "a script holds its worker";
}

static void warn(struct place *place, uint64_t now_ms)
{
    sl_metric_add(place->worker.metrics, SL_M_SCRIPT_HOLDS, 1);
    place->told = TOLD_WARN;
    if (place->named == holder(place) && now_ms < place->rest_until_ms) {
        place->unnamed++;
        return;
    }
    tell(place, SL_LOG_WARN, held_text(place), now_ms - place->first_ms);
    place->named = holder(place);
    place->rest_until_ms = now_ms + SL_WATCHDOG_REST_MS;
    place->unnamed = 0;
}

/* The hold has ended. */
static void let_go(struct place *place)
{
    if (place->told == TOLD_LIMIT)
        tell(place, SL_LOG_WARN, "a worker goes on",
             place->last_ms - place->first_ms);
    place->told = TOLD_NOTHING;
    place->awake_since_ms = 0;
}

/* ---- looking ---- */

static void look(const struct sl_watchdog *watchdog, struct place *place,
                 uint64_t now_ms)
{
    const struct sl_watchdog_options *options = &watchdog->options;
    uint64_t awake_since_ms = atomic_load_explicit(
        &((struct sl_loop *)(uintptr_t)place->worker.loop)->awake_since_ms,
        memory_order_relaxed);
    struct sl_stay stay = sl_activity_look(place->worker.activity);
    if (awake_since_ms == 0 || awake_since_ms != place->awake_since_ms ||
        stay.number != place->stay.number) {
        let_go(place);
        place->awake_since_ms = awake_since_ms;
        place->stay = stay;
        place->first_ms = place->last_ms = now_ms;
        return;
    }
    place->stay = stay; /* now it is sure to be whole */
    place->last_ms = now_ms;
    uint64_t held_ms = now_ms - place->first_ms;
    if (place->told == TOLD_NOTHING && options->warn_ms > 0 &&
        held_ms >= options->warn_ms)
        warn(place, now_ms);
    if (place->told != TOLD_LIMIT && options->limit_ms > 0 &&
        held_ms >= options->limit_ms) {
        tell(place, SL_LOG_ERROR, held_text(place), held_ms);
        place->told = TOLD_LIMIT;
    }
}

void sl_watchdog_look(struct sl_watchdog *watchdog, uint64_t now_ms)
{
    for (unsigned i = 0; i < watchdog->count; i++)
        look(watchdog, &watchdog->places[i], now_ms);
}

bool sl_watchdog_healthy(const struct sl_watchdog *watchdog, uint64_t now_ms,
                         struct sl_str *why)
{
    bool healthy = true;
    for (unsigned i = 0; i < watchdog->count; i++) {
        const struct sl_watched *worker = &watchdog->places[i].worker;
        uint64_t since_ms = atomic_load_explicit(
            &((struct sl_loop *)(uintptr_t)worker->loop)->awake_since_ms,
            memory_order_relaxed);
        uint64_t limit_ms = watchdog->options.limit_ms;
        if (limit_ms == 0 || since_ms == 0 || now_ms <= since_ms + limit_ms)
            continue; /* 0: it sleeps and waits for work */
        healthy = false;
        sl_str_add_fmt(why, "worker %u has been held for %llu ms", i,
                       (unsigned long long)(now_ms - since_ms));
        struct sl_stay stay = sl_activity_look(worker->activity);
        if (stay.number % 2 == 1)
            sl_str_add_fmt(why, " by method %.*s of hub \"%.*s\", version %s",
                           (int)stay.routine->method.len,
                           stay.routine->method.ptr, (int)stay.routine->hub.len,
                           stay.routine->hub.ptr, stay.version);
        sl_str_add_char(why, '\n');
    }
    return healthy;
}

/* ---- the thread ---- */

uint64_t sl_watchdog_tick_ms(const struct sl_watchdog *watchdog)
{
    uint64_t warn_ms = watchdog->options.warn_ms;
    uint64_t limit_ms = watchdog->options.limit_ms;
    uint64_t shorter_ms = warn_ms == 0 || (limit_ms > 0 && limit_ms < warn_ms)
                              ? limit_ms
                              : warn_ms;
    uint64_t tick_ms = shorter_ms / LOOKS_PER_WARN;
    if (tick_ms > SL_WATCHDOG_TICK_MS)
        return SL_WATCHDOG_TICK_MS;
    return tick_ms == 0 ? 1 : tick_ms;
}

static struct timespec in_ms(uint64_t ms)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t ns = (uint64_t)time.tv_nsec + ms * 1000000;
    time.tv_sec += (time_t)(ns / 1000000000);
    time.tv_nsec = (long)(ns % 1000000000);
    return time;
}

static void *run(void *user)
{
    struct sl_watchdog *watchdog = user;
    uint64_t tick_ms = sl_watchdog_tick_ms(watchdog);
    pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->stopping) {
        struct timespec until = in_ms(tick_ms);
        int err =
            pthread_cond_timedwait(&watchdog->wake, &watchdog->lock, &until);
        if (err == ETIMEDOUT)
            sl_watchdog_look(watchdog, uv_hrtime() / 1000000);
    }
    pthread_mutex_unlock(&watchdog->lock);
    return NULL;
}

int sl_watchdog_start(struct sl_watchdog *watchdog)
{
    if (watchdog->options.warn_ms == 0 && watchdog->options.limit_ms == 0)
        return 0; /* there is nothing to look for */
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&watchdog->thread, NULL, run, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    watchdog->started = err == 0;
    return -err;
}

static void stop(struct sl_watchdog *watchdog)
{
    if (!watchdog->started)
        return;
    pthread_mutex_lock(&watchdog->lock);
    watchdog->stopping = true;
    pthread_cond_signal(&watchdog->wake);
    pthread_mutex_unlock(&watchdog->lock);
    pthread_join(watchdog->thread, NULL);
    watchdog->started = false;
}

/* ---- life ---- */

struct sl_watchdog *sl_watchdog_new(const struct sl_watched *workers,
                                    unsigned count,
                                    const struct sl_watchdog_options *options)
{
    struct sl_watchdog *watchdog =
        sl_zalloc(sizeof(*watchdog) + count * sizeof(watchdog->places[0]));
    watchdog->options = *options;
    watchdog->count = count;
    for (unsigned i = 0; i < count; i++) {
        watchdog->places[i].worker = workers[i];
        snprintf(watchdog->places[i].name, sizeof(watchdog->places[i].name),
                 "worker %u", i);
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&watchdog->lock, NULL);
    return watchdog;
}

void sl_watchdog_free(struct sl_watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    stop(watchdog);
    pthread_cond_destroy(&watchdog->wake);
    pthread_mutex_destroy(&watchdog->lock);
    sl_free(watchdog);
}
