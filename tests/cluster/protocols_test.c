// SPDX-License-Identifier: MIT
/*
 * Clients of both hub protocols on several workers. A model says who hears each
 * send and how often; the peers fail on a message in the wrong protocol. The
 * arguments count how often they are written: once per protocol that somebody
 * on the pod speaks, however many workers and receivers there are.
 */
#include "hub/targets.h"

#include "tests/lib/expect.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKERS 3
#define PEERS 9
#define ROUNDS 200
#define NAMES_MAX 4

struct crowd {
    struct cluster cluster;
    struct peer peers[PEERS];
    unsigned sent[WORKERS];
    unsigned next[PEERS][WORKERS]; /* least number that may come from it */
    unsigned due[PEERS];           /* messages that it must get, and */
    unsigned got[PEERS];           /* got so far */
};

static unsigned writes;

static int write_text(struct sl_writer *w, void *user)
{
    writes++;
    return sl_write_string(w, sl_slice_str(user));
}

static const char *const users[] = { "ann", "bob" };
static const char *const groups[] = { "g", "h" };

/* Which of the peers is what. Group h is a part of g. */
static bool is_binary(unsigned peer)
{
    return peer % 2 == 0;
}

static bool is_user(unsigned peer, unsigned user)
{
    return (peer < 4 ? 0u : 1u) == user;
}

static bool is_member(unsigned peer, unsigned group)
{
    return group == 0 ? peer % 3 != 0 : peer % 3 == 1;
}

static void gather(struct crowd *crowd, uint64_t seed)
{
    memset(crowd, 0, sizeof(*crowd));
    cluster_init(&crowd->cluster, (struct cluster_options){
                                      .worker_count = WORKERS, .seed = seed });
    for (unsigned i = 0; i < PEERS; i++) {
        struct peer *peer = &crowd->peers[i];
        struct cluster_worker *worker =
            cluster_worker(&crowd->cluster, 0, (i / 2) % WORKERS);
        const char *user = users[is_user(i, 0) ? 0 : 1];
        char name[16];
        snprintf(name, sizeof(name), "p%u", i);
        if (is_binary(i))
            peer_join_msgpack(peer, worker, name, user);
        else
            peer_join(peer, worker, name, user);
        if (is_member(i, 0))
            peer_invoke(peer, NULL, "JoinGroup", "['g']");
        if (is_member(i, 1))
            peer_invoke(peer, NULL, "JoinGroup", "['h']");
    }
    cluster_settle(&crowd->cluster);
}

static void leave(struct crowd *crowd)
{
    for (unsigned i = 0; i < PEERS; i++)
        peer_release(&crowd->peers[i]);
    cluster_release(&crowd->cluster);
}

/* How often the peer is named: each name is a copy. */
static unsigned copies(enum sl_audience audience, const unsigned *picked,
                       unsigned count, unsigned peer)
{
    unsigned sum = 0;
    if (audience == SL_TO_ALL)
        return 1;
    for (unsigned i = 0; i < count; i++)
        sum += audience == SL_TO_GROUPS  ? is_member(peer, picked[i])
               : audience == SL_TO_USERS ? is_user(peer, picked[i])
                                         : picked[i] == peer;
    return sum;
}

static struct sl_slice name_of(struct crowd *crowd, enum sl_audience audience,
                               unsigned picked)
{
    return audience == SL_TO_GROUPS  ? sl_slice_str(groups[picked])
           : audience == SL_TO_USERS ? sl_slice_str(users[picked])
                                     : sl_slice_str(crowd->peers[picked].id);
}

/* One send from a worker to an audience drawn from the seed, numbered. */
static void send_something(struct crowd *crowd)
{
    static const enum sl_audience kinds[] = { SL_TO_ALL, SL_TO_GROUPS,
                                              SL_TO_USERS, SL_TO_CLIENTS };
    struct cluster *cluster = &crowd->cluster;
    enum sl_audience audience = kinds[cluster_random(cluster, 4)];
    unsigned bound = audience == SL_TO_CLIENTS ? PEERS : 2;
    unsigned picked[NAMES_MAX], spared[2], name_count = 0;
    struct sl_slice names[NAMES_MAX], except[2];
    if (audience != SL_TO_ALL)
        name_count = 1 + cluster_random(cluster, NAMES_MAX);
    for (unsigned i = 0; i < name_count; i++) {
        picked[i] = cluster_random(cluster, bound);
        names[i] = name_of(crowd, audience, picked[i]);
    }
    unsigned except_count = cluster_random(cluster, 3);
    for (unsigned i = 0; i < except_count; i++) {
        spared[i] = cluster_random(cluster, PEERS);
        except[i] = sl_slice_str(crowd->peers[spared[i]].id);
    }
    for (unsigned p = 0; p < PEERS; p++) {
        bool spare = false;
        for (unsigned i = 0; i < except_count; i++)
            spare = spare || spared[i] == p;
        if (!spare)
            crowd->due[p] += copies(audience, picked, name_count, p);
    }

    unsigned sender = cluster_random(cluster, WORKERS);
    char text[32];
    snprintf(text, sizeof(text), "%u %u", sender, crowd->sent[sender]++);
    struct sl_send what = {
        .audience = audience,
        .names = names,
        .name_count = name_count,
        .except = except,
        .except_count = except_count,
        .target = SL_SLICE("Hear"),
        .arg_count = 1,
        .args = write_text,
        .user = text,
    };
    struct cluster_worker *worker = cluster_worker(cluster, 0, sender);
    bool alone = audience == SL_TO_CLIENTS && name_count == 1 &&
                 except_count == 0 && crowd->peers[picked[0]].worker == worker;
    writes = 0;
    assert_int_equal(sl_hub_send(worker->entry->hub, &what), 0);
    assert_int_equal(writes, alone ? 1 : 2);
}

/* Numbers of one worker do not fall; the same again is another copy. */
static void check_order(struct crowd *crowd, unsigned receiver)
{
    const char *at = peer_heard(&crowd->peers[receiver]);
    while ((at = strstr(at, "'arguments':['")) != NULL) {
        char *end;
        at += strlen("'arguments':['");
        unsigned sender = (unsigned)strtoul(at, &end, 10);
        unsigned number = (unsigned)strtoul(end, NULL, 10);
        assert_true(sender < WORKERS);
        assert_true(number >= crowd->next[receiver][sender]);
        assert_true(number < crowd->sent[sender]);
        crowd->next[receiver][sender] = number;
        crowd->got[receiver]++;
    }
}

static void run_seed(uint64_t seed)
{
    struct crowd crowd;
    gather(&crowd, seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        send_something(&crowd);
        if (cluster_random(&crowd.cluster, 3) == 0)
            cluster_turn(cluster_worker(
                &crowd.cluster, 0, cluster_random(&crowd.cluster, WORKERS)));
        if (cluster_random(&crowd.cluster, 10) == 0)
            check_order(&crowd, cluster_random(&crowd.cluster, PEERS));
    }
    cluster_settle(&crowd.cluster);
    for (unsigned i = 0; i < PEERS; i++) {
        check_order(&crowd, i);
        assert_int_equal(crowd.got[i], crowd.due[i]);
        assert_true(crowd.due[i] > ROUNDS / 10);
    }
    leave(&crowd);
}

static void test_each_hears_in_its_own_protocol(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_seed(seed * UINT64_C(0x9e3779b97f4a7c15));
}

static void send_all(struct cluster_worker *worker, const char *text,
                     unsigned expected_writes)
{
    struct sl_send what = {
        .audience = SL_TO_ALL,
        .target = SL_SLICE("Hear"),
        .arg_count = 1,
        .args = write_text,
        .user = (void *)(uintptr_t)text,
    };
    writes = 0;
    assert_int_equal(sl_hub_send(worker->entry->hub, &what), 0);
    assert_int_equal(writes, expected_writes);
}

/* What counts is the pod: the sender's worker has clients of neither. */
static void test_nothing_is_made_for_a_protocol_nobody_speaks(void **state)
{
    (void)state;
    struct cluster cluster;
    struct peer json, packed;
    cluster_init(&cluster, (struct cluster_options){ .worker_count = WORKERS,
                                                     .seed = 5 });
    struct cluster_worker *sender = cluster_worker(&cluster, 0, 0);
    peer_join_msgpack(&packed, cluster_worker(&cluster, 0, 1), "packed", NULL);
    send_all(sender, "one", 1);
    peer_join(&json, cluster_worker(&cluster, 0, 2), "json", NULL);
    send_all(sender, "two", 2);
    cluster_settle(&cluster);
    expect_heard(&packed, HEAR("one") HEAR("two"));
    assert_int_equal(packed.shared, 2);

    /* "one" was made when nobody spoke JSON: it is not for who came later. */
    expect_heard(&json, HEAR("two"));
    peer_leave(&packed, SL_CLOSE_LOST);
    cluster_settle(&cluster);
    send_all(sender, "three", 1);
    cluster_settle(&cluster);
    expect_heard(&json, HEAR("three"));
    peer_release(&packed);
    peer_release(&json);
    cluster_release(&cluster);
}

#define FAILED(text)                                                   \
    "An unexpected error occurred invoking 'ThrowHub' on the server. " \
    "HubException: " text

/* Calls, answers and sends of one client, whatever the others speak. */
static void test_a_call_is_answered_after_what_it_sent(void **state)
{
    (void)state;
    struct cluster cluster;
    struct peer json, packed;
    cluster_init(&cluster,
                 (struct cluster_options){ .worker_count = 2, .seed = 6 });
    peer_join(&json, cluster_worker(&cluster, 0, 0), "json", "ann");
    peer_join_msgpack(&packed, cluster_worker(&cluster, 0, 1), "packed", "ann");
    peer_invoke(&packed, "1", "SendAll", "['m']");
    peer_invoke(&packed, "2", "ThrowHub", "['no']");
    peer_invoke(&packed, "3", "Echo", "['e']");
    peer_invoke(&json, "4", "SendUser", "['ann','u']");
    cluster_settle(&cluster);
    expect_heard(&packed, HEAR("m") RESULT("1", "null") FAILURE(
                              "2", FAILED("no")) RESULT("3", "'e'") HEAR("u"));
    expect_heard(&json, HEAR("u") RESULT("4", "null") HEAR("m"));
    peer_release(&packed);
    peer_release(&json);
    cluster_release(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_hears_in_its_own_protocol),
        cmocka_unit_test(test_nothing_is_made_for_a_protocol_nobody_speaks),
        cmocka_unit_test(test_a_call_is_answered_after_what_it_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
