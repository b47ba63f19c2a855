// SPDX-License-Identifier: MIT
/*
 * Loading: which files are hubs, what `require` finds, and that each way to go
 * wrong is told with its file and line.
 */
#include "tests/lib/lua_rig.h"

#include "base/err.h"

#define HUB "local signalua = require 'signalua'\nlocal Hub = signalua.hub"
#define END "\nreturn Hub\n"

/* Loads one file and compares what is reported. */
static void expect_errors(const char *text, const char *errors)
{
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", text);
    int err = lua_rig_load(&rig);
    if (strcmp(rig.errors.ptr, errors) != 0)
        print_error("%s", text);
    assert_string_equal(rig.errors.ptr, errors);
    assert_int_equal(err, errors[0] == '\0' ? 0 : SL_E_SCRIPT);
    lua_rig_release(&rig);
}

static void loads_hubs_and_not_lib(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", HUB "()" END);
    lua_rig_file(&rig, "game/lobby.lua",
                 HUB "{path = '/play', backplane_name = 'G'}" END);
    lua_rig_file(&rig, "lib/broken.lua", "this is never run");
    assert_int_equal(lua_rig_load(&rig), 0);
    assert_int_equal(rig.hubs_told, 2);
    struct sl_hub *hub = sl_hub_find(&rig.worker->world, SL_SLICE("G"));
    assert_non_null(hub);
    struct sl_hub_entry *entry =
        SL_CONTAINER_OF(hub->entries.next, struct sl_hub_entry, node);
    assert_string_equal(entry->name, "game/lobby");
    assert_string_equal(entry->path, "/play");
    assert_string_equal(rig.entry->path, "/chat");
    lua_rig_release(&rig);
}

static void takes_options(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 HUB "{keep_alive = 1.5, client_timeout = 4,"
                     " max_message_size = 100, strict_arguments = true,"
                     " transports = {'WebSockets', 'LongPolling'}}" END);
    assert_int_equal(lua_rig_load(&rig), 0);
    const struct sl_hub_options *options = &rig.entry->options;
    assert_int_equal(options->keep_alive, 1500);
    assert_int_equal(options->client_timeout, 4000);
    assert_int_equal(options->max_message_size, 100);
    assert_int_equal(options->strict_arguments, 1);
    assert_int_equal(options->transports, 1u << SL_TRANSPORT_WEBSOCKETS |
                                              1u << SL_TRANSPORT_LONG_POLLING);
    lua_rig_release(&rig);
}

static void requires_from_lib(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 "local one, two = require 'lib.one', require 'lib.one'\n"
                 "assert(one == two and one.name == 'lib.one')\n"
                 "assert(require('lib.deep').deep and require 'bit')\n"
                 "assert(require('signalua') == one.signalua)\n"
                 "leaked = 1\n" HUB "()\n"
                 "function Hub:Run() return {leaked, rawget(_G, 'leaked') == 1,"
                 " require('lib.late').late, package.loaded['lib.one'] == nil}"
                 " end" END);
    lua_rig_file(&rig, "lib/deep/init.lua", "return {deep = true}");
    lua_rig_file(&rig, "lib/late.lua",
                 "require('signalua').now() return {late = 'late'}");
    lua_rig_file(&rig, "lib/one.lua",
                 "return {name = ..., signalua = require 'signalua'}");
    assert_int_equal(lua_rig_load(&rig), 0);
    lua_rig_join(&rig, &rig.a, 0, "a", NULL);
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"),
                        RESULT("1", "[1,true,'late',true]"));
    lua_rig_release(&rig);
}

static void tells_where_loading_failed(void **state)
{
    (void)state;
    expect_errors("local x = = 1", "chat.lua:1: unexpected symbol near '='\n");
    expect_errors("\n\nerror('no')", "chat.lua:3: no\n");
    expect_errors("error({})", "chat.lua: (error object is a table value)\n");
    expect_errors("\x1bLJ\x02", "chat.lua: attempt to load chunk with wrong "
                                "mode\n");
    expect_errors("require('signalua').sleep(1)",
                  "chat.lua:1: cannot wait while the scripts are loaded: use "
                  "signalua.after or signalua.every\n");
    expect_errors("\nrequire('signalua').spawn(print)",
                  "chat.lua:2: nothing runs while the scripts are loaded: use "
                  "signalua.after\n");
    expect_errors("return require('signalua').hub{path = '/a%2fb'}",
                  "chat.lua: its path has a \"%\" or is too long: give it "
                  "another by the option \"path\"\n");
    expect_errors("return 5", "chat.lua: a hub file must end with `return` and "
                              "the hub that signalua.hub gave\n");
    expect_errors("return {}",
                  "chat.lua: a hub file must end with `return` and "
                  "the hub that signalua.hub gave\n");
    expect_errors("local x = require 'lib.nope'",
                  "chat.lua:1: module 'lib.nope' not found: there is no "
                  "lib/nope.lua in the scripts' folder\n");
}

static void names_the_file_in_lib(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", "return require 'lib.a'");
    lua_rig_file(&rig, "game.lua", "oops(");
    lua_rig_file(&rig, "lib/a.lua", "\nlocal t = nil + 1");
    assert_int_equal(lua_rig_load(&rig), SL_E_SCRIPT);
    assert_string_equal(rig.errors.ptr,
                        "lib/a.lua:2: attempt to perform arithmetic on a nil "
                        "value (while chat.lua was loaded)\n"
                        "game.lua:1: unexpected symbol near '<eof>'\n");
    lua_rig_release(&rig);
}

static void finds_loops_of_require(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", "return require 'lib.a'");
    lua_rig_file(&rig, "lib/a.lua", "return require 'lib.b'");
    lua_rig_file(&rig, "lib/b.lua", "\nlocal a = require 'lib.a'");
    assert_int_equal(lua_rig_load(&rig), SL_E_SCRIPT);
    assert_non_null(strstr(rig.errors.ptr, "lib/b.lua:2: loop of require: "
                                           "lib.a is still being loaded"));
    lua_rig_release(&rig);
}

static void gives_each_file_its_own_hub(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", HUB "()\nSHARED = Hub" END);
    lua_rig_file(&rig, "copy.lua", "return SHARED");
    lua_rig_file(&rig, "same.lua", HUB "{path = '/CHAT'}" END);
    assert_int_equal(lua_rig_load(&rig), SL_E_SCRIPT);
    assert_string_equal(rig.errors.ptr,
                        "copy.lua: returns the hub of another file\n"
                        "same.lua: its path is taken by another hub file\n");
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_hubs_and_not_lib),
        cmocka_unit_test(takes_options),
        cmocka_unit_test(requires_from_lib),
        cmocka_unit_test(tells_where_loading_failed),
        cmocka_unit_test(names_the_file_in_lib),
        cmocka_unit_test(finds_loops_of_require),
        cmocka_unit_test(gives_each_file_its_own_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
