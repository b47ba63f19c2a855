// SPDX-License-Identifier: MIT
/*
 * The engine as the hub layer sees it: calls, events, errors, cancelling,
 * stopping, two generations. What scripts see of it is tested in tests/lua.
 */
#include "tests/lib/lua_rig.h"

#include "base/err.h"

#define HUB(options)                        \
    "local signalua = require 'signalua'\n" \
    "local Hub = signalua.hub" options "\n"
#define DONE "return Hub\n"

/* ---- calls ---- */

static void calls_a_method_in_any_case(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Echo(x) return x end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "Echo", "['hi']"),
                        RESULT("1", "'hi'"));
    assert_string_equal(lua_rig_call(&rig, "eCHO", "[42]"), RESULT("1", "42"));
    lua_rig_release(&rig);
}

static void returns_null_for_nothing(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:A() end\n"
                                 "function Hub:B() return nil end\n"
                                 "function Hub:C() return 1, 2 end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "A", "[]"), RESULT("1", "null"));
    assert_string_equal(lua_rig_call(&rig, "B", "[]"), RESULT("1", "null"));
    assert_string_equal(lua_rig_call(&rig, "C", "[]"), RESULT("1", "1"));
    lua_rig_release(&rig);
}

static void knows_only_functions_without_underscore(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:_hidden() end\n"
                                 "function Hub:on_connected() end\n"
                                 "Hub.field = 3\n" DONE);
    static const char *const names[] = { "_hidden",      "on_connected",
                                         "ON_CONNECTED", "field",
                                         "clients",      "nope" };
    for (unsigned i = 0; i < SL_COUNT(names); i++)
        assert_non_null(strstr(lua_rig_call(&rig, names[i], "[]"),
                               "HubException: Method does not exist."));
    lua_rig_release(&rig);
}

static void gives_each_call_a_self_that_reads_the_hub(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "Hub.shared = 7\n"
                                 "function Hub:_twice(x) return x * 2 end\n"
                                 "function Hub:Run()\n"
                                 "  local seen = self.own\n"
                                 "  self.own = 1\n"
                                 "  return {seen == nil, self:_twice(4),"
                                 " self.shared, Hub.own == nil}\n"
                                 "end\n" DONE);
    for (int i = 0; i < 2; i++)
        assert_string_equal(lua_rig_call(&rig, "Run", "[]"),
                            RESULT("1", "[true,8,7,true]"));
    lua_rig_release(&rig);
}

static void waits_and_goes_on(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Slow(ms)\n"
                                 "  signalua.sleep(ms / 1000)\n"
                                 "  return ms\n"
                                 "end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "Slow", "[50]"), "");
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 1);
    cluster_advance(&rig.cluster, 49);
    expect_heard(&rig.a, "");
    cluster_advance(&rig.cluster, 2);
    expect_heard(&rig.a, RESULT("1", "50"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

static void goes_through_around_invoke(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:around_invoke(name, next, a)\n"
                                 "  local result = next(a + 1)\n"
                                 "  return name .. result\n"
                                 "end\n"
                                 "function Hub:Run(a)\n"
                                 "  signalua.sleep(0.01)\n"
                                 "  return a\n"
                                 "end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "run", "[1]"), "");
    cluster_advance(&rig.cluster, 20);
    expect_heard(&rig.a, RESULT("1", "'Run2'"));
    lua_rig_release(&rig);
}

/* ---- errors ---- */

static void hides_errors_unless_asked(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Throw(t) error(t) end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "Throw", "['secret']"),
                        FAILURE("1", "An unexpected error occurred invoking "
                                     "'Throw' on the server."));
    lua_rig_release(&rig);
}

static void expect_failure(struct lua_rig *rig, const char *target,
                           const char *args, const char *part)
{
    const char *heard = lua_rig_call(rig, target, args);
    if (strstr(heard, part) == NULL)
        print_error("heard %s\n", heard);
    assert_non_null(strstr(heard, part));
    assert_non_null(strstr(heard, "'error':"));
}

static void shows_the_text_without_its_place(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("{detailed_errors = true}") "function Hub:Throw(t) error(t) end\n"
                                        "function Hub:Table() error({}) end\n"
                                        "function Hub:Nil() error() end\n"
                                        "function Hub:Own() error(setmetatable({}, {__tostring ="
                                        " function() return 'own text' end})) end\n"
                                        "function Hub:Index() local t; return t.x end\n" DONE);
    expect_failure(&rig, "Throw", "['secret']",
                   "on the server. InvalidOperationException: secret'");
    expect_failure(&rig, "Table", "[]", "(error object is a table value)");
    expect_failure(&rig, "Nil", "[]", "InvalidOperationException: nil'");
    expect_failure(&rig, "Own", "[]", "InvalidOperationException: own text'");
    expect_failure(&rig, "Index", "[]", "attempt to index local");
    lua_rig_release(&rig);
}

static void logs_an_error_with_its_traceback(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "local function deep() error('broken') end\n"
                                 "function Hub:Run() deep() end\n" DONE);
    lua_rig_logged(&rig);
    expect_failure(&rig, "Run", "[]", "An unexpected error");
    const char *log = lua_rig_logged(&rig);
    assert_non_null(strstr(log, "\"error\":\"chat.lua:3: broken\""));
    assert_non_null(strstr(log, "\"hub\":\"chat\""));
    assert_non_null(strstr(log, "\"method\":\"Run\""));
    assert_non_null(strstr(log, "\"connection\":\"a---"));
    assert_non_null(strstr(log, "\"version\":\"01234567\""));
    assert_non_null(strstr(log, "chat.lua:4: in function"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_SCRIPT_ERRORS), 1);
    lua_rig_release(&rig);
}

static void tells_hub_errors_to_the_client(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") "function Hub:Run(data)\n"
                           "  error(signalua.hub_error('too long', data))\n"
                           "end\n" DONE);
    lua_rig_logged(&rig);
    expect_failure(&rig, "Run", "[null]", "HubException: too long'");
    assert_string_equal(lua_rig_logged(&rig), "");
    expect_failure(&rig, "Run", "[{'len':3}]", "HubException: too long'");
    expect_logged(&rig, "\"data\":\"{\\\"len\\\":3}\"");
    assert_int_equal(cluster_metric(rig.worker, SL_M_SCRIPT_ERRORS), 0);
    lua_rig_release(&rig);
}

static void refuses_a_result_that_cannot_be_encoded(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("{detailed_errors = true}") "function Hub:Run() return {a = {b = print}} end\n"
                                        "function Hub:Ok() return 1 end\n" DONE);
    expect_failure(&rig, "Run", "[]",
                   "the result of Run: field \\'a.b\\' is a function");
    expect_logged(&rig, "chat.lua:3: the result of Run: field");
    assert_string_equal(lua_rig_call(&rig, "Ok", "[]"), RESULT("1", "1"));
    lua_rig_release(&rig);
}

/* ---- events ---- */

static void runs_connected_and_disconnected(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(
        &rig, "chat.lua",
        HUB("()") "function Hub:on_connected()\n"
                  "  signalua.sleep(0.01)\n"
                  "  self.clients.caller:send('Hear', 'hello')\n"
                  "end\n"
                  "function Hub:on_disconnected(err, reason)\n"
                  "  signalua.sleep(0.01)\n"
                  "  signalua.log.info('left', {id ="
                  " self.context.connection_id, err = err, why = reason})\n"
                  "end\n"
                  "function Hub:Echo(x) return x end\n" DONE);
    assert_int_equal(lua_rig_load(&rig), 0);
    lua_rig_join(&rig, &rig.a, 0, "a", NULL);
    assert_string_equal(lua_rig_call(&rig, "Echo", "[1]"), "");
    cluster_advance(&rig.cluster, 20);
    expect_heard(&rig.a, HEAR("hello") RESULT("1", "1"));
    lua_rig_logged(&rig);
    peer_say(&rig.a, "{'type':7,'error':'tired'}");
    cluster_settle(&rig.cluster);
    cluster_advance(&rig.cluster, 20);
    const char *log = lua_rig_logged(&rig);
    assert_non_null(strstr(log, "\"err\":\"tired\""));
    assert_non_null(strstr(log, "\"why\":\"client\""));
    assert_non_null(strstr(log, "\"id\":\"a---"));
    lua_rig_release(&rig);
}

static void cancels_connected_when_the_client_leaves(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 HUB("()") "function Hub:on_connected()\n"
                           "  while true do signalua.sleep(1) end\n"
                           "end\n"
                           "function Hub:on_disconnected()\n"
                           "  signalua.log.info('never')\n"
                           "end\n" DONE);
    assert_int_equal(lua_rig_load(&rig), 0);
    lua_rig_join(&rig, &rig.a, 0, "a", NULL);
    cluster_advance(&rig.cluster, 1500);
    lua_rig_logged(&rig);
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(sl_world_conn_count(&rig.worker->world), 0);
    const char *log = lua_rig_logged(&rig);
    assert_null(strstr(log, "never"));
    assert_null(strstr(log, "error"));
    lua_rig_release(&rig);
}

static void closes_when_connected_fails(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 HUB("()") "function Hub:on_connected()\n"
                           "  error(signalua.hub_error('no room'))\n"
                           "end\n" DONE);
    assert_int_equal(lua_rig_load(&rig), 0);
    peer_open(&rig.a, rig.worker, "a", NULL);
    peer_say(&rig.a, "{'protocol':'json','version':1}");
    cluster_settle(&rig.cluster);
    assert_non_null(strstr(peer_heard(&rig.a), "HubException: no room"));
    assert_true(rig.a.closed);
    lua_rig_release(&rig);
}

/* ---- cancelling ---- */

static void cancels_waits_when_the_client_leaves(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Loop()\n"
                                 "  while true do signalua.sleep(1) end\n"
                                 "end\n" DONE);
    lua_rig_logged(&rig);
    assert_string_equal(lua_rig_call(&rig, "Loop", "[]"), "");
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    assert_null(strstr(lua_rig_logged(&rig), "script error"));
    lua_rig_release(&rig);
}

static void lets_a_cancelled_call_clean_up(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("()") "function Hub:Run()\n"
                  "  local ok, err = pcall(signalua.sleep, 5)\n"
                  "  signalua.store.set('was', tostring(err))\n"
                  "  signalua.log.info('clean', {same ="
                  " err == signalua.cancelled, got = signalua.store.get('was'),"
                  " gone = self.context.aborted})\n"
                  "end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"), "");
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    expect_logged(&rig, "\"same\":true");
    lua_rig_release(&rig);
}

static void ends_a_call_that_ignores_its_cancel(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") "function Hub:Run()\n"
                           "  while true do pcall(signalua.sleep, 1) end\n"
                           "end\n" DONE);
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"), "");
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    expect_logged(&rig, "goes on waiting although it is cancelled");
    lua_rig_release(&rig);
}

static void ends_a_call_that_yields_by_itself(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("{detailed_errors = true}") "function Hub:Run() coroutine.yield(1) end\n" DONE);
    expect_failure(&rig, "Run", "[]", "coroutine.yield outside of a coroutine");
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

static void drops_what_waits_for_a_slot(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Slow() signalua.sleep(9) end\n"
                                 "function Hub:Echo(x) return x end\n" DONE);
    lua_rig_call(&rig, "Slow", "[]");
    for (int i = 0; i < 3; i++)
        lua_rig_call(&rig, "Echo", "['never']");
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 4);
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

/* ---- stopping, generations ---- */

static void cancels_everything_at_stop(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("{detailed_errors = true}") "function Hub:Slow() signalua.sleep(9) end\n"
                                        "signalua.every(1, function() signalua.log.info('tick') end)\n" DONE);
    lua_rig_call(&rig, "Slow", "[]");
    sl_lua_engine_ops.stop(rig.engine);
    cluster_settle(&rig.cluster);
    assert_non_null(strstr(peer_heard(&rig.a), "cancelled"));
    expect_failure(&rig, "Slow", "[]", "the server is stopping");
    lua_rig_logged(&rig);
    cluster_advance(&rig.cluster, 5000);
    assert_null(strstr(lua_rig_logged(&rig), "tick"));
    lua_rig_release(&rig);
}

static void tells_of_the_end_while_stopping(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()")
                 "function Hub:on_disconnected(err, reason)\n"
                 "  signalua.store.incr('left')\n"
                 "  signalua.log.info('left', {why = reason, left ="
                 " signalua.store.get('left')})\n"
                 "  signalua.sleep(60)\n"
                 "  signalua.log.info('slept')\n"
                 "end\n" DONE);
    lua_rig_logged(&rig);
    sl_world_close_all(&rig.worker->world, SL_CLOSE_SHUTDOWN);
    sl_lua_engine_ops.stop(rig.engine);
    cluster_settle(&rig.cluster);
    const char *log = lua_rig_logged(&rig);
    assert_non_null(strstr(log, "\"why\":\"shutdown\""));
    assert_non_null(strstr(log, "\"left\":\"1\""));
    assert_null(strstr(log, "slept"));
    assert_int_equal(sl_world_conn_count(&rig.worker->world), 0);
    lua_rig_release(&rig);
}

static void leaves_nothing_behind_when_destroyed_at_work(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("()") "function Hub:Slow() signalua.sleep(9) end\n"
                  "function Hub:Spawn()\n"
                  "  local task = signalua.spawn(signalua.sleep, 60)\n"
                  "  signalua.spawn(function() task:wait() end)\n"
                  "end\n"
                  "function Hub:on_disconnected() signalua.sleep(60) end\n" DONE);
    lua_rig_call(&rig, "Spawn", "[]");
    lua_rig_call(&rig, "Slow", "[]");
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 3);
    lua_rig_release(&rig);
}

static void finishes_calls_on_the_code_they_began_with(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") "local kept = signalua.keep('count', {n = 0})\n"
                           "function Hub:Run()\n"
                           "  kept.n = kept.n + 1\n"
                           "  signalua.sleep(1)\n"
                           "  return 'old' .. kept.n\n"
                           "end\n" DONE);
    lua_rig_call(&rig, "Run", "[]");
    rig.set.file_count = 0;
    lua_rig_file(
        &rig, "chat.lua",
        HUB("{max_parallel_invocations = 2}") "local kept = signalua.keep('count')\n"
                                              "function Hub:Run()\n"
                                              "  kept.n = kept.n + 1\n"
                                              "  return 'new' .. kept.n\n"
                                              "end\n" DONE);
    assert_int_equal(lua_rig_load(&rig), 0);
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"), RESULT("1", "'new2'"));
    cluster_advance(&rig.cluster, 1001);
    expect_heard(&rig.a, RESULT("1", "'old2'"));
    lua_rig_release(&rig);
}

static void keeps_the_old_code_when_loading_fails(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Run() return 1 end\n" DONE);
    rig.set.file_count = 0;
    lua_rig_file(&rig, "chat.lua", "this is no Lua");
    assert_int_equal(lua_rig_load(&rig), SL_E_SCRIPT);
    assert_string_equal(lua_rig_call(&rig, "Run", "[]"), RESULT("1", "1"));
    lua_rig_release(&rig);
}

static void items_live_as_long_as_the_connection(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig, HUB("()") "function Hub:Set(v) self.context.items.v = v end\n"
                        "function Hub:Get() return self.context.items.v end\n"
                        "function Hub:Echo(v) return v end\n" DONE);
    lua_rig_call(&rig, "Echo", "[1]");
    assert_int_equal(rig.a.conn->script_ref, SL_SCRIPT_NOREF);
    lua_rig_call(&rig, "Set", "['mine']");
    lua_rig_join(&rig, &rig.b, 0, "b", NULL);
    assert_string_equal(lua_rig_call(&rig, "Get", "[]"), RESULT("1", "'mine'"));
    peer_invoke(&rig.b, "2", "Get", "[]");
    expect_heard(&rig.b, RESULT("2", "null"));
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_a_method_in_any_case),
        cmocka_unit_test(returns_null_for_nothing),
        cmocka_unit_test(knows_only_functions_without_underscore),
        cmocka_unit_test(gives_each_call_a_self_that_reads_the_hub),
        cmocka_unit_test(waits_and_goes_on),
        cmocka_unit_test(goes_through_around_invoke),
        cmocka_unit_test(hides_errors_unless_asked),
        cmocka_unit_test(shows_the_text_without_its_place),
        cmocka_unit_test(logs_an_error_with_its_traceback),
        cmocka_unit_test(tells_hub_errors_to_the_client),
        cmocka_unit_test(refuses_a_result_that_cannot_be_encoded),
        cmocka_unit_test(runs_connected_and_disconnected),
        cmocka_unit_test(cancels_connected_when_the_client_leaves),
        cmocka_unit_test(closes_when_connected_fails),
        cmocka_unit_test(cancels_waits_when_the_client_leaves),
        cmocka_unit_test(lets_a_cancelled_call_clean_up),
        cmocka_unit_test(ends_a_call_that_ignores_its_cancel),
        cmocka_unit_test(ends_a_call_that_yields_by_itself),
        cmocka_unit_test(drops_what_waits_for_a_slot),
        cmocka_unit_test(cancels_everything_at_stop),
        cmocka_unit_test(tells_of_the_end_while_stopping),
        cmocka_unit_test(leaves_nothing_behind_when_destroyed_at_work),
        cmocka_unit_test(finishes_calls_on_the_code_they_began_with),
        cmocka_unit_test(keeps_the_old_code_when_loading_fails),
        cmocka_unit_test(items_live_as_long_as_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
