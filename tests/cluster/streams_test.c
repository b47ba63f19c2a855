// SPDX-License-Identifier: MIT
/*
 * Streams, uploads and questions between workers in many orders: begun, read
 * slowly, answered late or by the wrong one, cut off at any point. Whatever
 * comes, the queues stay bounded and nothing is left at the end.
 */
#include "tests/lib/expect.h"

#include <stdio.h>

#define WORKERS 3
#define PEERS 6
#define ROUNDS 300
#define OUTBOUND 4096

static void tune(struct sl_hub_options *options)
{
    options->max_outbound = OUTBOUND;
    options->stream_buffer = 3;
}

struct crowd {
    struct cluster cluster;
    struct peer peers[PEERS];
    unsigned joined; /* names are never used twice */
};

static void join(struct crowd *crowd, unsigned index)
{
    char name[16];
    snprintf(name, sizeof(name), "p%u", crowd->joined++);
    peer_join(&crowd->peers[index],
              cluster_worker(&crowd->cluster, 0, index % WORKERS), name, NULL);
}

static void say(struct crowd *crowd, struct peer *peer)
{
    char text[256];
    unsigned id = cluster_random(&crowd->cluster, 8);
    const char *other = crowd->peers[cluster_random(&crowd->cluster, PEERS)].id;
    switch (cluster_random(&crowd->cluster, 8)) {
    case 0:
        snprintf(text, sizeof(text),
                 "{'type':4,'invocationId':'%u','target':'Count',"
                 "'arguments':[%u]}",
                 id, id * 100);
        break;
    case 1:
        snprintf(text, sizeof(text),
                 "{'type':4,'invocationId':'%u','target':'Hang',"
                 "'arguments':[]}",
                 id);
        break;
    case 2:
        snprintf(text, sizeof(text), "{'type':5,'invocationId':'%u'}", id);
        break;
    case 3:
        snprintf(text, sizeof(text),
                 "{'type':1,'invocationId':'%u','target':'%s','arguments':[],"
                 "'streamIds':['%u']}",
                 id, id % 2 == 0 ? "Sum" : "Hold", id);
        break;
    case 4:
        snprintf(text, sizeof(text), "{'type':2,'invocationId':'%u','item':%s}",
                 id, id == 7 ? "'x'" : "1");
        break;
    case 5:
        snprintf(text, sizeof(text), "{'type':3,'invocationId':'%u'}", id);
        break;
    case 6:
        snprintf(text, sizeof(text),
                 "{'type':1,'invocationId':'%u','target':'Ask','arguments':"
                 "['%s',7]}",
                 id, other);
        break;
    default:
        snprintf(text, sizeof(text),
                 "{'type':3,'invocationId':'s%u','result':1}",
                 cluster_random(&crowd->cluster, 60) + 1);
    }
    peer_say(peer, text);
}

static void act(struct crowd *crowd)
{
    unsigned index = cluster_random(&crowd->cluster, PEERS);
    struct peer *peer = &crowd->peers[index];
    unsigned kind = cluster_random(&crowd->cluster, 40);
    if (peer->conn == NULL || kind == 0) {
        peer_release(peer);
        join(crowd, index);
    } else if (kind == 1) {
        peer->stuck = true;
    } else if (kind < 4) {
        peer_read(peer);
    } else if (kind == 4) {
        c_hub_finish(&peer->worker->hub);
    } else {
        say(crowd, peer);
    }
    assert_in_range(peer->queued, 0, 2 * OUTBOUND);
}

static void run_seed(uint64_t seed)
{
    struct crowd crowd;
    memset(&crowd, 0, sizeof(crowd));
    cluster_init(&crowd.cluster,
                 (struct cluster_options){
                     .worker_count = WORKERS, .seed = seed, .tune = tune });
    for (unsigned i = 0; i < PEERS; i++)
        join(&crowd, i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        act(&crowd);
        if (cluster_random(&crowd.cluster, 3) == 0)
            cluster_turn(cluster_worker(
                &crowd.cluster, 0, cluster_random(&crowd.cluster, WORKERS)));
    }
    for (unsigned i = 0; i < PEERS; i++)
        peer_release(&crowd.peers[i]);
    cluster_settle(&crowd.cluster);
    for (unsigned w = 0; w < WORKERS; w++) {
        struct cluster_worker *worker = cluster_worker(&crowd.cluster, 0, w);
        while (c_hub_finish(&worker->hub))
            cluster_settle(&crowd.cluster);
        assert_int_equal(worker->hub.live_calls, 0);
        assert_int_equal(sl_world_conn_count(&worker->world), 0);
    }
    cluster_release(&crowd.cluster);
}

static void test_many_orders(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++)
        run_seed(seed * UINT64_C(0x9e3779b97f4a7c15));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
