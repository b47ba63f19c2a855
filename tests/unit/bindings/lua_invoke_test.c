// SPDX-License-Identifier: MIT
/*
 * Client results in Lua: who can be asked from where, every way in which a
 * question ends, and that a method which waits keeps nobody else waiting.
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>

#define HUB(options)                        \
    "local signalua = require 'signalua'\n" \
    "local Hub = signalua.hub" options "\n"
#define DONE "return Hub\n"
#define ASKED(id, args) \
    "{'type':1,'invocationId':'" id "','target':'What','arguments':" args "}\n"
#define ANSWER(id, value) \
    "{'type':3,'invocationId':'" id "','result':" value "}"
#define NO_ANSWER(id, error) \
    "{'type':3,'invocationId':'" id "','error':'" error "'}"

static const char methods[] = HUB(
    "()") "function Hub:Ask(id, ...)\n"
          "  return self.clients:client(id):invoke('What', ...)\n"
          "end\n"
          "function Hub:Me() return self.clients.caller:invoke('What') end\n"
          "function Hub:Try(id, seconds)\n"
          "  local who = self.clients:client(id)\n"
          "  if seconds then who = who:timeout(seconds) end\n"
          "  local ok, err = pcall(who.invoke, who, 'What')\n"
          "  return {ok, tostring(err)}\n"
          "end\n"
          "function Hub:Echo(x) return x end\n"
          "function Hub:Count(n)\n"
          "  return signalua.stream(function(emit)\n"
          "    for i = 1, n do emit(i) signalua.sleep(1) end\n"
          "  end)\n"
          "end\n"
          "function Hub:Sum(items)\n"
          "  local sum = 0\n"
          "  for x in items do sum = sum + x end\n"
          "  return sum\n"
          "end\n"
          "function Hub:Slow() signalua.sleep(0.1) return 'slow' end\n" DONE;

/* a and b have joined, b on the last worker. */
static void setup(struct lua_rig *rig, unsigned workers, const char *text)
{
    lua_rig_init(rig, workers);
    lua_rig_file(rig, "chat.lua", text);
    if (lua_rig_load(rig) != 0)
        fail_msg("%s", rig->errors.ptr);
    lua_rig_join(rig, &rig->a, 0, "a", "ann");
    lua_rig_join(rig, &rig->b, workers - 1, "b", "ben");
    cluster_settle(&rig->cluster);
}

static void ask(struct lua_rig *rig, const char *method, const char *id,
                const char *more)
{
    char args[128];
    snprintf(args, sizeof(args), "['%s'%s]", id, more);
    peer_invoke(&rig->a, "1", method, args);
    cluster_settle(&rig->cluster);
}

static void answer(struct lua_rig *rig, struct peer *peer, const char *message)
{
    peer_say(peer, message);
    cluster_settle(&rig->cluster);
}

/* ---- answers ---- */

static void gives_what_the_client_returned(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct lua_rig rig;
        setup(&rig, workers, methods);
        ask(&rig, "Ask", rig.b.id, ",1,null,{'a':2}");
        expect_heard(&rig.b, ASKED("s1", "[1,null,{'a':2}]"));
        answer(&rig, &rig.b, ANSWER("s1", "{'b':[null]}"));
        expect_heard(&rig.a, RESULT("1", "{'b':[null]}"));
        ask(&rig, "Ask", rig.b.id, "");
        peer_heard(&rig.b);
        answer(&rig, &rig.b,
               workers == 1 ? ANSWER("s2", "null") : ANSWER("s3", "null"));
        expect_heard(&rig.a, RESULT("1", "null"));
        lua_rig_release(&rig);
    }
}

static void errors_of_the_client_reach_who_called(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1, methods);
    ask(&rig, "Ask", rig.b.id, "");
    answer(&rig, &rig.b, NO_ANSWER("s1", "no idea"));
    expect_heard(&rig.a,
                 FAILURE("1", "An unexpected error occurred invoking 'Ask' on "
                              "the server. HubException: no idea"));
    ask(&rig, "Try", rig.b.id, "");
    answer(&rig, &rig.b, NO_ANSWER("s2", "no idea"));
    expect_heard(&rig.a, RESULT("1", "[false,'no idea']"));
    ask(&rig, "Try", rig.b.id, "");
    answer(&rig, &rig.b, "{'type':3,'invocationId':'s3'}");
    expect_heard(&rig.a, RESULT("1", "[false,'The client answered without a "
                                     "result.']"));
    lua_rig_release(&rig);
}

/* ---- no answers ---- */

static void says_that_nobody_is_there(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 2, methods);
    ask(&rig, "Try", "nobody", "");
    expect_heard(&rig.a,
                 RESULT("1", "[false,'Connection 'nobody' does not exist.']"));
    lua_rig_logged(&rig);
    ask(&rig, "Ask", "nobody", "");
    expect_heard(&rig.a, FAILURE("1", "An unexpected error occurred invoking "
                                      "'Ask' on the server."));
    expect_logged(&rig, "Connection 'nobody' does not exist.");
    ask(&rig, "Try", rig.b.id, "");
    peer_leave(&rig.b, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_non_null(strstr(peer_heard(&rig.a), "disconnected."));
    lua_rig_release(&rig);
}

static void gives_up_when_the_time_is_over(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 2, methods);
    ask(&rig, "Try", rig.b.id, ",0.5");
    cluster_advance(&rig.cluster, 499);
    expect_heard(&rig.a, "");
    cluster_advance(&rig.cluster, 2);
    assert_non_null(
        strstr(peer_heard(&rig.a), "did not answer within 0.5 seconds."));
    assert_int_equal(rig.b.conn->owed, 0);
    answer(&rig, &rig.b, ANSWER("s1", "1"));
    expect_heard(&rig.a, "");
    assert_false(rig.b.closed);

    ask(&rig, "Try", rig.b.id, "");
    for (int i = 0; i < 31; i++)
        cluster_advance(&rig.cluster, 1000);
    assert_non_null(
        strstr(peer_heard(&rig.a), "did not answer within 30 seconds."));
    lua_rig_release(&rig);
}

static void gives_up_when_the_asker_leaves(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 2, methods);
    ask(&rig, "Ask", rig.b.id, "");
    assert_int_equal(rig.b.conn->owed, 1);
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(rig.b.conn->owed, 0);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

static void another_clients_answer_is_refused(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1, methods);
    ask(&rig, "Ask", rig.b.id, "");
    answer(&rig, &rig.a, ANSWER("s9", "1"));
    expect_heard(&rig.a, "");
    answer(&rig, &rig.a, ANSWER("s1", "1"));
    assert_true(rig.a.closed);
    lua_rig_release(&rig);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{detailed_errors = true}") //
                 "function Hub:Eval(code) return assert(loadstring("
                 "'local self, id = ... ' .. code))(self,"
                 " self.context.connection_id) end\n" DONE);
    static const struct {
        const char *code, *part;
    } wrong[] = {
        { "self.clients.all:invoke([[x]])",
          "clients.caller:invoke(...); send is for many" },
        { "self.clients:clients{id}:invoke([[x]])",
          "invoke asks one client" },
        { "self.clients:user([[u]]):timeout(1)", "timeout asks one client" },
        { "self.clients.caller.invoke([[x]])", "call it with a colon" },
        { "self.clients.caller.timeout(1)", "call it with a colon" },
        { "self.clients.caller:timeout(0)", "from 0.001 up" },
        { "self.clients.caller:timeout([[x]])", "not string" },
        { "self.clients.caller:invoke()", "the target must be a string" },
        { "self.clients.caller:invoke([[]])", "the target is empty" },
        { "self.clients.caller:invoke([[x]], 1, print)",
          "argument 2 of \\'x\\' is a function" },
        { "coroutine.wrap(function() self.clients.caller:invoke([[x]]) end)()",
          "use signalua.spawn" },
    };
    for (unsigned i = 0; i < SL_COUNT(wrong); i++) {
        char args[256];
        snprintf(args, sizeof(args), "['%s']", wrong[i].code);
        const char *heard = lua_rig_call(&rig, "Eval", args);
        if (strstr(heard, wrong[i].part) == NULL)
            fail_msg("%s: %s", wrong[i].code, heard);
    }
    lua_rig_release(&rig);
}

/* ---- from where ---- */

static void asks_while_it_connects(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "local name\n"
                                 "function Hub:on_connected()\n"
                                 "  signalua.sleep(0.01)\n"
                                 "  name = self.clients.caller:invoke('What')\n"
                                 "end\n"
                                 "function Hub:Name() return name end\n" DONE);
    cluster_advance(&rig.cluster, 11);
    expect_heard(&rig.a, ASKED("s1", "[]"));
    peer_invoke(&rig.a, "1", "Name", "[]");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, "");
    answer(&rig, &rig.a, ANSWER("s1", "'Ann'"));
    expect_heard(&rig.a, RESULT("1", "'Ann'"));
    lua_rig_release(&rig);
}

static void asks_from_timers_tasks_and_streams(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") "local id, got\n"
                           "signalua.after(1, function()\n"
                           "  got = Hub.clients:client(id):invoke('What')\n"
                           "end)\n"
                           "function Hub:Set()\n"
                           "  id = self.context.connection_id\n"
                           "end\n"
                           "function Hub:Got() return got end\n"
                           "function Hub:Spawn()\n"
                           "  local caller = self.clients.caller\n"
                           "  return signalua.spawn(function()\n"
                           "    return caller:invoke('What')\n"
                           "  end):wait()\n"
                           "end\n"
                           "function Hub:Stream()\n"
                           "  return signalua.stream(function(emit)\n"
                           "    emit(self.clients.caller:invoke('What'))\n"
                           "  end)\n"
                           "end\n" DONE);
    lua_rig_call(&rig, "Set", "[]");
    cluster_advance(&rig.cluster, 1001);
    expect_heard(&rig.a, ASKED("s1", "[]"));
    answer(&rig, &rig.a, ANSWER("s1", "7"));
    assert_string_equal(lua_rig_call(&rig, "Got", "[]"), RESULT("1", "7"));
    assert_string_equal(lua_rig_call(&rig, "Spawn", "[]"), ASKED("s2", "[]"));
    answer(&rig, &rig.a, ANSWER("s2", "8"));
    expect_heard(&rig.a, RESULT("1", "8"));
    peer_say(&rig.a, "{'type':4,'invocationId':'2','target':'Stream',"
                     "'arguments':[]}");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, ASKED("s3", "[]"));
    answer(&rig, &rig.a, ANSWER("s3", "9"));
    expect_heard(&rig.a, "{'type':2,'invocationId':'2','item':9}\n"
                         "{'type':3,'invocationId':'2'}\n");
    lua_rig_release(&rig);
}

/* ---- what a call that waits keeps waiting ---- */

static void an_asked_client_can_call_meanwhile(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1, methods);
    peer_invoke(&rig.a, "1", "Me", "[]");
    peer_invoke(&rig.a, "2", "Echo", "[2]");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, ASKED("s1", "[]") RESULT("2", "2"));
    answer(&rig, &rig.a, ANSWER("s1", "1"));
    expect_heard(&rig.a, RESULT("1", "1"));
    lua_rig_release(&rig);
}

static void one_that_sleeps_delays_calls_alone(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1, methods);
    peer_say(&rig.a, "{'type':4,'invocationId':'s','target':'Count',"
                     "'arguments':[9]}");
    peer_say(&rig.a, "{'type':1,'invocationId':'u','target':'Sum',"
                     "'arguments':[],'streamIds':['i']}");
    peer_heard(&rig.a);
    peer_invoke(&rig.b, "1", "Ask", "['a---------------------']");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, ASKED("s1", "[]"));

    peer_invoke(&rig.a, "1", "Slow", "[]");
    peer_invoke(&rig.a, "2", "Echo", "[2]");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, "");
    /* A cancel of a plain call means nothing; a completion, an item, the end
     * of an upload, the cancel of a stream and a ping are acted on. */
    answer(&rig, &rig.a, "{'type':5,'invocationId':'1'}");
    answer(&rig, &rig.a, ANSWER("s1", "5"));
    expect_heard(&rig.b, RESULT("1", "5"));
    answer(&rig, &rig.a, "{'type':2,'invocationId':'i','item':3}");
    answer(&rig, &rig.a, "{'type':3,'invocationId':'i'}");
    expect_heard(&rig.a, RESULT("u", "3"));
    answer(&rig, &rig.a, "{'type':5,'invocationId':'s'}");
    expect_heard(&rig.a, "{'type':3,'invocationId':'s'}\n");
    answer(&rig, &rig.a, "{'type':6}");
    assert_true(rig.a.conn->client_pings);
    expect_heard(&rig.a, "");
    cluster_advance(&rig.cluster, 101);
    expect_heard(&rig.a, RESULT("1", "'slow'") RESULT("2", "2"));
    lua_rig_release(&rig);
}

/* Each of them gives its slot back, and their number is bounded all the same:
 * past the bound they keep it. */
static void so_many_may_ask_at_once(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1,
          HUB("{max_streams = 2}") "function Hub:Me()\n"
                                   "  self.clients.caller:invoke('W')\n"
                                   "end\n" DONE);
    for (int i = 0; i < 10; i++)
        peer_invoke(&rig.a, NULL, "Me", "[]");
    cluster_settle(&rig.cluster);
    assert_int_equal(rig.a.conn->owed, 3);
    assert_int_equal(rig.a.conn->waiting_count, 7);
    lua_rig_release(&rig);
}

static void leaves_nothing_behind_when_destroyed_at_work(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 2, methods);
    for (int i = 0; i < 20; i++)
        ask(&rig, "Ask", i % 2 == 0 ? rig.b.id : rig.a.id, ",{'a':1}");
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 20);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_the_client_returned),
        cmocka_unit_test(errors_of_the_client_reach_who_called),
        cmocka_unit_test(says_that_nobody_is_there),
        cmocka_unit_test(gives_up_when_the_time_is_over),
        cmocka_unit_test(gives_up_when_the_asker_leaves),
        cmocka_unit_test(another_clients_answer_is_refused),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(asks_while_it_connects),
        cmocka_unit_test(asks_from_timers_tasks_and_streams),
        cmocka_unit_test(an_asked_client_can_call_meanwhile),
        cmocka_unit_test(one_that_sleeps_delays_calls_alone),
        cmocka_unit_test(so_many_may_ask_at_once),
        cmocka_unit_test(leaves_nothing_behind_when_destroyed_at_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
