// SPDX-License-Identifier: MIT
/*
 * self.groups and Hub.groups: [0] the number of the hub's name, [1] the handle
 * of the caller's connection. A change waits until it holds, which for a
 * connection of this worker is at once.
 */
#include "bindings/bindings.h"
#include "bindings/lua_query.h"
#include "bindings/lua_wait.h"
#include "hub/conn.h"
#include "hub/targets.h"

#include "base/err.h"
#include "base/mem.h"

#define AUTHOR 2 /* the wrapper in engine.lua is level 1 */

enum groups_slot { GROUPS_HUB, GROUPS_CALLER };

struct group_wait {
    struct sl_wait wait;
    int err;
};

static void on_changed(void *user, int err)
{
    struct group_wait *change = user;
    change->err = err;
    sl_wait_done(&change->wait);
}

static int push_outcome(struct sl_wait *wait, lua_State *L)
{
    int err = SL_CONTAINER_OF(wait, struct group_wait, wait)->err;
    lua_pushboolean(L, err == 0);
    if (err == 0)
        return 1;
    lua_pushfstring(L, "changing the group failed: %s", sl_err_text(err));
    return 2;
}

static void free_change(struct sl_wait *wait)
{
    sl_free(SL_CONTAINER_OF(wait, struct group_wait, wait));
}

SL_RAISES static void check_groups(lua_State *L, const char *method)
{
    bool same = false;
    if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
        sl_engine_push(L, sl_engine_of(L), SL_REF_GROUPS_MT);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    if (!same)
        sl_lua_raise(L, AUTHOR, "call it with a colon: groups:%s(group)",
                     method);
}

SL_RAISES static struct sl_hub *check_hub(lua_State *L,
                                          struct sl_engine *engine)
{
    lua_rawgeti(L, 1, GROUPS_HUB);
    struct sl_hub *hub = sl_engine_hub(engine, (unsigned)lua_tointeger(L, -1));
    lua_pop(L, 1);
    if (hub == NULL)
        sl_lua_raise(L, AUTHOR, "that hub is not served yet");
    return hub;
}

SL_RAISES static struct sl_slice check_group(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        sl_lua_raise(L, AUTHOR, "the group must be a string, not %s",
                     luaL_typename(L, 2));
    struct sl_slice group = sl_lua_slice(L, 2);
    if (group.len == 0 || group.len > SL_GROUP_NAME_MAX)
        sl_lua_raise(L, AUTHOR, "the group's name must have 1 to %d bytes",
                     SL_GROUP_NAME_MAX);
    return group;
}

/* The third argument, or the caller's own id. */
SL_RAISES static struct sl_slice check_id(lua_State *L,
                                          struct sl_engine *engine)
{
    if (!lua_isnoneornil(L, 3)) {
        if (lua_type(L, 3) != LUA_TSTRING)
            sl_lua_raise(L, AUTHOR,
                         "the connection id must be a string, not "
                         "%s",
                         luaL_typename(L, 3));
        return sl_lua_slice(L, 3);
    }
    lua_rawgeti(L, 1, GROUPS_CALLER);
    if (lua_isnil(L, -1))
        sl_lua_raise(L, AUTHOR,
                     "outside of a call say which connection: "
                     "groups:add(group, id)");
    struct sl_conn *conn = sl_world_conn(engine->world, sl_lua_handle(L, -1));
    if (conn == NULL)
        sl_lua_raise(L, AUTHOR, "the connection is gone");
    return sl_conn_id(conn);
}

static int change(lua_State *L, bool add)
{
    struct sl_engine *engine = sl_engine_of(L);
    check_groups(L, add ? "add" : "remove");
    struct sl_slice group = check_group(L);
    struct sl_slice id = check_id(L, engine);
    sl_wait_check(L);
    struct sl_hub *hub = check_hub(L, engine);

    struct group_wait *change = sl_zalloc(sizeof(*change));
    change->wait.push = push_outcome;
    change->wait.free = free_change;
    sl_hub_change_group(hub, add, group, id, on_changed, change);

    return sl_lua_wait(L, &change->wait);
}

static int groups_add(lua_State *L)
{
    return change(L, true);
}

static int groups_remove(lua_State *L)
{
    return change(L, false);
}

static int query(lua_State *L, const char *method, enum sl_query_kind kind,
                 enum sl_lua_query_gives gives)
{
    check_groups(L, method);
    struct sl_slice group = check_group(L);
    struct sl_hub *hub = check_hub(L, sl_engine_of(L));
    sl_wait_check(L);
    return sl_lua_query(L, hub,
                        &(struct sl_query){ .kind = kind,
                                            .audience = SL_TO_GROUPS,
                                            .names = &group,
                                            .name_count = 1 },
                        gives);
}

/* members(group): their connection ids. */
static int groups_members(lua_State *L)
{
    return query(L, "members", SL_QUERY_IDS, SL_GIVES_IDS);
}

static int groups_count(lua_State *L)
{
    return query(L, "count", SL_QUERY_COUNT, SL_GIVES_COUNT);
}

void sl_lua_groups_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "groups_add", groups_add },
                                          { "groups_remove", groups_remove },
                                          { "groups_members", groups_members },
                                          { "groups_count", groups_count },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "groups_mt");
    sl_engine_keep(L, engine, SL_REF_GROUPS_MT);
}
