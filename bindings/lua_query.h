// SPDX-License-Identifier: MIT
/*
 * Waiting for what the workers know of connections: the common part of
 * groups:members, groups:count, proxy:count, proxy:close and users:online.
 */
#pragma once

#include "bindings/internal.h"
#include "hub/query.h"

enum sl_lua_query_gives {
    SL_GIVES_COUNT,
    SL_GIVES_IDS, /* an array */
    SL_GIVES_ANY, /* whether there is one */
};

/* Asks; the outcome of a primitive that waits. After sl_wait_check. */
int sl_lua_query(lua_State *L, struct sl_hub *hub, const struct sl_query *query,
                 enum sl_lua_query_gives gives);
