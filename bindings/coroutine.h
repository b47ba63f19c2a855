// SPDX-License-Identifier: MIT
/*
 * Coroutines of hub methods, events, timers, routes and tasks: the pool, and
 * the one door into Lua. No other file calls lua_resume or lua_pcall.
 *
 *   idle ──sl_co_new──► prepared ──sl_co_start──► running ◄──wake── waiting
 *     ▲                    │                     ▲ │   └──────────────▲
 *     └────sl_co_drop──────┴────────on_end───────┼─┤
 *                                                └─┘ sl_co_again
 *
 * Nobody resumes from inside a resume: a start while another coroutine runs is
 * queued. One that ended well goes back to the pool with its thread; one that
 * raised is dead, its stack is read for the traceback and then left to the
 * collector.
 */
#pragma once

#include "base/runq.h"
#include "bindings/internal.h"
#include "hub/invocation.h"

struct sl_emitter;
struct sl_reader;
struct sl_wait;

struct sl_co {
    struct sl_list node; /* in engine->live or engine->idle */
    struct sl_engine *engine;
    lua_State *L;
    int thread_ref;
    int arg_count; /* for the first resume */
    struct sl_task wake;
    struct sl_wait *wait;      /* what it waits for */
    struct sl_generation *gen; /* counted; NULL while idle */
    struct sl_origin origin;
    struct sl_script *script; /* whose hub runs; NULL: none */
    struct sl_slice what;     /* method or event, for log lines */
    sl_slot_id conn;          /* 0: none */
    /* It ended; status 0: results are its whole stack, else the error is on
     * top. The coroutine is put away after the call. */
    void (*on_end)(struct sl_co *co, int status);
    void *user;
    /* Of a call of a hub method (calls.c), else NULL. */
    struct sl_invocation *invocation;
    struct sl_emitter *stream; /* the one that runs now */
    struct sl_reader *uploads; /* the first of them */
    unsigned ignored_cancels;  /* waits that it began although cancelled */
    bool started, cancelled;
    bool again; /* inside on_end: there is more to run */
};

/* From the pool; its stack is empty. Shares the generation. Push the function
 * and the arguments to co->L, then start or drop it. */
struct sl_co *sl_co_new(struct sl_engine *engine, struct sl_generation *gen,
                        struct sl_origin origin);
void sl_co_drop(struct sl_co *co);

/* Runs it now, or when the coroutine that runs now has paused. It may have
 * ended when the call returns. */
void sl_co_start(struct sl_co *co, int arg_count);

/* The same, from the run queue. */
void sl_co_start_later(struct sl_co *co, int arg_count);

/* Inside on_end, status 0: it goes on with another function, which stands with
 * its arguments alone on the stack, and on_end will be called again. */
void sl_co_again(struct sl_co *co, int arg_count);

/* Its present wait and all later ones raise signalua.cancelled. */
void sl_co_cancel(struct sl_co *co);

/* Ends all that live (engine's end) as if cancelled, without running them. */
void sl_co_end_all(struct sl_engine *engine);
void sl_co_free_idle(struct sl_engine *engine);

/* What a coroutine ended by. */
struct sl_failure {
    bool cancelled; /* signalua.cancelled: nobody's fault */
    enum sl_fault fault;
    struct sl_str text;  /* for the client, without "file:line: " */
    struct sl_str full;  /* for the log: with file and line */
    struct sl_str trace; /* "file:line: in function ..." per line */
    struct sl_str data;  /* a hub_error's data as JSON */
};

/* Reads the error on top of the ended coroutine. Release it. */
void sl_co_failure(struct sl_co *co, struct sl_failure *failure);
void sl_failure_release(struct sl_failure *failure);

/* Logs the failure with hub, method, connection and version. An error is
 * counted, for the worker and for what ran; a hub_error is the author's word to
 * the client and logged only for its data. Nothing for a cancel. */
void sl_co_log(struct sl_co *co, const struct sl_failure *failure);

/* Calls the function below `arg_count` arguments on a stack that no coroutine
 * runs on, or one of the embedded functions. 0 with the results on top; else
 * the error's text on top, with the traceback when `trace` is given (appended).
 * Never raises. */
int sl_lua_protect(lua_State *L, int arg_count, int result_count,
                   struct sl_str *trace);
