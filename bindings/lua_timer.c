// SPDX-License-Identifier: MIT
/*
 * sleep, now, every, after. Timers belong to the generation that made them:
 * they begin when it is committed (at once when it is already) and end with
 * it. Those that are not "worker" tick on the pod's first worker alone.
 *
 * A tick whose callback is still at work is left out, so that a slow callback
 * never runs beside itself.
 */
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"
#include "bindings/lua_wait.h"

#include "base/clock.h"
#include "base/mem.h"

#define SECONDS_MAX 1e9 /* 31 years: stays exact in milliseconds */

/* ---- sleep and now ---- */

struct sleep {
    struct sl_wait wait;
    struct sl_wheel_entry entry;
    struct sl_wheel *wheel;
};

static void on_awake(struct sl_wheel_entry *entry)
{
    sl_wait_done(&SL_CONTAINER_OF(entry, struct sleep, entry)->wait);
}

static void sleep_free(struct sl_wait *wait)
{
    sl_free(SL_CONTAINER_OF(wait, struct sleep, wait));
}

static void sleep_abandon(struct sl_wait *wait)
{
    struct sleep *sleep = SL_CONTAINER_OF(wait, struct sleep, wait);
    sl_wheel_cancel(sleep->wheel, &sleep->entry);
}

/* Rounded up: nobody wakes early. */
static uint64_t to_ms(lua_Number seconds)
{
    lua_Number ms = seconds * 1000;
    uint64_t whole = (uint64_t)ms;
    return whole + ((lua_Number)whole < ms);
}

SL_RAISES uint64_t sl_lua_check_seconds(lua_State *L, int index, int level,
                                        lua_Number least)
{
    lua_Number seconds = lua_tonumber(L, index);
    int type = lua_type(L, index);
    if (type != LUA_TNUMBER || !(seconds >= least) || seconds > SECONDS_MAX)
        sl_lua_raise(L, level,
                     "the seconds must be a number from %s up, not %s",
                     least > 0 ? "0.001" : "0",
                     type == LUA_TNUMBER ? lua_tostring(L, index)
                                         : luaL_typename(L, index));
    return to_ms(seconds);
}

static int timer_sleep(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    uint64_t ms = sl_lua_check_seconds(L, 1, 2, 0);
    sl_wait_check(L);

    struct sleep *sleep = sl_zalloc(sizeof(*sleep));
    sleep->wait.push = sl_wait_push_true;
    sleep->wait.free = sleep_free;
    sleep->wait.abandon = sleep_abandon;
    sleep->wheel = engine->world->wheel;
    sl_wheel_entry_init(&sleep->entry, on_awake);
    sl_wheel_set(sleep->wheel, &sleep->entry, sleep->wheel->now_ms + ms);

    return sl_lua_wait(L, &sleep->wait);
}

static int timer_now(lua_State *L)
{
    const struct sl_clock *clock = sl_engine_of(L)->clock;
    uint64_t ns = clock->monotonic_ns(clock->user);
    lua_pushnumber(L, (lua_Number)ns / 1e9);
    return 1;
}

/* ---- every and after ---- */

static void timer_free(struct sl_timer *timer)
{
    lua_State *L = timer->gen->engine->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, timer->gen->table_ref);
    luaL_unref(L, -1, timer->function);
    lua_pop(L, 1);
    sl_list_remove(&timer->node);
    sl_free(timer);
}

static void on_tick_end(struct sl_co *co, int status)
{
    struct sl_timer *timer = co->user;
    timer->busy = false;
    if (status != 0) {
        struct sl_failure failure;
        sl_co_failure(co, &failure);
        sl_co_log(co, &failure);
        sl_failure_release(&failure);
    }
    if (!timer->repeats)
        timer_free(timer);
}

static void timer_set(struct sl_timer *timer)
{
    struct sl_wheel *wheel = timer->gen->engine->world->wheel;
    /* Steady: from the time it was due, not from when it fired. */
    timer->due_ms += timer->interval_ms;
    if (timer->due_ms < wheel->now_ms)
        timer->due_ms = wheel->now_ms + timer->interval_ms;
    sl_wheel_set(wheel, &timer->entry, timer->due_ms);
}

static void on_timer(struct sl_wheel_entry *entry)
{
    struct sl_timer *timer = SL_CONTAINER_OF(entry, struct sl_timer, entry);
    if (timer->repeats)
        timer_set(timer);
    if (timer->busy)
        return;
    timer->busy = true;
    struct sl_co *co = sl_co_new(timer->gen->engine, timer->gen, timer->origin);
    co->on_end = on_tick_end;
    co->user = timer;
    co->what = timer->repeats ? SL_SLICE("every") : SL_SLICE("after");
    sl_generation_push(co->L, timer->gen, timer->function);
    sl_co_start_later(co, 0);
}

void sl_timer_start(struct sl_timer *timer)
{
    struct sl_engine *engine = timer->gen->engine;
    if (engine->stopping || sl_wheel_is_set(&timer->entry) ||
        (!timer->everywhere && engine->worker != 0))
        return;
    timer->due_ms = engine->world->wheel->now_ms;
    timer_set(timer);
}

void sl_timer_stop(struct sl_timer *timer)
{
    sl_wheel_cancel(timer->gen->engine->world->wheel, &timer->entry);
}

/* True: every worker. */
SL_RAISES static bool check_everywhere(lua_State *L)
{
    if (lua_isnoneornil(L, 3))
        return false;
    if (lua_istable(L, 3)) {
        lua_pushliteral(L, "where");
        lua_rawget(L, 3);
        struct sl_slice where = sl_lua_slice(L, -1);
        if (lua_isnil(L, -1) || sl_slice_eq(where, SL_SLICE("cluster")) ||
            sl_slice_eq(where, SL_SLICE("pod")))
            return false;
        if (sl_slice_eq(where, SL_SLICE("worker")))
            return true;
    }
    sl_lua_raise(L, 1,
                 "the third argument is {where = \"cluster\"}, \"pod\" "
                 "or \"worker\"");
    return false;
}

static int timer_new(lua_State *L, bool repeats)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_generation *gen = sl_engine_generation(engine);
    uint64_t ms = sl_lua_check_seconds(L, 1, 1, repeats ? 0.001 : 0);
    if (!lua_isfunction(L, 2))
        return sl_lua_raise(L, 1,
                            "the second argument must be a function, "
                            "not %s",
                            luaL_typename(L, 2));
    bool everywhere = check_everywhere(L);
    lua_pushvalue(L, 2);
    int function = sl_generation_keep(L, gen);

    struct sl_timer *timer = sl_zalloc(sizeof(*timer));
    timer->gen = gen;
    timer->interval_ms = ms;
    timer->origin = sl_engine_origin(engine, repeats ? SL_SLICE("every")
                                                     : SL_SLICE("after"));
    timer->function = function;
    timer->repeats = repeats;
    /* In a call there is one worker already: this one. */
    timer->everywhere = everywhere || engine->loading == NULL;
    sl_wheel_entry_init(&timer->entry, on_timer);
    sl_list_push_back(&gen->timers, &timer->node);
    if (gen->committed)
        sl_timer_start(timer);
    return 0;
}

static int timer_every(lua_State *L)
{
    return timer_new(L, true);
}

static int timer_after(lua_State *L)
{
    return timer_new(L, false);
}

void sl_lua_timer_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "sleep", timer_sleep },
                                          { "now", timer_now },
                                          { "every", timer_every },
                                          { "after", timer_after },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
}
