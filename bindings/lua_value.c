// SPDX-License-Identifier: MIT
/*
 * Values to Lua, and the objects that stand for what Lua has no word for. The
 * walk recurses; the reader has bounded the depth (SL_JSON_DEPTH_MAX).
 *
 * LuaJIT's C API cannot make an int64_t: an embedded function does.
 */
#include "bindings/lua_value.h"

#include "bindings/coroutine.h"

#include <math.h>

#define STACK_PER_LEVEL 6

/* ---- binary and timestamp ---- */

void sl_lua_push_binary(lua_State *L, struct sl_slice bytes)
{
    char *copy = lua_newuserdata(L, bytes.len);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    luaL_getmetatable(L, SL_BINARY_MT);
    lua_setmetatable(L, -2);
}

void sl_lua_push_timestamp(lua_State *L, struct sl_timestamp time)
{
    *(struct sl_timestamp *)lua_newuserdata(L, sizeof(time)) = time;
    luaL_getmetatable(L, SL_TIMESTAMP_MT);
    lua_setmetatable(L, -2);
}

static struct sl_slice check_binary(lua_State *L, int index)
{
    void *bytes = luaL_checkudata(L, index, SL_BINARY_MT);
    return sl_slice_of(bytes, lua_objlen(L, index));
}

static int binary_new(lua_State *L)
{
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    sl_lua_push_binary(L, sl_slice_of(bytes, len));
    return 1;
}

static int binary_tostring(lua_State *L)
{
    sl_lua_push_slice(L, check_binary(L, 1));
    return 1;
}

static int binary_len(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)check_binary(L, 1).len);
    return 1;
}

static int binary_eq(lua_State *L)
{
    lua_pushboolean(L, sl_slice_eq(check_binary(L, 1), check_binary(L, 2)));
    return 1;
}

static struct sl_timestamp *check_timestamp(lua_State *L, int index)
{
    return luaL_checkudata(L, index, SL_TIMESTAMP_MT);
}

static int timestamp_new(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    lua_Number nanoseconds = luaL_optnumber(L, 2, 0);
    luaL_argcheck(L, fabs(seconds) < SL_LUA_EXACT_MAX, 1, "out of range");
    luaL_argcheck(L, nanoseconds >= 0 && nanoseconds < 1e9, 2,
                  "out of range (0 to 999999999)");
    lua_Number whole = floor(seconds);
    if (whole != seconds) /* signalua.timestamp(1.5) */
        nanoseconds = floor((seconds - whole) * 1e9);
    sl_lua_push_timestamp(
        L, (struct sl_timestamp){ .seconds = (int64_t)whole,
                                  .nanoseconds = (uint32_t)nanoseconds });
    return 1;
}

static int timestamp_tostring(lua_State *L)
{
    const struct sl_timestamp *time = check_timestamp(L, 1);
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_writer w;
    sl_str_clear(&engine->scratch);
    sl_writer_init(&w, SL_PROTOCOL_JSON, &engine->scratch);
    if (sl_write_timestamp(&w, time->seconds, time->nanoseconds) != 0)
        lua_pushliteral(L, "timestamp beyond the years 1 to 9999");
    else /* without the quotes */
        lua_pushlstring(L, engine->scratch.ptr + 1, engine->scratch.len - 2);
    return 1;
}

static int timestamp_index(lua_State *L)
{
    const struct sl_timestamp *time = check_timestamp(L, 1);
    struct sl_slice key = sl_lua_slice(L, 2);
    if (sl_slice_eq(key, SL_SLICE("seconds")))
        lua_pushnumber(L, (lua_Number)time->seconds);
    else if (sl_slice_eq(key, SL_SLICE("nanoseconds")))
        lua_pushnumber(L, (lua_Number)time->nanoseconds);
    else
        lua_pushnil(L);
    return 1;
}

static int compare(const struct sl_timestamp *a, const struct sl_timestamp *b)
{
    if (a->seconds != b->seconds)
        return a->seconds < b->seconds ? -1 : 1;
    return a->nanoseconds < b->nanoseconds ? -1
                                           : a->nanoseconds > b->nanoseconds;
}

static int timestamp_eq(lua_State *L)
{
    lua_pushboolean(L,
                    compare(check_timestamp(L, 1), check_timestamp(L, 2)) == 0);
    return 1;
}

static int timestamp_lt(lua_State *L)
{
    lua_pushboolean(L,
                    compare(check_timestamp(L, 1), check_timestamp(L, 2)) < 0);
    return 1;
}

static int timestamp_le(lua_State *L)
{
    lua_pushboolean(L,
                    compare(check_timestamp(L, 1), check_timestamp(L, 2)) <= 0);
    return 1;
}

/* ---- to Lua ---- */

/* On the main thread: L may be a coroutine that cannot run anything now. */
static void push_wide(struct sl_engine *engine, lua_State *L, uint64_t bits,
                      bool is_unsigned)
{
    lua_State *main = engine->L;
    sl_engine_push(main, engine, SL_REF_INT64);
    lua_pushnumber(main, (lua_Number)(uint32_t)(bits >> 32));
    lua_pushnumber(main, (lua_Number)(uint32_t)bits);
    lua_pushboolean(main, is_unsigned);
    (void)sl_lua_protect(main, 3, 1, NULL);
    if (L != main)
        lua_xmove(main, L, 1);
}

void sl_lua_push_int64(struct sl_engine *engine, lua_State *L, int64_t value)
{
    if (value >= -(int64_t)SL_LUA_EXACT_MAX &&
        value <= (int64_t)SL_LUA_EXACT_MAX)
        lua_pushnumber(L, (lua_Number)value);
    else
        push_wide(engine, L, (uint64_t)value, false);
}

static void push_time(lua_State *L, const struct sl_value *value)
{
    struct sl_timestamp time;
    sl_value_timestamp(value, &time.seconds, &time.nanoseconds);
    sl_lua_push_timestamp(L, time);
}

static void push_array(struct sl_engine *engine, lua_State *L,
                       const struct sl_value *value)
{
    struct sl_value_iter iter;
    struct sl_value item;
    lua_checkstack(L, STACK_PER_LEVEL);
    lua_createtable(L, (int)sl_value_count(value), 0);
    sl_value_iter_init(&iter, value);
    for (int i = 1; sl_value_next(&iter, NULL, &item); i++) {
        sl_value_push(engine, L, &item, true);
        lua_rawseti(L, -2, i);
    }
    sl_engine_push(L, engine, SL_REF_ARRAY_MT);
    lua_setmetatable(L, -2);
}

static void push_object(struct sl_engine *engine, lua_State *L,
                        const struct sl_value *value)
{
    struct sl_value_iter iter;
    struct sl_value item;
    struct sl_slice key;
    lua_checkstack(L, STACK_PER_LEVEL);
    lua_createtable(L, 0, (int)sl_value_count(value));
    sl_value_iter_init(&iter, value);
    while (sl_value_next(&iter, &key, &item)) {
        sl_lua_push_slice(L, key);
        sl_value_push(engine, L, &item, true);
        lua_rawset(L, -3);
    }
}

void sl_value_push(struct sl_engine *engine, lua_State *L,
                   const struct sl_value *value, bool inside_table)
{
    switch (sl_value_kind(value)) {
    case SL_VALUE_BOOL: lua_pushboolean(L, sl_value_bool(value)); break;
    case SL_VALUE_INT: sl_lua_push_int64(engine, L, sl_value_int(value)); break;
    case SL_VALUE_UINT: push_wide(engine, L, sl_value_uint(value), true); break;
    case SL_VALUE_DOUBLE: lua_pushnumber(L, sl_value_double(value)); break;
    case SL_VALUE_STRING: sl_lua_push_slice(L, sl_value_string(value)); break;
    case SL_VALUE_BINARY: sl_lua_push_binary(L, sl_value_string(value)); break;
    case SL_VALUE_ARRAY: push_array(engine, L, value); break;
    case SL_VALUE_OBJECT: push_object(engine, L, value); break;
    case SL_VALUE_TIMESTAMP: push_time(L, value); break;
    case SL_VALUE_NONE:
    case SL_VALUE_NULL:
    case SL_VALUE_EXT: /* in no message that parses */
        if (inside_table)
            lua_pushlightuserdata(L, NULL);
        else
            lua_pushnil(L);
        break;
    }
}

/* ---- opening ---- */

static void make_metatable(lua_State *L, struct sl_engine *engine,
                           const char *name, const luaL_Reg *functions)
{
    luaL_newmetatable(L, name);
    sl_lua_set_functions(L, engine, functions);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void sl_lua_value_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg binary[] = { { "__tostring", binary_tostring },
                                       { "__len", binary_len },
                                       { "__eq", binary_eq },
                                       { NULL, NULL } };
    static const luaL_Reg timestamp[] = { { "__tostring", timestamp_tostring },
                                          { "__index", timestamp_index },
                                          { "__eq", timestamp_eq },
                                          { "__lt", timestamp_lt },
                                          { "__le", timestamp_le },
                                          { NULL, NULL } };
    static const luaL_Reg functions[] = { { "binary", binary_new },
                                          { "timestamp", timestamp_new },
                                          { NULL, NULL } };
    make_metatable(L, engine, SL_BINARY_MT, binary);
    make_metatable(L, engine, SL_TIMESTAMP_MT, timestamp);
    sl_lua_set_functions(L, engine, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "array_mt");
    sl_engine_keep(L, engine, SL_REF_ARRAY_MT);
}
