// SPDX-License-Identifier: MIT
/*
 * A table of settings, filled from flags, environment and a file. A setting is
 * spelt alike everywhere: --head-timeout, SIGNALUA_HEAD_TIMEOUT, head_timeout;
 * a secret also as --x-file, SIGNALUA_X_FILE, x_file. A flag wins over the
 * environment, that over the file, that over the default; what is wrong is
 * refused even where something else would win over it. Main thread.
 */
#pragma once

#include "base/pairs.h"
#include "base/report.h"
#include "base/slice.h"
#include "base/str.h"
#include "host/setting.h"

#include <stdbool.h>

struct sl_setting_table {
    const struct sl_setting *settings;
    unsigned count;
    /* Looks at a value that was read into the config: what its kind does not
     * say. SL_E_CONFIG: the report says what is wrong ("holds no key"), without
     * name and value. NULL: nothing to look at. */
    int (*check)(const struct sl_setting *setting, const void *config,
                 struct sl_report *report);
};

/* A setting that a flag gives; the value is borrowed from argv. */
struct sl_setting_given {
    const struct sl_setting *setting;
    bool is_file; /* the value is the name of a file that holds a secret */
    const char *value;
};

typedef void (*sl_setting_warning_cb)(void *user,
                                      const struct sl_report *warning);

struct sl_setting_sources {
    const struct sl_setting_given *flags;
    unsigned flag_count;
    char *const *environment;    /* NAME=value, NULL at its end; NULL: none */
    sl_config_read_cb read_file; /* NULL: there is no file to be had */
    sl_setting_warning_cb on_warning; /* a variable that nobody knows; may be
                                         NULL */
    void *user;                       /* of on_warning */
};

/* Fills a struct that is all zero. The file is the one that the setting
 * `config` of the table names, by flag or environment. Returns SL_E_CONFIG
 * with the report filled; the struct is to be cleared then, too. */
int sl_setting_table_load(const struct sl_setting_table *table, void *config,
                          const struct sl_setting_sources *sources,
                          struct sl_report *report);

void sl_setting_table_clear(const struct sl_setting_table *table, void *config);

/* The setting of a name as the file spells it, of a flag without its dashes,
 * of a variable with its prefix; NULL: none. */
const struct sl_setting *sl_setting_table_find_name(
    const struct sl_setting_table *table, struct sl_slice name, bool *is_file);
const struct sl_setting *sl_setting_table_find_flag(
    const struct sl_setting_table *table, struct sl_slice flag, bool *is_file);
const struct sl_setting *sl_setting_table_find_variable(
    const struct sl_setting_table *table, struct sl_slice variable,
    bool *is_file);

/* Of the settings that resemble a misspelt name the nearest (whatever its case
 * and whether it has dashes, underscores or the prefix); NULL: none does. */
const struct sl_setting *sl_setting_table_nearest(
    const struct sl_setting_table *table, struct sl_slice name);

/* "--head-timeout", "SIGNALUA_HEAD_TIMEOUT". */
void sl_setting_print_flag(const struct sl_setting *setting,
                           struct sl_str *out);
void sl_setting_print_variable(const struct sl_setting *setting,
                               struct sl_str *out);
