// SPDX-License-Identifier: MIT
/*
 * A script engine without scripts: one hub in C (tests/lib/c_hub.h) for each
 * file of the set, which proves that the host needs no Lua either. A file
 * whose text begins with "error" does not load.
 */
#pragma once

#include "hub/script.h"

extern const struct sl_engine_ops c_engine_ops;
