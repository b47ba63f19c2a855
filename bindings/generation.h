// SPDX-License-Identifier: MIT
/*
 * What one load of the scripts made: hubs with their methods, timers, routes.
 * Everything that Lua holds for it hangs under one table, so that a reload lets
 * go of it by one reference. Coroutines count the generation they run in; it is
 * freed with the last of them.
 */
#pragma once

#include "base/map.h"
#include "base/wheel.h"
#include "bindings/internal.h"
#include "bindings/lua_args.h"

#define SL_SCRIPT_MAGIC 0x73637269u /* "scri" */

/* What `authorize` asks for. */
enum sl_policy_kind {
    SL_POLICY_NONE, /* nothing */
    SL_POLICY_USER, /* true: an authenticated user */
    SL_POLICY_LUA,  /* a table or a function */
};

struct sl_policy {
    uint8_t kind; /* enum sl_policy_kind */
    int ref;      /* SL_POLICY_LUA: index in the generation's table */
};

/* What is known of a method: declared, or learnt from what it returned. */
enum sl_method_mode {
    SL_METHOD_UNKNOWN,
    SL_METHOD_PLAIN,
    SL_METHOD_STREAMS,
};

struct sl_method {
    struct sl_map_node node; /* in script->methods; key: lower-case name */
    char *name;           /* owned, as registered; the key stands behind it */
    int function;         /* index in the generation's table */
    unsigned param_count; /* named ones, without self */
    bool variadic;
    struct sl_origin origin;
    uint8_t mode;            /* enum sl_method_mode */
    struct sl_rate rate;     /* of one connection's calls */
    struct sl_policy policy; /* who may call it */
    struct sl_args args;     /* what methods.X.args declares */
};

/* One hub file. */
struct sl_script {
    uint32_t magic;
    struct sl_list node; /* in gen->scripts */
    struct sl_generation *gen;
    unsigned index;                     /* of its name in the engine */
    bool served;                        /* its file has returned it */
    struct sl_policy policy;            /* who may connect */
    char *name, *path, *backplane_name; /* owned */
    int hub, self_mt; /* indexes in the generation's table, as the next */
    int on_connected, on_disconnected, around, call_around; /* LUA_NOREF */
    struct sl_origin connected_origin, disconnected_origin, authorize_origin;
    int authenticate; /* the same */
    int methods_option;
    struct sl_hub_options options;
    struct sl_map methods;
};

struct sl_timer {
    struct sl_list node; /* in gen->timers */
    struct sl_wheel_entry entry;
    struct sl_generation *gen;
    uint64_t interval_ms;
    uint64_t due_ms;
    struct sl_origin origin;
    int function;
    bool repeats, everywhere, busy;
};

struct sl_route {
    struct sl_list node; /* in gen->routes */
    char *method, *path; /* owned */
    struct sl_origin origin;
    int function;
};

/* A function given to on_reload. */
struct sl_reload_hook {
    struct sl_list node; /* in gen->reload_hooks */
    struct sl_origin origin;
    int function;
};

struct sl_generation {
    struct sl_engine *engine;
    unsigned refs;
    int table_ref; /* in the registry */
    const struct sl_script_set *set;
    const struct sl_script_file *file; /* being loaded; NULL: none */
    struct sl_list scripts, timers, routes, reload_hooks;
    int names; /* name_order.h; an index in the table */
    bool committed;
};

/* Returns owned. */
struct sl_generation *sl_generation_new(struct sl_engine *engine,
                                        const struct sl_script_set *set);
void sl_generation_unref(struct sl_generation *gen); /* NULL is fine */

static inline struct sl_generation *sl_generation_ref(struct sl_generation *gen)
{
    gen->refs++;
    return gen;
}

/* Keeps the value on top (pops it) and gives it back. */
int sl_generation_keep(lua_State *L, struct sl_generation *gen);

static inline void sl_generation_push(lua_State *L,
                                      const struct sl_generation *gen,
                                      int index)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, gen->table_ref);
    lua_rawgeti(L, -1, index);
    lua_remove(L, -2);
}

/* A hub of the file that is being loaded. Borrowed. */
struct sl_script *sl_script_new(struct sl_generation *gen,
                                struct sl_slice name);

/* NULL: no such method. Any case. */
struct sl_method *sl_script_find(const struct sl_script *script,
                                 struct sl_slice name);

/* False: a method of that name (any case) is there; *other is its name. */
bool sl_script_add(struct sl_script *script, struct sl_method *method,
                   const char **other);

/* Returns owned. */
struct sl_method *sl_method_new(struct sl_slice name);
void sl_method_free(struct sl_method *method);

/* Once the spelling of its name is final. */
void sl_method_set_origin(struct sl_method *method,
                          const struct sl_script *script);

/* Timers begin (at commit) and end. */
void sl_generation_start(struct sl_generation *gen);
void sl_generation_stop(struct sl_generation *gen);
