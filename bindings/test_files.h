// SPDX-License-Identifier: MIT
/*
 * Which files hold tests. Blocks on the disk.
 */
#pragma once

#include "base/report.h"

struct sl_test_files {
    char **paths; /* owned, as they are told to people */
    unsigned count;
};

/* Adds the file; or, of a folder, every file below it whose name ends in
 * _test.lua or _spec.lua, in the order of names. Negative with the report
 * filled: it is not there, it cannot be read, a bound is passed. */
int sl_test_files_add(struct sl_test_files *files, const char *path,
                      struct sl_report *report);

void sl_test_files_release(struct sl_test_files *files);
