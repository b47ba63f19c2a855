// SPDX-License-Identifier: MIT
/*
 * Uploads to Lua methods: where they stand among the arguments, items, ends of
 * every kind, pace, and several readers of one.
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>

#define HUB(options)                        \
    "local signalua = require 'signalua'\n" \
    "local Hub = signalua.hub" options "\n"
#define DONE "return Hub\n"
#define ITEM(id, item) "{'type':2,'invocationId':'" id "','item':" item "}"
#define ENDED(id) "{'type':3,'invocationId':'" id "'}"
#define FAILED(id, error) \
    "{'type':3,'invocationId':'" id "','error':'" error "'}"

static void say_call(struct peer *peer, const char *id, const char *target,
                     const char *args, const char *streams)
{
    char text[256];
    snprintf(text, sizeof(text),
             "{'type':1,'invocationId':'%s','target':'%s','arguments':%s,"
             "'streamIds':%s}",
             id, target, args, streams);
    peer_say(peer, text);
}

static void say(struct lua_rig *rig, const char *message)
{
    peer_say(&rig->a, message);
    cluster_settle(&rig->cluster);
}

#define SUM                                       \
    "local function sum(items)\n"                 \
    "  local total = 0\n"                         \
    "  for x in items do total = total + x end\n" \
    "  return total\n"                            \
    "end\n"

/* ---- places ---- */

static void undeclared_ones_follow_the_arguments(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") SUM
                 "function Hub:Alone(items) return sum(items) end\n"
                 "function Hub:Behind(a, items) return a + sum(items) end\n"
                 "function Hub:Any(...) return select('#', ...) end\n" DONE);
    say_call(&rig.a, "1", "Alone", "[]", "['u']");
    say(&rig, ITEM("u", "40"));
    say(&rig, ITEM("u", "2"));
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, RESULT("1", "42"));
    say_call(&rig.a, "2", "Behind", "[100]", "['u']");
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, RESULT("2", "100"));
    say_call(&rig.a, "3", "Any", "[7,8]", "['u','v']");
    expect_heard(&rig.a, RESULT("3", "4"));
    say_call(&rig.a, "4", "Alone", "[]", "['u','v']");
    assert_non_null(strstr(peer_heard(&rig.a),
                           "Client sent 2 stream(s), Hub method expects 1."));
    lua_rig_release(&rig);
}

static void declared_ones_stand_where_they_are_declared(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{methods = {Mix = {args = {'stream<int>',"
                           " 'string', 'stream<string>'}}}}") SUM
                 "function Hub:Mix(numbers, word, texts)\n"
                 "  return sum(numbers) .. word .. texts()\n"
                 "end\n" DONE);
    say_call(&rig.a, "1", "Mix", "['-']", "['n','t']");
    say(&rig, ITEM("t", "'x'"));
    say(&rig, ITEM("n", "5"));
    expect_heard(&rig.a, "");
    say(&rig, ENDED("n"));
    expect_heard(&rig.a, RESULT("1", "'5-x'"));
    say_call(&rig.a, "2", "Mix", "['-']", "['n']");
    assert_non_null(strstr(peer_heard(&rig.a),
                           "Client sent 1 stream(s), Hub method expects 2."));
    lua_rig_release(&rig);
}

static void strict_methods_want_their_number(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{strict_arguments = true}") SUM
                 "function Hub:Add(a, b) return a + b end\n"
                 "function Hub:Sum(a, items) return a + sum(items) end\n" DONE);
    say_call(&rig.a, "1", "Add", "[1,2]", "['u']");
    assert_non_null(strstr(peer_heard(&rig.a),
                           "Client sent 1 stream(s), Hub method expects 0."));
    say_call(&rig.a, "2", "Sum", "[1]", "['u']");
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, RESULT("2", "1"));
    say_call(&rig.a, "3", "Sum", "[]", "['u']");
    assert_non_null(strstr(peer_heard(&rig.a),
                           "Client sent 1 stream(s), Hub method expects 2."));
    say_call(&rig.a, "4", "Add", "[1]", "[]");
    assert_non_null(
        strstr(peer_heard(&rig.a), "Failed to invoke 'Add' due to an error"));
    lua_rig_release(&rig);
}

/* ---- items ---- */

static void null_is_an_item(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig,
        HUB("{methods = {Ints = {args = {'stream<int?>'}}}}") "function Hub:Count(items)\n"
                                                              "  local n, nulls = 0, 0\n"
                                                              "  for x in items do\n"
                                                              "    n = n + 1\n"
                                                              "    if x == signalua.null then nulls = nulls + 1 end\n"
                                                              "  end\n"
                                                              "  return {n, nulls}\n"
                                                              "end\n"
                                                              "Hub.Ints = Hub.Count\n" DONE);
    say_call(&rig.a, "1", "Count", "[]", "['u']");
    say(&rig, ITEM("u", "null"));
    say(&rig, ITEM("u", "{'a':[1,null]}"));
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, RESULT("1", "[2,1]"));
    say_call(&rig.a, "1", "Ints", "[]", "['u']");
    say(&rig, ITEM("u", "null"));
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, RESULT("1", "[1,1]"));
    lua_rig_release(&rig);
}

static void what_does_not_bind_ends_the_upload(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{methods = {Sum = {args = {'stream<int>'}}}}") SUM
                 "function Hub:Sum(items) return sum(items) end\n" DONE);
    static const char *const wrong[] = { ITEM("u", "'x'"), ITEM("u", "1.5"),
                                         ITEM("u", "null") };
    for (unsigned i = 0; i < SL_COUNT(wrong); i++) {
        say_call(&rig.a, "1", "Sum", "[]", "['u']");
        say(&rig, ITEM("u", "1"));
        say(&rig, wrong[i]);
        say(&rig, ITEM("u", "2"));
        expect_heard(&rig.a,
                     FAILURE("1", "An unexpected error occurred invoking 'Sum' "
                                  "on the server. HubException: Failed to bind "
                                  "Stream message."));
    }
    lua_rig_release(&rig);
}

/* ---- ends ---- */

static void errors_of_the_client_are_raised(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") SUM "function Hub:Sum(items) return sum(items) end\n"
                               "function Hub:Catch(items)\n"
                               "  local first = items()\n"
                               "  local _, one = pcall(items)\n"
                               "  local _, two = pcall(items)\n"
                               "  return {first, tostring(one), one == two}\n"
                               "end\n" DONE);
    lua_rig_logged(&rig);
    say_call(&rig.a, "1", "Sum", "[]", "['u']");
    say(&rig, FAILED("u", "no more"));
    expect_heard(&rig.a,
                 FAILURE("1", "An unexpected error occurred invoking 'Sum' on "
                              "the server. HubException: no more"));
    say_call(&rig.a, "2", "Catch", "[]", "['u']");
    peer_say(&rig.a, ITEM("u", "1"));
    peer_say(&rig.a, FAILED("u", "no more"));
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, RESULT("2", "[1,'no more',true]"));
    assert_string_equal(lua_rig_logged(&rig), "");
    lua_rig_release(&rig);
}

/* What is left of an upload when its method returns is nobody's. */
static void the_rest_is_dropped_when_the_method_returns(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "local kept, task\n"
                                 "function Hub:First(items, n)\n"
                                 "  kept = items\n"
                                 "  task = signalua.spawn(function()\n"
                                 "    signalua.sleep(0) return items()\n"
                                 "  end)\n"
                                 "  return items()\n"
                                 "end\n"
                                 "function Hub:Later()\n"
                                 "  return {tostring(kept()),"
                                 " tostring(task:wait())}\n"
                                 "end\n" DONE);
    say_call(&rig.a, "1", "First", "[]", "['u']");
    for (int i = 0; i < 5; i++)
        peer_say(&rig.a, ITEM("u", "1"));
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, RESULT("1", "1"));
    say(&rig, ITEM("u", "2"));
    cluster_advance(&rig.cluster, 10);
    assert_string_equal(lua_rig_call(&rig, "Later", "[]"),
                        RESULT("1", "['nil','nil']"));
    lua_rig_release(&rig);
}

static void a_reader_ends_when_the_client_leaves(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(
        &rig, HUB("()") "local own, other = '', ''\n"
                        "function Hub:Read(items, more)\n"
                        "  signalua.spawn(function()\n"
                        "    local ok, err = pcall(more)\n"
                        "    other = tostring(err)\n"
                        "  end)\n"
                        "  local ok, err = pcall(items)\n"
                        "  own = tostring(err)\n"
                        "end\n"
                        "function Hub:Seen() return {own, other} end\n" DONE);
    lua_rig_join(&rig, &rig.b, 0, "b", NULL);
    say_call(&rig.b, "1", "Read", "[]", "['u','v']");
    cluster_settle(&rig.cluster);
    peer_leave(&rig.b, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_string_equal(
        lua_rig_call(&rig, "Seen", "[]"),
        RESULT("1", "['cancelled','The underlying connection was closed.']"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

/* ---- several at once ---- */

static void both_directions_at_once(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Echo(items)\n"
                                 "  return signalua.stream(function(emit)\n"
                                 "    for x in items do emit(x) end\n"
                                 "  end)\n"
                                 "end\n" DONE);
    peer_say(&rig.a, "{'type':4,'invocationId':'1','target':'Echo',"
                     "'arguments':[],'streamIds':['u']}");
    say(&rig, ITEM("u", "1"));
    expect_heard(&rig.a, ITEM("1", "1") "\n");
    say(&rig, ITEM("u", "null"));
    expect_heard(&rig.a, ITEM("1", "null") "\n");
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, ENDED("1") "\n");

    peer_say(&rig.a, "{'type':4,'invocationId':'2','target':'Echo',"
                     "'arguments':[],'streamIds':['u']}");
    say(&rig, "{'type':5,'invocationId':'2'}");
    expect_heard(&rig.a, ENDED("2") "\n");
    say(&rig, ITEM("u", "1"));
    expect_heard(&rig.a, "");
    lua_rig_release(&rig);
}

/* Each item goes to one of them; whoever was woken for one gets one, however
 * fast another reads meanwhile. */
static void several_tasks_may_read_one(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Share(items)\n"
                                 "  local got = {}\n"
                                 "  local function reader(name)\n"
                                 "    for x in items do\n"
                                 "      got[#got + 1] = name .. x\n"
                                 "    end\n"
                                 "  end\n"
                                 "  local a = signalua.spawn(reader, 'a')\n"
                                 "  local b = signalua.spawn(reader, 'b')\n"
                                 "  a:wait() b:wait()\n"
                                 "  return table.concat(got, ' ')\n"
                                 "end\n" DONE);
    say_call(&rig.a, "1", "Share", "[]", "['u']");
    cluster_settle(&rig.cluster);
    for (int i = 0; i < 3; i++)
        peer_say(&rig.a, ITEM("u", "1"));
    say(&rig, ITEM("u", "2"));
    say(&rig, ENDED("u"));
    expect_heard(&rig.a, RESULT("1", "'a1 a1 a1 b2'"));
    lua_rig_release(&rig);
}

/* ---- pace ---- */

static void pauses_a_client_that_is_ahead(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{stream_buffer = 3}") //
                 "function Hub:Slow(items)\n"
                 "  local n = 0\n"
                 "  for x in items do\n"
                 "    n = n + x\n"
                 "    signalua.sleep(0.01)\n"
                 "  end\n"
                 "  return n\n"
                 "end\n" DONE);
    say_call(&rig.a, "1", "Slow", "[]", "['u']");
    for (int i = 0; i < 50; i++)
        peer_say(&rig.a, ITEM("u", "1"));
    peer_say(&rig.a, ENDED("u"));
    cluster_settle(&rig.cluster);
    assert_true(rig.a.paused);
    cluster_advance(&rig.cluster, 11);
    assert_true(rig.a.paused);
    for (int i = 0; i < 50; i++)
        cluster_advance(&rig.cluster, 11);
    assert_false(rig.a.paused);
    expect_heard(&rig.a, RESULT("1", "50"));
    lua_rig_release(&rig);
}

/* ---- ends of everything ---- */

static const char readers[] =
    HUB("()") "function Hub:Read(a, b, c)\n"
              "  signalua.spawn(function() for x in b do end end)\n"
              "  a() signalua.sleep(1) a()\n"
              "end\n" DONE;

static void read_much(struct lua_rig *rig)
{
    for (int i = 0; i < 50; i++) {
        char id[16], ids[64], item[96];
        snprintf(id, sizeof(id), "%d", i);
        snprintf(ids, sizeof(ids), "['a%d','b%d','c%d']", i, i, i);
        say_call(&rig->a, id, "Read", "[]", ids);
        snprintf(item, sizeof(item),
                 "{'type':2,'invocationId':'%c%d','item':{'a':[%d]}}",
                 'a' + i % 3, i, i);
        peer_say(&rig->a, item);
    }
    cluster_settle(&rig->cluster);
}

static void leaves_nothing_behind_when_destroyed_at_work(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, readers);
    read_much(&rig);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 100);
    lua_rig_release(&rig);
}

static void a_connection_takes_its_uploads_along(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, readers);
    read_much(&rig);
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    assert_int_equal(sl_world_conn_count(&rig.worker->world), 0);
    lua_rig_release(&rig);
}

/* Waiting for its slot of on_connected, it is dropped with the connection. */
static void one_that_never_ran_is_dropped(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 HUB("()") "function Hub:on_connected() signalua.sleep(9) end\n"
                           "function Hub:Read(items) items() end\n" DONE);
    assert_int_equal(lua_rig_load(&rig), 0);
    lua_rig_join(&rig, &rig.a, 0, "a", "ann");
    say_call(&rig.a, "1", "Read", "[]", "['u']");
    say(&rig, ITEM("u", "1"));
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undeclared_ones_follow_the_arguments),
        cmocka_unit_test(declared_ones_stand_where_they_are_declared),
        cmocka_unit_test(strict_methods_want_their_number),
        cmocka_unit_test(null_is_an_item),
        cmocka_unit_test(what_does_not_bind_ends_the_upload),
        cmocka_unit_test(errors_of_the_client_are_raised),
        cmocka_unit_test(the_rest_is_dropped_when_the_method_returns),
        cmocka_unit_test(a_reader_ends_when_the_client_leaves),
        cmocka_unit_test(both_directions_at_once),
        cmocka_unit_test(several_tasks_may_read_one),
        cmocka_unit_test(pauses_a_client_that_is_ahead),
        cmocka_unit_test(leaves_nothing_behind_when_destroyed_at_work),
        cmocka_unit_test(a_connection_takes_its_uploads_along),
        cmocka_unit_test(one_that_never_ran_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
