// SPDX-License-Identifier: MIT
/*
 * Names and values that one layer reads and another one judges: the host asks
 * for the settings in the configuration file, bindings know how to run it.
 */
#pragma once

struct sl_report;

/* One pair, borrowed during the call; line 0 when it is not known. 0 goes on,
 * negative ends the reading, which then returns that value. */
typedef int (*sl_config_pair_cb)(void *user, const char *name,
                                 const char *value, int line);

/* Reads a file and calls on_pair for each pair in it. 0, or negative: with the
 * report filled when the file itself is at fault (missing, a syntax error),
 * untouched when on_pair ended it. */
typedef int (*sl_config_read_cb)(const char *path, sl_config_pair_cb on_pair,
                                 void *user, struct sl_report *report);
