// SPDX-License-Identifier: MIT
/*
 * The pool of coroutines and the one door into Lua.
 *
 * resume() is the only place where authors' code runs while the worker serves.
 * Whatever it does, it comes back here with a status: ended, raised, or
 * waiting. A plain coroutine.yield() by an author, outside of a coroutine of
 * its own, would wait for nobody and is made an error.
 *
 * A cancelled coroutine that swallows the error and waits again gets the error
 * again, one loop turn later, so that it cannot hold the worker; when it has
 * done so too often it is ended.
 */
#include "bindings/coroutine.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "bindings/door.h"
#include "bindings/generation.h"
#include "bindings/lua_value.h"
#include "bindings/lua_wait.h"
#include "hub/conn.h"
#include "hub/routines.h"

#define GAUGE_EVERY 256u /* coroutine ends between two looks at the memory */
#define STACK_SPARE 8    /* slots that waking needs */

static void resume(struct sl_co *co, int arg_count);

/* ---- pool ---- */

static void on_wake(struct sl_task *task)
{
    struct sl_co *co = SL_CONTAINER_OF(task, struct sl_co, wake);
    if (!co->started) {
        co->started = true;
        resume(co, co->arg_count);
        return;
    }
    int count;
    struct sl_wait *wait = co->wait;
    co->wait = NULL;
    lua_checkstack(co->L, STACK_SPARE);
    if (wait != NULL) {
        count = wait->push(wait, co->L);
        wait->free(wait);
    } else { /* cancelled */
        lua_pushboolean(co->L, 0);
        sl_engine_push(co->L, co->engine, SL_REF_CANCELLED);
        count = 2;
    }
    resume(co, count);
}

static struct sl_co *co_make(struct sl_engine *engine)
{
    struct sl_co *co = sl_zalloc(sizeof(*co));
    sl_list_init(&co->node);
    sl_task_init(&co->wake, on_wake);
    co->engine = engine;
    co->L = lua_newthread(engine->L);
    co->thread_ref = luaL_ref(engine->L, LUA_REGISTRYINDEX);
    return co;
}

static void co_free(struct sl_co *co)
{
    luaL_unref(co->engine->L, LUA_REGISTRYINDEX, co->thread_ref);
    sl_free(co);
}

struct sl_co *sl_co_new(struct sl_engine *engine, struct sl_generation *gen,
                        struct sl_origin origin)
{
    struct sl_list *node = sl_list_pop_front(&engine->idle);
    struct sl_co *co;
    if (node != NULL) {
        co = SL_CONTAINER_OF(node, struct sl_co, node);
        engine->idle_count--;
    } else {
        co = co_make(engine);
    }
    sl_list_push_back(&engine->live, &co->node);
    sl_metric_add(engine->world->metrics, SL_M_COROUTINES, 1);
    co->gen = sl_generation_ref(gen);
    co->origin = origin;
    co->script = NULL;
    co->what = (struct sl_slice){ 0 };
    co->conn = 0;
    co->user = NULL;
    co->invocation = NULL;
    co->stream = NULL;
    co->uploads = NULL;
    co->ignored_cancels = 0;
    co->started = co->cancelled = false;
    return co;
}

static void look_at_memory(struct sl_engine *engine)
{
    int64_t bytes = (int64_t)lua_gc(engine->L, LUA_GCCOUNT, 0) * 1024 +
                    lua_gc(engine->L, LUA_GCCOUNTB, 0);
    sl_metric_set(engine->world->metrics, SL_M_LUA_MEMORY, bytes);
}

/* Back to the pool, or, when its thread is dead or waiting, out of it. */
static void put_away(struct sl_co *co, bool reusable)
{
    struct sl_engine *engine = co->engine;
    sl_assert(co->wait == NULL);
    sl_runq_cancel(&co->wake);
    sl_list_remove(&co->node);
    sl_generation_unref(co->gen);
    co->gen = NULL;
    sl_metric_add(engine->world->metrics, SL_M_COROUTINES, -1);
    if (engine->ends++ % GAUGE_EVERY == 0)
        look_at_memory(engine);
    if (reusable && engine->idle_count < SL_COROUTINES_IDLE_MAX) {
        lua_settop(co->L, 0);
        sl_list_push_front(&engine->idle, &co->node);
        engine->idle_count++;
    } else {
        co_free(co);
    }
}

void sl_co_drop(struct sl_co *co)
{
    sl_assert(!co->started);
    put_away(co, true);
}

void sl_co_free_idle(struct sl_engine *engine)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&engine->idle)) != NULL)
        co_free(SL_CONTAINER_OF(node, struct sl_co, node));
    engine->idle_count = 0;
}

/* ---- running ---- */

static void end(struct sl_co *co, int status)
{
    co->again = false;
    co->on_end(co, status);
    if (co->again)
        resume(co, co->arg_count);
    else
        put_away(co, status == 0);
}

void sl_co_again(struct sl_co *co, int arg_count)
{
    sl_assert(co->started && lua_gettop(co->L) == arg_count + 1);
    co->again = true;
    co->arg_count = arg_count;
}

static void end_with(struct sl_co *co, const char *text)
{
    lua_settop(co->L, 0);
    lua_pushstring(co->L, text);
    end(co, LUA_ERRRUN);
}

static void resume(struct sl_co *co, int arg_count)
{
    struct sl_engine *engine = co->engine;
    sl_assert(engine->running == NULL);
    engine->running = co;
    sl_door_enter(engine, co->origin, co->gen->set->version);
    int status = lua_resume(co->L, arg_count);
    sl_door_leave(engine);
    engine->running = NULL;
    if (status != LUA_YIELD) {
        end(co, status);
    } else if (co->wait == NULL && sl_list_detached(&co->wake.node)) {
        end_with(co, "coroutine.yield outside of a coroutine made by "
                     "coroutine.wrap or coroutine.create");
    } else if (co->ignored_cancels > SL_IGNORED_CANCELS_MAX) {
        sl_runq_cancel(&co->wake);
        end_with(co, "goes on waiting although it is cancelled: do not "
                     "swallow signalua.cancelled in a loop");
    }
}

void sl_co_start_later(struct sl_co *co, int arg_count)
{
    co->arg_count = arg_count;
    sl_runq_push(co->engine->world->runq, &co->wake);
}

void sl_co_start(struct sl_co *co, int arg_count)
{
    if (co->engine->running != NULL) {
        sl_co_start_later(co, arg_count);
        return;
    }
    co->started = true;
    resume(co, arg_count);
}

void sl_co_cancel(struct sl_co *co)
{
    co->cancelled = true;
    struct sl_wait *wait = co->wait;
    if (wait == NULL || wait->done)
        return;
    co->wait = NULL;
    sl_wait_give_up(wait);
    sl_runq_push(co->engine->world->runq, &co->wake);
}

void sl_co_end_all(struct sl_engine *engine)
{
    while (!sl_list_empty(&engine->live)) {
        struct sl_co *co =
            SL_CONTAINER_OF(engine->live.next, struct sl_co, node);
        struct sl_wait *wait = co->wait;
        co->wait = NULL;
        if (wait != NULL)
            sl_wait_give_up(wait);
        lua_settop(co->L, 0);
        sl_engine_push(co->L, engine, SL_REF_CANCELLED);
        end(co, LUA_ERRRUN);
    }
}

/* ---- what it ended by ---- */

/* The text of any error value: strings as they are, else by __tostring, which
 * may be an author's and is called through the door. */
static void push_text(lua_State *L, struct sl_engine *engine)
{
    if (lua_type(L, -1) == LUA_TSTRING)
        return;
    sl_engine_push(L, engine, SL_REF_DESCRIBE);
    lua_insert(L, -2);
    (void)sl_lua_protect(L, 1, 1, NULL);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 1);
        lua_pushliteral(L, "(an error without a text)");
    }
}

/* "chat.lua:12: text" without its first part. */
static struct sl_slice without_place(struct sl_slice text)
{
    const char *end = text.ptr + text.len;
    const char *p = text.ptr;
    while (p < end && *p != ':' && *p != '\n' && *p != ' ')
        p++;
    if (p == text.ptr || p == end || *p != ':')
        return text;
    const char *digits = ++p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    if (p == digits || end - p < 2 || p[0] != ':' || p[1] != ' ')
        return text;
    return sl_slice_of(p + 2, (size_t)(end - p) - 2);
}

static bool is_hub_error(lua_State *L, int index, struct sl_engine *engine)
{
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    sl_engine_push(L, engine, SL_REF_HUB_ERROR_MT);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* The data of the hub_error on top. What cannot be encoded says why. */
static void add_data(lua_State *L, struct sl_engine *engine, struct sl_str *out)
{
    struct sl_encode encode;
    struct sl_writer w;
    lua_pushliteral(L, "data");
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1)) {
        sl_writer_init(&w, SL_PROTOCOL_JSON, out);
        sl_encode_init(&encode, engine, L, lua_gettop(L), 1);
        if (sl_encode(&w, &encode) != 0) {
            sl_str_clear(out);
            sl_str_add_lit(out, "data");
            sl_encode_explain(&encode, out);
        }
    }
    lua_pop(L, 1);
}

/* The traceback without its first line, which says "stack traceback:". */
static void add_trace(struct sl_str *out, lua_State *L, lua_State *of)
{
    luaL_traceback(L, of, NULL, 0);
    struct sl_slice text = sl_lua_slice(L, -1);
    const char *line = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
    if (line != NULL)
        sl_str_add(out, line + 1, text.len - (size_t)(line + 1 - text.ptr));
    lua_pop(L, 1);
}

void sl_co_failure(struct sl_co *co, struct sl_failure *failure)
{
    struct sl_engine *engine = co->engine;
    lua_State *L = engine->L;
    *failure = (struct sl_failure){ .fault = SL_FAULT_ERROR };
    add_trace(&failure->trace, L, co->L);
    lua_checkstack(co->L, STACK_SPARE);
    lua_pushvalue(co->L, -1);
    lua_xmove(co->L, L, 1); /* a dead coroutine can run nothing */
    sl_engine_push(L, engine, SL_REF_CANCELLED);
    failure->cancelled = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    sl_engine_push(L, engine, SL_REF_UNAUTHORIZED);
    if (lua_rawequal(L, -1, -2))
        failure->fault = SL_FAULT_UNAUTHORIZED;
    lua_pop(L, 1);
    if (is_hub_error(L, -1, engine)) {
        failure->fault = SL_FAULT_HUB_ERROR;
        add_data(L, engine, &failure->data);
    }
    push_text(L, engine);
    struct sl_slice text = sl_lua_slice(L, -1);
    sl_str_add_slice(&failure->full, text);
    sl_str_add_slice(&failure->text, failure->fault == SL_FAULT_HUB_ERROR
                                         ? text
                                         : without_place(text));
    lua_pop(L, 1);
}

void sl_failure_release(struct sl_failure *failure)
{
    sl_str_release(&failure->text);
    sl_str_release(&failure->full);
    sl_str_release(&failure->trace);
    sl_str_release(&failure->data);
}

static void log_error(struct sl_co *co, const struct sl_failure *failure)
{
    struct sl_conn *conn = sl_world_conn(co->engine->world, co->conn);
    bool hub_error = failure->fault == SL_FAULT_HUB_ERROR;
    struct sl_field fields[6];
    unsigned count = 0;
    fields[count++] = SL_F_SLICE("error", sl_str_slice(&failure->full));
    if (co->script != NULL)
        fields[count++] = SL_F_STR("hub", co->script->name);
    fields[count++] = SL_F_SLICE("method", co->what);
    if (conn != NULL)
        fields[count++] = SL_F_SLICE("connection", sl_conn_id(conn));
    fields[count++] = SL_F_STR("version", co->gen->set->version);
    fields[count++] =
        hub_error ? SL_F_SLICE("data", sl_str_slice(&failure->data))
                  : SL_F_SLICE("traceback", sl_str_slice(&failure->trace));
    sl_log_write(hub_error ? SL_LOG_INFO : SL_LOG_ERROR,
                 hub_error ? "hub error" : "script error", fields, count);
}

void sl_co_log(struct sl_co *co, const struct sl_failure *failure)
{
    if (failure->cancelled || failure->fault == SL_FAULT_UNAUTHORIZED)
        return;
    if (failure->fault == SL_FAULT_ERROR) {
        sl_metric_add(co->engine->world->metrics, SL_M_SCRIPT_ERRORS, 1);
        sl_routine_failed(co->origin.routine);
    } else if (failure->data.len == 0) {
        return;
    }
    if (sl_log_enabled(failure->fault == SL_FAULT_ERROR ? SL_LOG_ERROR
                                                        : SL_LOG_INFO))
        log_error(co, failure);
}

/* ---- the door for code that does not wait ---- */

static int on_error(lua_State *L)
{
    struct sl_str *trace = lua_touserdata(L, lua_upvalueindex(1));
    if (trace != NULL)
        add_trace(trace, L, L);
    return 1;
}

int sl_lua_protect(lua_State *L, int arg_count, int result_count,
                   struct sl_str *trace)
{
    int function = lua_gettop(L) - arg_count;
    lua_checkstack(L, STACK_SPARE);
    lua_pushlightuserdata(L, trace);
    lua_pushcclosure(L, on_error, 1);
    lua_insert(L, function);
    int status = lua_pcall(L, arg_count, result_count, function);
    lua_remove(L, function);
    sl_assert(status == 0 ? result_count == LUA_MULTRET ||
                                lua_gettop(L) == function - 1 + result_count
                          : lua_gettop(L) == function);
    return status;
}
