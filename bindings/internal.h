// SPDX-License-Identifier: MIT
/*
 * What the files of the engine share: one Lua state and what hangs on it. One
 * per worker, used in the worker's thread alone.
 *
 * Functions that Lua calls carry the engine as their first upvalue, so that
 * nothing here is global. Functions marked SL_RAISES may end by longjmp:
 * whoever calls one holds nothing that would be lost.
 */
#pragma once

#include "base/base.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/slot.h"
#include "base/str.h"
#include "hub/script.h"
#include "hub/world.h"
#include "wire/json.h"

#include <lauxlib.h>
#include <lua.h>

struct sl_activity;
struct sl_co;
struct sl_generation;
struct sl_name_place;
struct sl_routine;
struct sl_routines;
struct sl_script;

/* What a piece of code runs for: goes with everything that is called later. */
struct sl_origin {
    struct sl_routine *routine; /* hub and method, in logs and metrics */
    bool interpreted;           /* its hub has jit = false */
};

/* Names under which references to values of the engine's own are kept. */
enum sl_lua_ref {
    SL_REF_ARRAY_MT, /* the mark of arrays */
    SL_REF_HUB_ERROR_MT,
    SL_REF_CANCELLED, /* the error that a cancelled wait raises */
    SL_REF_CLIENTS_METHODS,
    SL_REF_PROXY_MT,
    SL_REF_HOST_ERROR_MT,
    SL_REF_STREAM_MT,
    SL_REF_STREAM_RUN, /* function: calls a stream's function with its emit */
    SL_REF_GROUPS_MT,
    SL_REF_USERS_MT,
    SL_REF_INT64,        /* function: halves to a 64-bit integer */
    SL_REF_INT64_SORT,   /* function: which 64-bit integer is it */
    SL_REF_UNAUTHORIZED, /* the error of a method that is not for its caller */
    SL_REF_GUARDED,      /* function: calls a method if its policy holds */
    SL_REF_ADMIT,        /* function: decides on a request */
    SL_REF_DESCRIBE,     /* function: any error value to its text */
    SL_REF_SHAPE,        /* function: parameters and place of a function */
    SL_REF_MODULE,       /* function: makes a generation's module */
    SL_REF_NATIVE,       /* the primitives, its argument */
    SL_REF_COUNT
};

/* A hub by name, as proxies name it: an index into this table outlives every
 * reload, a pointer into a generation would not. */
struct sl_hub_name {
    char *name;         /* owned */
    struct sl_hub *hub; /* NULL until it was looked up */
};

struct sl_engine {
    lua_State *L; /* the main thread: authors' code runs on it only while a set
                     is loaded */
    struct sl_world *world; /* borrowed */
    struct sl_store *store; /* borrowed */
    const struct sl_clock *clock;
    const char *pod;
    const struct sl_setting_view *settings;
    unsigned setting_count;
    unsigned worker;
    struct sl_activity *activity; /* borrowed: what a watchdog sees */
    struct sl_routines *routines; /* borrowed: of all workers */

    struct sl_co *running;     /* the coroutine inside lua_resume; else NULL */
    struct sl_list live, idle; /* of sl_co */
    unsigned idle_count;
    unsigned stream_count; /* streams to clients that run */
    unsigned routes_left;  /* functions of routes whose client has left */
    unsigned ends;         /* coroutines ended since the memory gauge was set */

    struct sl_generation *current; /* serves; counted; NULL before commit */
    struct sl_generation *loaded;  /* waits for its commit; counted */
    struct sl_generation *loading; /* inside load */
    bool inside;                   /* between sl_door_enter and sl_door_leave */
    bool stopping;

    struct sl_hub_name *hub_names;
    unsigned hub_name_count;

    struct sl_json json;    /* json.decode's memory */
    struct sl_str scratch;  /* a text being made; never kept over a call */
    struct sl_slice *names; /* names of one send */
    unsigned name_cap;
    struct sl_name_place *places;    /* fields of the objects being encoded, */
    unsigned place_count, place_cap; /* one object after another */
    int refs[SL_REF_COUNT];
};

static inline struct sl_engine *sl_engine_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static inline void sl_engine_push(lua_State *L, const struct sl_engine *engine,
                                  enum sl_lua_ref ref)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, engine->refs[ref]);
}

/* Pops the value on top and keeps it. */
void sl_engine_keep(lua_State *L, struct sl_engine *engine,
                    enum sl_lua_ref ref);

/* Adds functions, the engine being their upvalue, to the table on top. */
void sl_lua_set_functions(lua_State *L, struct sl_engine *engine,
                          const luaL_Reg *functions);

/* The generation that the caller's code belongs to. NULL: none yet. */
struct sl_generation *sl_engine_generation(const struct sl_engine *engine);

/* What code that is registered now, to be called later as `what`, runs for: the
 * hub whose file is being loaded, or that of the running call. */
struct sl_origin sl_engine_origin(const struct sl_engine *engine,
                                  struct sl_slice what);

/* The index of a hub's name, added when it is new. */
unsigned sl_engine_hub_index(struct sl_engine *engine, struct sl_slice name);

/* NULL: no such hub is served (yet). */
struct sl_hub *sl_engine_hub(struct sl_engine *engine, unsigned index);

/* Raises an error that stands at the author's line: level 1 is the function
 * that called the C function, 2 the one that called that. */
SL_RAISES int sl_lua_raise(lua_State *L, int level, const char *format, ...)
    SL_PRINTF(3, 4);

static inline struct sl_slice sl_lua_slice(lua_State *L, int index)
{
    size_t len;
    const char *ptr = lua_tolstring(L, index, &len);
    return sl_slice_of(ptr, len);
}

static inline void sl_lua_push_slice(lua_State *L, struct sl_slice text)
{
    lua_pushlstring(L, text.ptr == NULL ? "" : text.ptr, text.len);
}

/* Pushes an error that is a text with a metatable: SL_REF_HUB_ERROR_MT makes
 * signalua.hub_error(text) of it, whose text reaches clients, and
 * SL_REF_HOST_ERROR_MT what went wrong between us and a client. */
void sl_lua_push_error(lua_State *L, const struct sl_engine *engine,
                       enum sl_lua_ref metatable, struct sl_slice text);

/* ---- handles of connections, as Lua values ---- */

/* Whole numbers up to 2^53 are exact in a double; what is beyond goes as the
 * eight bytes themselves. */
void sl_lua_push_handle(lua_State *L, sl_slot_id handle);
sl_slot_id sl_lua_handle(lua_State *L, int index); /* 0: not one */
