// SPDX-License-Identifier: MIT
/*
 * Folders are walked by scandir, which sorts. Links to folders are followed,
 * down to the depth that bounds scripts.
 */
#include "bindings/test_files.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int add(struct sl_test_files *files, const char *path,
               struct sl_report *report)
{
    if (files->count == SL_TEST_FILES_MAX) {
        sl_report_set(report, path, 0, "more than %d test files",
                      SL_TEST_FILES_MAX);
        return SL_E_CONFIG;
    }
    files->paths =
        sl_realloc(files->paths, (files->count + 1) * sizeof(char *));
    files->paths[files->count++] = sl_strdup(path);
    return 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool is_test(const char *name)
{
    return ends_with(name, "_test.lua") || ends_with(name, "_spec.lua");
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int walk(struct sl_test_files *files, const char *folder, unsigned depth,
                struct sl_report *report);

/* A name inside of a folder. */
static int visit(struct sl_test_files *files, const char *folder,
                 const char *name, unsigned depth, struct sl_report *report)
{
    struct sl_str path = { 0 };
    struct stat info;
    int err = 0;
    size_t len = strlen(folder);
    sl_str_add_fmt(&path, "%s%s%s", folder,
                   len > 0 && folder[len - 1] == '/' ? "" : "/", name);
    if (stat(sl_str_cstr(&path), &info) != 0)
        err = 0; /* it went, or is a link to nothing: no test of ours */
    else if (S_ISDIR(info.st_mode))
        err = walk(files, path.ptr, depth + 1, report);
    else if (is_test(name))
        err = add(files, path.ptr, report);
    sl_str_release(&path);
    return err;
}

static int walk(struct sl_test_files *files, const char *folder, unsigned depth,
                struct sl_report *report)
{
    struct dirent **entries;
    if (depth > SL_SCRIPT_DEPTH_MAX) {
        sl_report_set(report, folder, 0, "folders nested over %d deep",
                      SL_SCRIPT_DEPTH_MAX);
        return SL_E_CONFIG;
    }
    int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0) {
        sl_report_set(report, folder, 0, "%s", strerror(errno));
        return SL_E_CONFIG;
    }
    int err = 0;
    for (int i = 0; i < count; i++) {
        if (err == 0)
            err = visit(files, folder, entries[i]->d_name, depth, report);
        free(entries[i]);
    }
    free(entries);
    return err;
}

int sl_test_files_add(struct sl_test_files *files, const char *path,
                      struct sl_report *report)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        sl_report_set(report, path, 0, "%s", strerror(errno));
        return SL_E_CONFIG;
    }
    return S_ISDIR(info.st_mode) ? walk(files, path, 0, report)
                                 : add(files, path, report);
}

void sl_test_files_release(struct sl_test_files *files)
{
    for (unsigned i = 0; i < files->count; i++)
        sl_free(files->paths[i]);
    sl_free(files->paths);
    *files = (struct sl_test_files){ 0 };
}
