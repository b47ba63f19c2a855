// SPDX-License-Identifier: MIT
/*
 * signalua.config: the settings by name, as texts, and `env`: those variables
 * of the environment whose names start with SIGNALUA_APP_, without that
 * prefix. Others are not the scripts' business: secrets stand there.
 * Also what signalua.keep keeps.
 */
#include "bindings/bindings.h"

extern char **environ;

static void push_environment(lua_State *L)
{
    static const struct sl_slice prefix = { "SIGNALUA_APP_", 13 };
    lua_newtable(L);
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        struct sl_slice entry = sl_slice_str(*at);
        const char *equals = strchr(*at, '=');
        if (equals == NULL || !sl_slice_starts(entry, prefix))
            continue;
        lua_pushlstring(L, *at + prefix.len,
                        (size_t)(equals - *at) - prefix.len);
        lua_pushstring(L, equals + 1);
        lua_rawset(L, -3);
    }
}

/* config(): a fresh table. */
static int config_new(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    lua_createtable(L, 0, (int)engine->setting_count + 1);
    for (unsigned i = 0; i < engine->setting_count; i++) {
        lua_pushstring(L, engine->settings[i].value);
        lua_setfield(L, -2, engine->settings[i].name);
    }
    push_environment(L);
    lua_setfield(L, -2, "env");
    return 1;
}

void sl_lua_config_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "config", config_new },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_newtable(L);
    lua_setfield(L, -2, "kept");
}
