// SPDX-License-Identifier: MIT
/*
 * What the program says about itself, made from a table of settings: the text
 * of --help, the manual page and the page of settings. They cannot tell of a
 * setting that does not exist, nor forget one.
 */
#pragma once

#include "base/str.h"
#include "host/setting_table.h"

/* For a terminal: no line over 80 columns. */
void sl_help_print(const struct sl_setting_table *table, struct sl_str *out);

/* signalua.1, in man(7) macros. */
void sl_help_print_manual(const struct sl_setting_table *table,
                          struct sl_str *out);

/* The table of hub options in hubs/README.md. */
void sl_help_print_options(struct sl_str *out);

/* deploy/settings.md. */
void sl_help_print_settings(const struct sl_setting_table *table,
                            struct sl_str *out);
