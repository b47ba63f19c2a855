// SPDX-License-Identifier: MIT
/*
 * The host: start and stop order of everything, signals, accepting, the admin
 * listener. Runs in the main thread.
 */
#pragma once

#include "host/config.h"
#include "hub/script.h"

/* Serves until SIGTERM or SIGINT. Returns the exit status: 0 after a clean
 * stop, 1 when it could not start (the reason was logged). Borrows. */
int sl_host_serve(const struct sl_config *config,
                  const struct sl_engine_ops *engine);

/* Loads the scripts of config->hubs as serve would and prints each error to
 * standard output as file:line: message. Returns the exit status: 0 or 1. */
int sl_host_check(const struct sl_config *config,
                  const struct sl_engine_ops *engine);
