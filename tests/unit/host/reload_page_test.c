// SPDX-License-Identifier: MIT
/*
 * The JSON of reloads: before the first one, after one that failed, with texts
 * that hold quotes, other languages and bytes that are no text.
 */
#include "host/reload_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sl_script_file files[] = {
    { { "b\xc3\xa4r.lua", 8 }, { "x", 1 } },
    { { "odd\xff.lua", 8 }, { "y", 1 } },
};
static struct sl_scripts old_scripts, scripts;
static struct sl_reload reload;
static struct sl_str out;

static void add_kept(struct sl_scripts *one, const char *version,
                     unsigned holders)
{
    strcpy(one->snapshot.set.version, version);
    one->snapshot.set.files = files;
    atomic_store(&one->holders, holders);
    sl_list_push_back(&reload.kept, &one->node);
}

static int setup(void **state)
{
    (void)state;
    reload = (struct sl_reload){ .current = &scripts };
    sl_list_init(&reload.kept);
    sl_list_init(&reload.errors);
    add_kept(&old_scripts, "0ldc0de0", 1);
    add_kept(&scripts, "12345678", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_str_release(&out);
    return 0;
}

static void before_the_first(void **state)
{
    (void)state;
    sl_reload_page(&reload, &out);
    assert_string_equal(
        sl_str_cstr(&out),
        "{\"version\":\"12345678\",\"files\":[],\"generations\":["
        "{\"version\":\"0ldc0de0\",\"workers\":1,\"serves\":false},"
        "{\"version\":\"12345678\",\"workers\":2,\"serves\":true}],"
        "\"last_reload\":{\"outcome\":\"none\",\"version\":\"12345678\","
        "\"errors\":[]}}\n");
}

static void after_a_failure(void **state)
{
    (void)state;
    static char first[] = "b\xc3\xa4r.lua:1: '\"' is unfinished";
    static char second[] = "odd\xff.lua:2: no";
    struct sl_reload_error errors[] = { { .text = first }, { .text = second } };
    for (unsigned i = 0; i < 2; i++)
        sl_list_push_back(&reload.errors, &errors[i].node);
    reload.error_count = 2;
    reload.outcome = SL_RELOAD_FAILED;
    reload.trigger = "signal";
    reload.wall_ms = 1700000000000;
    reload.took_ms = 7;
    sl_str_add_lit(&reload.changes, "+b\xc3\xa4r.lua");
    sl_reload_page_last(&reload, &out);
    assert_string_equal(
        sl_str_cstr(&out),
        "{\"outcome\":\"failed\",\"trigger\":\"signal\","
        "\"time_ms\":1700000000000,\"took_ms\":7,"
        "\"changes\":\"+b\xc3\xa4r.lua\",\"version\":\"12345678\",\"errors\":["
        "\"b\xc3\xa4r.lua:1: '\\\"' is unfinished\","
        "\"odd\xef\xbf\xbd.lua:2: no\"]}\n");
    sl_str_release(&reload.changes);
}

static void names_files(void **state)
{
    (void)state;
    scripts.snapshot.set.file_count = 2;
    sl_reload_page(&reload, &out);
    scripts.snapshot.set.file_count = 0;
    assert_non_null(strstr(sl_str_cstr(&out), "{\"name\":\"b\xc3\xa4r.lua\","));
    assert_non_null(
        strstr(sl_str_cstr(&out), "{\"name\":\"odd\xef\xbf\xbd.lua\","));
}

#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(before_the_first),
        PAGE_TEST(after_a_failure),
        PAGE_TEST(names_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
