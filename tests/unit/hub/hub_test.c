// SPDX-License-Identifier: MIT
/*
 * Hubs by name and identity: several files with one backplane name are one
 * hub with several entries.
 */
#include "hub/hub.h"

#include "tests/lib/expect.h"

static struct sl_hub_entry *add(struct cluster_worker *worker, const char *name,
                                const char *identity)
{
    struct sl_hub_def def = {
        .name = sl_slice_str(name),
        .path = sl_slice_str("/path"),
        .backplane_name = sl_slice_str(identity),
        .ops = &c_hub_ops,
        .script = &worker->hub,
    };
    sl_hub_options_default(&def.options);
    return sl_hub_add_entry(&worker->world, &def);
}

static void test_identity(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_hub_entry *chat = add(alone.worker, "chat", "My.Chat");
    struct sl_hub_entry *admin = add(alone.worker, "admin/chat", "My.Chat");
    struct sl_hub_entry *game = add(alone.worker, "game", "game");

    assert_ptr_equal(chat->hub, admin->hub);
    assert_ptr_not_equal(chat->hub, game->hub);
    assert_ptr_not_equal(chat->hub, alone.worker->entry->hub);
    assert_string_equal(chat->hub->name, "My.Chat");
    assert_string_equal(admin->name, "admin/chat");
    assert_string_equal(admin->path, "/path");
    assert_int_not_equal(chat->hub->index, game->hub->index);
    alone_release(&alone);
}

static void test_find(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_world *world = &alone.worker->world;
    struct sl_hub_entry *chat = add(alone.worker, "chat", "My.Chat");
    struct sl_hub_entry *odd = add(alone.worker, "My.Chat", "odd");

    assert_ptr_equal(sl_hub_find(world, SL_SLICE("chat")), chat->hub);
    /* The name of a file comes before an identity. */
    assert_ptr_equal(sl_hub_find(world, SL_SLICE("My.Chat")), odd->hub);
    assert_ptr_equal(sl_hub_find(world, SL_SLICE("odd")), odd->hub);
    assert_null(sl_hub_find(world, SL_SLICE("nope")));
    assert_null(sl_hub_find(world, (struct sl_slice){ 0 }));
    alone_release(&alone);
}

static void test_entries_share_members(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct cluster_worker second = *alone.worker;
    second.entry = add(alone.worker, "second", "test");
    assert_ptr_equal(second.entry->hub, alone.worker->entry->hub);

    alone_join(&alone, &alone.a, "a");
    peer_join(&alone.b, &second, "b", NULL);
    peer_invoke(&alone.b, NULL, "SendAll", "['m']");
    expect_heard(&alone.a, HEAR("m"));
    expect_heard(&alone.b, HEAR("m"));
    alone_release(&alone);
}

static unsigned held;

static void on_hold(void *script)
{
    (void)script;
    held++;
}

static void on_let_go(void *script)
{
    (void)script;
    assert_int_equal(held, 1);
    held--;
}

static void test_removal(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    struct sl_world *world = &alone.worker->world;
    struct sl_hub_entry *entry = alone.worker->entry;
    struct cluster_worker second = *alone.worker;
    second.entry = add(alone.worker, "second", "test");
    struct sl_script_ops ops = c_hub_ops;
    ops.hold = on_hold;
    ops.let_go = on_let_go;
    second.entry->ops = &ops;

    alone_join(&alone, &alone.a, "a");
    peer_join(&alone.b, &second, "b", NULL);
    assert_int_equal(second.entry->conn_count, 1);
    sl_hub_entry_remove(second.entry);
    sl_hub_entry_remove(second.entry); /* twice is once */
    assert_int_equal(held, 1);         /* on_disconnected is still to run */
    cluster_settle(&alone.cluster);
    assert_non_null(strstr(peer_heard(&alone.b), "not served any more"));
    assert_non_null(strstr(c_hub_log(&alone.worker->hub), "removed"));
    assert_int_equal(held, 0);
    assert_int_equal(second.entry->conn_count, 0);
    assert_null(sl_hub_find(world, SL_SLICE("second")));
    /* Others of the same hub go on. */
    assert_int_equal(entry->conn_count, 1);
    expect_heard(&alone.a, "");

    struct sl_hub_def def = {
        .name = SL_SLICE("second"),
        .path = SL_SLICE("/elsewhere"),
        .backplane_name = SL_SLICE("test"),
        .ops = &c_hub_ops,
        .script = &alone.worker->hub,
    };
    sl_hub_options_default(&def.options);
    assert_ptr_equal(sl_hub_find_entry(world, def.name, def.backplane_name),
                     second.entry);
    assert_null(sl_hub_find_entry(world, def.name, SL_SLICE("other")));
    sl_hub_entry_replace(second.entry, &def);
    assert_false(second.entry->removed);
    assert_string_equal(second.entry->path, "/elsewhere");
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_entries_share_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
