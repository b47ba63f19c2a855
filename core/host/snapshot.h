// SPDX-License-Identifier: MIT
/*
 * The hubs folder as it is at one moment: every Lua file below it, read once
 * and then shared by all workers, so that all of them load the same text.
 * Main thread; blocks on the disk. Read-only once made.
 */
#pragma once

#include "base/report.h"
#include "hub/script.h"

struct sl_snapshot {
    struct sl_script_set set; /* borrowed by engines; the files are ours */
    struct sl_script_file *files;
    unsigned file_cap;
    size_t bytes; /* of all texts */
};

/* Reads every *.lua below the folder. Names that begin with a dot are passed
 * over, links are followed (Kubernetes mounts a ConfigMap as links into
 * ..data). 0; or negative with the report filled: the folder is missing, a
 * file cannot be read, a bound of limits.h is passed, a link leads back to a
 * folder above it. The snapshot is empty then. */
int sl_snapshot_read(struct sl_snapshot *snapshot, const char *folder,
                     struct sl_report *report);

/* The short hash of one file. */
void sl_snapshot_file_version(const struct sl_script_file *file,
                              char version[9]);

void sl_snapshot_release(struct sl_snapshot *snapshot);
