// SPDX-License-Identifier: MIT
/*
 * Three ways of a wait: done before anybody waited (its results go straight
 * back, nothing is suspended), done later (the coroutine is queued), or given
 * up by a cancel (the operation ends, or ends later unseen).
 */
#include "bindings/lua_wait.h"

#include "base/check.h"
#include "bindings/coroutine.h"

#define CALLER 2 /* the author's function: 1 is signalua.lua's own */

void sl_wait_check(lua_State *L)
{
    struct sl_co *co = sl_engine_of(L)->running;
    if (co == NULL)
        sl_lua_raise(L, CALLER,
                     "cannot wait while the scripts are loaded: "
                     "use signalua.after or signalua.every");
    else if (co->L != L)
        sl_lua_raise(L, CALLER,
                     "cannot wait inside coroutine.wrap or "
                     "coroutine.create: use signalua.spawn");
    else if (!lua_isyieldable(L))
        sl_lua_raise(L, CALLER,
                     "cannot wait inside a callback of a C "
                     "function (table.sort, string.gsub ...)");
}

int sl_lua_wait(lua_State *L, struct sl_wait *wait)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_co *co = engine->running;
    if (wait->done) {
        int count = wait->push(wait, L);
        wait->free(wait);
        return count;
    }
    sl_assert(co != NULL && co->L == L && co->wait == NULL);
    if (!co->cancelled && !engine->stopping) {
        wait->co = co;
        co->wait = wait;
        return lua_yield(L, 0);
    }
    sl_wait_give_up(wait);
    /* One turn later, so that a loop which swallows the error lets others
     * work. */
    co->ignored_cancels++;
    sl_runq_push(engine->world->runq, &co->wake);
    return lua_yield(L, 0);
}

void sl_wait_done(struct sl_wait *wait)
{
    sl_assert(!wait->done);
    wait->done = true;
    if (wait->given_up)
        wait->free(wait);
    else if (wait->co != NULL)
        sl_runq_push(wait->co->engine->world->runq, &wait->co->wake);
}

void sl_wait_give_up(struct sl_wait *wait)
{
    wait->co = NULL;
    if (wait->done) {
        wait->free(wait);
        return;
    }
    wait->given_up = true;
    if (wait->abandon != NULL) {
        wait->abandon(wait);
        wait->free(wait);
    }
}

int sl_wait_push_true(struct sl_wait *wait, lua_State *L)
{
    (void)wait;
    lua_pushboolean(L, 1);
    return 1;
}
