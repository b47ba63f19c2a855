// SPDX-License-Identifier: MIT
/*
 * Sets come with their first member and go with their last, and the directory
 * is told exactly then.
 */
#include "hub/members.h"

#include "hub/conn.h"
#include "tests/lib/expect.h"

#include <stdio.h>

static uint64_t workers_of(struct alone *alone, enum sl_set_kind kind,
                           struct sl_slice name)
{
    return sl_directory_set_workers(alone->cluster.pods[0].directory, kind,
                                    alone->worker->entry->hub->index, name);
}

static void test_sets_live_by_their_members(void **state)
{
    (void)state;
    struct alone alone;
    struct sl_slice room = SL_SLICE("room");
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    struct sl_hub *hub = alone.worker->entry->hub;
    struct sl_conn *a = alone.a.conn, *b = alone.b.conn;

    assert_null(sl_members_find(hub, SL_SET_GROUP, room));
    assert_int_equal(workers_of(&alone, SL_SET_GROUP, room), 0);
    sl_members_add(hub, SL_SET_GROUP, room, a);
    sl_members_add(hub, SL_SET_GROUP, room, a);
    assert_int_equal(sl_members_find(hub, SL_SET_GROUP, room)->count, 1);
    assert_int_equal(workers_of(&alone, SL_SET_GROUP, room), 1);
    assert_null(sl_members_find(hub, SL_SET_USER, room));

    sl_members_add(hub, SL_SET_GROUP, room, b);
    assert_int_equal(sl_members_find(hub, SL_SET_GROUP, room)->count, 2);
    sl_members_remove(hub, SL_SET_GROUP, room, a);
    sl_members_remove(hub, SL_SET_GROUP, room, a);
    sl_members_remove(hub, SL_SET_GROUP, SL_SLICE("other"), a);
    assert_int_equal(sl_members_find(hub, SL_SET_GROUP, room)->count, 1);
    sl_members_remove(hub, SL_SET_GROUP, room, b);
    assert_null(sl_members_find(hub, SL_SET_GROUP, room));
    assert_int_equal(workers_of(&alone, SL_SET_GROUP, room), 0);
    alone_release(&alone);
}

static void test_all_end_with_the_connection(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_join(&alone.a, alone.worker, "a", "ann");
    alone_join(&alone, &alone.b, "b");
    struct sl_hub *hub = alone.worker->entry->hub;
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "g%d", i);
        sl_members_add(hub, SL_SET_GROUP, sl_slice_str(name), alone.a.conn);
        if (i % 2 == 0)
            sl_members_add(hub, SL_SET_GROUP, sl_slice_str(name), alone.b.conn);
    }
    assert_int_equal(hub->groups.count, 100);
    assert_int_equal(hub->users.count, 1);
    assert_int_equal(workers_of(&alone, SL_SET_USER, SL_SLICE("ann")), 1);

    peer_leave(&alone.a, SL_CLOSE_CLIENT);
    cluster_settle(&alone.cluster);
    assert_int_equal(hub->groups.count, 50);
    assert_int_equal(hub->users.count, 0);
    assert_int_equal(workers_of(&alone, SL_SET_USER, SL_SLICE("ann")), 0);
    assert_int_equal(workers_of(&alone, SL_SET_GROUP, SL_SLICE("g1")), 0);
    assert_int_equal(workers_of(&alone, SL_SET_GROUP, SL_SLICE("g2")), 1);
    alone_release(&alone);
}

/* Found from either side, whichever list is the shorter one. */
static void test_lookup_from_both_sides(void **state)
{
    (void)state;
    struct alone alone;
    struct peer peers[20];
    char name[16];
    alone_init(&alone, NULL);
    struct sl_hub *hub = alone.worker->entry->hub;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        alone_join(&alone, &peers[i], name);
        sl_members_add(hub, SL_SET_GROUP, SL_SLICE("big"), peers[i].conn);
    }
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "g%d", i);
        sl_members_add(hub, SL_SET_GROUP, sl_slice_str(name), peers[7].conn);
    }
    sl_members_add(hub, SL_SET_GROUP, SL_SLICE("big"), peers[7].conn);
    sl_members_add(hub, SL_SET_GROUP, SL_SLICE("big"), peers[19].conn);
    sl_members_add(hub, SL_SET_GROUP, SL_SLICE("g3"), peers[7].conn);
    assert_int_equal(sl_members_find(hub, SL_SET_GROUP, SL_SLICE("big"))->count,
                     20);
    assert_int_equal(sl_members_find(hub, SL_SET_GROUP, SL_SLICE("g3"))->count,
                     1);
    for (int i = 0; i < 20; i++)
        peer_release(&peers[i]);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_live_by_their_members),
        cmocka_unit_test(test_all_end_with_the_connection),
        cmocka_unit_test(test_lookup_from_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
