// SPDX-License-Identifier: MIT
/*
 * signalua.log: lines of scripts, with the author's fields and the hub and
 * version of the code that wrote them.
 */
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"

#include "base/log.h"

/* A field for the value on top; strings that are made for it stay on the
 * stack until the line is written. */
static struct sl_field make_field(lua_State *L, struct sl_engine *engine,
                                  const char *name)
{
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: return SL_F_BOOL(name, lua_toboolean(L, -1));
    case LUA_TNUMBER: return SL_F_NUM(name, lua_tonumber(L, -1));
    case LUA_TSTRING: return SL_F_SLICE(name, sl_lua_slice(L, -1));
    default:
        sl_engine_push(L, engine, SL_REF_DESCRIBE);
        lua_insert(L, -2);
        if (sl_lua_protect(L, 1, 1, NULL) != 0 ||
            lua_type(L, -1) != LUA_TSTRING)
            return SL_F_STR(name, "?");
        return SL_F_SLICE(name, sl_lua_slice(L, -1));
    }
}

static unsigned add_fields(lua_State *L, struct sl_engine *engine,
                           struct sl_field *fields, unsigned count)
{
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        if (lua_type(L, -2) != LUA_TSTRING || count == SL_LOG_FIELDS_MAX) {
            lua_pop(L, 1);
            continue;
        }
        fields[count] = make_field(L, engine, lua_tostring(L, -2));
        count++;
        lua_insert(L, 3); /* a text keeps standing below the key */
    }
    return count;
}

/* No text and no fields are read below the level that is on. */
static int log_at(lua_State *L, enum sl_log_level level)
{
    struct sl_engine *engine = sl_engine_of(L);
    if (!sl_log_enabled(level))
        return 0;
    if (lua_type(L, 1) != LUA_TSTRING)
        return sl_lua_raise(L, 1, "signalua.log wants a text, not %s",
                            luaL_typename(L, 1));
    lua_settop(L, 2);
    if (!lua_isnil(L, 2) && !lua_istable(L, 2))
        return sl_lua_raise(L, 1,
                            "the fields must be a table, as in {room = "
                            "name}");
    luaL_checkstack(L, SL_LOG_FIELDS_MAX + 8, "log");
    struct sl_field fields[SL_LOG_FIELDS_MAX];
    unsigned count = 0;
    const struct sl_co *co = engine->running;
    if (co != NULL && co->script != NULL)
        fields[count++] = SL_F_STR("hub", co->script->name);
    if (co != NULL)
        fields[count++] = SL_F_STR("version", co->gen->set->version);
    if (lua_istable(L, 2))
        count = add_fields(L, engine, fields, count);
    sl_log_write(level, lua_tostring(L, 1), fields, count);
    return 0;
}

static int log_debug(lua_State *L)
{
    return log_at(L, SL_LOG_DEBUG);
}

static int log_info(lua_State *L)
{
    return log_at(L, SL_LOG_INFO);
}

static int log_warn(lua_State *L)
{
    return log_at(L, SL_LOG_WARN);
}

static int log_error(lua_State *L)
{
    return log_at(L, SL_LOG_ERROR);
}

void sl_lua_log_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "log_debug", log_debug },
                                          { "log_info", log_info },
                                          { "log_warn", log_warn },
                                          { "log_error", log_error },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
}
