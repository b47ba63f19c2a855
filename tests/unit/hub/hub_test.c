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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_entries_share_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
