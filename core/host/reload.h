// SPDX-License-Identifier: MIT
/*
 * Scripts replaced while they serve. The folder is read once; every worker
 * prepares what was read, and says whether it could; when all could, all
 * commit, else all drop it and nothing has changed. One reload at a time: what
 * is asked for meanwhile is one more reload afterwards.
 *
 * Main thread; workers answer by letters.
 */
#pragma once

#include "base/wheel.h"
#include "host/snapshot.h"
#include "host/worker.h"

struct sl_http_request;

/* One state of the folder, kept until no worker holds anything of it. */
struct sl_scripts {
    struct sl_list node; /* in reload->kept */
    struct sl_snapshot snapshot;
    atomic_uint holders; /* engines; its set counts here */
};

static inline unsigned sl_scripts_holders(const struct sl_scripts *scripts)
{
    return atomic_load_explicit(
        &((struct sl_scripts *)(uintptr_t)scripts)->holders,
        memory_order_acquire);
}

enum sl_reload_outcome {
    SL_RELOAD_NONE, /* there was none yet */
    SL_RELOAD_COMMITTED,
    SL_RELOAD_FAILED,
};

struct sl_reload_error {
    struct sl_list node;
    char *text; /* owned */
};

struct sl_reload {
    struct sl_loop *loop; /* borrowed, as the next two */
    struct sl_metrics *metrics;
    struct sl_worker *workers;
    unsigned worker_count;
    const char *folder;

    struct sl_list kept; /* every sl_scripts */
    struct sl_scripts *current;
    struct sl_scripts *next; /* being prepared or committed; NULL: none */
    unsigned answers_due;
    bool committing, failed, again, stopped;
    const char *again_trigger;
    struct sl_wheel_entry deadline;
    struct sl_list asking, waiting; /* requests: of this reload, of the next */

    /* The last one, or the one that runs. */
    enum sl_reload_outcome outcome;
    const char *trigger;
    uint64_t began_ms, took_ms, wall_ms; /* loop time; duration; since 1970 */
    char tried_version[9]; /* of the last one; a watch does not try it again */
    bool unreadable;       /* so was the folder */
    struct sl_str changes; /* "chat.lua, +new.lua, -old.lua" */
    struct sl_list errors; /* sl_reload_error, each text once */
    unsigned error_count;
};

/* Reads the folder for the first time: the set that the workers start with is
 * in current. 0, or negative with the report filled. */
int sl_reload_init(struct sl_reload *reload, const char *folder,
                   struct sl_report *report);

/* The loop and the workers are there. */
void sl_reload_attach(struct sl_reload *reload, struct sl_loop *loop,
                      struct sl_metrics *metrics, struct sl_worker *workers,
                      unsigned worker_count);

/* trigger: "watch", "signal", "admin": a literal. A watch reloads only what
 * differs from what serves and from what failed last. */
void sl_reload_start(struct sl_reload *reload, const char *trigger);

/* The same for a request, which is answered with the outcome. */
void sl_reload_ask(struct sl_reload *reload, struct sl_http_request *request);

/* What serves, what is still alive and how the last reload went, as JSON. */
void sl_reload_describe(struct sl_reload *reload, struct sl_str *out);

/* No more is begun; letters that still come are only thrown away. */
void sl_reload_stop(struct sl_reload *reload);

/* Workers and loop are gone. */
void sl_reload_release(struct sl_reload *reload);
