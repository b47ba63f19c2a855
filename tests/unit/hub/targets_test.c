// SPDX-License-Identifier: MIT
/*
 * Who gets a send, how many copies, and what it costs: one encoding for all,
 * none when nobody listens.
 */
#include "hub/targets.h"

#include "base/err.h"
#include "tests/lib/expect.h"

#include <stdio.h>

static unsigned writes;

static int write_text(struct sl_writer *w, void *user)
{
    writes++;
    return sl_write_string(w, sl_slice_str(user));
}

static int write_broken(struct sl_writer *w, void *user)
{
    (void)user;
    return sl_write_string(w, SL_SLICE("\xff"));
}

static int send(struct alone *alone, struct sl_send what)
{
    what.target = SL_SLICE("Hear");
    what.arg_count = 1;
    if (what.args == NULL)
        what.args = write_text;
    what.user = (void *)(uintptr_t) "m";
    writes = 0;
    return sl_hub_send(alone->worker->entry->hub, &what);
}

static void test_one_encoding_for_all(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    assert_int_equal(send(&alone, (struct sl_send){ .audience = SL_TO_ALL }),
                     0);
    assert_int_equal(writes, 1); /* to see that it can be written at all */
    assert_int_equal(alone.worker->world.scratch.len, 0);

    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    assert_int_equal(send(&alone, (struct sl_send){ .audience = SL_TO_ALL }),
                     0);
    assert_int_equal(writes, 1);
    expect_heard(&alone.a, HEAR("m"));
    expect_heard(&alone.b, HEAR("m"));
    assert_int_equal(alone.a.shared, 1);
    assert_int_equal(alone.worker->world.scratch.len, 0);
    alone_release(&alone);
}

/* Once for each protocol that somebody speaks, in a frame of its kind. */
static void test_one_encoding_for_each_protocol(void **state)
{
    (void)state;
    const struct sl_send to_all = { .audience = SL_TO_ALL };
    struct alone alone;
    alone_init(&alone, NULL);
    peer_join_msgpack(&alone.a, alone.worker, "a", NULL);
    assert_int_equal(send(&alone, to_all), 0);
    assert_int_equal(writes, 1);
    expect_heard(&alone.a, HEAR("m"));

    alone_join(&alone, &alone.b, "b");
    assert_int_equal(send(&alone, to_all), 0);
    assert_int_equal(writes, 2);
    expect_heard(&alone.a, HEAR("m"));
    expect_heard(&alone.b, HEAR("m"));
    assert_int_equal(alone.a.shared, 2);
    assert_int_equal(alone.worker->world.scratch.len, 0);

    /* One client: only what that one speaks. */
    struct sl_slice id = sl_conn_id(alone.a.conn);
    struct sl_send to_one = { .audience = SL_TO_CLIENTS,
                              .names = &id,
                              .name_count = 1 };
    assert_int_equal(send(&alone, to_one), 0);
    assert_int_equal(writes, 1);
    expect_heard(&alone.a, HEAR("m"));

    peer_leave(&alone.a, SL_CLOSE_LOST);
    cluster_settle(&alone.cluster);
    assert_int_equal(send(&alone, to_all), 0);
    assert_int_equal(writes, 1);
    expect_heard(&alone.b, HEAR("m"));
    alone_release(&alone);
}

/* JSON cannot say "\xff", and one encoding that fails ends the send: nobody
 * hears a half of it, in whatever order the protocols are written. */
static void test_a_send_reaches_both_protocols_or_none(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_join_msgpack(&alone.b, alone.worker, "b", NULL);
    assert_true(send(&alone, (struct sl_send){ .audience = SL_TO_ALL,
                                               .args = write_broken }) < 0);
    expect_heard(&alone.a, "");
    expect_heard(&alone.b, "");
    assert_int_equal(alone.worker->world.scratch.len, 0);
    alone_release(&alone);
}

static void test_single_client_is_copied(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_slice ids[] = { sl_conn_id(alone.a.conn), SL_SLICE("nobody"),
                              sl_conn_id(alone.a.conn) };
    struct sl_send what = { .audience = SL_TO_CLIENTS,
                            .names = ids,
                            .name_count = 1 };
    assert_int_equal(send(&alone, what), 0);
    expect_heard(&alone.a, HEAR("m"));
    assert_int_equal(alone.a.shared, 0);

    /* One copy for each time it is listed; unknown ones are nobody. */
    what.name_count = 3;
    assert_int_equal(send(&alone, what), 0);
    expect_heard(&alone.a, HEAR("m") HEAR("m"));
    what.names = ids + 1;
    what.name_count = 1;
    assert_int_equal(send(&alone, what), 0);
    expect_heard(&alone.a, "");
    what.name_count = 0;
    assert_int_equal(send(&alone, what), 0);
    alone_release(&alone);
}

static void test_except(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    struct sl_slice except[100];
    char names[100][16];
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "x%d", i);
        except[i] = sl_slice_str(names[i]);
    }
    except[99] = sl_conn_id(alone.a.conn);
    except[50] = sl_conn_id(alone.a.conn);
    struct sl_send what = { .audience = SL_TO_ALL,
                            .except = except,
                            .except_count = 100 };
    assert_int_equal(send(&alone, what), 0);
    expect_heard(&alone.a, "");
    expect_heard(&alone.b, HEAR("m"));

    /* The mark does not outlive the send. */
    assert_int_equal(send(&alone, (struct sl_send){ .audience = SL_TO_ALL }),
                     0);
    expect_heard(&alone.a, HEAR("m"));
    alone_release(&alone);
}

static void test_groups_and_users(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_join(&alone.a, alone.worker, "a", "ann");
    peer_join(&alone.b, alone.worker, "b", "ann");
    peer_invoke(&alone.a, NULL, "JoinGroup", "['g']");
    peer_invoke(&alone.a, NULL, "JoinGroup", "['h']");
    peer_invoke(&alone.b, NULL, "JoinGroup", "['h']");

    struct sl_slice groups[] = { SL_SLICE("g"), SL_SLICE("h"), SL_SLICE("H") };
    struct sl_send what = { .audience = SL_TO_GROUPS,
                            .names = groups,
                            .name_count = 3 };
    assert_int_equal(send(&alone, what), 0);
    expect_heard(&alone.a, HEAR("m") HEAR("m"));
    expect_heard(&alone.b, HEAR("m"));

    struct sl_slice users[] = { SL_SLICE("ann"), SL_SLICE("bob") };
    struct sl_slice except = sl_conn_id(alone.b.conn);
    what = (struct sl_send){ .audience = SL_TO_USERS,
                             .names = users,
                             .name_count = 2,
                             .except = &except,
                             .except_count = 1 };
    assert_int_equal(send(&alone, what), 0);
    expect_heard(&alone.a, HEAR("m"));
    expect_heard(&alone.b, "");

    peer_invoke(&alone.a, NULL, "LeaveGroup", "['g']");
    peer_invoke(&alone.a, NULL, "LeaveGroup", "['never']");
    peer_invoke(&alone.b, NULL, "SendGroup", "['g','m']");
    expect_heard(&alone.a, "");
    alone_release(&alone);
}

static void test_names_that_cannot_be(void **state)
{
    (void)state;
    struct alone alone;
    static char big[1025];
    memset(big, 'g', sizeof(big));
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_slice names[] = { SL_SLICE("g"), { 0 } };
    struct sl_send what = { .names = names, .name_count = 2 };
    const enum sl_audience audiences[] = { SL_TO_GROUPS, SL_TO_USERS,
                                           SL_TO_CLIENTS };
    for (unsigned i = 0; i < 3; i++) {
        what.audience = audiences[i];
        names[1] = (struct sl_slice){ 0 };
        assert_int_equal(send(&alone, what), SL_E_VALUE);
        names[1] = sl_slice_of(big, sizeof(big));
        assert_int_equal(send(&alone, what),
                         audiences[i] == SL_TO_CLIENTS ? 0 : SL_E_VALUE);
        names[1] = sl_slice_of(big, sizeof(big) - 1);
        assert_int_equal(send(&alone, what), 0);
    }
    what.name_count = 65537;
    assert_int_equal(send(&alone, what), SL_E_VALUE);
    alone_release(&alone);
}

static void test_arguments_that_cannot_be_written(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_slice id = sl_conn_id(alone.a.conn);
    struct sl_send what = { .audience = SL_TO_ALL, .args = write_broken };
    assert_true(send(&alone, what) < 0);
    what = (struct sl_send){ .audience = SL_TO_CLIENTS,
                             .names = &id,
                             .name_count = 1,
                             .args = write_broken };
    assert_true(send(&alone, what) < 0);
    expect_heard(&alone.a, "");
    assert_int_equal(alone.worker->world.scratch.len, 0);
    assert_false(alone.a.closed);
    alone_release(&alone);
}

/* ---- group changes ---- */

static void on_done(void *user, int err)
{
    *(int *)user = err;
}

static int change(struct alone *alone, struct sl_slice group,
                  struct sl_slice id)
{
    int outcome = 1;
    sl_hub_change_group(alone->worker->entry->hub, true, group, id, on_done,
                        &outcome);
    cluster_settle(&alone->cluster);
    return outcome;
}

static void test_group_changes(void **state)
{
    (void)state;
    struct alone alone;
    static char big[1025];
    memset(big, 'g', sizeof(big));
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_slice id = sl_conn_id(alone.a.conn);
    struct sl_slice group = SL_SLICE("g");

    assert_int_equal(change(&alone, group, id), 0);
    assert_int_equal(alone.worker->entry->hub->groups.count, 1);
    assert_int_equal(change(&alone, group, id), 0);
    assert_int_equal(change(&alone, SL_SLICE("a\0b"), id), 0);
    assert_int_equal(alone.worker->entry->hub->groups.count, 2);
    assert_int_equal(change(&alone, (struct sl_slice){ 0 }, id), SL_E_VALUE);
    assert_int_equal(change(&alone, sl_slice_of(big, sizeof(big)), id),
                     SL_E_VALUE);

    /* Connections that nobody has: nothing to do. */
    assert_int_equal(change(&alone, group, SL_SLICE("nobody")), 0);
    assert_int_equal(change(&alone, group, SL_SLICE("zzzzzzzzzzzzzzzzzzzzzz")),
                     0);
    assert_int_equal(
        change(&alone, group, sl_slice_of("a\0--------------------", 22)), 0);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_encoding_for_all),
        cmocka_unit_test(test_one_encoding_for_each_protocol),
        cmocka_unit_test(test_a_send_reaches_both_protocols_or_none),
        cmocka_unit_test(test_single_client_is_copied),
        cmocka_unit_test(test_except),
        cmocka_unit_test(test_groups_and_users),
        cmocka_unit_test(test_names_that_cannot_be),
        cmocka_unit_test(test_arguments_that_cannot_be_written),
        cmocka_unit_test(test_group_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
