// SPDX-License-Identifier: MIT
/*
 * on_reload and keep over several loads, and what a call that began on the old
 * scripts still is: its code, its version, and no new timers.
 */
#include "tests/lib/lua_rig.h"

#define TOP "local signalua = require 'signalua'\nlocal Hub = signalua.hub()\n"
#define END "\nreturn Hub\n"

static void reload(struct lua_rig *rig, const char *text)
{
    rig->set.file_count = 0;
    lua_rig_file(rig, "chat.lua", text);
    assert_int_equal(lua_rig_load(rig), 0);
    cluster_advance(&rig->cluster, 1);
}

static void tells_those_that_took_over(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "signalua.on_reload(function()"
                           " signalua.log.info('first') end)\n" END);
    cluster_advance(&rig.cluster, 1);
    assert_null(strstr(lua_rig_logged(&rig), "first"));
    reload(&rig, TOP "signalua.on_reload(function() error('wrong') end)\n"
                     "signalua.on_reload(function(old, new)"
                     " signalua.sleep(0.001)"
                     " signalua.log.info('took ' .. #old .. #new) end)\n" END);
    cluster_advance(&rig.cluster, 10);
    const char *log = lua_rig_logged(&rig);
    assert_non_null(strstr(log, "took "));
    assert_non_null(strstr(log, "chat.lua:3: wrong"));
    assert_null(strstr(log, "first"));
    lua_rig_release(&rig);
}

static void keeps_what_is_to_be_kept(void **state)
{
    (void)state;
    static const char text[] =
        TOP "local kept = signalua.keep('calls', {count = 0})\n"
            "function Hub:Count() kept.count = kept.count + 1 return kept.count"
            " end" END;
    struct lua_rig rig;
    lua_rig_chat(&rig, text);
    assert_string_equal(lua_rig_call(&rig, "Count", "[]"), RESULT("1", "1"));
    reload(&rig, text);
    assert_string_equal(lua_rig_call(&rig, "Count", "[]"), RESULT("1", "2"));
    lua_rig_release(&rig);
}

static void is_for_loading_alone(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, TOP "function Hub:Late()"
                           " signalua.on_reload(print) end" END);
    lua_rig_call(&rig, "Late", "[]");
    expect_logged(&rig, "chat.lua:3: signalua.on_reload is called while");
    rig.set.file_count = 0;
    lua_rig_file(&rig, "chat.lua", TOP "signalua.on_reload(1)" END);
    assert_int_not_equal(lua_rig_load(&rig), 0);
    assert_string_equal(sl_str_cstr(&rig.errors),
                        "chat.lua:3: signalua.on_reload wants a function, not "
                        "a number\n");
    lua_rig_release(&rig);
}

static void lets_old_calls_end(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 TOP "signalua.after(0.1, function() signalua.sleep(1)"
                     " signalua.every(0.1, function() signalua.log.info('tick')"
                     " end) signalua.sleep(1) signalua.log.info('old end')"
                     " end)\n" END);
    cluster_advance(&rig.cluster, 200);
    reload(&rig, TOP END);
    assert_int_equal(cluster_metric(rig.worker, SL_M_GENERATIONS), 2);
    for (int i = 0; i < 30; i++)
        cluster_advance(&rig.cluster, 100);
    const char *log = lua_rig_logged(&rig);
    assert_non_null(strstr(log, "old end"));
    assert_null(strstr(log, "tick"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_GENERATIONS), 1);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_those_that_took_over),
        cmocka_unit_test(keeps_what_is_to_be_kept),
        cmocka_unit_test(is_for_loading_alone),
        cmocka_unit_test(lets_old_calls_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
