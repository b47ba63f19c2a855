// SPDX-License-Identifier: MIT
/*
 * Who may use a hub and its methods: `authorize` of both, and the hook
 * `authenticate`. What they decide is written in Lua (lua/engine.lua), so that
 * an author's functions may wait.
 */
#pragma once

#include "bindings/generation.h"
#include "hub/script.h"
#include "wire/identity.h"

/* Reads `authorize`, which is on top; what: "option \"authorize\"", for the
 * error that stands at `level`. */
SL_RAISES void sl_policy_read(lua_State *L, struct sl_generation *gen,
                              int level, const char *what,
                              struct sl_policy *policy);

/* For sl_script_ops; described there. */
void sl_lua_authorize(void *script, const struct sl_http_request *request,
                      struct sl_identity *identity, sl_decided_cb decided,
                      void *user);

/* Pushes the claims as a table; identity NULL: an empty one. */
void sl_lua_push_claims(lua_State *L, struct sl_engine *engine,
                        const struct sl_identity *identity);
