// SPDX-License-Identifier: MIT
/*
 * Every form of self.clients and Hub.clients: who hears a send, across two
 * workers, and what misuse is told.
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>

static const char hub[] =
    "local signalua = require 'signalua'\n"
    "local Hub = signalua.hub{detailed_errors = true}\n"
    "function Hub:All(t) self.clients.all:send('Hear', t) end\n"
    "function Hub:Others(t) self.clients.others:send('Hear', t) end\n"
    "function Hub:Caller(t) self.clients.caller:send('Hear', t) end\n"
    "function Hub:AllExcept(ids, t)"
    " self.clients:all_except(ids):send('Hear', t) end\n"
    "function Hub:Client(id, t) self.clients:client(id):send('Hear', t) end\n"
    "function Hub:Clients(ids, t)"
    " self.clients:clients(ids):send('Hear', t) end\n"
    "function Hub:Group(g, t) self.clients:group(g):send('Hear', t) end\n"
    "function Hub:Groups(gs, t) self.clients:groups(gs):send('Hear', t) end\n"
    "function Hub:GroupExcept(g, ids, t)"
    " self.clients:group_except(g, ids):send('Hear', t) end\n"
    "function Hub:OthersInGroup(g, t)"
    " self.clients:others_in_group(g):send('Hear', t) end\n"
    "function Hub:User(u, t) self.clients:user(u):send('Hear', t) end\n"
    "function Hub:Users(us, t) self.clients:users(us):send('Hear', t) end\n"
    "function Hub:Join(g, id) self.groups:add(g, id) end\n"
    "function Hub:Leave(g, id) self.groups:remove(g, id) end\n"
    "function Hub:Outside(t) Hub.clients.all:send('Hear', t) end\n"
    "function Hub:ByName(t)"
    " signalua.hubs.chat.clients.all:send('Hear', t) end\n"
    "function Hub:Many(n) for i = 1, n do"
    " self.clients.caller:send('Hear', 't' .. i) end end\n"
    "function Hub:Args() self.clients.caller:send('args', 1, nil,"
    " signalua.array{3}, {k = 4}) self.clients.caller:send('none') end\n"
    "function Hub:Eval(code) return assert(loadstring('local self, Hub ="
    " ... ' .. code))(self, Hub) end\n"
    "return Hub\n";

#define A "a---------------------"
#define B "b---------------------"
#define DONE RESULT("1", "null")

/* Peer a is ann on worker 0, b is bob on the last worker. */
static void setup(struct lua_rig *rig, unsigned workers)
{
    lua_rig_init(rig, workers);
    lua_rig_file(rig, "chat.lua", hub);
    assert_int_equal(lua_rig_load(rig), 0);
    lua_rig_join(rig, &rig->a, 0, "a", "ann");
    lua_rig_join(rig, &rig->b, workers - 1, "b", "bob");
    cluster_settle(&rig->cluster);
}

static void expect_hears(struct lua_rig *rig, const char *target,
                         const char *args, bool a, bool b)
{
    assert_string_equal(lua_rig_call(rig, target, args),
                        a ? HEAR("x") DONE : DONE);
    expect_heard(&rig->b, b ? HEAR("x") : "");
}

static void everybody_with(unsigned workers)
{
    struct lua_rig rig;
    setup(&rig, workers);
    expect_hears(&rig, "All", "['x']", true, true);
    expect_hears(&rig, "Outside", "['x']", true, true);
    expect_hears(&rig, "ByName", "['x']", true, true);
    expect_hears(&rig, "Others", "['x']", false, true);
    expect_hears(&rig, "Caller", "['x']", true, false);
    expect_hears(&rig, "AllExcept", "[['" B "'],'x']", true, false);
    expect_hears(&rig, "AllExcept", "[[],'x']", true, true);
    expect_hears(&rig, "Client", "['" B "','x']", false, true);
    expect_hears(&rig, "Client", "['nobody','x']", false, false);
    expect_hears(&rig, "Clients", "[['" A "','" B "'],'x']", true, true);
    expect_hears(&rig, "Clients", "[[],'x']", false, false);
    expect_hears(&rig, "User", "['bob','x']", false, true);
    expect_hears(&rig, "Users", "[['ann','bob'],'x']", true, true);
    lua_rig_release(&rig);
}

static void groups_with(unsigned workers)
{
    struct lua_rig rig;
    setup(&rig, workers);
    expect_hears(&rig, "Group", "['g','x']", false, false);
    assert_string_equal(lua_rig_call(&rig, "Join", "['g']"), DONE);
    expect_hears(&rig, "Group", "['g','x']", true, false);
    assert_string_equal(lua_rig_call(&rig, "Join", "['g','" B "']"), DONE);
    expect_hears(&rig, "Group", "['g','x']", true, true);
    expect_hears(&rig, "Groups", "[['g','h'],'x']", true, true);
    expect_hears(&rig, "GroupExcept", "['g',['" B "'],'x']", true, false);
    expect_hears(&rig, "OthersInGroup", "['g','x']", false, true);
    assert_string_equal(lua_rig_call(&rig, "Leave", "['g','" B "']"), DONE);
    expect_hears(&rig, "Group", "['g','x']", true, false);
    lua_rig_release(&rig);
}

static void reaches_whom_it_names(void **state)
{
    (void)state;
    everybody_with(1);
    everybody_with(2);
}

static void reaches_groups(void **state)
{
    (void)state;
    groups_with(1);
    groups_with(2);
}

/* Peer b, wherever it is, is counted, listed and kicked. */
static void query_with(unsigned workers)
{
    struct lua_rig rig;
    setup(&rig, workers);
    lua_rig_call(&rig, "Join", "['g']");
    lua_rig_call(&rig, "Join", "['g','" B "']");
    assert_string_equal(
        lua_rig_call(&rig, "Eval", "['return self.clients.all:count()']"),
        RESULT("1", "2"));
    assert_string_equal(
        lua_rig_call(&rig, "Eval", "['return self.groups:count([[g]])']"),
        RESULT("1", "2"));
    const char *ids =
        lua_rig_call(&rig, "Eval", "['return self.groups:members([[g]])']");
    assert_true(strstr(ids, A) != NULL && strstr(ids, B) != NULL);
    assert_string_equal(
        lua_rig_call(&rig, "Eval", "['return self.users:online([[bob]])']"),
        RESULT("1", "true"));
    assert_string_equal(
        lua_rig_call(&rig, "Eval",
                     "['return self.clients:user([[bob]]):close([[Out.]])']"),
        RESULT("1", "1"));
    expect_heard(&rig.b, "{'type':7,'error':'Out.'}\n");
    assert_true(rig.b.closed);
    assert_string_equal(
        lua_rig_call(&rig, "Eval", "['return self.users:online([[bob]])']"),
        RESULT("1", "false"));
    lua_rig_release(&rig);
}

static void counts_and_closes(void **state)
{
    (void)state;
    query_with(1);
    query_with(2);
}

/* As late as ever: with nobody there a wrong value would else pass. */
static void tells_a_wrong_value_though_nobody_hears(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 "local s = require 'signalua'\n"
                 "local Hub = s.hub()\n"
                 "s.after(1, function()\n"
                 "  Hub.clients.all:send('Hear', 1, print)\n"
                 "end, {where = 'worker'})\n"
                 "return Hub\n");
    assert_int_equal(lua_rig_load(&rig), 0);
    cluster_advance(&rig.cluster, 1500);
    expect_logged(&rig, "is a function");
    lua_rig_release(&rig);
}

static void keeps_order_and_arguments(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1);
    assert_string_equal(lua_rig_call(&rig, "Many", "[3]"),
                        HEAR("t1") HEAR("t2") HEAR("t3") DONE);
    assert_string_equal(
        lua_rig_call(&rig, "Args", "[]"),
        "{'type':1,'target':'args','arguments':[1,null,[3],{'k':4}]}\n"
        "{'type':1,'target':'none','arguments':[]}\n" DONE);
    lua_rig_release(&rig);
}

static void expect_error(struct lua_rig *rig, const char *code,
                         const char *part)
{
    char args[512];
    snprintf(args, sizeof(args), "['%s']", code);
    const char *heard = lua_rig_call(rig, "Eval", args);
    if (strstr(heard, part) == NULL)
        print_error("%s: heard %s, wanted %s\n", code, heard, part);
    assert_non_null(strstr(heard, part));
    expect_heard(&rig->b, "");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1);
    expect_error(&rig, "self.clients.nobody:send()",
                 "clients has no \\'nobody\\', but all, caller, others, ");
    expect_error(&rig, "self.clients.group(1)",
                 "call it with a colon: clients:group(...)");
    expect_error(&rig, "self.clients:group()",
                 "the group must be a string, not no value");
    expect_error(&rig, "self.clients:client({})",
                 "the connection id must be a string, not table");
    expect_error(&rig, "self.clients:users(1)",
                 "user ids must be a list of strings, not number");
    expect_error(&rig, "self.clients:groups{1}",
                 "groups[1] must be a string, not number");
    expect_error(&rig,
                 "self.clients:group(string.rep([[x]],2000))"
                 ":send([[Hear]])",
                 "a name in this send is empty or too long");
    expect_error(&rig, "self.clients:group([[]])", "the group is empty");
    expect_error(&rig, "self.clients.all.send([[Hear]])",
                 "call it with a colon, as in clients.all:send");
    expect_error(&rig, "self.clients.all:send()",
                 "the target must be a string");
    expect_error(&rig, "self.clients.all:send([[Hear]], 1, print)",
                 "argument 2 of \\'Hear\\' is a function");
    expect_error(&rig, "self.clients.all:send([[Hear]], {a={print}})",
                 "argument 1 of \\'Hear\\': field \\'a[1]\\' is a function");
    expect_error(&rig, "Hub.clients.caller:send([[Hear]])",
                 "clients.caller is only there inside a call");
    expect_error(&rig, "Hub.clients.others:send([[Hear]])",
                 "clients.others is only there inside a call");
    expect_error(&rig, "Hub.clients:others_in_group([[g]])",
                 "clients:others_in_group is only there inside a call");
    lua_rig_release(&rig);
}

static void survives_the_connection(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, 1);
    peer_invoke(&rig.b, "1", "Eval",
                "['local c, s, sleep = self.clients, self.context,"
                " require([[signalua]]).sleep; pcall(sleep, 1);"
                " pcall(sleep, 1); c.others:send([[Hear]], [[x]]);"
                " c.caller:send([[Hear]], [[y]]);"
                " error(select(2, pcall(function() return s.user_id end)))']");
    peer_leave(&rig.b, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, HEAR("x"));
    expect_logged(&rig, "context.user_id: the connection is gone");
    lua_rig_release(&rig);
}

static void does_not_send_before_it_is_served(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 "local Hub = require('signalua').hub()\n"
                 "Hub.clients.all:send('Hear')\n"
                 "return Hub\n");
    assert_int_not_equal(lua_rig_load(&rig), 0);
    assert_string_equal(
        rig.errors.ptr,
        "chat.lua:2: hub \"chat\" is not served yet: wait until "
        "the scripts are loaded\n");
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches_whom_it_names),
        cmocka_unit_test(reaches_groups),
        cmocka_unit_test(counts_and_closes),
        cmocka_unit_test(tells_a_wrong_value_though_nobody_hears),
        cmocka_unit_test(keeps_order_and_arguments),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(survives_the_connection),
        cmocka_unit_test(does_not_send_before_it_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
