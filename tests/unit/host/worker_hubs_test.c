// SPDX-License-Identifier: MIT
/*
 * Sets of scripts prepared, dropped and committed on one worker: which hubs
 * have endpoints afterwards, and that nothing shows before the commit.
 */
#include "host/worker_hubs.h"

#include "base/err.h"
#include "hub/hub.h"
#include "tests/lib/c_engine.h"
#include "transport/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sl_directory *directory;
static struct sl_bus *bus;
static struct sl_claims *claims;
static struct sl_token_keys keys;
static struct sl_worker_env env;
static struct sl_worker worker;
static unsigned error_count;

static const struct sl_script_file files[] = {
    { SL_SLICE("chat.lua"), SL_SLICE("") },
    { SL_SLICE("game.lua"), SL_SLICE("") },
    { SL_SLICE("bad.lua"), SL_SLICE("error") },
};
static const struct sl_script_set chat = { &files[0], 1, "00000000", NULL };
static const struct sl_script_set both = { &files[0], 2, "11111111", NULL };
static const struct sl_script_set game = { &files[1], 1, "22222222", NULL };
static const struct sl_script_set bad = { &files[1], 2, "33333333", NULL };
static const struct sl_script_set none = { &files[0], 0, "44444444", NULL };

static void on_error(void *user, const struct sl_report *report)
{
    (void)user;
    (void)report;
    error_count++;
}

static int setup(void **state)
{
    (void)state;
    error_count = 0;
    directory = sl_directory_new();
    bus = sl_bus_new(directory, 1);
    claims = sl_claims_new(100);
    sl_token_keys_init(&keys, (struct sl_slice){ 0 });
    env = (struct sl_worker_env){
        .engine = &c_engine_ops,
        .scripts = &chat,
        .bus = bus,
        .claims = claims,
        .keys = &keys,
        .pod = "test",
        .http_limits = { 8192, 8192, 5000, 5000 },
        .on_error = on_error,
    };
    return sl_worker_init(&worker, &env, 0);
}

static int teardown(void **state)
{
    (void)state;
    sl_worker_free(&worker);
    sl_claims_free(claims);
    sl_bus_free(bus);
    sl_directory_free(directory);
    return 0;
}

static struct sl_hub_entry *entry_of(const char *name)
{
    struct sl_slice text = sl_slice_str(name);
    return sl_hub_find_entry(&worker.world, text, text);
}

static bool serves(const char *name)
{
    unsigned count = 0;
    SL_LIST_FOREACH(node, &worker.endpoints) {
        const struct sl_endpoint *endpoint =
            SL_CONTAINER_OF(node, const struct sl_endpoint, node);
        if (sl_slice_eq(sl_slice_str(endpoint->entry->name),
                        sl_slice_str(name))) {
            assert_false(endpoint->entry->removed);
            count++;
        }
    }
    assert_true(count <= 1);
    return count == 1;
}

static void take(const struct sl_script_set *set)
{
    assert_int_equal(sl_worker_prepare(&worker, set, on_error, NULL), 0);
    sl_worker_commit(&worker);
}

static void shows_nothing_before_the_commit(void **state)
{
    (void)state;
    const void *script = entry_of("chat")->script;
    assert_int_equal(sl_worker_prepare(&worker, &both, on_error, NULL), 0);
    assert_false(serves("game"));
    assert_ptr_equal(entry_of("chat")->script, script);
    sl_worker_drop(&worker);
    assert_false(serves("game"));
    take(&both);
    assert_true(serves("game"));
    assert_true(serves("chat"));
    assert_ptr_not_equal(entry_of("chat")->script, script);
}

static void removes_and_takes_back(void **state)
{
    (void)state;
    struct sl_hub_entry *entry = entry_of("chat");
    take(&game);
    assert_false(serves("chat"));
    assert_true(serves("game"));
    assert_true(entry->removed);
    assert_null(entry->script);
    assert_null(sl_hub_find(&worker.world, SL_SLICE("nobody")));
    take(&both);
    assert_true(serves("chat"));
    assert_ptr_equal(entry_of("chat"), entry);
    take(&none);
    assert_true(sl_list_empty(&worker.endpoints));
}

static void leaves_nothing_of_what_does_not_load(void **state)
{
    (void)state;
    assert_int_equal(sl_worker_prepare(&worker, &bad, on_error, NULL),
                     SL_E_SCRIPT);
    assert_int_equal(error_count, 1);
    assert_int_equal(worker.def_count, 0);
    sl_worker_drop(&worker);
    assert_true(serves("chat"));
    assert_false(serves("game"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_nothing_before_the_commit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(removes_and_takes_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(leaves_nothing_of_what_does_not_load,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
