// SPDX-License-Identifier: MIT
/*
 * The server asks and a client answers, from the same worker and from another,
 * whatever ends first.
 */
#include "tests/lib/expect.h"

#include <stdio.h>

struct pair {
    struct cluster cluster;
    struct peer a, b;
};

/* a and b on different workers of a pod, or both on the one. */
static void pair_init(struct pair *pair, unsigned workers)
{
    memset(pair, 0, sizeof(*pair));
    cluster_init(&pair->cluster,
                 (struct cluster_options){ .worker_count = workers });
    peer_join(&pair->a, cluster_worker(&pair->cluster, 0, 0), "a", NULL);
    peer_join(&pair->b, cluster_worker(&pair->cluster, 0, workers - 1), "b",
              NULL);
}

static void pair_release(struct pair *pair)
{
    peer_release(&pair->a);
    peer_release(&pair->b);
    cluster_release(&pair->cluster);
}

static void ask(struct pair *pair, const char *id, const char *whom)
{
    char args[64];
    snprintf(args, sizeof(args), "['%s',7]", whom);
    peer_invoke(&pair->a, id, "Ask", args);
    cluster_settle(&pair->cluster);
}

#define WHAT(id) \
    "{'type':1,'invocationId':'" id "','target':'What','arguments':[7]}\n"
#define ASKED(id, text)                                               \
    FAILURE(id, "An unexpected error occurred invoking 'Ask' on the " \
                "server. HubException: " text)

static void test_answer(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct pair pair;
        pair_init(&pair, workers);
        ask(&pair, "1", pair.b.id);
        expect_heard(&pair.b, WHAT("s1"));
        assert_int_equal(pair.b.conn->owed, 1);
        peer_say(&pair.b, "{'type':3,'invocationId':'s9','result':1}");
        peer_say(&pair.b, "{'type':3,'invocationId':'s1','result':8}");
        cluster_settle(&pair.cluster);
        expect_heard(&pair.a, RESULT("1", "8"));
        assert_int_equal(pair.b.conn->owed, 0);
        pair_release(&pair);
    }
}

static void test_bad_answers(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct pair pair;
        pair_init(&pair, workers);
        ask(&pair, "1", pair.b.id);
        ask(&pair, "2", pair.b.id);
        peer_heard(&pair.b);
        peer_say(&pair.b, "{'type':3,'invocationId':'s1','error':'no!'}");
        peer_say(&pair.b, workers == 1 ? "{'type':3,'invocationId':'s2'}"
                                       : "{'type':3,'invocationId':'s3'}");
        cluster_settle(&pair.cluster);
        expect_heard(&pair.a,
                     ASKED("1", "no!")
                         ASKED("2", "The client answered without a result."));
        pair_release(&pair);
    }
}

static void test_nobody_there(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct pair pair;
        pair_init(&pair, workers);
        ask(&pair, "1", "nope");
        expect_heard(&pair.a, ASKED("1", "Connection 'nope' does not exist."));
        ask(&pair, "2", pair.b.id);
        peer_leave(&pair.b, SL_CLOSE_LOST);
        cluster_settle(&pair.cluster);
        assert_non_null(strstr(peer_heard(&pair.a), "' disconnected.'}"));
        pair_release(&pair);
    }
}

static void test_asker_leaves(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct pair pair;
        pair_init(&pair, workers);
        ask(&pair, "1", pair.b.id);
        peer_leave(&pair.a, SL_CLOSE_LOST);
        cluster_settle(&pair.cluster);
        peer_say(&pair.b, "{'type':3,'invocationId':'s1','result':8}");
        cluster_settle(&pair.cluster);
        assert_int_equal(cluster_worker(&pair.cluster, 0, 0)->hub.live_calls,
                         0);
        pair_release(&pair);
    }
}

/* Wherever the asker, the one who was asked and the one who answers are. */
static void test_wrong_connection_answers(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 3; workers++)
        for (unsigned place = 0; place < workers; place++) {
            struct pair pair;
            struct peer wrong = { 0 };
            pair_init(&pair, workers);
            peer_join(&wrong, cluster_worker(&pair.cluster, 0, place), "w",
                      NULL);
            ask(&pair, "1", pair.b.id);
            peer_say(&wrong, "{'type':3,'invocationId':'s1','result':8}");
            cluster_settle(&pair.cluster);
            expect_heard(&wrong, CLOSE_ERROR);
            assert_true(wrong.closed);
            assert_false(pair.a.closed || pair.b.closed);
            expect_heard(&pair.b, WHAT("s1"));
            peer_say(&pair.b, "{'type':3,'invocationId':'s1','result':9}");
            cluster_settle(&pair.cluster);
            expect_heard(&pair.a, RESULT("1", "9"));
            peer_release(&wrong);
            pair_release(&pair);
        }
}

/* Answers to what nobody asked, or what was answered, are ignored. */
static void test_late_and_invented_answers(void **state)
{
    (void)state;
    static const char *const ids[] = { "s1",
                                       "s2",
                                       "s999999999999999999",
                                       "s99999999999999999999999",
                                       "s",
                                       "s-1",
                                       "s1x",
                                       "x1",
                                       "1" };
    struct pair pair;
    pair_init(&pair, 3);
    ask(&pair, "1", pair.b.id);
    peer_say(&pair.b, "{'type':3,'invocationId':'s1','result':9}");
    for (unsigned i = 0; i < SL_COUNT(ids); i++) {
        char text[96];
        snprintf(text, sizeof(text),
                 "{'type':3,'invocationId':'%s','result':8}", ids[i]);
        cluster_settle(&pair.cluster);
        peer_say(&pair.b, text);
        peer_say(&pair.a, text);
    }
    cluster_settle(&pair.cluster);
    assert_false(pair.a.closed || pair.b.closed);
    expect_heard(&pair.a, RESULT("1", "9"));
    pair_release(&pair);
}

static void test_asking_oneself_frees_the_slot(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 1);
    ask(&pair, "1", pair.a.id);
    peer_invoke(&pair.a, "2", "Echo", "[2]");
    peer_say(&pair.a, "{'type':3,'invocationId':'s1','result':8}");
    expect_heard(&pair.a, WHAT("s1") RESULT("2", "2") RESULT("1", "8"));
    pair_release(&pair);
}

static void test_reading_goes_on_while_it_owes(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 1);
    peer_invoke(&pair.b, NULL, "Slow", "[1]");
    for (int i = 0; i < 70; i++)
        peer_invoke(&pair.b, NULL, "Echo", "[1]");
    assert_true(pair.b.paused);
    ask(&pair, "1", pair.b.id);
    assert_false(pair.b.paused);
    peer_heard(&pair.b);
    peer_invoke(&pair.b, "x", "Echo", "[1]");
    expect_heard(&pair.b,
                 FAILURE("x", "An unexpected error occurred invoking 'Echo' "
                              "on the server. HubException: Too many calls "
                              "wait for this connection."));
    peer_say(&pair.b, "{'type':3,'invocationId':'s1','result':8}");
    expect_heard(&pair.a, RESULT("1", "8"));
    assert_true(pair.b.paused);
    pair_release(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_asker_leaves),
        cmocka_unit_test(test_wrong_connection_answers),
        cmocka_unit_test(test_late_and_invented_answers),
        cmocka_unit_test(test_asking_oneself_frees_the_slot),
        cmocka_unit_test(test_reading_goes_on_while_it_owes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
