// SPDX-License-Identifier: MIT
/*
 * How many CPUs this process may use: its affinity, and the quota of the
 * control groups that it is in (version 1 and 2), which is how containers are
 * limited. Any thread; reads files.
 */
#pragma once

/* CPUs in the affinity mask; at least 1. */
unsigned sl_cpus_affinity(void);

/* The smallest quota of the process's group and those above it, in whole CPUs,
 * rounded up; 0: there is none. `root` stands before /proc and /sys: "" but in
 * tests. */
unsigned sl_cpus_quota(const char *root);

/* What both allow, from 1 to SL_WORKERS_AUTO_MAX. */
unsigned sl_cpus_workers(void);
