// SPDX-License-Identifier: MIT
/*
 * Walks the folder with open descriptors (openat), so that a folder that is
 * renamed meanwhile does not lead elsewhere. A folder that is its own ancestor
 * (a link upwards) is recognised by device and inode. Files are opened without
 * blocking and have to be regular: a pipe called x.lua would hang the start.
 */
#include "host/snapshot.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder that is being read, and the one above it. */
struct level {
    const struct level *parent;
    dev_t dev;
    ino_t ino;
    unsigned depth;
};

struct walk {
    struct sl_snapshot *snapshot;
    const char *folder;
    struct sl_str name; /* of the entry at hand, from the folder on */
    struct sl_report *report;
};

static int fail(struct walk *walk, int err, const char *text)
{
    struct sl_str path = { 0 };
    sl_str_add_fmt(&path, "%s%s%s", walk->folder, walk->name.len > 0 ? "/" : "",
                   sl_str_cstr(&walk->name));
    sl_report_set(walk->report, sl_str_cstr(&path), 0, "%s", text);
    sl_str_release(&path);
    return err;
}

static int fail_errno(struct walk *walk, int error)
{
    return fail(walk, -error, sl_err_text(-error));
}

/* ---- files ---- */

static bool is_script(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".lua") == 0;
}

static int read_all(int fd, struct sl_str *text)
{
    for (;;) {
        size_t room = SL_SCRIPT_FILE_MAX + 1 - text->len;
        ssize_t len = read(fd, sl_str_reserve(text, room), room);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -errno;
        text->len += (size_t)len;
        if (text->len > SL_SCRIPT_FILE_MAX)
            return SL_E_TOO_LARGE;
        if (len == 0)
            return 0;
    }
}

/* Takes the text. */
static int add_file(struct walk *walk, struct sl_str *text)
{
    struct sl_snapshot *snapshot = walk->snapshot;
    unsigned count = snapshot->set.file_count;
    if (count >= SL_SCRIPTS_MAX)
        return fail(walk, SL_E_TOO_LARGE, "too many scripts in the folder");
    if (text->len > SL_SCRIPTS_BYTES_MAX - snapshot->bytes)
        return fail(walk, SL_E_TOO_LARGE,
                    "the scripts of the folder are too large in all");
    if (count == snapshot->file_cap) {
        snapshot->file_cap = count == 0 ? 16 : count * 2;
        snapshot->files = sl_realloc(
            snapshot->files, snapshot->file_cap * sizeof(*snapshot->files));
    }
    snapshot->files[count] = (struct sl_script_file){
        .name = sl_slice_of(sl_slice_dup(sl_str_slice(&walk->name)),
                            walk->name.len),
        .text = sl_slice_of(sl_slice_dup(sl_str_slice(text)), text->len),
    };
    snapshot->set.file_count++;
    snapshot->bytes += text->len;
    return 0;
}

static int read_script(struct walk *walk, int fd)
{
    struct sl_str text = { 0 };
    int err = read_all(fd, &text);
    if (err == SL_E_TOO_LARGE) {
        char sentence[64];
        snprintf(sentence, sizeof(sentence),
                 "larger than a script may be (%d bytes)", SL_SCRIPT_FILE_MAX);
        fail(walk, err, sentence);
    } else if (err != 0) {
        fail_errno(walk, -err);
    } else {
        err = add_file(walk, &text);
    }
    sl_str_release(&text);
    return err;
}

/* ---- folders ---- */

static bool is_above(const struct level *level, const struct stat *st)
{
    for (; level != NULL; level = level->parent)
        if (level->dev == st->st_dev && level->ino == st->st_ino)
            return true;
    return false;
}

static int read_folder(struct walk *walk, int fd, const struct level *level);

/* An entry that is a folder or a script. Takes the descriptor. */
static int read_opened(struct walk *walk, int fd, const struct level *level)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        int error = errno;
        close(fd);
        return fail_errno(walk, error);
    }
    if (S_ISDIR(st.st_mode)) {
        struct level below = { .parent = level,
                               .dev = st.st_dev,
                               .ino = st.st_ino,
                               .depth = level == NULL ? 0 : level->depth + 1 };
        if (!is_above(level, &st) && below.depth <= SL_SCRIPT_DEPTH_MAX)
            return read_folder(walk, fd, &below);
        close(fd);
        return fail(walk, SL_E_DEPTH,
                    below.depth <= SL_SCRIPT_DEPTH_MAX
                        ? "leads back to a folder above it"
                        : "lies in too many folders");
    }
    int err = 0;
    if (S_ISREG(st.st_mode))
        err = read_script(walk, fd);
    else
        err = fail(walk, SL_E_UNSUPPORTED, "is neither a file nor a folder");
    close(fd);
    return err;
}

/* Opens only what may be a folder or is called like a script. */
static int read_entry(struct walk *walk, int folder_fd, const char *name,
                      const struct level *level)
{
    struct stat st;
    bool script = is_script(name);
    bool there = fstatat(folder_fd, name, &st, 0) == 0;
    if (!there && script)
        return fail_errno(walk, errno);
    if (!there || (!script && !S_ISDIR(st.st_mode)))
        return 0;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(walk, errno);
    return read_opened(walk, fd, level);
}

/* Takes the descriptor. The one pair of functions here that need each other:
 * the depth is bounded by SL_SCRIPT_DEPTH_MAX. */
static int read_folder(struct walk *walk, int fd, const struct level *level)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int error = errno;
        close(fd);
        return fail_errno(walk, error);
    }
    size_t prefix_len = walk->name.len;
    int err = 0;
    while (err == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            err = errno == 0 ? 0 : fail_errno(walk, errno);
            break;
        }
        if (entry->d_name[0] == '.')
            continue;
        sl_str_add_fmt(&walk->name, "%s%s", prefix_len > 0 ? "/" : "",
                       entry->d_name);
        err = read_entry(walk, dirfd(dir), entry->d_name, level);
        walk->name.len = prefix_len;
    }
    closedir(dir);
    return err;
}

/* ---- the set ---- */

static int compare_names(const void *a, const void *b)
{
    const struct sl_script_file *left = a, *right = b;
    return strcmp(left->name.ptr, right->name.ptr);
}

#define HASH_START 0xcbf29ce484222325u

/* FNV-1a; the length goes in too, so that nothing moves from a name into the
 * text behind it. The version tells scripts apart, it proves nothing. */
static uint64_t hash_slice(uint64_t hash, struct sl_slice bytes)
{
    const uint64_t prime = 0x100000001b3;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * prime;
    for (size_t len = bytes.len, i = 0; i < sizeof(len); i++, len >>= 8)
        hash = (hash ^ (len & 0xff)) * prime;
    return hash;
}

static void write_version(uint64_t hash, char version[9])
{
    snprintf(version, 9, "%08x", (unsigned)(hash ^ hash >> 32));
}

void sl_snapshot_file_version(const struct sl_script_file *file,
                              char version[9])
{
    write_version(hash_slice(HASH_START, file->text), version);
}

static void finish(struct sl_snapshot *snapshot)
{
    struct sl_script_set *set = &snapshot->set;
    uint64_t hash = HASH_START;
    if (set->file_count > 0)
        qsort(snapshot->files, set->file_count, sizeof(*snapshot->files),
              compare_names);
    for (unsigned i = 0; i < set->file_count; i++) {
        hash = hash_slice(hash, snapshot->files[i].name);
        hash = hash_slice(hash, snapshot->files[i].text);
    }
    set->files = snapshot->files;
    write_version(hash, set->version);
}

int sl_snapshot_read(struct sl_snapshot *snapshot, const char *folder,
                     struct sl_report *report)
{
    struct walk walk = { .snapshot = snapshot,
                         .folder = folder,
                         .report = report };
    *snapshot = (struct sl_snapshot){ 0 };
    int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    int err = fd < 0 ? fail_errno(&walk, errno) : read_opened(&walk, fd, NULL);
    sl_str_release(&walk.name);
    if (err != 0)
        sl_snapshot_release(snapshot);
    else
        finish(snapshot);
    return err;
}

void sl_snapshot_release(struct sl_snapshot *snapshot)
{
    for (unsigned i = 0; i < snapshot->set.file_count; i++) {
        sl_free((char *)(uintptr_t)snapshot->files[i].name.ptr);
        sl_free((char *)(uintptr_t)snapshot->files[i].text.ptr);
    }
    sl_free(snapshot->files);
    *snapshot = (struct sl_snapshot){ 0 };
}
