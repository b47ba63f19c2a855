// SPDX-License-Identifier: MIT
/*
 * signalua.spawn and the task it returns. What the task ended by is kept in
 * its userdata's environment table ([0] how many results, then they), so it is
 * there for whoever waits, before or after the end, once or often.
 */
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"
#include "bindings/lua_wait.h"

#include "base/mem.h"

#define TASK_MT "signalua.task"
#define RESULTS_MAX 200 /* results of a task; a Lua function has fewer */

struct task {
    struct sl_list waits; /* of task_wait */
    int self_ref;         /* while it runs: keeps the userdata */
    bool done, ok;
};

struct task_wait {
    struct sl_wait wait;
    struct sl_list node;
    struct sl_engine *engine;
    int task_ref;
};

/* Pushes `true, results...` or `false, error` of the task at index. */
static int push_results(lua_State *L, int index)
{
    const struct task *task = lua_touserdata(L, index);
    lua_getfenv(L, index);
    int table = lua_gettop(L);
    lua_rawgeti(L, table, 0);
    int count = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    lua_checkstack(L, count + 4);
    lua_pushboolean(L, task->ok);
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, table, i);
    lua_remove(L, table);
    return count + 1;
}

static int wait_push(struct sl_wait *wait, lua_State *L)
{
    struct task_wait *own = SL_CONTAINER_OF(wait, struct task_wait, wait);
    lua_rawgeti(L, LUA_REGISTRYINDEX, own->task_ref);
    int task = lua_gettop(L);
    int count = push_results(L, task);
    lua_remove(L, task);
    return count;
}

static void wait_free(struct sl_wait *wait)
{
    struct task_wait *own = SL_CONTAINER_OF(wait, struct task_wait, wait);
    luaL_unref(own->engine->L, LUA_REGISTRYINDEX, own->task_ref);
    sl_free(own);
}

static void wait_abandon(struct sl_wait *wait)
{
    sl_list_remove(&SL_CONTAINER_OF(wait, struct task_wait, wait)->node);
}

/* task_wait(task), called by engine.lua. */
static int task_wait(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct task *task = luaL_testudata(L, 1, TASK_MT);
    if (task == NULL)
        return sl_lua_raise(L, 2, "call it with a colon: task:wait()");
    sl_wait_check(L);
    if (task->done)
        return push_results(L, 1);
    lua_pushvalue(L, 1);
    int task_ref = luaL_ref(L, LUA_REGISTRYINDEX);

    struct task_wait *wait = sl_zalloc(sizeof(*wait));
    wait->wait.push = wait_push;
    wait->wait.free = wait_free;
    wait->wait.abandon = wait_abandon;
    wait->engine = engine;
    wait->task_ref = task_ref;
    sl_list_push_back(&task->waits, &wait->node);

    return sl_lua_wait(L, &wait->wait);
}

/* Moves what the coroutine ended by into the task's table. */
static void keep_results(struct sl_co *co, struct task *task, int status)
{
    lua_State *L = co->L, *main = co->engine->L;
    int count = status == 0 ? lua_gettop(L) : 1;
    if (count > RESULTS_MAX) {
        count = RESULTS_MAX;
        lua_settop(L, count);
    }
    lua_rawgeti(main, LUA_REGISTRYINDEX, task->self_ref);
    lua_createtable(main, count, 0);
    lua_pushinteger(main, count);
    lua_rawseti(main, -2, 0);
    lua_checkstack(main, count);
    lua_checkstack(L, 1);
    for (int i = count; i >= 1; i--) {
        lua_xmove(L, main, 1);
        lua_rawseti(main, -2, i);
    }
    lua_setfenv(main, -2);
    lua_pop(main, 1);
    task->ok = status == 0;
    task->done = true;
}

static void on_task_end(struct sl_co *co, int status)
{
    struct task *task = co->user;
    bool awaited = !sl_list_empty(&task->waits);
    if (status != 0 && !awaited) {
        struct sl_failure failure;
        sl_co_failure(co, &failure);
        sl_co_log(co, &failure);
        sl_failure_release(&failure);
    }
    keep_results(co, task, status);
    struct sl_list *node;
    while ((node = sl_list_pop_front(&task->waits)) != NULL)
        sl_wait_done(&SL_CONTAINER_OF(node, struct task_wait, node)->wait);
    luaL_unref(co->engine->L, LUA_REGISTRYINDEX, task->self_ref);
}

/* spawn(fn, ...): runs when the caller has paused. */
static int task_spawn(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    if (!lua_isfunction(L, 1))
        return sl_lua_raise(L, 1, "signalua.spawn wants a function, not %s",
                            luaL_typename(L, 1));
    if (engine->loading != NULL)
        return sl_lua_raise(L, 1,
                            "nothing runs while the scripts are loaded: "
                            "use signalua.after");
    if (engine->stopping)
        return sl_lua_raise(L, 1, "the server is stopping");
    int arg_count = lua_gettop(L) - 1;
    struct task *task = lua_newuserdata(L, sizeof(*task));
    *task = (struct task){ .self_ref = LUA_NOREF };
    sl_list_init(&task->waits);
    luaL_getmetatable(L, TASK_MT);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    task->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_insert(L, 1); /* the task below the function */

    /* It runs for whatever spawned it. */
    const struct sl_co *caller = engine->running;
    struct sl_co *co =
        sl_co_new(engine, sl_engine_generation(engine),
                  caller == NULL ? sl_engine_origin(engine, SL_SLICE("spawn"))
                                 : caller->origin);
    if (caller != NULL)
        co->script = caller->script;
    co->on_end = on_task_end;
    co->user = task;
    co->what = SL_SLICE("spawn");
    lua_checkstack(co->L, arg_count + 1);
    lua_xmove(L, co->L, arg_count + 1);
    sl_co_start_later(co, arg_count);
    return 1;
}

void sl_lua_task_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "spawn", task_spawn },
                                          { "task_wait", task_wait },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    luaL_newmetatable(L, TASK_MT); /* its __index is made by engine.lua */
    lua_setfield(L, -2, "task_mt");
}
