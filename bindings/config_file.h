// SPDX-License-Identifier: MIT
/*
 * The optional configuration file: Lua assignments in an environment that has
 * nothing in it, read in order.
 *
 *   listen = "0.0.0.0:8080"
 *   workers = 4
 *   cors_origin = { "https://a.example", "https://b.example" }
 *
 * Independent of the engine; any thread.
 */
#pragma once

#include "base/base.h"
#include "base/report.h"

/* One assignment. Numbers and booleans come as texts, lists of strings joined
 * by commas; line is where the value ends. Borrowed during the call. Negative:
 * reading ends with it; whoever gave the callback knows why. */
typedef int (*sl_config_pair_cb)(void *user, const char *name,
                                 const char *value, int line);

/* 0; or negative: what the callback returned, or an error that the report
 * tells with file and line. */
int sl_config_file_read(const char *path, sl_config_pair_cb on_pair, void *user,
                        struct sl_report *report) SL_MUST_USE;
