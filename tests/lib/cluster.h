// SPDX-License-Identifier: MIT
/*
 * Pods and workers in memory, in one thread: each worker has a wheel, a run
 * queue and a mailbox of its own and serves one C hub; a pod's workers share a
 * directory and a bus. Nothing moves but by cluster_settle and
 * cluster_advance, which take the workers' turns in an order drawn from a
 * seed: a failure comes back with its seed.
 */
#pragma once

#include "base/mailbox.h"
#include "hub/hub.h"
#include "hub/world.h"
#include "tests/lib/c_hub.h"

struct cluster_worker {
    struct sl_wheel wheel;
    struct sl_runq runq;
    struct sl_mailbox mailbox;
    struct sl_metrics metrics;
    struct sl_world world;
    struct sl_hub_entry *entry;
    struct c_hub hub;
};

struct cluster_pod {
    struct sl_directory *directory;
    struct sl_bus *bus;
    struct cluster_worker *workers;
};

struct cluster_options {
    unsigned pod_count, worker_count; /* 0: one */
    uint64_t seed;                    /* 0: workers take turns in order */
    void (*tune)(struct sl_hub_options *options); /* NULL: defaults */
};

struct cluster {
    struct cluster_options options;
    struct cluster_pod *pods;
    uint64_t random;
    uint64_t now_ms;
};

#define CLUSTER_START_MS 1000000u /* what the fake clock says at first */

void cluster_init(struct cluster *cluster, struct cluster_options options);

/* Closes what is open, lets everything end, and frees. */
void cluster_release(struct cluster *cluster);

struct cluster_worker *cluster_worker(struct cluster *cluster, unsigned pod,
                                      unsigned worker);

/* Runs until nobody has anything left to do. */
void cluster_settle(struct cluster *cluster);

/* One turn of one worker: run queue and letters. False: nothing to do. */
bool cluster_turn(struct cluster_worker *worker);

/* Moves the clock in one step, then settles. */
void cluster_advance(struct cluster *cluster, uint64_t ms);

/* A number below `bound` from the cluster's seed. */
unsigned cluster_random(struct cluster *cluster, unsigned bound);

int64_t cluster_metric(const struct cluster_worker *worker,
                       enum sl_metric metric);
