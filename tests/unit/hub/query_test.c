// SPDX-License-Identifier: MIT
/*
 * Counting, listing and closing connections: on one worker and across three,
 * in any order of turns.
 */
#include "hub/members.h"
#include "hub/query.h"
#include "tests/lib/expect.h"

#include "base/err.h"

struct trio {
    struct cluster cluster;
    struct sl_hub *hub; /* of a's worker, the asker */
    struct peer a, b, c;
    /* what the last query gave */
    unsigned answers;
    int err;
    uint64_t count;
    char ids[4 * SL_ID_LEN + 1];
};

/* a and b are ann's and in group g, b and c are in group h. */
static void trio_init(struct trio *trio, unsigned workers)
{
    memset(trio, 0, sizeof(*trio));
    cluster_init(&trio->cluster, (struct cluster_options){
                                     .worker_count = workers, .seed = 7 });
    struct peer *peers[] = { &trio->a, &trio->b, &trio->c };
    for (unsigned i = 0; i < 3; i++)
        peer_join(peers[i], cluster_worker(&trio->cluster, 0, i % workers),
                  (const char *[]){ "a", "b", "c" }[i], i < 2 ? "ann" : "carl");
    peer_invoke(&trio->a, NULL, "JoinGroup", "['g']");
    peer_invoke(&trio->b, NULL, "JoinGroup", "['g']");
    peer_invoke(&trio->b, NULL, "JoinGroup", "['h']");
    peer_invoke(&trio->c, NULL, "JoinGroup", "['h']");
    cluster_settle(&trio->cluster);
    trio->hub = cluster_worker(&trio->cluster, 0, 0)->entry->hub;
}

static void trio_release(struct trio *trio)
{
    peer_release(&trio->a);
    peer_release(&trio->b);
    peer_release(&trio->c);
    cluster_release(&trio->cluster);
}

static void on_found(void *user, int err, uint64_t count, struct sl_slice ids)
{
    struct trio *trio = user;
    trio->answers++;
    trio->err = err;
    trio->count = count;
    assert_true(ids.len < sizeof(trio->ids));
    if (ids.len > 0)
        memcpy(trio->ids, ids.ptr, ids.len);
    trio->ids[ids.len] = '\0';
}

static void run(struct trio *trio, const struct sl_query *query)
{
    trio->answers = 0;
    sl_hub_query(trio->hub, query, on_found, trio);
    cluster_settle(&trio->cluster);
    assert_int_equal(trio->answers, 1);
}

static uint64_t count(struct trio *trio, enum sl_audience audience,
                      const char *name, const char *second)
{
    struct sl_slice names[] = { sl_slice_str(name), sl_slice_str(second) };
    run(trio, &(struct sl_query){ .kind = SL_QUERY_COUNT,
                                  .audience = audience,
                                  .names = names,
                                  .name_count = second[0] == '\0' ? 1 : 2 });
    assert_int_equal(trio->err, 0);
    assert_string_equal(trio->ids, "");
    return trio->count;
}

static void counts_with(unsigned workers)
{
    struct trio trio;
    trio_init(&trio, workers);
    assert_int_equal(count(&trio, SL_TO_GROUPS, "g", ""), 2);
    assert_int_equal(count(&trio, SL_TO_GROUPS, "none", ""), 0);
    assert_int_equal(count(&trio, SL_TO_USERS, "ann", ""), 2);
    assert_int_equal(count(&trio, SL_TO_USERS, "ann", "carl"), 3);
    assert_int_equal(count(&trio, SL_TO_CLIENTS, trio.c.id, "nobody"), 1);
    /* b is in both, and counts once. */
    assert_int_equal(count(&trio, SL_TO_GROUPS, "g", "h"), 3);
    assert_int_equal(count(&trio, SL_TO_GROUPS, "g", "g"), 2);

    run(&trio, &(struct sl_query){ .kind = SL_QUERY_COUNT });
    assert_int_equal(trio.count, 3);
    struct sl_slice except[] = { sl_slice_str(trio.b.id), SL_SLICE("?") };
    run(&trio, &(struct sl_query){ .kind = SL_QUERY_COUNT,
                                   .except = except,
                                   .except_count = 2 });
    assert_int_equal(trio.count, 2);
    /* Nobody stays marked. */
    assert_false(trio.a.conn->left_out || trio.b.conn->left_out ||
                 trio.c.conn->left_out);
    trio_release(&trio);
}

static void test_count(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 3; workers++)
        counts_with(workers);
}

static void test_ids(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 3; workers++) {
        struct trio trio;
        struct sl_slice group = SL_SLICE("h");
        trio_init(&trio, workers);
        run(&trio, &(struct sl_query){ .kind = SL_QUERY_IDS,
                                       .audience = SL_TO_GROUPS,
                                       .names = &group,
                                       .name_count = 1 });
        assert_int_equal(trio.count, 2);
        assert_int_equal(strlen(trio.ids), 2 * SL_ID_LEN);
        assert_non_null(strstr(trio.ids, trio.b.id));
        assert_non_null(strstr(trio.ids, trio.c.id));
        trio_release(&trio);
    }
}

static void close_with(unsigned workers)
{
    struct trio trio;
    struct sl_slice groups[] = { SL_SLICE("g"), SL_SLICE("h") };
    trio_init(&trio, workers);
    c_hub_log(&cluster_worker(&trio.cluster, 0, 1 % workers)->hub);
    struct sl_slice except = sl_slice_str(trio.a.id);
    run(&trio, &(struct sl_query){ .kind = SL_QUERY_CLOSE,
                                   .audience = SL_TO_GROUPS,
                                   .names = groups,
                                   .name_count = 2,
                                   .except = &except,
                                   .except_count = 1,
                                   .text = SL_SLICE("Go home.") });
    assert_int_equal(trio.count, 2);
    expect_heard(&trio.a, "");
    expect_heard(&trio.b, "{'type':7,'error':'Go home.'}\n");
    expect_heard(&trio.c, "{'type':7,'error':'Go home.'}\n");
    assert_true(trio.b.closed && trio.c.closed && !trio.a.closed);
    assert_non_null(
        strstr(c_hub_log(&cluster_worker(&trio.cluster, 0, 1 % workers)->hub),
               "kicked"));
    assert_int_equal(count(&trio, SL_TO_GROUPS, "g", "h"), 1);
    trio_release(&trio);
}

static void test_close(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 3; workers++)
        close_with(workers);
}

/* In its groups until on_disconnected has ended, but counted no more. */
static void test_who_leaves_does_not_count(void **state)
{
    (void)state;
    struct trio trio;
    trio_init(&trio, 1);
    struct cluster_worker *worker = cluster_worker(&trio.cluster, 0, 0);
    worker->hub.on_disconnected = C_HUB_HELD;
    struct sl_conn *leaving = trio.b.conn;
    peer_leave(&trio.b, SL_CLOSE_LOST);
    cluster_settle(&trio.cluster);
    assert_int_equal(
        sl_members_find(trio.hub, SL_SET_GROUP, SL_SLICE("g"))->count, 2);
    assert_int_equal(count(&trio, SL_TO_GROUPS, "g", ""), 1);
    assert_int_equal(count(&trio, SL_TO_CLIENTS, trio.b.id, ""), 0);
    worker->hub.on_disconnected = C_HUB_AT_ONCE;
    sl_conn_disconnected_done(leaving);
    trio_release(&trio);
}

static void test_names_that_cannot_be(void **state)
{
    (void)state;
    struct trio trio;
    static char big[1025];
    memset(big, 'g', sizeof(big));
    trio_init(&trio, 2);
    struct sl_slice bad[] = { { 0 }, sl_slice_of(big, sizeof(big)) };
    for (unsigned i = 0; i < 2; i++) {
        run(&trio, &(struct sl_query){ .kind = SL_QUERY_COUNT,
                                       .audience = SL_TO_GROUPS,
                                       .names = &bad[i],
                                       .name_count = 1 });
        assert_int_equal(trio.err, SL_E_VALUE);
        assert_int_equal(trio.count, 0);
    }
    trio_release(&trio);
}

/* Who goes while the letter is on its way is not in the answer. */
static void test_gone_before_the_letter(void **state)
{
    (void)state;
    struct trio trio;
    trio_init(&trio, 3);
    struct sl_slice group = SL_SLICE("h");
    sl_hub_query(trio.hub,
                 &(struct sl_query){ .kind = SL_QUERY_IDS,
                                     .audience = SL_TO_GROUPS,
                                     .names = &group,
                                     .name_count = 1 },
                 on_found, &trio);
    assert_int_equal(trio.answers, 0);
    peer_leave(&trio.c, SL_CLOSE_LOST);
    cluster_settle(&trio.cluster);
    assert_int_equal(trio.answers, 1);
    assert_string_equal(trio.ids, trio.b.id);
    trio_release(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_who_leaves_does_not_count),
        cmocka_unit_test(test_names_that_cannot_be),
        cmocka_unit_test(test_gone_before_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
