// SPDX-License-Identifier: MIT
/*
 * The order in which the fields of an object are written. Lua tables have
 * none, and LuaJIT's differs from process to process; people compare, diff and
 * read JSON. So fields go out as they stand in the scripts: by where their
 * name is first assigned or given a value in a table constructor; names that
 * the scripts do not have come after them, in the order of their bytes.
 *
 * Kept as a Lua table, name to position.
 */
#pragma once

#include "bindings/internal.h"

/* Adds the names of one source text to the table on top, which holds *count
 * names so far. */
void sl_name_order_scan(lua_State *L, struct sl_slice source, unsigned *count);

struct sl_name_place {
    struct sl_slice name; /* borrowed from the table that has the field */
    unsigned place;
};

/* Sorts as above; places are filled in by the caller. */
void sl_name_order_sort(struct sl_name_place *places, size_t count);
