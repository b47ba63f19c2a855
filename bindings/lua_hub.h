// SPDX-License-Identifier: MIT
/*
 * Hubs as the loader sees them: the table that a file returned to its script,
 * its functions to methods.
 */
#pragma once

#include "bindings/generation.h"
#include "bindings/loader.h"

/* The script whose hub table is on top of the stack; NULL: none. */
struct sl_script *sl_lua_hub_of(lua_State *L, struct sl_generation *gen);

/* Takes the hub's functions as methods and hooks. Returns how many errors were
 * reported. */
int sl_lua_hub_collect(lua_State *L, struct sl_script *script,
                       sl_report_cb on_error, void *user);
