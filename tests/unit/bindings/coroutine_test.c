// SPDX-License-Identifier: MIT
/*
 * The pool and the door: coroutines are used again, those that raised are not,
 * nobody runs inside another, and engines in several threads do not meet.
 */
#include "bindings/coroutine.h"

#include "tests/lib/lua_rig.h"

#include <pthread.h>

#define TOP "local signalua = require 'signalua'\nlocal Hub = signalua.hub"
#define END "\nreturn Hub\n"

static void uses_coroutines_again(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "{detailed_errors = true}\n"
                           "function Hub:Echo(x) return x end\n"
                           "function Hub:Fail() error('x') end\n"
                           "function Hub:Wait() signalua.sleep(1) end" END);
    for (int i = 0; i < 1000; i++)
        lua_rig_call(&rig, "Echo", "[1]");
    assert_int_equal(rig.engine->idle_count, 1);
    lua_rig_call(&rig, "Fail", "[]");
    assert_int_equal(rig.engine->idle_count, 0);
    lua_rig_call(&rig, "Wait", "[]");
    cluster_advance(&rig.cluster, 1001);
    assert_int_equal(rig.engine->idle_count, 1);
    lua_rig_release(&rig);
}

/* A send that fills the queue of a client closes it, whose on_disconnected
 * must not begin inside the sender. */
static void never_runs_one_inside_another(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 TOP "{max_outbound = 1024}\n"
                     "local inside = false\n"
                     "function Hub:Flood()\n"
                     "  inside = true\n"
                     "  for _ = 1, 100 do"
                     " self.clients.others:send('Hear', ('x'):rep(100)) end\n"
                     "  self.clients.others:send('Hear', 'last')\n"
                     "  inside = false\n"
                     "end\n"
                     "function Hub:on_disconnected()\n"
                     "  signalua.log.info('left', {inside = inside})\n"
                     "end" END);
    assert_int_equal(lua_rig_load(&rig), 0);
    lua_rig_join(&rig, &rig.a, 0, "a", NULL);
    lua_rig_join(&rig, &rig.b, 0, "b", NULL);
    rig.b.stuck = true;
    assert_string_equal(lua_rig_call(&rig, "Flood", "[]"), RESULT("1", "null"));
    assert_true(rig.b.closed);
    expect_logged(&rig, "\"inside\":false");
    lua_rig_release(&rig);
}

static void protects_and_traces(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_State *L = rig.engine->L;
    struct sl_str trace = { 0 };
    int top = lua_gettop(L);
    assert_int_equal(luaL_loadstring(L, "local a, b = ... return a + b"), 0);
    lua_pushinteger(L, 1);
    lua_pushinteger(L, 2);
    assert_int_equal(sl_lua_protect(L, 2, 1, NULL), 0);
    assert_int_equal(lua_tointeger(L, -1), 3);
    lua_settop(L, top);
    assert_int_equal(luaL_loadstring(L, "error('bad')"), 0);
    assert_int_not_equal(sl_lua_protect(L, 0, 1, &trace), 0);
    assert_non_null(strstr(lua_tostring(L, -1), "bad"));
    assert_non_null(strstr(sl_str_cstr(&trace), "in function 'error'"));
    lua_settop(L, top);
    sl_str_release(&trace);
    lua_rig_release(&rig);
}

static void *call_many(void *user)
{
    struct lua_rig *rig = user;
    for (int i = 0; i < 500; i++) {
        peer_invoke(&rig->a, "1", "Run", "['x']");
        cluster_advance(&rig->cluster, 1);
        peer_heard(&rig->a);
    }
    return NULL;
}

static void lives_beside_engines_in_other_threads(void **state)
{
    (void)state;
    static struct lua_rig rigs[2];
    pthread_t thread;
    static const char text[] =
        TOP "()\nfunction Hub:Run(x)\n"
            "  self.clients.all:send('Hear', {x, n = 1, s = {1, 2}})\n"
            "  self.groups:add(x)\n"
            "  signalua.sleep(0)\n"
            "  return signalua.store.incr('n')\n"
            "end" END;
    for (int i = 0; i < 2; i++)
        lua_rig_chat(&rigs[i], text);
    assert_int_equal(pthread_create(&thread, NULL, call_many, &rigs[0]), 0);
    call_many(&rigs[1]);
    pthread_join(thread, NULL);
    for (int i = 1; i >= 0; i--)
        lua_rig_release(&rigs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_coroutines_again),
        cmocka_unit_test(never_runs_one_inside_another),
        cmocka_unit_test(protects_and_traces),
        cmocka_unit_test(lives_beside_engines_in_other_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
