// SPDX-License-Identifier: MIT
/*
 * The text for a name that is not there: the nearest of those that are, or
 * all of them. Lua alone would say "attempt to call a nil value".
 */
#include "bindings/bindings.h"
#include "bindings/nearest.h"

#define NAMES_MAX 64 /* more than anything of the API has */

struct names {
    struct sl_slice items[NAMES_MAX];
    unsigned count;
};

static void explain(struct sl_str *out, const char *what, struct sl_slice name,
                    const struct names *names)
{
    struct sl_nearest nearest;
    sl_str_clear(out);
    sl_str_add_fmt(out, "%s has no \"%.*s\"", what, (int)name.len,
                   name.ptr == NULL ? "" : name.ptr);
    sl_nearest_init(&nearest, name);
    for (unsigned i = 0; i < names->count; i++)
        sl_nearest_offer(&nearest, names->items[i]);
    if (sl_nearest_is_near(&nearest)) {
        sl_str_add_fmt(out, ": did you mean \"%.*s\"?", (int)nearest.best.len,
                       nearest.best.ptr);
        return;
    }
    for (unsigned i = 0; i < names->count; i++) {
        sl_str_add_slice(out, i == 0 ? SL_SLICE(", but ") : SL_SLICE(", "));
        sl_str_add_slice(out, names->items[i]);
    }
}

SL_RAISES int sl_lua_raise_unknown(lua_State *L, int level, const char *what,
                                   int index, sl_name_at_cb name_at)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct names names = { .count = 0 };
    const char *name;
    while (names.count < NAMES_MAX && (name = name_at(names.count)) != NULL)
        names.items[names.count++] = sl_slice_str(name);
    struct sl_slice key = sl_lua_slice(L, index);
    explain(&engine->scratch, what,
            key.ptr != NULL ? key : sl_slice_str(luaL_typename(L, index)),
            &names);
    return sl_lua_raise(L, level, "%s", sl_str_cstr(&engine->scratch));
}

/* unknown(what, name, names): the text; names is a list. */
static int names_unknown(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    const char *what = luaL_checkstring(L, 1);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    struct sl_slice key = lua_type(L, 2) == LUA_TSTRING
                              ? sl_lua_slice(L, 2)
                              : sl_slice_str(luaL_typename(L, 2));
    struct names names = { .count = 0 };
    for (; names.count < NAMES_MAX; names.count++) {
        lua_rawgeti(L, 3, (int)names.count + 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            break;
        names.items[names.count] = sl_lua_slice(L, -1);
        lua_pop(L, 1); /* the table keeps it */
    }
    explain(&engine->scratch, what, key, &names);
    sl_lua_push_slice(L, sl_str_slice(&engine->scratch));
    return 1;
}

void sl_lua_names_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "unknown", names_unknown },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
}
