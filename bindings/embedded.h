// SPDX-License-Identifier: MIT
/*
 * The Lua files that are part of the program (made by embed.cmake).
 */
#pragma once

#include "base/slice.h"

extern const struct sl_slice sl_embedded_engine, sl_embedded_metrics,
    sl_embedded_signalua;
extern const struct sl_slice sl_embedded_testing, sl_embedded_test_runner;
