// SPDX-License-Identifier: MIT
/*
 * signalua.store: the commands of core/store as functions. The reply borrows
 * for the length of its callback, which may run under the store's lock, so it
 * is copied there in plain C and turned into Lua afterwards.
 */
#include "bindings/bindings.h"
#include "bindings/lua_value.h"
#include "bindings/lua_wait.h"
#include "store/store.h"

#include "base/mem.h"

#define STORE_ARGS_MAX 1000 /* arguments of one command, its name included */

static const char *const commands[] = {
    "get",    "set",      "del",  "incr", "expire", "ttl",     "rpush",
    "lrange", "ltrim",    "hget", "hset", "hdel",   "hgetall", "sadd",
    "srem",   "smembers", "zadd", "zrem", "zrange",
};

/* A reply of our own: texts one after another, their lengths beside. */
struct store_wait {
    struct sl_wait wait;
    struct sl_engine *engine;
    enum sl_reply_kind kind;
    bool pairs; /* an array is one of names and values */
    int64_t integer;
    struct sl_str text;
    ptrdiff_t *lens; /* of the items; -1: nil */
    unsigned count;
};

static void on_reply(void *user, const struct sl_reply *reply)
{
    struct store_wait *own = user;
    own->kind = reply->kind;
    own->integer = reply->integer;
    if (reply->kind == SL_REPLY_ARRAY) {
        own->count = reply->item_count;
        own->lens = sl_alloc(own->count * sizeof(*own->lens));
        for (unsigned i = 0; i < own->count; i++) {
            struct sl_slice item = reply->items[i];
            own->lens[i] = item.ptr == NULL ? -1 : (ptrdiff_t)item.len;
            if (item.ptr != NULL)
                sl_str_add_slice(&own->text, item);
        }
    } else {
        sl_str_add_slice(&own->text, reply->text);
    }
    sl_wait_done(&own->wait);
}

/* The text number i, which begins at *at. */
static void push_item(lua_State *L, const struct store_wait *own, unsigned i,
                      size_t *at)
{
    if (own->lens[i] < 0) {
        lua_pushlightuserdata(L, NULL);
        return;
    }
    sl_lua_push_slice(L,
                      sl_slice_of(own->text.ptr + *at, (size_t)own->lens[i]));
    *at += (size_t)own->lens[i];
}

static void push_items(lua_State *L, const struct store_wait *own)
{
    size_t at = 0;
    lua_createtable(L, (int)own->count, 0);
    for (unsigned i = 0; i < own->count; i++) {
        push_item(L, own, i, &at);
        lua_rawseti(L, -2, (int)i + 1);
    }
    sl_engine_push(L, own->engine, SL_REF_ARRAY_MT);
    lua_setmetatable(L, -2);
}

static void push_pairs(lua_State *L, const struct store_wait *own)
{
    size_t at = 0;
    lua_createtable(L, 0, (int)own->count / 2);
    for (unsigned i = 0; i + 1 < own->count; i += 2) {
        push_item(L, own, i, &at);
        push_item(L, own, i + 1, &at);
        lua_rawset(L, -3);
    }
}

static int push_reply(struct sl_wait *wait, lua_State *L)
{
    struct store_wait *own = SL_CONTAINER_OF(wait, struct store_wait, wait);
    lua_pushboolean(L, own->kind != SL_REPLY_ERROR);
    switch (own->kind) {
    case SL_REPLY_NIL: lua_pushnil(L); break;
    case SL_REPLY_INTEGER:
        sl_lua_push_int64(own->engine, L, own->integer);
        break;
    case SL_REPLY_ARRAY:
        if (own->pairs)
            push_pairs(L, own);
        else
            push_items(L, own);
        break;
    case SL_REPLY_STATUS:
    case SL_REPLY_STRING:
    case SL_REPLY_ERROR: sl_lua_push_slice(L, sl_str_slice(&own->text)); break;
    }
    return 2;
}

static void free_reply(struct sl_wait *wait)
{
    struct store_wait *own = SL_CONTAINER_OF(wait, struct store_wait, wait);
    sl_str_release(&own->text);
    sl_free(own->lens);
    sl_free(own);
}

/* Texts and numbers are arguments; binary objects are their bytes. Numbers are
 * made into texts where they stand on the stack. */
SL_RAISES static void check_args(lua_State *L, int count)
{
    if (count > STORE_ARGS_MAX)
        sl_lua_raise(L, 2, "too many arguments");
    for (int i = 2; i <= count; i++) {
        int type = lua_type(L, i);
        if (type == LUA_TNUMBER) {
            lua_Number number = lua_tonumber(L, i);
            lua_Integer whole = lua_tointeger(L, i);
            char text[32];
            if ((lua_Number)whole == number)
                snprintf(text, sizeof(text), "%td", whole);
            else
                snprintf(text, sizeof(text), "%.17g", number);
            lua_pushstring(L, text);
            lua_replace(L, i);
        } else if (type != LUA_TSTRING &&
                   luaL_testudata(L, i, SL_BINARY_MT) == NULL) {
            sl_lua_raise(L, 2,
                         "argument %d of store.%s must be a string or a "
                         "number, not %s",
                         i - 1, lua_tostring(L, 1), luaL_typename(L, i));
        }
    }
}

/* store(name, ...), called by signalua.lua. */
static int store_command(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    int count = lua_gettop(L);
    check_args(L, count);
    sl_wait_check(L);

    struct sl_slice argv[STORE_ARGS_MAX];
    for (int i = 1; i <= count; i++)
        argv[i - 1] = lua_type(L, i) == LUA_TSTRING
                          ? sl_lua_slice(L, i)
                          : sl_slice_of(lua_touserdata(L, i), lua_objlen(L, i));
    struct store_wait *own = sl_zalloc(sizeof(*own));
    own->engine = engine;
    own->pairs = sl_slice_eq(sl_lua_slice(L, 1), SL_SLICE("hgetall"));
    own->wait.push = push_reply;
    own->wait.free = free_reply;
    sl_store_command(engine->store, argv, (unsigned)count, on_reply, own);

    return sl_lua_wait(L, &own->wait);
}

void sl_lua_store_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "store", store_command },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_createtable(L, (int)SL_COUNT(commands), 0);
    for (unsigned i = 0; i < SL_COUNT(commands); i++) {
        lua_pushstring(L, commands[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "store_commands");
}
