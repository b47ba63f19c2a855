// SPDX-License-Identifier: MIT
/*
 * The command line: which command, and the settings that flags give. Reads
 * argv, touches nothing else. Main thread.
 *
 *   signalua [serve] [--setting value | --setting=value]...
 *   signalua check [DIR] [--setting value]...
 *   signalua test DIR TESTS... [--setting value]...
 *   signalua version | help | --version | --help
 *   signalua help-man | help-settings | help-options
 */
#pragma once

#include "base/report.h"
#include "base/str.h"
#include "host/setting_table.h"

#define SL_CLI_WRONG_USAGE 2 /* exit status */

enum sl_cli_command {
    SL_CLI_SERVE,
    SL_CLI_CHECK, /* the folder is the setting `hubs` */
    SL_CLI_TEST,  /* the same, and `tests` */
    SL_CLI_VERSION,
    SL_CLI_HELP,
    SL_CLI_HELP_MAN,
    SL_CLI_HELP_SETTINGS,
    SL_CLI_HELP_OPTIONS,
};

struct sl_cli {
    enum sl_cli_command command;
    struct sl_setting_given *flags; /* owned; values point into argv */
    unsigned flag_count;
    const char **tests; /* owned; files and folders, they point into argv */
    unsigned test_count;
};

/* Fills the struct. SL_E_CONFIG with the report filled: wrong usage, the
 * struct is empty then. */
int sl_cli_parse(struct sl_cli *cli, const struct sl_setting_table *table,
                 int argc, char **argv, struct sl_report *report);

void sl_cli_release(struct sl_cli *cli);

struct sl_cli_library {
    const char *name, *version;
};

/* "signalua 0.1.0" and a line per library. */
void sl_cli_print_version(const struct sl_cli_library *libraries,
                          unsigned count, struct sl_str *out);
