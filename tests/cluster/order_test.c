// SPDX-License-Identifier: MIT
/*
 * The promise: messages of one sender to one receiver arrive in the order they
 * were sent, whatever mix of sends it was and however the workers take turns.
 * Each seed is another interleaving.
 */
#include "tests/lib/expect.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKERS 3
#define PEERS 6
#define ROUNDS 300

struct crowd {
    struct cluster cluster;
    struct peer peers[PEERS];
    unsigned sent[PEERS];        /* next number of each sender */
    unsigned seen[PEERS][PEERS]; /* next number that receiver r may get from
                                    sender s: [r][s] */
    unsigned received;
};

static void gather(struct crowd *crowd, uint64_t seed)
{
    memset(crowd, 0, sizeof(*crowd));
    cluster_init(&crowd->cluster, (struct cluster_options){
                                      .worker_count = WORKERS, .seed = seed });
    for (unsigned i = 0; i < PEERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%u", i);
        peer_join(&crowd->peers[i],
                  cluster_worker(&crowd->cluster, 0, i % WORKERS), name,
                  i % 2 == 0 ? "even" : "odd");
        peer_invoke(&crowd->peers[i], NULL, "JoinGroup",
                    i < 4 ? "['low']" : "['high']");
    }
    cluster_settle(&crowd->cluster);
}

/* One send of the sender, of a kind drawn from the seed, numbered. */
static void send_something(struct crowd *crowd, unsigned sender)
{
    char args[96];
    unsigned number = crowd->sent[sender]++;
    unsigned kind = cluster_random(&crowd->cluster, 6);
    unsigned other = cluster_random(&crowd->cluster, PEERS);
    static const char *const targets[] = { "SendAll",    "SendOthers",
                                           "SendGroup",  "SendUser",
                                           "SendClient", "SendAllExcept" };
    switch (kind) {
    case 2:
        snprintf(args, sizeof(args), "['low','%u %u']", sender, number);
        break;
    case 3:
        snprintf(args, sizeof(args), "['odd','%u %u']", sender, number);
        break;
    case 4:
    case 5:
        snprintf(args, sizeof(args), "['%s','%u %u']", crowd->peers[other].id,
                 sender, number);
        break;
    default: snprintf(args, sizeof(args), "['%u %u']", sender, number);
    }
    peer_invoke(&crowd->peers[sender], NULL, targets[kind], args);
}

/* Numbers of one sender only grow. */
static void check_order(struct crowd *crowd, unsigned receiver)
{
    const char *at = peer_heard(&crowd->peers[receiver]);
    while ((at = strstr(at, "'arguments':['")) != NULL) {
        char *end;
        at += strlen("'arguments':['");
        unsigned sender = (unsigned)strtoul(at, &end, 10);
        unsigned number = (unsigned)strtoul(end, NULL, 10);
        assert_true(sender < PEERS);
        assert_true(number >= crowd->seen[receiver][sender]);
        assert_true(number < crowd->sent[sender]);
        crowd->seen[receiver][sender] = number + 1;
        crowd->received++;
    }
}

static void run_seed(uint64_t seed)
{
    struct crowd crowd;
    gather(&crowd, seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        send_something(&crowd, cluster_random(&crowd.cluster, PEERS));
        if (cluster_random(&crowd.cluster, 3) == 0)
            cluster_turn(cluster_worker(
                &crowd.cluster, 0, cluster_random(&crowd.cluster, WORKERS)));
        if (cluster_random(&crowd.cluster, 10) == 0)
            check_order(&crowd, cluster_random(&crowd.cluster, PEERS));
    }
    cluster_settle(&crowd.cluster);
    for (unsigned i = 0; i < PEERS; i++)
        check_order(&crowd, i);
    assert_true(crowd.received > ROUNDS);
    for (unsigned i = 0; i < PEERS; i++)
        peer_release(&crowd.peers[i]);
    cluster_release(&crowd.cluster);
}

static void test_order_under_many_seeds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_seed(seed * UINT64_C(0x9e3779b97f4a7c15));
}

/* Everybody gets everything exactly once. */
static void test_nothing_is_lost_or_repeated(void **state)
{
    (void)state;
    struct crowd crowd;
    gather(&crowd, 7);
    for (unsigned i = 0; i < 600; i++) {
        char args[64];
        unsigned sender = i % PEERS;
        snprintf(args, sizeof(args), "['%u %u']", sender, crowd.sent[sender]++);
        peer_invoke(&crowd.peers[sender], NULL, "SendAll", args);
    }
    cluster_settle(&crowd.cluster);
    for (unsigned r = 0; r < PEERS; r++)
        check_order(&crowd, r);
    assert_int_equal(crowd.received, 600 * PEERS);
    for (unsigned i = 0; i < PEERS; i++)
        peer_release(&crowd.peers[i]);
    cluster_release(&crowd.cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_under_many_seeds),
        cmocka_unit_test(test_nothing_is_lost_or_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
