// SPDX-License-Identifier: MIT
/*
 * What a watchdog sees of every kind of stay in authors' code, and that errors
 * are counted for what ran: methods, hooks, timers, tasks, routes, loading.
 * Scripts look at themselves through look(), a global of the test.
 */
#include "bindings/door.h"

#include "tests/lib/lua_rig.h"

#define TOP "local signalua = require 'signalua'\nlocal Hub = signalua.hub()\n"
#define END "\nreturn Hub\n"

/* look(): hub, method and version of the present stay. */
static int look(lua_State *L)
{
    struct sl_activity *activity = lua_touserdata(L, lua_upvalueindex(1));
    struct sl_stay stay = sl_activity_look(activity);
    assert_int_equal(stay.number % 2, 1);
    lua_pushfstring(L, "%s %s %s", stay.routine->hub.ptr,
                    stay.routine->method.ptr, stay.version);
    return 1;
}

static void rig_look(struct lua_rig *rig)
{
    lua_rig_init(rig, 1);
    lua_pushlightuserdata(rig->engine->L, &rig->activities[0]);
    lua_pushcclosure(rig->engine->L, look, 1);
    lua_setglobal(rig->engine->L, "look");
}

static void shows_who_has_the_worker(void **state)
{
    (void)state;
    struct lua_rig rig;
    rig_look(&rig);
    lua_rig_file(&rig, "chat.lua",
                 TOP "signalua.log.info(look())\n"
                     "signalua.after(1, function()"
                     " signalua.log.info(look()) end)\n"
                     "signalua.on_reload(function()"
                     " signalua.log.info(look()) end)\n"
                     "function Hub:on_connected()"
                     " signalua.log.info(look()) end\n"
                     "function Hub:Say()\n"
                     "  signalua.spawn(function() signalua.sleep(1)"
                     " signalua.log.info('spawned ' .. look()) end)\n"
                     "  return look()\n"
                     "end" END);
    assert_int_equal(lua_rig_load(&rig), 0);
    expect_logged(&rig, "chat (load) 01234567");
    lua_rig_join(&rig, &rig.a, 0, "a", "ann");
    expect_logged(&rig, "chat on_connected 01234567");
    assert_string_equal(lua_rig_call(&rig, "Say", "[]"),
                        RESULT("1", "'chat Say 01234567'"));
    cluster_advance(&rig.cluster, 1001);
    const char *log = lua_rig_logged(&rig);
    assert_non_null(strstr(log, "\"chat after 01234567\""));
    assert_non_null(strstr(log, "\"spawned chat Say 01234567\""));
    memcpy(rig.set.version, "89abcdef", 9);
    assert_int_equal(lua_rig_load(&rig), 0);
    cluster_settle(&rig.cluster);
    expect_logged(&rig, "chat on_reload 89abcdef");
    assert_int_equal(rig.activities[0].stay % 2, 0);
    lua_rig_release(&rig);
}

/* A wait is no stay, and each resume is another. */
static void a_wait_lets_go(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "function Hub:Wait() signalua.sleep(1) end" END);
    uint64_t before = sl_activity_look(&rig.activities[0]).number;
    lua_rig_call(&rig, "Wait", "[]");
    assert_int_equal(sl_activity_look(&rig.activities[0]).number, before + 2);
    cluster_advance(&rig.cluster, 1001);
    assert_int_equal(sl_activity_look(&rig.activities[0]).number, before + 4);
    lua_rig_release(&rig);
}

static uint64_t errors_of(struct lua_rig *rig, const char *method)
{
    return sl_routines_get(rig->routines, SL_SLICE("chat"),
                           sl_slice_str(method))
        ->errors;
}

static void counts_errors_for_what_ran(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 TOP "function Hub:Fail(how)\n"
                     "  if how == 'task' then\n"
                     "    signalua.spawn(error, 'spawned')\n"
                     "  elseif how == 'hub' then\n"
                     "    error(signalua.hub_error('said'))\n"
                     "  else error('failed') end\n"
                     "end\n"
                     "function Hub:Fine() end\n"
                     "function Hub:on_disconnected() error('left') end\n"
                     "signalua.after(1, function() error('late') end)" END);
    lua_rig_call(&rig, "fail", "['now']"); /* any case */
    lua_rig_call(&rig, "FAIL", "['now']");
    assert_int_equal(errors_of(&rig, "Fail"), 2);
    lua_rig_call(&rig, "Fail", "['hub']"); /* is no fault */
    assert_int_equal(errors_of(&rig, "Fail"), 2);
    lua_rig_call(&rig, "Fail", "['task']");
    assert_int_equal(errors_of(&rig, "Fail"), 3);
    lua_rig_call(&rig, "Fine", "[]");
    cluster_advance(&rig.cluster, 1001);
    assert_int_equal(errors_of(&rig, "after"), 1);
    assert_int_equal(errors_of(&rig, "Fine"), 0);
    rig.set.file_count = 0;
    lua_rig_file(&rig, "chat.lua", "error('bad')");
    assert_int_not_equal(lua_rig_load(&rig), 0);
    assert_int_equal(errors_of(&rig, "(load)"), 1);
    lua_rig_release(&rig);
}

/* Counted over reloads, under the same name. */
static void reloads_do_not_count_anew(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "function Hub:Fail() error('x') end" END);
    for (int i = 0; i < 3; i++) {
        lua_rig_call(&rig, "Fail", "[]");
        assert_int_equal(lua_rig_load(&rig), 0);
    }
    assert_int_equal(errors_of(&rig, "Fail"), 3);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_who_has_the_worker),
        cmocka_unit_test(a_wait_lets_go),
        cmocka_unit_test(counts_errors_for_what_ran),
        cmocka_unit_test(reloads_do_not_count_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
