// SPDX-License-Identifier: MIT
/*
 * Which files of a folder are tests, in which order, and what is refused.
 */
#include "bindings/test_files.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

#include <fcntl.h>
#include <ftw.h>
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

static int on_entry(const char *path, const struct stat *info, int kind,
                    struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/signalua-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, on_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_file(const char *name)
{
    struct sl_str path = { 0 };
    sl_str_add_fmt(&path, "%s/%s", root, name);
    for (char *at = strchr(sl_str_cstr(&path) + 5, '/'); at != NULL;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path.ptr, 0700);
        *at = '/';
    }
    int fd = open(path.ptr, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    sl_str_release(&path);
}

/* Names from root on, one a line. */
static void expect_found(const char *path, const char *expected)
{
    struct sl_test_files files = { 0 };
    struct sl_report report = { 0 };
    struct sl_str text = { 0 };
    assert_int_equal(sl_test_files_add(&files, path, &report), 0);
    for (unsigned i = 0; i < files.count; i++)
        sl_str_add_fmt(&text, "%s\n", files.paths[i] + strlen(root) + 1);
    assert_string_equal(sl_str_cstr(&text), expected);
    sl_str_release(&text);
    sl_test_files_release(&files);
    assert_int_equal(files.count, 0);
}

static void finds_tests_below_a_folder(void **state)
{
    (void)state;
    make_file("b_test.lua");
    make_file("a_spec.lua");
    make_file("helper.lua");
    make_file("notes_test.txt");
    make_file("_test.lua"); /* a name without a noun */
    make_file(".hidden_test.lua");
    make_file("c/d/e_test.lua");
    make_file("c/.git/f_test.lua");
    expect_found(root, "a_spec.lua\nb_test.lua\nc/d/e_test.lua\n");
}

static void takes_a_file_by_its_name(void **state)
{
    (void)state;
    make_file("anything.lua");
    struct sl_str path = { 0 };
    sl_str_add_fmt(&path, "%s/anything.lua", root);
    expect_found(sl_str_cstr(&path), "anything.lua\n");
    sl_str_release(&path);
}

static void one_slash_is_enough(void **state)
{
    (void)state;
    make_file("b_test.lua");
    struct sl_str path = { 0 };
    sl_str_add_fmt(&path, "%s/", root);
    expect_found(sl_str_cstr(&path), "b_test.lua\n");
    sl_str_release(&path);
}

static void passes_over_links_to_nothing(void **state)
{
    (void)state;
    struct sl_str path = { 0 };
    sl_str_add_fmt(&path, "%s/gone_test.lua", root);
    assert_int_equal(symlink("nowhere", sl_str_cstr(&path)), 0);
    expect_found(root, "");
    sl_str_release(&path);
}

static void expect_refused(const char *path, const char *text)
{
    struct sl_test_files files = { 0 };
    struct sl_report report = { 0 };
    assert_int_equal(sl_test_files_add(&files, path, &report), SL_E_CONFIG);
    assert_string_equal(report.text, text);
    sl_test_files_release(&files);
}

static void refuses_what_is_not_there(void **state)
{
    (void)state;
    expect_refused("/nonexistent/tests", "No such file or directory");
}

static void refuses_a_link_that_leads_back(void **state)
{
    (void)state;
    struct sl_str path = { 0 };
    sl_str_add_fmt(&path, "%s/again", root);
    assert_int_equal(symlink(".", sl_str_cstr(&path)), 0);
    expect_refused(root, "folders nested over 16 deep");
    sl_str_release(&path);
}

static void refuses_too_many(void **state)
{
    (void)state;
    make_file("a_test.lua");
    struct sl_test_files files = { 0 };
    struct sl_report report = { 0 };
    int err = 0;
    while (err == 0)
        err = sl_test_files_add(&files, root, &report);
    assert_int_equal(err, SL_E_CONFIG);
    assert_int_equal(files.count, SL_TEST_FILES_MAX);
    assert_string_equal(report.text, "more than 4096 test files");
    sl_test_files_release(&files);
}

#define IN_ROOT(test) \
    cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOT(finds_tests_below_a_folder),
        IN_ROOT(takes_a_file_by_its_name),
        IN_ROOT(one_slash_is_enough),
        IN_ROOT(passes_over_links_to_nothing),
        IN_ROOT(refuses_what_is_not_there),
        IN_ROOT(refuses_a_link_that_leads_back),
        IN_ROOT(refuses_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
