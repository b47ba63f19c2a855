// SPDX-License-Identifier: MIT
/*
 * self.clients and Hub.clients, and the proxies they give.
 *
 * Both are plain tables that hold no pointer. Clients: [0] the number of the
 * hub's name, [1] the handle of the caller's connection (absent outside of
 * invocations). A proxy: [0] that number and the audience in one, [1] the name
 * or names, [2] the connection ids left out. The slots lie in the table's own
 * block, so a proxy is one allocation.
 *
 * Clients have one metatable per hub, made by engine.lua: it finds the methods
 * and the proxy of everybody without calling us. Its [0] is the engine, by
 * which we know it.
 */
#include "bindings/lua_clients.h"

#include "bindings/bindings.h"
#include "bindings/lua_query.h"
#include "bindings/lua_wait.h"
#include "hub/conn.h"

#include "base/err.h"
#include "base/mem.h"

#define AUTHOR 1  /* these functions are called by authors directly */
#define WRAPPED 2 /* ... but those that wait: level 1 is engine.lua's */

enum clients_slot { CLIENTS_HUB, CLIENTS_CALLER };

#define AUDIENCES 4u /* SL_TO_ALL ... SL_TO_USERS: [0] is hub * 4 + audience */

/* ---- arguments ---- */

static bool has_metatable(lua_State *L, int ref)
{
    if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
        return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

static unsigned slot_number(lua_State *L, int slot)
{
    lua_rawgeti(L, 1, slot);
    unsigned value = (unsigned)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return value;
}

static bool is_clients(lua_State *L, const struct sl_engine *engine)
{
    if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
        return false;
    lua_rawgeti(L, -1, 0);
    bool same = lua_touserdata(L, -1) == engine;
    lua_pop(L, 2);
    return same;
}

SL_RAISES static void check_clients(lua_State *L, const char *method)
{
    if (!is_clients(L, sl_engine_of(L)))
        sl_lua_raise(L, AUTHOR, "call it with a colon: clients:%s(...)",
                     method);
}

SL_RAISES static void check_name(lua_State *L, int level, int index,
                                 const char *what)
{
    if (lua_type(L, index) != LUA_TSTRING)
        sl_lua_raise(L, level, "%s must be a string, not %s", what,
                     luaL_typename(L, index));
    if (lua_objlen(L, index) == 0)
        sl_lua_raise(L, level, "%s is empty", what);
}

SL_RAISES static void check_names(lua_State *L, int index, const char *what)
{
    if (!lua_istable(L, index))
        sl_lua_raise(L, AUTHOR, "%s must be a list of strings, not %s", what,
                     luaL_typename(L, index));
    int count = (int)lua_objlen(L, index);
    if (count > SL_TARGET_NAMES_MAX)
        sl_lua_raise(L, AUTHOR, "%s are too many: at most %d in one send", what,
                     SL_TARGET_NAMES_MAX);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        if (lua_type(L, -1) != LUA_TSTRING)
            sl_lua_raise(L, AUTHOR, "%s[%d] must be a string, not %s", what, i,
                         luaL_typename(L, -1));
        lua_pop(L, 1);
    }
}

/* ---- proxies ---- */

/* Pops nothing; names and except are stack indexes, 0: none. */
static void push_proxy(lua_State *L, struct sl_engine *engine,
                       unsigned hub_index, enum sl_audience audience, int names,
                       int except)
{
    lua_createtable(L, SL_PROXY_EXCEPT, 0);
    lua_pushinteger(L, (lua_Integer)hub_index * AUDIENCES + audience);
    lua_rawseti(L, -2, SL_PROXY_WHERE);
    if (names != 0) {
        lua_pushvalue(L, names);
        lua_rawseti(L, -2, SL_PROXY_NAMES);
    }
    if (except != 0) {
        lua_pushvalue(L, except);
        lua_rawseti(L, -2, SL_PROXY_EXCEPT);
    }
    sl_engine_push(L, engine, SL_REF_PROXY_MT);
    lua_setmetatable(L, -2);
}

/* Pushes the caller's connection id; an empty list when that connection is
 * gone, so that nobody is meant. */
static void push_caller(lua_State *L, struct sl_engine *engine)
{
    lua_rawgeti(L, 1, CLIENTS_CALLER);
    struct sl_conn *conn = sl_world_conn(engine->world, sl_lua_handle(L, -1));
    lua_pop(L, 1);
    if (conn != NULL)
        sl_lua_push_slice(L, sl_conn_id(conn));
    else
        lua_newtable(L);
}

SL_RAISES static void check_caller(lua_State *L, const char *what)
{
    lua_rawgeti(L, 1, CLIENTS_CALLER);
    if (lua_isnil(L, -1))
        sl_lua_raise(L, AUTHOR,
                     "clients%s is only there inside a call, as self.clients%s",
                     what, what);
    lua_pop(L, 1);
}

static int clients_one(lua_State *L, const char *method, const char *what,
                       enum sl_audience audience)
{
    check_clients(L, method);
    check_name(L, AUTHOR, 2, what);
    push_proxy(L, sl_engine_of(L), slot_number(L, CLIENTS_HUB), audience, 2, 0);
    return 1;
}

static int clients_many(lua_State *L, const char *method, const char *what,
                        enum sl_audience audience)
{
    check_clients(L, method);
    check_names(L, 2, what);
    push_proxy(L, sl_engine_of(L), slot_number(L, CLIENTS_HUB), audience, 2, 0);
    return 1;
}

static int clients_client(lua_State *L)
{
    return clients_one(L, "client", "the connection id", SL_TO_CLIENTS);
}

static int clients_clients(lua_State *L)
{
    return clients_many(L, "clients", "connection ids", SL_TO_CLIENTS);
}

static int clients_group(lua_State *L)
{
    return clients_one(L, "group", "the group", SL_TO_GROUPS);
}

static int clients_groups(lua_State *L)
{
    return clients_many(L, "groups", "groups", SL_TO_GROUPS);
}

static int clients_user(lua_State *L)
{
    return clients_one(L, "user", "the user id", SL_TO_USERS);
}

static int clients_users(lua_State *L)
{
    return clients_many(L, "users", "user ids", SL_TO_USERS);
}

static int clients_all_except(lua_State *L)
{
    check_clients(L, "all_except");
    check_names(L, 2, "connection ids");
    push_proxy(L, sl_engine_of(L), slot_number(L, CLIENTS_HUB), SL_TO_ALL, 0,
               2);
    return 1;
}

static int clients_group_except(lua_State *L)
{
    check_clients(L, "group_except");
    check_name(L, AUTHOR, 2, "the group");
    check_names(L, 3, "connection ids");
    push_proxy(L, sl_engine_of(L), slot_number(L, CLIENTS_HUB), SL_TO_GROUPS, 2,
               3);
    return 1;
}

static int clients_others_in_group(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    check_clients(L, "others_in_group");
    check_name(L, AUTHOR, 2, "the group");
    check_caller(L, ":others_in_group");
    push_caller(L, engine);
    push_proxy(L, engine, slot_number(L, CLIENTS_HUB), SL_TO_GROUPS, 2,
               lua_gettop(L));
    return 1;
}

/* ---- all, caller, others ---- */

static const char *name_at(unsigned at)
{
    static const char *const names[] = {
        "all",     "caller", "others", "all_except",   "client",
        "clients", "group",  "groups", "group_except", "others_in_group",
        "user",    "users",  NULL,
    };
    return names[at];
}

/* clients:send("Hello"), but to whom? */
SL_RAISES static void check_not_of_proxies(lua_State *L, struct sl_slice key)
{
    static const char *const functions[] = { "send", "invoke", "count", "close",
                                             "timeout" };
    for (unsigned i = 0; i < SL_COUNT(functions); i++)
        if (sl_slice_eq(key, sl_slice_str(functions[i])))
            sl_lua_raise(
                L, AUTHOR, "clients:%s, but of whom? Write clients.%s:%s(...)",
                functions[i],
                functions[i][0] == 'i' || functions[i][0] == 't' ? "caller"
                                                                 : "all",
                functions[i]);
}

/* What the table of methods does not have. */
static int clients_index(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_slice key = lua_type(L, 2) == LUA_TSTRING
                              ? sl_lua_slice(L, 2)
                              : (struct sl_slice){ 0 };
    bool caller = sl_slice_eq(key, SL_SLICE("caller"));
    if (!caller && !sl_slice_eq(key, SL_SLICE("others"))) {
        check_not_of_proxies(L, key);
        return sl_lua_raise_unknown(L, AUTHOR, "clients", 2, name_at);
    }
    lua_settop(L, 2);
    check_caller(L, caller ? ".caller" : ".others");
    push_caller(L, engine);
    push_proxy(L, engine, slot_number(L, CLIENTS_HUB),
               caller ? SL_TO_CLIENTS : SL_TO_ALL, caller ? 3 : 0,
               caller ? 0 : 3);
    return 1;
}

/* ---- send ---- */

/* A name or a list of names at the index: appended to engine->names. Lists
 * were checked when the proxy was made, and may have been changed since: what
 * is no string is left out. */
static unsigned add_names(lua_State *L, struct sl_engine *engine, int index,
                          unsigned used)
{
    unsigned count = 1;
    if (lua_istable(L, index))
        count = (unsigned)lua_objlen(L, index);
    if (count > SL_TARGET_NAMES_MAX)
        count = SL_TARGET_NAMES_MAX;
    if (used + count > engine->name_cap) {
        engine->name_cap = used + count;
        engine->names = sl_realloc(engine->names,
                                   engine->name_cap * sizeof(*engine->names));
    }
    if (lua_type(L, index) == LUA_TSTRING) {
        engine->names[used] = sl_lua_slice(L, index);
        return 1;
    }
    unsigned added = 0;
    for (unsigned i = 1; lua_istable(L, index) && i <= count; i++) {
        lua_rawgeti(L, index, (int)i);
        if (lua_type(L, -1) == LUA_TSTRING)
            engine->names[used + added++] = sl_lua_slice(L, -1);
        lua_pop(L, 1); /* the table keeps it */
    }
    return added;
}

SL_RAISES int sl_lua_proxy_raise(lua_State *L, int level, int err,
                                 const struct sl_encode *encode,
                                 struct sl_slice target)
{
    struct sl_str *out = &encode->engine->scratch;
    sl_str_clear(out);
    if (encode->wrong != NULL) {
        sl_str_add_fmt(out, "argument %d of \"%.*s\"", encode->at + 1,
                       (int)target.len, target.ptr);
        sl_encode_explain(encode, out);
    } else if (err == SL_E_VALUE) {
        sl_str_add_lit(out, "a name in this send is empty or too long");
    } else {
        sl_str_add_fmt(out, "sending \"%.*s\" failed: %s", (int)target.len,
                       target.ptr, sl_err_text(err));
    }
    return sl_lua_raise(L, level, "%s", sl_str_cstr(out));
}

bool sl_lua_proxy_read(lua_State *L, struct sl_engine *engine,
                       struct sl_proxy *proxy)
{
    if (!has_metatable(L, engine->refs[SL_REF_PROXY_MT]))
        return false;
    unsigned where = slot_number(L, SL_PROXY_WHERE);
    proxy->audience = (enum sl_audience)(where % AUDIENCES);
    proxy->hub_index = where / AUDIENCES;
    proxy->hub = sl_engine_hub(engine, proxy->hub_index);
    return true;
}

SL_RAISES static void check_proxy(lua_State *L, int level, const char *example,
                                  struct sl_proxy *proxy)
{
    struct sl_engine *engine = sl_engine_of(L);
    if (!sl_lua_proxy_read(L, engine, proxy))
        sl_lua_raise(L, level, "call it with a colon, as in clients.%s",
                     example);
    unsigned index = proxy->hub_index;
    if (proxy->hub == NULL)
        sl_lua_raise(L, level,
                     "hub \"%s\" is not served yet: wait until the scripts "
                     "are loaded",
                     index < engine->hub_name_count
                         ? engine->hub_names[index].name
                         : "?");
}

SL_RAISES void sl_lua_proxy_check(lua_State *L, int level, const char *example,
                                  struct sl_proxy *proxy)
{
    check_proxy(L, level, example, proxy);
    check_name(L, level, 2, "the target");
}

/* Reads the proxy at 1. The slices borrow from its strings. */
static void read_proxy(lua_State *L, struct sl_engine *engine,
                       struct sl_send *send)
{
    if (send->audience == SL_TO_ALL)
        send->name_count = 0;
    else {
        lua_rawgeti(L, 1, SL_PROXY_NAMES);
        send->name_count = add_names(L, engine, lua_gettop(L), 0);
        lua_pop(L, 1);
    }
    lua_rawgeti(L, 1, SL_PROXY_EXCEPT);
    if (!lua_isnil(L, -1))
        send->except_count =
            add_names(L, engine, lua_gettop(L), send->name_count);
    lua_pop(L, 1);
    send->names = engine->names;
    send->except =
        engine->names + (send->except_count > 0 ? send->name_count : 0);
}

static int proxy_send(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_proxy proxy = { .hub = NULL };
    sl_lua_proxy_check(L, AUTHOR, "all:send(target, ...)", &proxy);
    int arg_count = lua_gettop(L) - 2;
    struct sl_encode encode;
    sl_encode_init(&encode, engine, L, 3, arg_count);
    struct sl_send send = { .audience = proxy.audience,
                            .target = sl_lua_slice(L, 2),
                            .arg_count = (size_t)arg_count,
                            .args = sl_encode,
                            .user = &encode };
    read_proxy(L, engine, &send);

    int err = sl_hub_send(proxy.hub, &send);

    return err == 0 ? 0
                    : sl_lua_proxy_raise(L, AUTHOR, err, &encode, send.target);
}

/* ---- count and close ---- */

static int query(lua_State *L, const struct sl_proxy *proxy,
                 enum sl_query_kind kind, struct sl_slice text)
{
    struct sl_send whom = { .audience = proxy->audience };
    sl_wait_check(L);
    read_proxy(L, sl_engine_of(L), &whom);
    return sl_lua_query(L, proxy->hub,
                        &(struct sl_query){
                            .kind = kind,
                            .audience = whom.audience,
                            .names = whom.names,
                            .name_count = whom.name_count,
                            .except = whom.except,
                            .except_count = whom.except_count,
                            .text = text,
                        },
                        SL_GIVES_COUNT);
}

/* count(): how many connections are meant. */
static int proxy_count(lua_State *L)
{
    struct sl_proxy proxy = { .hub = NULL };
    check_proxy(L, WRAPPED, "all:count()", &proxy);
    return query(L, &proxy, SL_QUERY_COUNT, (struct sl_slice){ 0 });
}

/* close([text]): ends them; how many. */
static int proxy_close(lua_State *L)
{
    struct sl_proxy proxy = { .hub = NULL };
    struct sl_slice text = { 0 };
    check_proxy(L, WRAPPED, "all:close(text)", &proxy);
    if (lua_type(L, 2) == LUA_TSTRING)
        text = sl_lua_slice(L, 2);
    else if (!lua_isnoneornil(L, 2))
        return sl_lua_raise(L, WRAPPED, "the text must be a string, not %s",
                            luaL_typename(L, 2));
    return query(L, &proxy, SL_QUERY_CLOSE, text);
}

/* ---- opening ---- */

static void copy_fields(lua_State *L, int from, int to)
{
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

/* clients_known(hub_index): the methods, and `all`. */
static int clients_known(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    unsigned index = (unsigned)luaL_checkinteger(L, 1);
    luaL_argcheck(L, index < engine->hub_name_count, 1, "no such hub");
    lua_settop(L, 1);
    lua_newtable(L);
    sl_engine_push(L, engine, SL_REF_CLIENTS_METHODS);
    copy_fields(L, 3, 2);
    push_proxy(L, engine, index, SL_TO_ALL, 0, 0);
    lua_setfield(L, 2, "all");
    lua_settop(L, 2);
    return 1;
}

void sl_lua_clients_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "clients_known", clients_known },
                                          { "clients_index", clients_index },
                                          { "proxy_count", proxy_count },
                                          { "proxy_close", proxy_close },
                                          { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "all_except", clients_all_except },
        { "client", clients_client },
        { "clients", clients_clients },
        { "group", clients_group },
        { "groups", clients_groups },
        { "group_except", clients_group_except },
        { "others_in_group", clients_others_in_group },
        { "user", clients_user },
        { "users", clients_users },
        { NULL, NULL },
    };
    static const luaL_Reg proxy[] = { { "send", proxy_send },
                                      { "timeout", sl_lua_proxy_timeout },
                                      { NULL, NULL } };

    sl_lua_set_functions(L, engine, functions);
    lua_pushlightuserdata(L, engine);
    lua_setfield(L, -2, "clients_mark");
    lua_newtable(L);
    sl_lua_set_functions(L, engine, methods);
    sl_engine_keep(L, engine, SL_REF_CLIENTS_METHODS);

    lua_newtable(L);
    lua_newtable(L);
    sl_lua_set_functions(L, engine, proxy);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "proxy_methods"); /* engine.lua adds more */
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "proxy_mt");
    sl_engine_keep(L, engine, SL_REF_PROXY_MT);
}
