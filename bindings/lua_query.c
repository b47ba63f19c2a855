// SPDX-License-Identifier: MIT
/*
 * The ids are copied where the answer comes and become Lua strings when the
 * coroutine goes on.
 */
#include "bindings/lua_query.h"

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "bindings/lua_wait.h"

struct query_wait {
    struct sl_wait wait;
    struct sl_engine *engine;
    enum sl_lua_query_gives gives;
    int err;
    uint64_t count;
    struct sl_str ids;
};

static void on_found(void *user, int err, uint64_t count, struct sl_slice ids)
{
    struct query_wait *own = user;
    own->err = err;
    own->count = count;
    sl_str_add_slice(&own->ids, ids);
    sl_wait_done(&own->wait);
}

static void push_ids(lua_State *L, const struct query_wait *own)
{
    sl_assert(own->ids.len == own->count * SL_ID_LEN);
    lua_createtable(L, (int)own->count, 0);
    for (size_t i = 0; i < own->count; i++) {
        lua_pushlstring(L, own->ids.ptr + i * SL_ID_LEN, SL_ID_LEN);
        lua_rawseti(L, -2, (int)i + 1);
    }
    sl_engine_push(L, own->engine, SL_REF_ARRAY_MT);
    lua_setmetatable(L, -2);
}

static int push_found(struct sl_wait *wait, lua_State *L)
{
    struct query_wait *own = SL_CONTAINER_OF(wait, struct query_wait, wait);
    lua_pushboolean(L, own->err == 0);
    if (own->err == SL_E_VALUE)
        lua_pushliteral(L, "a name is empty or too long");
    else if (own->err != 0)
        lua_pushfstring(L, "asking the workers failed: %s",
                        sl_err_text(own->err));
    else if (own->gives == SL_GIVES_IDS)
        push_ids(L, own);
    else if (own->gives == SL_GIVES_ANY)
        lua_pushboolean(L, own->count > 0);
    else
        lua_pushnumber(L, (lua_Number)own->count);
    return 2;
}

static void free_query(struct sl_wait *wait)
{
    struct query_wait *own = SL_CONTAINER_OF(wait, struct query_wait, wait);
    sl_str_release(&own->ids);
    sl_free(own);
}

int sl_lua_query(lua_State *L, struct sl_hub *hub, const struct sl_query *query,
                 enum sl_lua_query_gives gives)
{
    struct query_wait *own = sl_zalloc(sizeof(*own));
    own->wait.push = push_found;
    own->wait.free = free_query;
    own->engine = sl_engine_of(L);
    own->gives = gives;
    sl_hub_query(hub, query, on_found, own);

    return sl_lua_wait(L, &own->wait);
}
