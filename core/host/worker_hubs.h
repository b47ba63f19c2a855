// SPDX-License-Identifier: MIT
/*
 * Which hubs a worker serves. A set of scripts is prepared, which changes
 * nothing that clients see, and then committed or dropped as a whole. In the
 * worker's thread, or before it runs.
 */
#pragma once

#include "host/worker.h"

/* Loads the set. 0; or negative after on_error was called for each error
 * found, and nothing is left of it. */
int sl_worker_prepare(struct sl_worker *worker, const struct sl_script_set *set,
                      sl_report_cb on_error, void *user);

/* From now on the prepared scripts serve: new hub files have endpoints, and
 * those that are gone lose theirs and their connections. */
void sl_worker_commit(struct sl_worker *worker);

/* Forgets what was prepared. */
void sl_worker_drop(struct sl_worker *worker);

/* The memory alone; the engine is gone. */
void sl_worker_drop_defs(struct sl_worker *worker);
