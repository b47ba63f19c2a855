// SPDX-License-Identifier: MIT
/*
 * The engine: one Lua state, its generations, and the two tables of functions
 * through which core calls scripts.
 */
#include "bindings/engine.h"

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "bindings/authorize.h"
#include "bindings/bindings.h"
#include "bindings/calls.h"
#include "bindings/coroutine.h"
#include "bindings/embedded.h"
#include "bindings/generation.h"
#include "bindings/loader.h"
#include "bindings/lua_value.h"
#include "hub/conn.h"
#include "hub/invocation.h"
#include "hub/routines.h"

#include <luajit.h>
#include <lualib.h>

#define STACK_OF_EVENT 8 /* function, self, two arguments and a spare */

static const struct sl_script_ops script_ops;

/* ---- helpers that everybody uses ---- */

void sl_engine_keep(lua_State *L, struct sl_engine *engine, enum sl_lua_ref ref)
{
    engine->refs[ref] = luaL_ref(L, LUA_REGISTRYINDEX);
}

void sl_lua_set_functions(lua_State *L, struct sl_engine *engine,
                          const luaL_Reg *functions)
{
    lua_pushlightuserdata(L, engine);
    luaL_setfuncs(L, functions, 1);
}

struct sl_generation *sl_engine_generation(const struct sl_engine *engine)
{
    if (engine->loading != NULL)
        return engine->loading;
    return engine->running != NULL ? engine->running->gen : engine->current;
}

struct sl_origin sl_engine_origin(const struct sl_engine *engine,
                                  struct sl_slice what)
{
    const struct sl_co *co = engine->running;
    struct sl_slice hub = { 0 };
    if (engine->loading != NULL && engine->loading->file != NULL)
        hub = sl_loader_hub_name(engine->loading->file->name);
    else if (co != NULL)
        hub = co->origin.routine->hub;
    return (struct sl_origin){
        .routine = sl_routines_get(engine->routines, hub, what),
        .interpreted = co != NULL && co->origin.interpreted,
    };
}

unsigned sl_engine_hub_index(struct sl_engine *engine, struct sl_slice name)
{
    for (unsigned i = 0; i < engine->hub_name_count; i++)
        if (sl_slice_eq(sl_slice_str(engine->hub_names[i].name), name))
            return i;
    unsigned index = engine->hub_name_count++;
    engine->hub_names = sl_realloc(
        engine->hub_names, engine->hub_name_count * sizeof(*engine->hub_names));
    engine->hub_names[index] = (struct sl_hub_name){ sl_slice_dup(name), NULL };
    return index;
}

struct sl_hub *sl_engine_hub(struct sl_engine *engine, unsigned index)
{
    if (index >= engine->hub_name_count)
        return NULL;
    struct sl_hub_name *name = &engine->hub_names[index];
    if (name->hub == NULL)
        name->hub = sl_hub_find(engine->world, sl_slice_str(name->name));
    return name->hub;
}

int sl_lua_raise(lua_State *L, int level, const char *format, ...)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_str text = { 0 };
    va_list args;
    va_start(args, format);
    sl_str_add_vfmt(&text, format, args);
    va_end(args);
    /* The scratch string outlives the jump and may have been an argument. */
    sl_str_clear(&engine->scratch);
    sl_str_add_slice(&engine->scratch, sl_str_slice(&text));
    sl_str_release(&text);
    luaL_where(L, level);
    sl_lua_push_slice(L, sl_str_slice(&engine->scratch));
    lua_concat(L, 2);
    return lua_error(L);
}

void sl_lua_push_error(lua_State *L, const struct sl_engine *engine,
                       enum sl_lua_ref metatable, struct sl_slice text)
{
    lua_createtable(L, 0, 1);
    sl_lua_push_slice(L, text);
    lua_setfield(L, -2, "text");
    sl_engine_push(L, engine, metatable);
    lua_setmetatable(L, -2);
}

/* ---- handles ---- */

#define EXACT_MAX (1ull << 53)

void sl_lua_push_handle(lua_State *L, sl_slot_id handle)
{
    if (SL_LIKELY(handle < EXACT_MAX))
        lua_pushnumber(L, (lua_Number)handle);
    else
        lua_pushlstring(L, (const char *)&handle, sizeof(handle));
}

sl_slot_id sl_lua_handle(lua_State *L, int index)
{
    sl_slot_id handle = 0;
    int type = lua_type(L, index);
    if (type == LUA_TNUMBER) {
        lua_Number number = lua_tonumber(L, index);
        if (number >= 0 && number < (lua_Number)EXACT_MAX)
            handle = (sl_slot_id)number;
    } else if (type == LUA_TSTRING && lua_objlen(L, index) == sizeof(handle)) {
        memcpy(&handle, lua_tostring(L, index), sizeof(handle));
    }
    return handle;
}

/* ---- events ---- */

static struct sl_script *script_of(void *script)
{
    struct sl_script *own = script;
    sl_check_magic(own, SL_SCRIPT_MAGIC);
    return own;
}

static void on_connected_end(struct sl_co *co, int status)
{
    struct sl_conn *conn = sl_world_conn(co->engine->world, co->conn);
    struct sl_failure failure = { .fault = SL_FAULT_ERROR };
    if (status != 0) {
        sl_co_failure(co, &failure);
        sl_co_log(co, &failure);
    }
    if (conn != NULL)
        sl_conn_connected_done(conn, status == 0, sl_str_slice(&failure.text),
                               failure.fault == SL_FAULT_HUB_ERROR);
    sl_failure_release(&failure);
}

static void on_disconnected_end(struct sl_co *co, int status)
{
    if (status != 0) {
        struct sl_failure failure;
        sl_co_failure(co, &failure);
        sl_co_log(co, &failure);
        sl_failure_release(&failure);
    }
    struct sl_conn *conn = sl_world_conn(co->engine->world, co->conn);
    if (conn != NULL)
        sl_conn_disconnected_done(conn);
}

/* A coroutine with an event's function and self on its stack. */
static struct sl_co *event_new(struct sl_script *script, struct sl_conn *conn,
                               int function, struct sl_origin origin)
{
    struct sl_co *co = sl_co_new(script->gen->engine, script->gen, origin);
    co->script = script;
    co->conn = conn->handle;
    lua_checkstack(co->L, STACK_OF_EVENT);
    sl_generation_push(co->L, script->gen, function);
    sl_lua_push_self(co->L, script, co->conn);
    return co;
}

static void connected(void *user, struct sl_conn *conn)
{
    struct sl_script *script = script_of(user);
    if (script->on_connected == LUA_NOREF || script->gen->engine->stopping) {
        sl_conn_connected_done(conn, true, (struct sl_slice){ 0 }, false);
    } else {
        struct sl_co *co = event_new(script, conn, script->on_connected,
                                     script->connected_origin);
        co->what = SL_SLICE("on_connected");
        co->on_end = on_connected_end;
        sl_co_start(co, 1);
    }
}

/* Rare, so the coroutine is searched for. */
static void cancel_connected(void *user, struct sl_conn *conn)
{
    struct sl_engine *engine = script_of(user)->gen->engine;
    SL_LIST_FOREACH(node, &engine->live) {
        struct sl_co *co = SL_CONTAINER_OF(node, struct sl_co, node);
        if (co->on_end != on_connected_end || co->conn != conn->handle)
            continue;
        sl_co_cancel(co);
        return;
    }
}

/* Runs while the engine stops, too (its waits are cancelled then): whoever was
 * told of a connection's begin is told of its end. */
static void disconnected(void *user, struct sl_conn *conn,
                         struct sl_slice error, enum sl_close_reason reason)
{
    struct sl_script *script = script_of(user);
    if (script->on_disconnected == LUA_NOREF) {
        sl_conn_disconnected_done(conn);
        return;
    }
    struct sl_co *co = event_new(script, conn, script->on_disconnected,
                                 script->disconnected_origin);
    co->what = SL_SLICE("on_disconnected");
    if (error.len > 0)
        sl_lua_push_slice(co->L, error);
    else
        lua_pushnil(co->L);
    lua_pushstring(co->L, sl_close_reason_name(reason));
    co->on_end = on_disconnected_end;
    sl_co_start(co, 3);
}

static void forget(void *user, struct sl_conn *conn)
{
    struct sl_script *script = script_of(user);
    if (conn->script_ref != SL_SCRIPT_NOREF)
        luaL_unref(script->gen->engine->L, LUA_REGISTRYINDEX, conn->script_ref);
    conn->script_ref = SL_SCRIPT_NOREF;
}

/* Its connections may outlive the generation that served them. */
static void hold(void *user)
{
    sl_generation_ref(script_of(user)->gen);
}

static void let_go(void *user)
{
    sl_generation_unref(script_of(user)->gen);
}

static const struct sl_script_ops script_ops = {
    .prepare = sl_call_prepare,
    .start = sl_call_start,
    .cancel = sl_call_cancel,
    .resume = sl_call_resume,
    .upload_item = sl_call_upload_item,
    .upload_end = sl_call_upload_end,
    .drop = sl_call_drop,
    .connected = connected,
    .cancel_connected = cancel_connected,
    .disconnected = disconnected,
    .forget = forget,
    .hold = hold,
    .let_go = let_go,
    .authorize = sl_lua_authorize,
};

/* ---- the state ---- */

static int on_panic(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    sl_fatal(__FILE__, __LINE__, "Lua error outside of any call: %s",
             text == NULL ? "?" : text);
}

/* source(file): its text, or nil. */
static int native_source(lua_State *L)
{
    struct sl_generation *gen = sl_engine_generation(sl_engine_of(L));
    const struct sl_script_file *file =
        gen == NULL ? NULL : sl_loader_file(gen->set, sl_lua_slice(L, 1));
    if (file == NULL)
        lua_pushnil(L);
    else
        sl_lua_push_slice(L, file->text);
    return 1;
}

static void open_natives(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "source", native_source },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    sl_lua_names_open(L, engine);
    sl_lua_value_open(L, engine);
    sl_lua_hub_open(L, engine);
    sl_lua_clients_open(L, engine);
    sl_lua_invoke_open(L, engine);
    sl_lua_groups_open(L, engine);
    sl_lua_users_open(L, engine);
    sl_lua_context_open(L, engine);
    sl_lua_timer_open(L, engine);
    sl_lua_task_open(L, engine);
    sl_lua_stream_open(L, engine);
    sl_lua_upload_open(L, engine);
    sl_lua_store_open(L, engine);
    sl_lua_log_open(L, engine);
    sl_lua_json_open(L, engine);
    sl_lua_config_open(L, engine);
    sl_lua_metrics_open(L, engine);
    sl_lua_route_open(L, engine);
    sl_lua_reload_open(L, engine);
}

static void load_embedded(lua_State *L, struct sl_slice text, const char *name)
{
    if (luaL_loadbufferx(L, text.ptr, text.len, name, "t") != 0)
        sl_fatal(__FILE__, __LINE__, "%s", lua_tostring(L, -1));
}

/* With the table of primitives, which is on top and stays there. */
static void run_embedded(lua_State *L, struct sl_slice text, const char *name)
{
    load_embedded(L, text, name);
    lua_pushvalue(L, -2);
    if (sl_lua_protect(L, 1, 0, NULL) != 0)
        sl_fatal(__FILE__, __LINE__, "%s", lua_tostring(L, -1));
}

/* Takes what engine.lua has put into the table of primitives. */
static void keep_field(lua_State *L, struct sl_engine *engine, const char *name,
                       enum sl_lua_ref ref)
{
    lua_getfield(L, -1, name);
    sl_assert(!lua_isnil(L, -1));
    sl_engine_keep(L, engine, ref);
}

static void open_state(struct sl_engine *engine)
{
    lua_State *L = engine->L;
    luaL_openlibs(L);
    lua_newtable(L);
    open_natives(L, engine);
    run_embedded(L, sl_embedded_engine, "=signalua/engine.lua");
    run_embedded(L, sl_embedded_metrics, "=signalua/metrics.lua");
    keep_field(L, engine, "cancelled", SL_REF_CANCELLED);
    keep_field(L, engine, "unauthorized", SL_REF_UNAUTHORIZED);
    keep_field(L, engine, "guarded", SL_REF_GUARDED);
    keep_field(L, engine, "admit", SL_REF_ADMIT);
    keep_field(L, engine, "int64", SL_REF_INT64);
    keep_field(L, engine, "int64_sort", SL_REF_INT64_SORT);
    keep_field(L, engine, "describe", SL_REF_DESCRIBE);
    keep_field(L, engine, "shape", SL_REF_SHAPE);
    keep_field(L, engine, "stream_run", SL_REF_STREAM_RUN);
    sl_engine_keep(L, engine, SL_REF_NATIVE);
    load_embedded(L, sl_embedded_signalua, "=signalua/signalua.lua");
    sl_engine_keep(L, engine, SL_REF_MODULE);
    sl_assert(lua_gettop(L) == 0);
}

static struct sl_engine *create(const struct sl_engine_env *env)
{
    struct sl_engine *engine = sl_zalloc(sizeof(*engine));
    engine->L = luaL_newstate();
    if (engine->L == NULL)
        sl_fatal(__FILE__, __LINE__, "no memory for a Lua state");
    lua_atpanic(engine->L, on_panic);
    engine->world = env->world;
    engine->store = env->store;
    engine->clock = env->clock != NULL ? env->clock : &sl_clock_system;
    engine->pod = env->pod;
    engine->worker = env->worker;
    engine->settings = env->settings;
    engine->setting_count = env->setting_count;
    engine->activity = env->activity;
    engine->routines = env->routines;
    sl_list_init(&engine->live);
    sl_list_init(&engine->idle);
    sl_json_init(&engine->json);
    open_state(engine);
    return engine;
}

static void destroy(struct sl_engine *engine)
{
    engine->stopping = true;
    sl_co_end_all(engine);
    sl_generation_unref(engine->loaded);
    sl_generation_unref(engine->current);
    engine->loaded = engine->current = NULL;
    sl_co_free_idle(engine);
    lua_close(engine->L);
    for (unsigned i = 0; i < engine->hub_name_count; i++)
        sl_free(engine->hub_names[i].name);
    sl_free(engine->hub_names);
    sl_free(engine->names);
    sl_free(engine->places);
    sl_str_release(&engine->scratch);
    sl_json_release(&engine->json);
    sl_free(engine);
}

/* ---- loading ---- */

static struct sl_hub_def def_of(struct sl_script *script)
{
    return (struct sl_hub_def){
        .name = sl_slice_str(script->name),
        .path = sl_slice_str(script->path),
        .backplane_name = sl_slice_str(script->backplane_name),
        .ops = &script_ops,
        .script = script,
        .options = script->options,
    };
}

static int load(struct sl_engine *engine, const struct sl_script_set *set,
                sl_hub_def_cb on_hub, sl_report_cb on_error, void *user)
{
    sl_generation_unref(engine->loaded);
    engine->loaded = NULL;
    struct sl_generation *gen = sl_generation_new(engine, set);
    int err = sl_loader_run(gen, on_error, user);
    if (err != 0) {
        sl_generation_unref(gen);
        return err;
    }
    engine->loaded = gen;
    SL_LIST_FOREACH(node, &gen->scripts) {
        struct sl_script *script =
            SL_CONTAINER_OF(node, struct sl_script, node);
        struct sl_hub_def def = def_of(script);
        if (script->served)
            on_hub(user, &def);
    }
    return 0;
}

/* A hub file may have got another identity. */
static void forget_hubs(struct sl_engine *engine)
{
    for (unsigned i = 0; i < engine->hub_name_count; i++)
        engine->hub_names[i].hub = NULL;
}

static void commit(struct sl_engine *engine)
{
    sl_assert(engine->loaded != NULL);
    struct sl_generation *old = engine->current;
    if (old != NULL)
        sl_generation_stop(old);
    engine->current = engine->loaded;
    engine->loaded = NULL;
    forget_hubs(engine);
    sl_generation_start(engine->current);
    if (old != NULL)
        sl_lua_reload_run(engine, old->set->version);
    sl_generation_unref(old);
    sl_metric_set(engine->world->metrics, SL_M_LUA_MEMORY,
                  (int64_t)lua_gc(engine->L, LUA_GCCOUNT, 0) * 1024);
}

static void drop(struct sl_engine *engine)
{
    sl_generation_unref(engine->loaded);
    engine->loaded = NULL;
}

static void stop(struct sl_engine *engine)
{
    engine->stopping = true;
    if (engine->current != NULL)
        sl_generation_stop(engine->current);
    SL_LIST_FOREACH(node, &engine->live) {
        struct sl_co *co = SL_CONTAINER_OF(node, struct sl_co, node);
        if (co->started)
            sl_co_cancel(co);
    }
}

const struct sl_engine_ops sl_lua_engine_ops = {
    .create = create,
    .destroy = destroy,
    .load = load,
    .commit = commit,
    .drop = drop,
    .route = sl_lua_route_run,
    .stop = stop,
};

const char *sl_lua_version(void)
{
    return &LUAJIT_VERSION[sizeof("LuaJIT ") - 1];
}
