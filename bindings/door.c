// SPDX-License-Identifier: MIT
/*
 * Entering and leaving authors' code. On the way of every call: a few plain
 * stores, no clock and no lock.
 */
#include "bindings/door.h"

#include "base/check.h"
#include "hub/activity.h"

void sl_door_enter(struct sl_engine *engine, struct sl_origin origin,
                   const char *version)
{
    sl_assert(!engine->inside);
    engine->inside = true;
    sl_activity_enter(engine->activity, origin.routine, version,
                      origin.interpreted);
}

void sl_door_leave(struct sl_engine *engine)
{
    sl_assert(engine->inside);
    engine->inside = false;
    sl_activity_leave(engine->activity);
}
