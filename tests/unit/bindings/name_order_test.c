// SPDX-License-Identifier: MIT
/*
 * Which names of a source count, in which order, and how fields are sorted by
 * them.
 */
#include "bindings/name_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* The names of the text, by position, joined. */
static void expect_names(const char *text, const char *names)
{
    lua_State *L = luaL_newstate();
    unsigned count = 0;
    char got[256] = "";
    lua_newtable(L);
    sl_name_order_scan(L, sl_slice_str(text), &count);
    for (unsigned i = 1; i <= count; i++) {
        lua_pushnil(L);
        while (lua_next(L, 1)) {
            if ((unsigned)lua_tointeger(L, -1) == i) {
                strcat(got, lua_tostring(L, -2));
                strcat(got, " ");
            }
            lua_pop(L, 1);
        }
    }
    assert_string_equal(got, names);
    lua_close(L);
}

static void takes_assigned_names(void **state)
{
    (void)state;
    expect_names("x = {b = 1, a = 2, b = 3}", "x b a ");
    expect_names("t.name = 1 if a == b then c=d end", "name c ");
    expect_names("a\n  =\n1", "a ");
    expect_names("", "");
    expect_names("=", "");
    expect_names("a=", "a ");
}

static void passes_over_comments_and_strings(void **state)
{
    (void)state;
    expect_names("-- no = 1\nyes = 2", "yes ");
    expect_names("--[[ no = 1 \n no = 2 ]] yes = 3", "yes ");
    expect_names("--[==[ no = 1 ]] no = 2 ]==] yes = 3", "yes ");
    expect_names("f('no = 1', \"no = 2 \\\" no = 3\") yes = 4", "yes ");
    expect_names("f([[no = 1]], [=[ ]] no = 2]=]) yes = t[no] ", "yes ");
    expect_names("a = 'unfinished\nb = 1", "a b ");
    expect_names("a = [[ never ended b = 1", "a ");
    expect_names("a = 1 --", "a ");
    expect_names("a = '\\", "a ");
}

static struct sl_name_place place(const char *name, unsigned at)
{
    return (struct sl_name_place){ sl_slice_str(name), at };
}

static void sorts_by_place_then_bytes(void **state)
{
    (void)state;
    struct sl_name_place few[] = { place("b", 9), place("a", 9), place("z", 1),
                                   place("ab", 9) };
    sl_name_order_sort(few, SL_COUNT(few));
    const char *wanted[] = { "z", "a", "ab", "b" };
    for (unsigned i = 0; i < SL_COUNT(few); i++)
        assert_string_equal(few[i].name.ptr, wanted[i]);

    struct sl_name_place many[40];
    char names[40][4];
    for (unsigned i = 0; i < SL_COUNT(many); i++) {
        snprintf(names[i], sizeof(names[i]), "n%02u", (i * 7) % 40);
        many[i] = place(names[i], 5);
    }
    sl_name_order_sort(many, SL_COUNT(many));
    for (unsigned i = 1; i < SL_COUNT(many); i++)
        assert_true(strcmp(many[i - 1].name.ptr, many[i].name.ptr) < 0);
    sl_name_order_sort(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_assigned_names),
        cmocka_unit_test(passes_over_comments_and_strings),
        cmocka_unit_test(sorts_by_place_then_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
