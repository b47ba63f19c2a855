// SPDX-License-Identifier: MIT
/*
 * Groups and users that span workers: who is in, who hears, and when a change
 * counts. Pods that nothing joins know nothing of each other.
 */
#include "hub/members.h"
#include "tests/lib/expect.h"

struct pair {
    struct cluster cluster;
    struct cluster_worker *first, *second;
    struct peer a, b, c; /* a and c on the first worker, b on the second */
};

static void pair_init(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    cluster_init(&pair->cluster, (struct cluster_options){ .pod_count = 2,
                                                           .worker_count = 2,
                                                           .seed = 99 });
    pair->first = cluster_worker(&pair->cluster, 0, 0);
    pair->second = cluster_worker(&pair->cluster, 0, 1);
    peer_join(&pair->a, pair->first, "a", "ann");
    peer_join(&pair->b, pair->second, "b", "ann");
    peer_join(&pair->c, pair->first, "c", "carl");
}

static void pair_release(struct pair *pair)
{
    peer_release(&pair->a);
    peer_release(&pair->b);
    peer_release(&pair->c);
    cluster_release(&pair->cluster);
}

#define ID_B "b---------------------"

static void test_group_across_workers(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    peer_invoke(&pair.a, NULL, "JoinGroup", "['g']");
    peer_invoke(&pair.b, NULL, "JoinGroup", "['g']");
    peer_invoke(&pair.c, NULL, "SendGroup", "['g','m']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.a, HEAR("m"));
    expect_heard(&pair.b, HEAR("m"));
    expect_heard(&pair.c, "");
    peer_invoke(&pair.b, NULL, "LeaveGroup", "['g']");
    peer_invoke(&pair.c, NULL, "SendGroups", "['g','none','n']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.a, HEAR("n"));
    expect_heard(&pair.b, "");
    pair_release(&pair);
}

/* The call ends when the change counts: what is sent after it arrives. */
static void test_add_a_connection_of_another_worker(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    peer_invoke(&pair.a, "1", "AddTo", "['g','" ID_B "']");
    expect_heard(&pair.a, "");
    cluster_turn(pair.second);
    expect_heard(&pair.a, "");
    cluster_turn(pair.first);
    expect_heard(&pair.a, RESULT("1", "null"));
    peer_invoke(&pair.a, NULL, "SendGroup", "['g','m']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.b, HEAR("m"));

    peer_invoke(&pair.a, "2", "RemoveFrom", "['g','" ID_B "']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.a, RESULT("2", "null"));
    peer_invoke(&pair.a, NULL, "SendGroup", "['g','m']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.b, "");
    pair_release(&pair);
}

static void test_connection_leaves_before_it_is_added(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    peer_invoke(&pair.a, "1", "AddTo", "['g','" ID_B "']");
    peer_leave(&pair.b, SL_CLOSE_LOST);
    cluster_settle(&pair.cluster);
    expect_heard(&pair.a, RESULT("1", "null"));
    assert_int_equal(pair.second->entry->hub->groups.count, 0);
    assert_int_equal(
        sl_directory_set_workers(pair.cluster.pods[0].directory, SL_SET_GROUP,
                                 pair.first->entry->hub->index, SL_SLICE("g")),
        0);
    pair_release(&pair);
}

/* The asker leaves; the answer still finds its way, and nobody. */
static void test_asker_leaves_before_the_answer(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    peer_invoke(&pair.a, "1", "AddTo", "['g','" ID_B "']");
    peer_leave(&pair.a, SL_CLOSE_LOST);
    cluster_settle(&pair.cluster);
    assert_int_equal(pair.first->hub.live_calls, 0);
    assert_int_equal(pair.second->entry->hub->groups.count, 1);
    pair_release(&pair);
}

static void test_users_and_exceptions(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    peer_invoke(&pair.c, NULL, "SendUser", "['ann','m']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.a, HEAR("m"));
    expect_heard(&pair.b, HEAR("m"));
    expect_heard(&pair.c, "");
    peer_invoke(&pair.c, NULL, "SendAllExcept", "['" ID_B "','n']");
    peer_invoke(&pair.b, NULL, "SendOthers", "['o']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.a, HEAR("n") HEAR("o"));
    expect_heard(&pair.b, "");
    expect_heard(&pair.c, HEAR("n") HEAR("o"));
    pair_release(&pair);
}

static void test_send_to_a_client_of_another_worker(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    peer_invoke(&pair.a, NULL, "SendClient", "['" ID_B "','m']");
    assert_int_equal(sl_mailbox_count(&pair.second->mailbox), 1);
    cluster_settle(&pair.cluster);
    expect_heard(&pair.b, HEAR("m"));
    /* A local one posts no letter. */
    peer_invoke(&pair.a, NULL, "SendCaller", "['m']");
    assert_int_equal(sl_mailbox_count(&pair.second->mailbox), 0);
    expect_heard(&pair.a, HEAR("m"));
    pair_release(&pair);
}

static void test_pods_without_a_backplane_are_apart(void **state)
{
    (void)state;
    struct pair pair;
    struct peer far;
    pair_init(&pair);
    peer_join(&far, cluster_worker(&pair.cluster, 1, 0), "far", "ann");
    peer_invoke(&pair.a, NULL, "SendAll", "['m']");
    peer_invoke(&pair.a, NULL, "SendUser", "['ann','m']");
    cluster_settle(&pair.cluster);
    expect_heard(&far, "");
    peer_invoke(&far, NULL, "SendAll", "['f']");
    expect_heard(&far, HEAR("f"));
    peer_release(&far);
    pair_release(&pair);
}

/* Whoever comes while a message is on its way gets it or not, but whole. */
static void test_joining_while_letters_are_on_their_way(void **state)
{
    (void)state;
    struct pair pair;
    struct peer late;
    pair_init(&pair);
    peer_invoke(&pair.a, NULL, "SendAll", "['m']");
    peer_join(&late, pair.second, "late", NULL);
    cluster_settle(&pair.cluster);
    expect_heard(&pair.b, HEAR("m"));
    expect_heard(&late, HEAR("m"));
    peer_leave(&pair.b, SL_CLOSE_LOST);
    peer_invoke(&pair.a, NULL, "SendAll", "['n']");
    cluster_settle(&pair.cluster);
    expect_heard(&pair.b, "");
    expect_heard(&late, HEAR("n"));
    peer_release(&late);
    pair_release(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_across_workers),
        cmocka_unit_test(test_add_a_connection_of_another_worker),
        cmocka_unit_test(test_connection_leaves_before_it_is_added),
        cmocka_unit_test(test_asker_leaves_before_the_answer),
        cmocka_unit_test(test_users_and_exceptions),
        cmocka_unit_test(test_send_to_a_client_of_another_worker),
        cmocka_unit_test(test_pods_without_a_backplane_are_apart),
        cmocka_unit_test(test_joining_while_letters_are_on_their_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
