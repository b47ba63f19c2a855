// SPDX-License-Identifier: MIT
/*
 * What the servers cost: CPU time and memory of processes and all their
 * descendants, read from /proc, and how busy the cores were meanwhile.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "options.h"

/* Cores whose times are watched: enough to see a server's and ours. */
#define SL_CORES_MAX 8
/* Descendants of one server that are counted. */
#define SL_FAMILY_MAX 256

/* A server process with its descendants as they were last looked up. */
struct sl_family {
    pid_t pids[SL_FAMILY_MAX];
    uint32_t count;
};

struct sl_usage {
    double user_s;
    double system_s;
    int64_t rss_kb;
};

struct sl_core {
    double busy_s; /* interrupts included, steal not */
    double softirq_s;
    double steal_s;
};

/* The whole machine and the servers at one moment. */
struct sl_snapshot {
    struct sl_usage servers[SL_PIDS_MAX];
    struct sl_core cores[SL_CORES_MAX];
    int64_t available_kb; /* memory */
    double own_cpu_s;
};

/* Looks up the descendants of each of options->pids. */
void sl_family_find(struct sl_family families[SL_PIDS_MAX],
                    const struct sl_options *options);

void sl_snapshot_take(struct sl_snapshot *snapshot,
                      const struct sl_family families[SL_PIDS_MAX],
                      const struct sl_options *options);
