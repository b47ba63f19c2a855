// SPDX-License-Identifier: MIT
/*
 * The turns. A worker's turn is what a loop's turn is: run queue, letters, run
 * queue again.
 */
#include "tests/lib/cluster.h"

#include "base/check.h"

#define TURN_BUDGET 100000 /* tasks in one turn: more is an endless loop */
#define TURNS_MAX 100000   /* turns until everybody rests */

static void init_worker(struct cluster *cluster, struct cluster_pod *pod,
                        unsigned index)
{
    struct cluster_worker *worker = &pod->workers[index];
    sl_wheel_init(&worker->wheel, cluster->now_ms);
    sl_runq_init(&worker->runq);
    sl_mailbox_init(&worker->mailbox, NULL, NULL);
    sl_world_init(&worker->world, &worker->wheel, &worker->runq,
                  &worker->metrics);
    sl_world_attach(&worker->world, pod->bus, index, &worker->mailbox);
    c_hub_init(&worker->hub, &worker->world);

    struct sl_hub_def def = {
        .name = SL_SLICE("test"),
        .path = SL_SLICE("/test"),
        .backplane_name = SL_SLICE("test"),
        .ops = &c_hub_ops,
        .script = &worker->hub,
    };
    sl_hub_options_default(&def.options);
    if (cluster->options.tune != NULL)
        cluster->options.tune(&def.options);
    worker->entry = sl_hub_add_entry(&worker->world, &def);
}

void cluster_init(struct cluster *cluster, struct cluster_options options)
{
    if (options.pod_count == 0)
        options.pod_count = 1;
    if (options.worker_count == 0)
        options.worker_count = 1;
    *cluster = (struct cluster){
        .options = options,
        .random = options.seed,
        .now_ms = CLUSTER_START_MS,
    };
    cluster->pods = sl_zalloc(options.pod_count * sizeof(*cluster->pods));
    for (unsigned p = 0; p < options.pod_count; p++) {
        struct cluster_pod *pod = &cluster->pods[p];
        pod->directory = sl_directory_new();
        pod->bus = sl_bus_new(pod->directory, options.worker_count);
        pod->workers = sl_zalloc(options.worker_count * sizeof(*pod->workers));
        for (unsigned w = 0; w < options.worker_count; w++)
            init_worker(cluster, pod, w);
    }
}

struct cluster_worker *cluster_worker(struct cluster *cluster, unsigned pod,
                                      unsigned worker)
{
    sl_assert(pod < cluster->options.pod_count);
    sl_assert(worker < cluster->options.worker_count);
    return &cluster->pods[pod].workers[worker];
}

/* xorshift64*: small, and good enough to shuffle turns. */
unsigned cluster_random(struct cluster *cluster, unsigned bound)
{
    if (cluster->options.seed == 0)
        return 0;
    uint64_t x = cluster->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cluster->random = x;
    return (unsigned)((x * 0x2545f4914f6cdd1d) >> 33) % bound;
}

bool cluster_turn(struct cluster_worker *worker)
{
    bool worked = !sl_list_empty(&worker->runq.tasks);
    bool left = sl_runq_drain(&worker->runq, TURN_BUDGET);
    sl_assert(!left);
    worked = sl_mailbox_deliver(&worker->mailbox) > 0 || worked;
    left = sl_runq_drain(&worker->runq, TURN_BUDGET);
    sl_assert(!left);
    return worked;
}

static unsigned count_workers(const struct cluster *cluster)
{
    return cluster->options.pod_count * cluster->options.worker_count;
}

static struct cluster_worker *nth_worker(struct cluster *cluster, unsigned n)
{
    return cluster_worker(cluster, n / cluster->options.worker_count,
                          n % cluster->options.worker_count);
}

void cluster_settle(struct cluster *cluster)
{
    unsigned count = count_workers(cluster);
    unsigned idle = 0;
    for (unsigned turns = 0; idle < count; turns++) {
        sl_assert(turns < TURNS_MAX);
        /* A random one, now and then; in order to see that all rest. */
        unsigned extra = cluster_random(cluster, count);
        bool worked = cluster->options.seed != 0 &&
                      cluster_turn(nth_worker(cluster, extra));
        worked = cluster_turn(nth_worker(cluster, turns % count)) || worked;
        idle = worked ? 0 : idle + 1;
    }
}

void cluster_advance(struct cluster *cluster, uint64_t ms)
{
    cluster->now_ms += ms;
    for (unsigned n = 0; n < count_workers(cluster); n++)
        sl_wheel_advance(&nth_worker(cluster, n)->wheel, cluster->now_ms);
    cluster_settle(cluster);
}

int64_t cluster_metric(const struct cluster_worker *worker,
                       enum sl_metric metric)
{
    return sl_metric_get(&worker->metrics, metric);
}

void cluster_release(struct cluster *cluster)
{
    unsigned count = count_workers(cluster);
    for (unsigned n = 0; n < count; n++)
        sl_world_close_all(&nth_worker(cluster, n)->world, SL_CLOSE_SHUTDOWN);
    cluster_settle(cluster);
    for (unsigned n = 0; n < count; n++) {
        struct cluster_worker *worker = nth_worker(cluster, n);
        c_hub_release(&worker->hub);
    }
    cluster_settle(cluster);
    for (unsigned n = 0; n < count; n++) {
        struct cluster_worker *worker = nth_worker(cluster, n);
        sl_assert(worker->hub.live_calls == 0);
        sl_mailbox_release(&worker->mailbox);
        sl_world_release(&worker->world);
        sl_series_release(&worker->metrics.series);
    }
    for (unsigned p = 0; p < cluster->options.pod_count; p++) {
        sl_bus_free(cluster->pods[p].bus);
        sl_directory_free(cluster->pods[p].directory);
        sl_free(cluster->pods[p].workers);
    }
    sl_free(cluster->pods);
}
