// SPDX-License-Identifier: MIT
/*
 * What sends (lua_clients.c) and questions (lua_invoke.c) share of proxies.
 */
#pragma once

#include "bindings/lua_value.h"
#include "hub/targets.h"

/* What stands in a proxy: a plain table. */
enum sl_proxy_slot {
    SL_PROXY_WHERE,   /* the number of the hub's name and the audience */
    SL_PROXY_NAMES,   /* a name or a list of them; none for everybody */
    SL_PROXY_EXCEPT,  /* connection ids left out; may be missing */
    SL_PROXY_TIMEOUT, /* milliseconds for an answer; may be missing */
};

struct sl_proxy {
    enum sl_audience audience;
    unsigned hub_index;
    struct sl_hub *hub; /* NULL: not served yet */
};

/* The proxy at 1. False: it is none. */
bool sl_lua_proxy_read(lua_State *L, struct sl_engine *engine,
                       struct sl_proxy *proxy);

/* For functions of proxies, which begin with `proxy, target`. level: whose line
 * the error names, as in sl_lua_raise; example: "all:send(target, ...)". */
SL_RAISES void sl_lua_proxy_check(lua_State *L, int level, const char *example,
                                  struct sl_proxy *proxy);

/* proxy:timeout(seconds), of lua_invoke.c. */
int sl_lua_proxy_timeout(lua_State *L);

/* The arguments, or else what they were for, cannot be sent. */
SL_RAISES int sl_lua_proxy_raise(lua_State *L, int level, int err,
                                 const struct sl_encode *encode,
                                 struct sl_slice target);
