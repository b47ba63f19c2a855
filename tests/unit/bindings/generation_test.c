// SPDX-License-Identifier: MIT
/*
 * Generations over several loads and workers: whose timers tick, what is let
 * go of, and that scripts of two loads do not meet.
 */
#include "tests/lib/lua_rig.h"

#define TOP "local signalua = require 'signalua'\nlocal Hub = signalua.hub()\n"
#define END "\nreturn Hub\n"

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        found++;
    return found;
}

static void ticks_on_the_first_worker_unless_asked(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 3);
    lua_rig_file(&rig, "chat.lua",
                 TOP
                 "signalua.every(1, function() signalua.log.info('c') end)\n"
                 "signalua.every(1, function() signalua.log.info('p') end,"
                 " {where = 'pod'})\n"
                 "signalua.every(1, function() signalua.log.info('w') end,"
                 " {where = 'worker'})\n" END);
    assert_int_equal(lua_rig_load(&rig), 0);
    for (int i = 0; i < 5; i++)
        cluster_advance(&rig.cluster, 1000);
    const char *log = lua_rig_logged(&rig);
    assert_int_equal(count(log, "\"text\":\"c\""), 5);
    assert_int_equal(count(log, "\"text\":\"p\""), 5);
    assert_int_equal(count(log, "\"text\":\"w\""), 15);
    lua_rig_release(&rig);
}

static void ends_the_timers_of_the_old_one(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "signalua.every(1, function()"
                           " signalua.log.info('old') signalua.sleep(5)"
                           " signalua.log.info('old end') end)\n" END);
    cluster_advance(&rig.cluster, 1000);
    expect_logged(&rig, "\"text\":\"old\"");
    rig.set.file_count = 0;
    lua_rig_file(&rig, "chat.lua",
                 TOP "signalua.every(1, function()"
                     " signalua.log.info('new') end)\n" END);
    assert_int_equal(lua_rig_load(&rig), 0);
    for (int i = 0; i < 6; i++)
        cluster_advance(&rig.cluster, 1000);
    const char *log = lua_rig_logged(&rig);
    assert_int_equal(count(log, "\"text\":\"old\""), 0);
    assert_int_equal(count(log, "\"text\":\"old end\""), 1);
    assert_int_equal(count(log, "\"text\":\"new\""), 6);
    lua_rig_release(&rig);
}

static void does_not_start_what_was_never_committed(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua",
                 TOP "signalua.every(1, function()"
                     " signalua.log.info('never') end)\n"
                     "error('no')\n" END);
    assert_int_not_equal(lua_rig_load(&rig), 0);
    cluster_advance(&rig.cluster, 5000);
    assert_null(strstr(lua_rig_logged(&rig), "never"));
    lua_rig_release(&rig);
}

static void keeps_globals_apart(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, "GLOBAL = (GLOBAL or 0) + 1\n" TOP
                       "function Hub:Get() return GLOBAL end" END);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(lua_rig_call(&rig, "Get", "[]"), RESULT("1", "1"));
        assert_int_equal(lua_rig_load(&rig), 0);
    }
    lua_rig_release(&rig);
}

static void lets_go_of_old_ones(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "local big = ('x'):rep(1000000)\n"
                           "function Hub:Get() return #big end" END);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(lua_rig_load(&rig), 0);
        assert_string_equal(lua_rig_call(&rig, "Get", "[]"),
                            RESULT("1", "1000000"));
    }
    /* 50 MB would lie there if each load were kept. */
    assert_true(cluster_metric(rig.worker, SL_M_LUA_MEMORY) < 20000000);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_on_the_first_worker_unless_asked),
        cmocka_unit_test(ends_the_timers_of_the_old_one),
        cmocka_unit_test(does_not_start_what_was_never_committed),
        cmocka_unit_test(keeps_globals_apart),
        cmocka_unit_test(lets_go_of_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
