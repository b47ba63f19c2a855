// SPDX-License-Identifier: MIT
/*
 * A worker's world: shutdown, handles, and letters of hubs it does not serve.
 */
#include "hub/world.h"

#include "tests/lib/expect.h"

#include <stdio.h>

static void test_close_all(void **state)
{
    (void)state;
    struct alone alone;
    struct peer early;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    peer_open(&early, alone.worker, "early", NULL);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 3);

    sl_world_close_all(&alone.worker->world, SL_CLOSE_SHUTDOWN);
    expect_heard(&alone.a, CLOSE_RECONNECT);
    expect_heard(&alone.b, CLOSE_RECONNECT);
    expect_heard(&early, "");
    assert_true(early.closed && alone.a.closed && alone.b.closed);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 3);
    sl_world_close_all(&alone.worker->world, SL_CLOSE_SHUTDOWN); /* nothing */
    cluster_settle(&alone.cluster);
    assert_int_equal(sl_world_conn_count(&alone.worker->world), 0);
    peer_release(&early);
    alone_release(&alone);
}

static void test_handles_outlive_connections(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    sl_slot_id first = alone.a.conn->handle;
    peer_release(&alone.a);
    cluster_settle(&alone.cluster);
    alone_join(&alone, &alone.a, "a");
    assert_null(sl_world_conn(&alone.worker->world, first));
    assert_ptr_equal(sl_world_conn(&alone.worker->world, alone.a.conn->handle),
                     alone.a.conn);
    assert_null(sl_world_conn(&alone.worker->world, 0));
    alone_release(&alone);
}

static void test_ping_is_framed_once(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_buf *ping = alone.worker->world.ping[SL_PROTOCOL_JSON];
    assert_true(sl_slice_eq(sl_buf_framed(ping),
                            sl_slice_of("\x81\x0b{\"type\":6}\x1e", 13)));
    alone_release(&alone);
}

/* A hub that only other workers serve: as while scripts are reloaded. */
static void test_letters_of_unknown_hubs(void **state)
{
    (void)state;
    struct cluster cluster;
    struct peer b;
    cluster_init(&cluster, (struct cluster_options){ .worker_count = 2 });
    struct cluster_worker *first = cluster_worker(&cluster, 0, 0);
    struct cluster_worker *second = cluster_worker(&cluster, 0, 1);
    struct sl_hub_def def = {
        .name = SL_SLICE("only"),
        .path = SL_SLICE("/only"),
        .backplane_name = SL_SLICE("only"),
        .ops = &c_hub_ops,
        .script = &first->hub,
        .options = first->entry->options,
    };
    struct cluster_worker as_only = *first;
    as_only.entry = sl_hub_add_entry(&first->world, &def);
    struct sl_directory *directory = cluster.pods[0].directory;
    uint32_t index = as_only.entry->hub->index;
    assert_int_equal(sl_directory_add_conn(directory, index,
                                           SL_SLICE("zzzzzzzzzzzzzzzzzzzzzz"),
                                           1, SL_PROTOCOL_JSON),
                     0);
    peer_join(&b, &as_only, "b", NULL);
    peer_invoke(&b, "1", "SendAll", "['m']");
    peer_invoke(&b, "2", "AddTo", "['g','zzzzzzzzzzzzzzzzzzzzzz']");
    assert_int_equal(sl_mailbox_count(&second->mailbox), 2);
    cluster_settle(&cluster);
    expect_heard(&b, HEAR("m") RESULT("1", "null") RESULT("2", "null"));
    peer_release(&b);
    cluster_release(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_all),
        cmocka_unit_test(test_handles_outlive_connections),
        cmocka_unit_test(test_ping_is_framed_once),
        cmocka_unit_test(test_letters_of_unknown_hubs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
