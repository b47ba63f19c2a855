// SPDX-License-Identifier: MIT
/*
 * A set of script files to a generation: each hub file is run once and must
 * return what signalua.hub gave it.
 */
#pragma once

#include "bindings/generation.h"

/* Runs all hub files. 0, or negative after on_error was called for each error
 * found. */
int sl_loader_run(struct sl_generation *gen, sl_report_cb on_error, void *user);

/* "chat.lua", "game/lobby.lua"; files of lib/ serve the others. */
bool sl_loader_is_hub(struct sl_slice file);

/* "game/lobby" of "game/lobby.lua". */
static inline struct sl_slice sl_loader_hub_name(struct sl_slice file)
{
    return sl_slice_of(file.ptr, file.len - (sizeof(".lua") - 1));
}

/* NULL: the set has no such file. */
const struct sl_script_file *sl_loader_file(const struct sl_script_set *set,
                                            struct sl_slice name);
