// SPDX-License-Identifier: MIT
/*
 * signalua.on_reload(fn): fn(old_version, new_version) runs on every worker
 * once it serves the scripts that registered it in place of others. Not at the
 * start: nothing was replaced.
 */
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"

#include "base/mem.h"

#define STACK_OF_HOOK 4 /* function, two versions and a spare */

/* on_reload(fn) */
static int reload_on(lua_State *L)
{
    struct sl_generation *gen = sl_engine_of(L)->loading;
    if (gen == NULL)
        return sl_lua_raise(L, 1,
                            "signalua.on_reload is called while the scripts "
                            "are loaded");
    if (!lua_isfunction(L, 1))
        return sl_lua_raise(L, 1,
                            "signalua.on_reload wants a function, not a %s",
                            luaL_typename(L, 1));
    lua_pushvalue(L, 1);
    int function = sl_generation_keep(L, gen);

    struct sl_reload_hook *hook = sl_zalloc(sizeof(*hook));
    hook->origin = sl_engine_origin(gen->engine, SL_SLICE("on_reload"));
    hook->function = function;
    sl_list_push_back(&gen->reload_hooks, &hook->node);
    return 0;
}

static void on_hook_end(struct sl_co *co, int status)
{
    struct sl_failure failure;
    if (status == 0)
        return;
    sl_co_failure(co, &failure);
    sl_co_log(co, &failure);
    sl_failure_release(&failure);
}

void sl_lua_reload_run(struct sl_engine *engine, const char *old_version)
{
    struct sl_generation *gen = engine->current;
    if (engine->stopping)
        return;
    SL_LIST_FOREACH(node, &gen->reload_hooks) {
        const struct sl_reload_hook *hook =
            SL_CONTAINER_OF(node, struct sl_reload_hook, node);
        struct sl_co *co = sl_co_new(engine, gen, hook->origin);
        co->on_end = on_hook_end;
        co->what = SL_SLICE("on_reload");
        lua_checkstack(co->L, STACK_OF_HOOK);
        sl_generation_push(co->L, gen, hook->function);
        lua_pushstring(co->L, old_version);
        lua_pushstring(co->L, gen->set->version);
        sl_co_start_later(co, 2);
    }
}

void sl_lua_reload_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "on_reload", reload_on },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
}
