// SPDX-License-Identifier: MIT
/*
 * Everything at once, drawn from a seed: connections that come, call, get
 * stuck and go in every state, on several workers, while the clock moves. What
 * must hold: no broken invariant, and nothing left at the end.
 */
#include "base/log.h"
#include "tests/lib/expect.h"

#include <stdio.h>

#define WORKERS 3
#define PEERS 12
#define STEPS 3000

static void tune(struct sl_hub_options *options)
{
    options->max_outbound = 4096;
    options->max_message_size = 512;
    options->max_parallel_invocations = 2;
}

static void arrive(struct cluster *cluster, struct peer *peer, unsigned index)
{
    char name[16];
    peer_release(peer);
    snprintf(name, sizeof(name), "p%u", index);
    peer_open(peer,
              cluster_worker(cluster, 0, cluster_random(cluster, WORKERS)),
              name, index % 3 == 0 ? "ann" : NULL);
}

static void shake(struct peer *peer)
{
    peer_say(peer, "{'protocol':'json','version':1}");
}

static void call(struct cluster *cluster, struct peer *peer)
{
    static const char *const calls[][2] = {
        { "Echo", "['text']" },
        { "Slow", "[1]" },
        { "SendAll", "['m']" },
        { "SendOthers", "['m']" },
        { "JoinGroup", "['g']" },
        { "LeaveGroup", "['g']" },
        { "SendGroup", "['g','m']" },
        { "SendUser", "['ann','m']" },
        { "Throw", "['boom']" },
        { "Nope", "[]" },
        { "Add", "[1]" },
        { "Abort", "[]" },
        { "Stream", "[]" },
        { "Unwritable", "[]" },
    };
    unsigned kind = cluster_random(cluster, sizeof(calls) / sizeof(calls[0]));
    /* Aborts are rarer than the rest. */
    if (kind == 11 && cluster_random(cluster, 8) != 0)
        kind = 0;
    peer_invoke(peer, cluster_random(cluster, 2) == 0 ? "1" : NULL,
                calls[kind][0], calls[kind][1]);
}

static void change_group(struct cluster *cluster, struct peer *peer)
{
    char args[64];
    snprintf(args, sizeof(args), "['g','p%u%.*s']", cluster_random(cluster, 10),
             20, "---------------------");
    peer_invoke(peer, "g",
                cluster_random(cluster, 2) == 0 ? "AddTo" : "RemoveFrom", args);
}

static void misbehave(struct cluster *cluster, struct peer *peer)
{
    static const char *const words[] = {
        "{'type':7}\n",
        "rubbish\n",
        "{'type':",
        "{'type':6}\n",
        "{'type':8,'sequenceId':1}\n{'type':99}\n{'type':6}\n",
    };
    peer_say_raw(peer, words[cluster_random(cluster, 5)]);
}

static void step(struct cluster *cluster, struct peer *peers)
{
    unsigned index = cluster_random(cluster, PEERS);
    struct peer *peer = &peers[index];
    struct cluster_worker *worker =
        cluster_worker(cluster, 0, cluster_random(cluster, WORKERS));
    unsigned kind = cluster_random(cluster, 40);
    if (peer->conn == NULL) {
        /* Its id is free again once the old connection is gone. */
        cluster_settle(cluster);
        arrive(cluster, peer, index);
        if (kind > 2)
            shake(peer);
    } else if (kind < 20) {
        call(cluster, peer);
    } else if (kind < 24) {
        change_group(cluster, peer);
    } else if (kind < 26) {
        c_hub_finish(&worker->hub);
    } else if (kind < 30) {
        cluster_turn(worker);
    } else if (kind == 30) {
        peer_leave(peer, SL_CLOSE_LOST);
    } else if (kind == 31) {
        misbehave(cluster, peer);
    } else if (kind == 32) {
        peer->stuck = true;
    } else if (kind == 33) {
        peer_read(peer);
    } else if (kind == 34) {
        cluster_advance(cluster, cluster_random(cluster, 20000));
    } else if (kind == 35) {
        worker->hub.on_disconnected = C_HUB_AT_ONCE;
    } else {
        sl_str_clear(&peer->heard);
    }
}

static void run_seed(uint64_t seed)
{
    struct cluster cluster;
    struct peer peers[PEERS] = { 0 };
    cluster_init(&cluster, (struct cluster_options){ .worker_count = WORKERS,
                                                     .seed = seed,
                                                     .tune = tune });
    for (unsigned i = 0; i < STEPS; i++)
        step(&cluster, peers);

    for (unsigned i = 0; i < PEERS; i++)
        peer_release(&peers[i]);
    cluster_settle(&cluster);
    for (unsigned w = 0; w < WORKERS; w++) {
        struct cluster_worker *worker = cluster_worker(&cluster, 0, w);
        struct sl_hub *hub = worker->entry->hub;
        assert_int_equal(sl_world_conn_count(&worker->world), 0);
        assert_int_equal(hub->by_id.count, 0);
        assert_int_equal(hub->groups.count, 0);
        assert_int_equal(hub->users.count, 0);
        assert_int_equal(cluster_metric(worker, SL_M_CONNECTIONS), 0);
        assert_int_equal(cluster_metric(worker, SL_M_INVOCATIONS_WAITING), 0);
        assert_true(worker->hub.started > 0);
    }
    assert_int_equal(sl_directory_hub_workers(cluster.pods[0].directory, 0), 0);
    cluster_release(&cluster);
}

static void test_churn(void **state)
{
    (void)state;
    sl_log_setup(2, SL_LOG_OFF, SL_LOG_TEXT);
    for (uint64_t seed = 1; seed <= 30; seed++)
        run_seed(seed * UINT64_C(0x9e3779b97f4a7c15));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_churn) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
