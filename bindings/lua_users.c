// SPDX-License-Identifier: MIT
/*
 * self.users and Hub.users: [0] the number of the hub's name.
 */
#include "bindings/bindings.h"
#include "bindings/lua_query.h"
#include "bindings/lua_wait.h"

#include "base/limits.h"

#define AUTHOR 2 /* the wrapper in engine.lua is level 1 */

SL_RAISES static struct sl_hub *check_users(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    bool same = false;
    if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
        sl_engine_push(L, engine, SL_REF_USERS_MT);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    if (!same)
        sl_lua_raise(L, AUTHOR, "call it with a colon: users:online(user_id)");
    lua_rawgeti(L, 1, 0);
    struct sl_hub *hub = sl_engine_hub(engine, (unsigned)lua_tointeger(L, -1));
    if (hub == NULL)
        sl_lua_raise(L, AUTHOR, "that hub is not served yet");
    lua_pop(L, 1);
    return hub;
}

/* online(id): whether the user has a connection. Nobody has an id that no
 * connection could have. */
static int users_online(lua_State *L)
{
    struct sl_hub *hub = check_users(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return sl_lua_raise(L, AUTHOR, "the user id must be a string, not %s",
                            luaL_typename(L, 2));
    struct sl_slice id = sl_lua_slice(L, 2);
    if (id.len == 0 || id.len > SL_USER_ID_MAX) {
        lua_pushboolean(L, 1);
        lua_pushboolean(L, 0);
        return 2;
    }
    sl_wait_check(L);
    return sl_lua_query(L, hub,
                        &(struct sl_query){ .kind = SL_QUERY_COUNT,
                                            .audience = SL_TO_USERS,
                                            .names = &id,
                                            .name_count = 1 },
                        SL_GIVES_ANY);
}

void sl_lua_users_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "users_online", users_online },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "users_mt");
    sl_engine_keep(L, engine, SL_REF_USERS_MT);
}
