// SPDX-License-Identifier: MIT
/*
 * Generations, the hub files in them and their methods. Everything is freed in
 * one place, with the last reference.
 */
#include "bindings/generation.h"

#include "base/check.h"
#include "base/mem.h"
#include "bindings/bindings.h"
#include "bindings/name_order.h"
#include "hub/routines.h"

/* ---- methods ---- */

static void to_lower(char *out, struct sl_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)sl_ascii_lower((unsigned char)text.ptr[i]);
}

struct sl_method *sl_method_new(struct sl_slice name)
{
    struct sl_method *method = sl_zalloc(sizeof(*method));
    /* The name and, behind its zero, the key. */
    method->name = sl_alloc(2 * name.len + 2);
    memcpy(method->name, name.ptr, name.len);
    method->name[name.len] = '\0';
    char *key = method->name + name.len + 1;
    to_lower(key, name);
    key[name.len] = '\0';
    method->node.key = sl_slice_of(key, name.len);
    method->function = LUA_NOREF;
    return method;
}

void sl_method_free(struct sl_method *method)
{
    sl_free(method->args.items);
    sl_free(method->name);
    sl_free(method);
}

struct sl_method *sl_script_find(const struct sl_script *script,
                                 struct sl_slice name)
{
    char key[SL_METHOD_NAME_MAX];
    if (name.len > sizeof(key))
        return NULL;
    to_lower(key, name);
    struct sl_map_node *node =
        sl_map_find(&script->methods, sl_slice_of(key, name.len));
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct sl_method, node);
}

bool sl_script_add(struct sl_script *script, struct sl_method *method,
                   const char **other)
{
    struct sl_map_node *node = sl_map_find(&script->methods, method->node.key);
    if (node != NULL) {
        *other = SL_CONTAINER_OF(node, struct sl_method, node)->name;
        return false;
    }
    sl_map_add(&script->methods, &method->node);
    return true;
}

/* ---- scripts ---- */

/* What one of the script's functions runs for. */
static struct sl_origin origin_of(const struct sl_script *script,
                                  struct sl_slice name)
{
    return (struct sl_origin){
        .routine = sl_routines_get(script->gen->engine->routines,
                                   sl_slice_str(script->name), name),
    };
}

void sl_method_set_origin(struct sl_method *method,
                          const struct sl_script *script)
{
    method->origin = origin_of(script, sl_slice_str(method->name));
}

struct sl_script *sl_script_new(struct sl_generation *gen, struct sl_slice name)
{
    struct sl_script *script = sl_zalloc(sizeof(*script));
    SL_MAGIC(script, SL_SCRIPT_MAGIC);
    script->gen = gen;
    script->index = sl_engine_hub_index(gen->engine, name);
    script->name = sl_slice_dup(name);
    script->backplane_name = sl_slice_dup(name);
    script->path = sl_alloc(name.len + 2);
    script->path[0] = '/';
    memcpy(script->path + 1, script->name, name.len + 1);
    script->hub = script->self_mt = LUA_NOREF;
    script->on_connected = script->on_disconnected = LUA_NOREF;
    script->around = script->call_around = LUA_NOREF;
    script->authenticate = LUA_NOREF;
    script->methods_option = LUA_NOREF;
    script->connected_origin = origin_of(script, SL_SLICE("on_connected"));
    script->disconnected_origin =
        origin_of(script, SL_SLICE("on_disconnected"));
    script->authorize_origin = origin_of(script, SL_SLICE("authorize"));
    sl_hub_options_default(&script->options);
    sl_map_init(&script->methods);
    sl_list_push_back(&gen->scripts, &script->node);
    return script;
}

static void free_method(struct sl_map_node *node, void *map)
{
    sl_map_remove(map, node);
    sl_method_free(SL_CONTAINER_OF(node, struct sl_method, node));
}

static void script_free(struct sl_script *script)
{
    sl_map_foreach(&script->methods, free_method, &script->methods);
    sl_map_release(&script->methods);
    sl_list_remove(&script->node);
    sl_free(script->name);
    sl_free(script->path);
    sl_free(script->backplane_name);
    script->magic = 0;
    sl_free(script);
}

/* ---- generations ---- */

int sl_generation_keep(lua_State *L, struct sl_generation *gen)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, gen->table_ref);
    lua_insert(L, -2);
    int index = luaL_ref(L, -2);
    lua_pop(L, 1);
    return index;
}

static int scan_names(lua_State *L, struct sl_generation *gen)
{
    unsigned count = 0;
    lua_newtable(L);
    for (unsigned i = 0; i < gen->set->file_count; i++)
        sl_name_order_scan(L, gen->set->files[i].text, &count);
    return sl_generation_keep(L, gen);
}

struct sl_generation *sl_generation_new(struct sl_engine *engine,
                                        const struct sl_script_set *set)
{
    struct sl_generation *gen = sl_zalloc(sizeof(*gen));
    gen->engine = engine;
    gen->refs = 1;
    gen->set = set;
    sl_script_set_hold(set);
    sl_metric_add(engine->world->metrics, SL_M_GENERATIONS, 1);
    sl_list_init(&gen->scripts);
    sl_list_init(&gen->timers);
    sl_list_init(&gen->routes);
    sl_list_init(&gen->reload_hooks);
    lua_newtable(engine->L);
    gen->table_ref = luaL_ref(engine->L, LUA_REGISTRYINDEX);
    gen->names = scan_names(engine->L, gen);
    return gen;
}

static void routes_free(struct sl_generation *gen)
{
    SL_LIST_FOREACH_SAFE(node, &gen->routes) {
        struct sl_route *route = SL_CONTAINER_OF(node, struct sl_route, node);
        sl_list_remove(node);
        sl_free(route->method);
        sl_free(route->path);
        sl_free(route);
    }
}

static void generation_free(struct sl_generation *gen)
{
    sl_generation_stop(gen);
    SL_LIST_FOREACH_SAFE(node, &gen->timers) {
        sl_list_remove(node);
        sl_free(SL_CONTAINER_OF(node, struct sl_timer, node));
    }
    routes_free(gen);
    SL_LIST_FOREACH_SAFE(node, &gen->reload_hooks) {
        sl_list_remove(node);
        sl_free(SL_CONTAINER_OF(node, struct sl_reload_hook, node));
    }
    SL_LIST_FOREACH_SAFE(node, &gen->scripts) {
        script_free(SL_CONTAINER_OF(node, struct sl_script, node));
    }
    luaL_unref(gen->engine->L, LUA_REGISTRYINDEX, gen->table_ref);
    sl_metric_add(gen->engine->world->metrics, SL_M_GENERATIONS, -1);
    sl_script_set_let_go(gen->set);
    sl_free(gen);
}

void sl_generation_unref(struct sl_generation *gen)
{
    if (gen == NULL)
        return;
    sl_assert(gen->refs > 0);
    if (--gen->refs == 0)
        generation_free(gen);
}

/* ---- timers ---- */

void sl_generation_start(struct sl_generation *gen)
{
    gen->committed = true;
    SL_LIST_FOREACH(node, &gen->timers) {
        sl_timer_start(SL_CONTAINER_OF(node, struct sl_timer, node));
    }
}

void sl_generation_stop(struct sl_generation *gen)
{
    gen->committed = false; /* nor does a timer begin that is made now */
    SL_LIST_FOREACH(node, &gen->timers) {
        sl_timer_stop(SL_CONTAINER_OF(node, struct sl_timer, node));
    }
}
