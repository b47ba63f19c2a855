// SPDX-License-Identifier: MIT
/*
 * self.context: [0] the handle of the connection. Fields are made when they
 * are asked for and stay in the table, so that they can still be read when the
 * connection has gone; asking for one then for the first time is an error that
 * says so. `aborted` is never kept.
 *
 * items hangs at conn->script_ref: a connection that never uses it costs
 * nothing in Lua.
 */
#include "bindings/authorize.h"
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"
#include "hub/conn.h"

#define AUTHOR 1

struct field {
    const char *name;
    void (*push)(lua_State *L, struct sl_engine *engine, struct sl_conn *conn);
    bool fresh; /* asked for anew each time */
};

static void push_connection_id(lua_State *L, struct sl_engine *engine,
                               struct sl_conn *conn)
{
    (void)engine;
    sl_lua_push_slice(L, sl_conn_id(conn));
}

static void push_user_id(lua_State *L, struct sl_engine *engine,
                         struct sl_conn *conn)
{
    (void)engine;
    lua_pushstring(L, conn->user_id); /* NULL: nil */
}

static void push_authenticated(lua_State *L, struct sl_engine *engine,
                               struct sl_conn *conn)
{
    (void)engine;
    lua_pushboolean(L, conn->authenticated);
}

static void push_claims(lua_State *L, struct sl_engine *engine,
                        struct sl_conn *conn)
{
    sl_lua_push_claims(L, engine, conn->identity);
}

static void push_items(lua_State *L, struct sl_engine *engine,
                       struct sl_conn *conn)
{
    (void)engine;
    if (conn->script_ref == SL_SCRIPT_NOREF) {
        lua_newtable(L);
        conn->script_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, conn->script_ref);
}

static void push_transport(lua_State *L, struct sl_engine *engine,
                           struct sl_conn *conn)
{
    (void)engine;
    lua_pushstring(L, sl_transport_names[conn->transport]);
}

static void push_protocol(lua_State *L, struct sl_engine *engine,
                          struct sl_conn *conn)
{
    (void)engine;
    lua_pushstring(L, conn->protocol == NULL ? NULL : conn->protocol->name);
}

static void push_remote_address(lua_State *L, struct sl_engine *engine,
                                struct sl_conn *conn)
{
    (void)engine;
    sl_lua_push_slice(L, sl_request_head_remote(conn->head));
}

static void push_path(lua_State *L, struct sl_engine *engine,
                      struct sl_conn *conn)
{
    (void)engine;
    sl_lua_push_slice(L, sl_request_head_path(conn->head));
}

static void push_query(lua_State *L, struct sl_engine *engine,
                       struct sl_conn *conn)
{
    sl_lua_push_query(L, engine, sl_request_head_query(conn->head));
}

static void push_headers(lua_State *L, struct sl_engine *engine,
                         struct sl_conn *conn)
{
    (void)engine;
    unsigned count = sl_request_head_count(conn->head);
    lua_createtable(L, 0, (int)count);
    for (unsigned i = 0; i < count; i++)
        sl_lua_set_header(L, sl_request_head_at(conn->head, i));
}

static void push_aborted(lua_State *L, struct sl_engine *engine,
                         struct sl_conn *conn)
{
    (void)engine;
    lua_pushboolean(L, conn->aborted || conn->state == SL_CONN_CLOSING);
}

static void push_hub(lua_State *L, struct sl_engine *engine,
                     struct sl_conn *conn)
{
    (void)engine;
    lua_pushstring(L, conn->entry->name);
}

static void push_pod(lua_State *L, struct sl_engine *engine,
                     struct sl_conn *conn)
{
    (void)conn;
    lua_pushstring(L, engine->pod);
}

static void push_worker(lua_State *L, struct sl_engine *engine,
                        struct sl_conn *conn)
{
    (void)conn;
    lua_pushinteger(L, (lua_Integer)engine->worker);
}

static void push_version(lua_State *L, struct sl_engine *engine,
                         struct sl_conn *conn)
{
    (void)conn;
    lua_pushstring(L, sl_engine_generation(engine)->set->version);
}

static const struct field fields[] = {
    { "connection_id", push_connection_id, false },
    { "user_id", push_user_id, false },
    { "items", push_items, false },
    { "authenticated", push_authenticated, false },
    { "claims", push_claims, false },
    { "transport", push_transport, false },
    { "protocol", push_protocol, false },
    { "remote_address", push_remote_address, false },
    { "path", push_path, false },
    { "query", push_query, false },
    { "headers", push_headers, false },
    { "aborted", push_aborted, true },
    { "hub", push_hub, false },
    { "pod", push_pod, false },
    { "worker", push_worker, false },
    { "version", push_version, false },
};

void sl_lua_set_header(lua_State *L, struct sl_header header)
{
    sl_lua_push_slice(L, header.name);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    bool first = lua_isnil(L, -1);
    lua_pop(L, 1);
    if (first) {
        sl_lua_push_slice(L, header.value);
        lua_rawset(L, -3);
    } else {
        lua_pop(L, 1);
    }
}

static void push_decoded(lua_State *L, struct sl_engine *engine,
                         struct sl_slice text)
{
    sl_str_clear(&engine->scratch);
    (void)sl_url_decode(&engine->scratch, text, true);
    sl_lua_push_slice(L, sl_str_slice(&engine->scratch));
}

void sl_lua_push_query(lua_State *L, struct sl_engine *engine,
                       struct sl_slice query)
{
    struct sl_query_iter iter = { query };
    struct sl_slice name, value;
    lua_newtable(L);
    while (sl_query_next(&iter, &name, &value)) {
        push_decoded(L, engine, name);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        bool first = lua_isnil(L, -1);
        lua_pop(L, 1);
        if (first) {
            push_decoded(L, engine, value);
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 1);
        }
    }
}

static struct sl_conn *context_conn(lua_State *L, struct sl_engine *engine)
{
    if (!lua_istable(L, 1))
        return NULL;
    lua_rawgeti(L, 1, 0);
    sl_slot_id handle = sl_lua_handle(L, -1);
    lua_pop(L, 1);
    return sl_world_conn(engine->world, handle);
}

static int push_field(lua_State *L, struct sl_engine *engine,
                      const struct field *field)
{
    struct sl_conn *conn = context_conn(L, engine);
    if (conn == NULL) {
        if (field->push == push_aborted) {
            lua_pushboolean(L, 1);
            return 1;
        }
        return sl_lua_raise(L, AUTHOR,
                            "context.%s: the connection is gone (what is read "
                            "before stays readable)",
                            field->name);
    }
    field->push(L, engine, conn);
    if (!field->fresh) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, 1);
    }
    return 1;
}

/* context:abort([text]) */
static int context_abort(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    if (!lua_istable(L, 1))
        return sl_lua_raise(L, AUTHOR,
                            "call it with a colon: "
                            "context:abort()");
    struct sl_slice text = { 0 };
    if (lua_type(L, 2) == LUA_TSTRING)
        text = sl_lua_slice(L, 2);
    else if (!lua_isnoneornil(L, 2))
        return sl_lua_raise(L, AUTHOR, "the text must be a string, not %s",
                            luaL_typename(L, 2));
    struct sl_conn *conn = context_conn(L, engine);

    if (conn != NULL)
        sl_conn_abort(conn, text);

    return 0;
}

/* abort stands behind the fields. */
static const char *name_at(unsigned at)
{
    if (at < SL_COUNT(fields))
        return fields[at].name;
    return at == SL_COUNT(fields) ? "abort" : NULL;
}

static int context_index(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    lua_settop(L, 2);
    struct sl_slice key = sl_lua_slice(L, 2);
    for (unsigned i = 0; key.ptr != NULL && i < SL_COUNT(fields); i++)
        if (sl_slice_eq(key, sl_slice_str(fields[i].name)))
            return push_field(L, engine, &fields[i]);
    if (key.ptr != NULL && sl_slice_eq(key, SL_SLICE("abort"))) {
        lua_pushvalue(L, lua_upvalueindex(2));
        return 1;
    }
    return sl_lua_raise_unknown(L, AUTHOR, "context", 2, name_at);
}

void sl_lua_context_open(lua_State *L, struct sl_engine *engine)
{
    lua_newtable(L);
    lua_pushlightuserdata(L, engine);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, context_abort, 1);
    lua_pushcclosure(L, context_index, 2);
    lua_setfield(L, -2, "__index");
    lua_setfield(L, -2, "context_mt");
}
