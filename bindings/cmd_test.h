// SPDX-License-Identifier: MIT
/*
 * `signalua test DIR TESTS...`: runs test files against the hubs of a folder,
 * without a server. Main thread; returns when all have run.
 */
#pragma once

#include "base/log.h"
#include "hub/script.h"

struct sl_cmd_test {
    const struct sl_script_set *set; /* the hubs */
    const char *folder;              /* theirs, for `require` in tests */
    const char *const *paths;        /* files and folders with tests */
    unsigned path_count;
    const struct sl_setting_view *settings; /* for signalua.config */
    unsigned setting_count;
    enum sl_log_level log_level; /* of the log that is shown with a failure */
};

/* Prints each test, and each failure as file:line: message, to standard
 * output. Returns the exit status: 0, or 1 when a test failed or there was none
 * to run. Log lines go to the tests while it runs, to standard error after. */
int sl_cmd_test(const struct sl_cmd_test *test);
