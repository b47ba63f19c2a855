// SPDX-License-Identifier: MIT
/*
 * Folders as people and Kubernetes make them, read into a set: order, names,
 * links, what is passed over, and each bound with its report.
 */
#include "host/snapshot.h"

#include "base/base.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
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

static char root[] = "/tmp/snapshot_test.XXXXXX";
static struct sl_snapshot snapshot;
static struct sl_report report;

static int make_root(void **state)
{
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    report = (struct sl_report){ 0 };
    return mkdtemp(root) == NULL;
}

static int on_remove(const char *path, const struct stat *st, int flag,
                     struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    sl_snapshot_release(&snapshot);
    return nftw(root, on_remove, 64, FTW_DEPTH | FTW_PHYS);
}

static const char *path_of(const char *name)
{
    static char paths[2][8192];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void put_bytes(const char *name, const char *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
}

static void put_link(const char *name, const char *target)
{
    assert_int_equal(symlink(target, path_of(name)), 0);
}

static void expect_names(const char *names)
{
    int err = sl_snapshot_read(&snapshot, root, &report);
    if (err != 0)
        fail_msg("%s:%d: %s", report.file, report.line, report.text);
    struct sl_str out = { 0 };
    for (unsigned i = 0; i < snapshot.set.file_count; i++) {
        sl_str_add_slice(&out, snapshot.set.files[i].name);
        sl_str_add_char(&out, ' ');
    }
    assert_string_equal(sl_str_cstr(&out), names);
    sl_str_release(&out);
}

static void expect_refusal(int err, const char *name, const char *text)
{
    assert_int_equal(sl_snapshot_read(&snapshot, root, &report), err);
    assert_string_equal(report.file, path_of(name));
    assert_string_equal(report.text, text);
    assert_int_equal(report.line, 0);
    assert_int_equal(snapshot.set.file_count, 0);
    assert_null(snapshot.files);
}

/* ---- what is read ---- */

static void names_are_sorted_and_complete(void **state)
{
    (void)state;
    put_folder("lib");
    put_folder("game");
    put_folder("game/deep");
    put_folder("empty");
    put("chat.lua", "return 1");
    put("zebra.lua", "");
    put("lib/rooms.lua", "");
    put("game/lobby.lua", "");
    put("game/deep/x.lua", "");
    expect_names("chat.lua game/deep/x.lua game/lobby.lua lib/rooms.lua "
                 "zebra.lua ");
    assert_true(sl_slice_eq(snapshot.set.files[0].text, SL_SLICE("return 1")));
    assert_int_equal(snapshot.set.files[1].text.len, 0);
}

static void other_files_are_passed_over(void **state)
{
    (void)state;
    put_folder(".git");
    put(".git/hook.lua", "");
    put(".chat.lua.swp", "");
    put(".hidden.lua", "");
    put("README.md", "");
    put("chat.lua~", "");
    put("chat.LUA", "");
    put("lua", "");
    put(".lua", "");
    put_link("dangling", "nowhere");
    put_folder("folder.lua");
    put("folder.lua/inner.lua", "");
    put("a.lua", "");
    expect_names("a.lua folder.lua/inner.lua ");
}

static void an_empty_folder(void **state)
{
    (void)state;
    expect_names("");
    assert_int_equal(strlen(snapshot.set.version), 8);
}

static void bytes_are_kept(void **state)
{
    (void)state;
    put_bytes("a.lua", "a\0b\r\n\xff", 6);
    expect_names("a.lua ");
    assert_true(
        sl_slice_eq(snapshot.set.files[0].text, SL_SLICE("a\0b\r\n\xff")));
}

static void a_config_map_volume(void **state)
{
    (void)state;
    put_folder("..2026_01_01");
    put("..2026_01_01/chat.lua", "old");
    put_link("..data", "..2026_01_01");
    put_link("chat.lua", "..data/chat.lua");
    expect_names("chat.lua ");
    assert_true(sl_slice_eq(snapshot.set.files[0].text, SL_SLICE("old")));
    sl_snapshot_release(&snapshot);

    /* What the kubelet does for an update: a new folder, one rename. */
    put_folder("..2026_01_02");
    put("..2026_01_02/chat.lua", "new");
    put_link("..data_tmp", "..2026_01_02");
    char from[256];
    strcpy(from, path_of("..data_tmp"));
    assert_int_equal(rename(from, path_of("..data")), 0);
    expect_names("chat.lua ");
    assert_true(sl_slice_eq(snapshot.set.files[0].text, SL_SLICE("new")));
}

static void links_are_followed(void **state)
{
    (void)state;
    put_folder("real");
    put("real/a.lua", "");
    put_link("again", "real");
    put_link("b.lua", "real/a.lua");
    expect_names("again/a.lua b.lua real/a.lua ");
}

/* ---- the version ---- */

static void version_of(char out[9])
{
    assert_int_equal(sl_snapshot_read(&snapshot, root, &report), 0);
    memcpy(out, snapshot.set.version, 9);
    sl_snapshot_release(&snapshot);
    assert_int_equal(strspn(out, "0123456789abcdef"), 8);
}

static void version_tells_names_and_contents(void **state)
{
    (void)state;
    char first[9], again[9], other[9];
    put("ab.lua", "c");
    version_of(first);
    version_of(again);
    assert_string_equal(first, again);
    put("ab.lua", "d");
    version_of(other);
    assert_string_not_equal(first, other);
    put("ab.lua", "c");
    version_of(again);
    assert_string_equal(first, again);
    char from[256];
    strcpy(from, path_of("ab.lua"));
    assert_int_equal(rename(from, path_of("ac.lua")), 0);
    version_of(other);
    assert_string_not_equal(first, other);
    put("z.lua", "");
    version_of(again);
    assert_string_not_equal(again, other);
}

/* ---- refusals ---- */

static void no_folder(void **state)
{
    (void)state;
    assert_int_equal(sl_snapshot_read(&snapshot, path_of("none"), &report),
                     -ENOENT);
    assert_string_equal(report.file, path_of("none"));
    assert_string_equal(report.text, "No such file or directory");
    put("file", "");
    assert_int_equal(sl_snapshot_read(&snapshot, path_of("file"), &report),
                     -ENOTDIR);
}

static void a_dangling_script(void **state)
{
    (void)state;
    put_link("a.lua", "nowhere");
    expect_refusal(-ENOENT, "a.lua", "No such file or directory");
}

static void a_script_that_is_a_pipe(void **state)
{
    (void)state;
    put_folder("lib");
    assert_int_equal(mkfifo(path_of("lib/p.lua"), 0600), 0);
    expect_refusal(SL_E_UNSUPPORTED, "lib/p.lua",
                   "is neither a file nor a folder");
}

static void a_link_upwards(void **state)
{
    (void)state;
    put_folder("lib");
    put("a.lua", "");
    put_link("lib/up", "..");
    expect_refusal(SL_E_DEPTH, "lib/up", "leads back to a folder above it");
}

static void too_deep(void **state)
{
    (void)state;
    char name[256] = "d";
    put_folder(name);
    for (int depth = 1; depth < SL_SCRIPT_DEPTH_MAX; depth++) {
        strcat(name, "/d");
        put_folder(name);
    }
    expect_names("");
    strcat(name, "/d");
    put_folder(name);
    expect_refusal(SL_E_DEPTH, name, "lies in too many folders");
}

static void a_script_too_large(void **state)
{
    (void)state;
    char *text = test_malloc(SL_SCRIPT_FILE_MAX + 1);
    memset(text, '-', SL_SCRIPT_FILE_MAX + 1);
    put_bytes("a.lua", text, SL_SCRIPT_FILE_MAX);
    expect_names("a.lua ");
    sl_snapshot_release(&snapshot);
    put_bytes("a.lua", text, SL_SCRIPT_FILE_MAX + 1);
    expect_refusal(SL_E_TOO_LARGE, "a.lua",
                   "larger than a script may be (1048576 bytes)");
    test_free(text);
}

static void too_many_scripts(void **state)
{
    (void)state;
    for (int i = 0; i <= SL_SCRIPTS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%d.lua", i);
        put(name, "");
    }
    assert_int_equal(sl_snapshot_read(&snapshot, root, &report),
                     SL_E_TOO_LARGE);
    assert_string_equal(report.text, "too many scripts in the folder");
    assert_int_equal(unlink(path_of("0.lua")), 0);
    assert_int_equal(sl_snapshot_read(&snapshot, root, &report), 0);
    assert_int_equal(snapshot.set.file_count, SL_SCRIPTS_MAX);
}

static void too_much_in_all(void **state)
{
    (void)state;
    char *text = sl_zalloc(SL_SCRIPT_FILE_MAX);
    put_bytes("big.lua", text, SL_SCRIPT_FILE_MAX);
    sl_free(text);
    /* The same file by many names costs no disk. */
    for (int i = 1; i <= SL_SCRIPTS_BYTES_MAX / SL_SCRIPT_FILE_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "l%d.lua", i);
        put_link(name, "big.lua");
    }
    assert_int_equal(sl_snapshot_read(&snapshot, root, &report),
                     SL_E_TOO_LARGE);
    assert_string_equal(report.text,
                        "the scripts of the folder are too large in all");
}

#define ROOT_TEST(function) \
    cmocka_unit_test_setup_teardown(function, make_root, remove_root)

static void hashes_one_file(void **state)
{
    (void)state;
    char a[9], b[9], c[9];
    struct sl_script_file file = { SL_SLICE("a.lua"), SL_SLICE("one") };
    sl_snapshot_file_version(&file, a);
    file.name = SL_SLICE("b.lua");
    sl_snapshot_file_version(&file, b);
    file.text = SL_SLICE("two");
    sl_snapshot_file_version(&file, c);
    assert_int_equal(strlen(a), 8);
    assert_string_equal(a, b); /* what it says counts, not its name */
    assert_string_not_equal(b, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_one_file),
        ROOT_TEST(names_are_sorted_and_complete),
        ROOT_TEST(other_files_are_passed_over),
        ROOT_TEST(an_empty_folder),
        ROOT_TEST(bytes_are_kept),
        ROOT_TEST(a_config_map_volume),
        ROOT_TEST(links_are_followed),
        ROOT_TEST(version_tells_names_and_contents),
        ROOT_TEST(no_folder),
        ROOT_TEST(a_dangling_script),
        ROOT_TEST(a_script_that_is_a_pipe),
        ROOT_TEST(a_link_upwards),
        ROOT_TEST(too_deep),
        ROOT_TEST(a_script_too_large),
        ROOT_TEST(too_many_scripts),
        ROOT_TEST(too_much_in_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
