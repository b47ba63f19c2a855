// SPDX-License-Identifier: MIT
/*
 * Waiting: a C function that Lua called suspends its coroutine until something
 * has happened.
 *
 *   static int sleep(lua_State *L)
 *   {
 *       double seconds = check_seconds(L, 1);        check: may raise
 *       sl_wait_check(L);                            may raise
 *       struct sleep *sleep = sleep_new(...);        work: no Lua API
 *       return sl_lua_wait(L, &sleep->wait);         always the last statement
 *   }
 *
 * Lua 5.1 cannot raise from a resumed C function. So what Lua gets back is
 * `true, results...` or `false, error`, and the embedded signalua.lua turns
 * that into results or an error.
 *
 * A wait has one owner, the operation that embeds it, which calls sl_wait_done
 * exactly once (inside the work or later), or is told by `abandon` that nobody
 * waits any more. Whoever completes a wait never runs Lua: the coroutine is
 * queued and resumed from the run queue.
 */
#pragma once

#include "bindings/internal.h"

struct sl_wait {
    struct sl_co *co; /* who waits; NULL before, or when it has given up */
    bool done;
    bool given_up;
    /* Pushes `true, results...` or `false, error`; returns how many. */
    int (*push)(struct sl_wait *wait, lua_State *L);
    void (*free)(struct sl_wait *wait);
    /* Ends the operation; sl_wait_done is not called any more and `free`
     * follows. NULL: the operation cannot be ended, done comes later. */
    void (*abandon)(struct sl_wait *wait);
};

/* Whether the caller may wait here: raises at the author's line (the caller is
 * called by the embedded signalua.lua) and says what to do instead. */
SL_RAISES void sl_wait_check(lua_State *L);

/* The outcome of the C function that began the wait. Takes. */
int sl_lua_wait(lua_State *L, struct sl_wait *wait);

void sl_wait_done(struct sl_wait *wait);

/* Nobody waits any more. */
void sl_wait_give_up(struct sl_wait *wait);

/* Pushes `true`: the `push` of waits without a result. */
int sl_wait_push_true(struct sl_wait *wait, lua_State *L);
