// SPDX-License-Identifier: MIT
/*
 * Finds the files, makes the state in which they run, and leaves the rest to
 * lua/test_runner.lua. The log goes into a file in memory: tests read it, and
 * the runner shows it beside what failed.
 */
#include "bindings/cmd_test.h"

#include "base/check.h"
#include "bindings/coroutine.h"
#include "bindings/embedded.h"
#include "bindings/lua_testing.h"
#include "bindings/test_files.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void print_report(const struct sl_report *report)
{
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    puts(sl_report_format(report, text, sizeof(text)));
}

static int find_files(const struct sl_cmd_test *test,
                      struct sl_test_files *files)
{
    struct sl_report report = { 0 };
    for (unsigned i = 0; i < test->path_count; i++) {
        if (sl_test_files_add(files, test->paths[i], &report) != 0) {
            print_report(&report);
            return 1;
        }
    }
    if (files->count == 0) {
        puts("no test files: names that end in _test.lua or _spec.lua");
        return 1;
    }
    return 0;
}

static void push_files(lua_State *L, const struct sl_test_files *files)
{
    lua_createtable(L, (int)files->count, 0);
    for (unsigned i = 0; i < files->count; i++) {
        lua_pushstring(L, files->paths[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_embedded(lua_State *L, struct sl_slice text, const char *name)
{
    if (luaL_loadbufferx(L, text.ptr, text.len, name, "t") != 0)
        sl_fatal(__FILE__, __LINE__, "%s", lua_tostring(L, -1));
}

/* The runner gets the primitives, the module signalua.testing as a function
 * of them, the files and the hubs' folder; it returns whether all went well. */
static int run(struct sl_tester *tester, const struct sl_cmd_test *test,
               const struct sl_test_files *files)
{
    const struct sl_engine *engine = sl_test_pod_engine(tester->home);
    lua_State *L = engine->L;
    struct sl_str trace = { 0 };
    push_embedded(L, sl_embedded_test_runner, "=signalua/test_runner.lua");
    sl_engine_push(L, engine, SL_REF_NATIVE);
    sl_lua_testing_open(L, tester);
    push_embedded(L, sl_embedded_testing, "=signalua/testing.lua");
    push_files(L, files);
    lua_pushstring(L, test->folder);
    bool ok = false;
    if (sl_lua_protect(L, 4, 1, &trace) == 0)
        ok = lua_toboolean(L, -1);
    else
        printf("%s\n%s", lua_tostring(L, -1), sl_str_cstr(&trace));
    lua_pop(L, 1);
    sl_str_release(&trace);
    return ok ? 0 : 1;
}

int sl_cmd_test(const struct sl_cmd_test *test)
{
    struct sl_test_files files = { 0 };
    int status = find_files(test, &files);
    if (status == 0) {
        int log_fd = memfd_create("log", MFD_CLOEXEC);
        if (log_fd < 0)
            sl_fatal(__FILE__, __LINE__, "no file in memory for the log");
        sl_log_setup(log_fd, test->log_level, SL_LOG_TEXT);
        struct sl_test_pod_setup setup = {
            .set = test->set,
            .settings = test->settings,
            .setting_count = test->setting_count,
        };
        struct sl_tester tester;
        sl_tester_init(&tester, &setup, log_fd);
        if (sl_tester_begin(&tester))
            status = run(&tester, test, &files);
        else
            status = 1;
        printf("%s", sl_str_cstr(&tester.errors));
        sl_tester_release(&tester);
        sl_log_setup(STDERR_FILENO, test->log_level, SL_LOG_AUTO);
        close(log_fd);
    }
    sl_test_files_release(&files);
    return fflush(stdout) == 0 ? status : 1;
}
