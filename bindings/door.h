// SPDX-License-Identifier: MIT
/*
 * What surrounds every stay in authors' code: coroutine.c and the loader enter
 * before they call Lua and leave after it. Whoever watches (hub/activity.h)
 * sees whose code has the worker.
 */
#pragma once

#include "bindings/internal.h"

/* Not inside a stay. version: of the script set, its letters are copied. */
void sl_door_enter(struct sl_engine *engine, struct sl_origin origin,
                   const char *version);
void sl_door_leave(struct sl_engine *engine);
