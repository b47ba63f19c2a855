// SPDX-License-Identifier: MIT
/*
 * A real folder under a real loop: each kind of change is told, by notices and
 * by looks alone, and many at once are one.
 */
#include "host/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];
static struct sl_loop loop;
static struct sl_metrics metrics;
static struct sl_watch *watch;
static unsigned told;

static void on_change(void *user)
{
    (void)user;
    told++;
    sl_loop_stop(&loop);
}

/* Runs until it is told of a change. CTest's time limit is the failure. */
static void wait_for_change(void)
{
    told = 0;
    sl_loop_run(&loop);
    assert_int_equal(told, 1);
}

static const char *path_of(const char *name)
{
    static char paths[2][128];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void save(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    strcpy(root, "/tmp/watch_test.XXXXXX");
    if (mkdtemp(root) == NULL)
        return -1;
    assert_int_equal(mkdir(path_of("hubs"), 0700), 0);
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    static char folder[80];
    snprintf(folder, sizeof(folder), "%s/hubs", root);
    watch = sl_watch_open(&loop, folder, *state != NULL, on_change, NULL);
    wait_for_change(); /* at the start, for what happened before */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_watch_close(watch);
    sl_loop_release(&loop);
    const char *const names[] = { "hubs/lib/a.lua", "hubs/lib",
                                  "hubs/a.lua",     "hubs/b.lua",
                                  "hubs/link.lua",  "hubs",
                                  "away",           "far.lua" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(path_of(names[i]));
    return rmdir(root);
}

static void tells_files_and_folders(void **state)
{
    (void)state;
    save("hubs/a.lua", "1");
    wait_for_change();
    save("hubs/a.lua", "22");
    wait_for_change();
    save("hubs/b.lua", "333"); /* in its place, as editors do */
    assert_int_equal(rename(path_of("hubs/b.lua"), path_of("hubs/a.lua")), 0);
    wait_for_change();
    assert_int_equal(mkdir(path_of("hubs/lib"), 0700), 0);
    wait_for_change();
    save("hubs/lib/a.lua", "1"); /* the new folder is watched, too */
    wait_for_change();
    assert_int_equal(unlink(path_of("hubs/lib/a.lua")), 0);
    assert_int_equal(rmdir(path_of("hubs/lib")), 0);
    wait_for_change();
    assert_int_equal(unlink(path_of("hubs/a.lua")), 0);
    wait_for_change();
}

static void finds_a_folder_that_comes_back(void **state)
{
    (void)state;
    assert_int_equal(rename(path_of("hubs"), path_of("away")), 0);
    wait_for_change();
    assert_int_equal(mkdir(path_of("hubs"), 0700), 0);
    wait_for_change();
    save("hubs/a.lua", "1");
    wait_for_change();
}

static void sees_through_links(void **state)
{
    (void)state;
    save("far.lua", "1");
    assert_int_equal(symlink(path_of("far.lua"), path_of("hubs/link.lua")), 0);
    wait_for_change();
    save("far.lua", "22"); /* no notice tells of it: a look does */
    wait_for_change();
}

int main(void)
{
    static int poll_only;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define POLL(name)                                           \
    {                                                        \
#name "_by_looks", name, setup, teardown, &poll_only \
    }
    const struct CMUnitTest tests[] = {
        TEST(tells_files_and_folders), TEST(finds_a_folder_that_comes_back),
        TEST(sees_through_links),      POLL(finds_a_folder_that_comes_back),
        POLL(sees_through_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
