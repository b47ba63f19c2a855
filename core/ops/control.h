// SPDX-License-Identifier: MIT
/*
 * What the host provides to the admin pages. All functions run in the main
 * thread; metrics of other threads are read as they are.
 */
#pragma once

#include "base/metric.h"
#include "base/str.h"

#include <stdbool.h>

struct sl_http_request;
struct sl_routines;

struct sl_control {
    void *user;
    const struct sl_routines *routines; /* whose errors are told; NULL: none */
    /* Threads that count: the workers and the main thread. */
    unsigned (*thread_count)(void *user);
    /* name: "0", "1", ... or "main". */
    const struct sl_metrics *(*thread_metrics)(void *user, unsigned index,
                                               const char **name);
    /* Whether every worker's loop turns; otherwise appends why not. */
    bool (*healthy)(void *user, struct sl_str *why);
    /* Scripts and reloads, as JSON. */
    void (*describe_hubs)(void *user, struct sl_str *out);
    /* Reloads the scripts and answers the request, later, with the outcome. */
    void (*reload)(void *user, struct sl_http_request *request);
};
