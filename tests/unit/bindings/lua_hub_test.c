// SPDX-License-Identifier: MIT
/*
 * signalua.hub: every option, method and hook that is wrong is refused at load
 * with the line and what would be right.
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>

#define TOP "local signalua = require 'signalua'\nlocal Hub = signalua.hub"
#define END "\nreturn Hub\n"

static void expect_refused(const char *options, const char *methods,
                           const char *error)
{
    struct lua_rig rig;
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, TOP "%s\n%s" END, options, methods);
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", sl_str_cstr(&text));
    assert_int_not_equal(lua_rig_load(&rig), 0);
    if (strstr(rig.errors.ptr, error) == NULL)
        print_error("%s%s: %s\n", options, methods, rig.errors.ptr);
    assert_non_null(strstr(rig.errors.ptr, error));
    lua_rig_release(&rig);
    sl_str_release(&text);
}

static void refuses_options(void **state)
{
    (void)state;
    expect_refused("{keepalive = 5}", "",
                   "chat.lua:2: unknown option \"keepalive\"; the nearest is "
                   "\"keep_alive\"");
    expect_refused("{transport = {}}", "", "the nearest is \"transports\"");
    expect_refused("{keep_alive = '5'}", "",
                   "option \"keep_alive\" must be a number, not a string");
    expect_refused("{keep_alive = -1}", "", "chat.lua:2: ");
    expect_refused("{detailed_errors = 1}", "",
                   "option \"detailed_errors\" must be true or false");
    expect_refused("{path = 'chat'}", "", "must begin with \"/\"");
    expect_refused("{path = '/a?b'}", "", "must begin with \"/\"");
    expect_refused("{backplane_name = ''}", "", "must be a text");
    expect_refused("{transports = 'WebSockets'}", "", "must be a list");
    expect_refused("{transports = {'Pigeons'}}", "", "knows \"WebSockets\"");
    expect_refused("{5}", "", "wants options by name");
    expect_refused("(5)", "", "wants a table of options, not a number");
}

static void refuses_declarations(void **state)
{
    (void)state;
    const char *run = "function Hub:Run() end";
    expect_refused("{methods = 5}", run, "\"methods\" must be a table");
    expect_refused("{methods = {Run = 5}}", run, "must be a table of names");
    expect_refused("{methods = {Run = {arg = {}}}}", run,
                   "methods.Run.arg is not an option");
    expect_refused("{methods = {Run = {args = 5}}}", run,
                   "methods.Run.args must be a list");
    expect_refused("{methods = {Run = {args = {'int', 'integer'}}}}", run,
                   "methods.Run.args[2] is no type");
    expect_refused("{methods = {Run = {stream = 1}}}", run,
                   "methods.Run.stream is not an option");
    expect_refused("{methods = {Run = {}, RUN = {}}}", run,
                   "which differ only in case");
    expect_refused("{methods = {Walk = {}}}", run,
                   "chat.lua: methods.Walk: the hub has no method of that "
                   "name");
}

static void refuses_methods(void **state)
{
    (void)state;
    expect_refused("()", "function Hub:Run() end\nfunction Hub:run() end",
                   "differ only in case");
    expect_refused("()",
                   "\nfunction Hub:OnConnected() end\n"
                   "function Hub:On_Connected() end",
                   "chat.lua:5: On_Connected is taken for the hook "
                   "on_connected: write it so");
    expect_refused(
        "()", "function Hub.Authenticate() end",
        "Authenticate is taken for the hook authenticate: write it so");
    expect_refused("()", "function Hub:OnDisconnectedAsync(e) end",
                   "chat.lua:3: OnDisconnectedAsync is taken for the hook "
                   "on_disconnected: write it so");
    expect_refused("()", "function Hub:aroundInvoke() end", "around_invoke");
    expect_refused("()", "\nHub.users = {}",
                   "chat.lua:4: users is what every hub has already");
    expect_refused("()", "Hub.on_connected = true",
                   "chat.lua:3: on_connected is a hook and must be a function, "
                   "not a boolean");
    expect_refused("()", "signalua.evry(1, print)",
                   "chat.lua:3: signalua has no \"evry\": did you mean "
                   "\"every\"?");
    expect_refused("()", "function Hub:groups() end",
                   "groups is what every hub has already");
}

static void may_be_called_only_while_loading(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "{detailed_errors = true}\n"
                           "function Hub:Run() signalua.hub() end" END);
    assert_non_null(
        strstr(lua_rig_call(&rig, "Run", "[]"), "while they are loaded"));
    lua_rig_release(&rig);
}

static void takes_the_spelling_of_the_code(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "{methods = {RUN = {args = {'int'}}}}\n"
                           "function Hub:around_invoke(name, next, ...)\n"
                           "  next(...) return name end\n"
                           "function Hub:rUn() end" END);
    assert_string_equal(lua_rig_call(&rig, "run", "[1]"), RESULT("1", "'rUn'"));
    lua_rig_release(&rig);
}

static void refuses_rates(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "5",
        "{}",
        "{0}",
        "{1.5}",
        "{1000001}",
        "{5, per = 0}",
        "{5, per = 86401}",
        "{5, par = 1}",
        "{5, 6}",
        "{'5'}",
    };
    for (unsigned i = 0; i < SL_COUNT(bad); i++) {
        char options[96];
        snprintf(options, sizeof(options), "{rate = %s}", bad[i]);
        expect_refused(options, "",
                       "chat.lua:2: option \"rate\" must be a whole number");
        snprintf(options, sizeof(options), "{methods = {A = {rate = %s}}}",
                 bad[i]);
        expect_refused(options, "function Hub:A() end",
                       "methods.A.rate must be a whole number");
    }
}

#define TOO_MANY                                                       \
    FAILURE("1", "An unexpected error occurred invoking 'run' on the " \
                 "server. HubException: Too many calls: at most 2 in 1 s.")

/* Per method and connection; the next connection has its own. */
static void limits_the_calls_of_a_method(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "{methods = {Run = {rate = {2}}}}\n"
                           "function Hub:Run() end\n"
                           "function Hub:Other() end" END);
    for (int i = 0; i < 2; i++)
        assert_string_equal(lua_rig_call(&rig, "Run", "[]"),
                            RESULT("1", "null"));
    assert_string_equal(lua_rig_call(&rig, "run", "[]"), TOO_MANY);
    assert_int_equal(cluster_metric(rig.worker, SL_M_RATE_REFUSED), 1);
    assert_string_equal(lua_rig_call(&rig, "Other", "[]"), RESULT("1", "null"));
    lua_rig_join(&rig, &rig.b, 0, "b", NULL);
    peer_invoke(&rig.b, "1", "Run", "[]");
    expect_heard(&rig.b, RESULT("1", "null"));
    cluster_advance(&rig.cluster, 500);
    assert_string_equal(lua_rig_call(&rig, "run", "[]"), RESULT("1", "null"));
    assert_string_equal(lua_rig_call(&rig, "run", "[]"), TOO_MANY);
    lua_rig_release(&rig);
}

static void limits_the_messages_of_a_connection(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "{rate = {2, per = 10}}\n"
                           "function Hub:Run() end\n"
                           "function Hub:on_disconnected(err, reason)"
                           " signalua.log.info(reason .. ': ' .. err) end" END);
    for (int i = 0; i < 5; i++)
        peer_say(&rig.a, "{'type':6}");
    for (int i = 0; i < 2; i++)
        assert_string_equal(lua_rig_call(&rig, "Run", "[]"),
                            RESULT("1", "null"));
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"),
                        "{'type':7,'error':'Connection closed with an error. "
                        "HubException: Too many messages: at most 2 in 10 "
                        "s.'}\n");
    assert_true(rig.a.closed);
    assert_int_equal(cluster_metric(rig.worker, SL_M_RATE_CLOSED), 1);
    expect_logged(&rig, "protocol: Connection closed with an error. Hub");
    lua_rig_release(&rig);
}

static void finds_hubs_by_name(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "a/b.lua", TOP "()" END);
    lua_rig_file(&rig, "chat.lua",
                 TOP "{detailed_errors = true}\n"
                     "local early = signalua.hubs['a/b']\n"
                     "function Hub:Run() return {signalua.hubs.nope == nil,"
                     " early == signalua.hubs['a/b'],"
                     " signalua.hubs['lib/x'] == nil} end\n"
                     "function Hub:Write() signalua.hubs.chat.x = 1 end" END);
    lua_rig_file(&rig, "lib/x.lua", "");
    assert_int_equal(lua_rig_load(&rig), 0);
    lua_rig_join(&rig, &rig.a, 0, "a", NULL);
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"),
                        RESULT("1", "[true,true,true]"));
    assert_non_null(strstr(lua_rig_call(&rig, "Write", "[]"), "read-only"));
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_options),
        cmocka_unit_test(refuses_declarations),
        cmocka_unit_test(refuses_methods),
        cmocka_unit_test(may_be_called_only_while_loading),
        cmocka_unit_test(takes_the_spelling_of_the_code),
        cmocka_unit_test(refuses_rates),
        cmocka_unit_test(limits_the_calls_of_a_method),
        cmocka_unit_test(limits_the_messages_of_a_connection),
        cmocka_unit_test(finds_hubs_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
