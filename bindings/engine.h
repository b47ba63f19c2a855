// SPDX-License-Identifier: MIT
/*
 * The script engine for Lua: implements hub/script.h. The host makes one per
 * worker; everything it does runs in that worker's thread.
 */
#pragma once

#include "hub/script.h"

extern const struct sl_engine_ops sl_lua_engine_ops;

/* Of LuaJIT, "2.1.0-beta3"; for `signalua version`. */
const char *sl_lua_version(void);
