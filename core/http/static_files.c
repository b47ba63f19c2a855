// SPDX-License-Identifier: MIT
/*
 * A path is decoded, refused when it holds what no file of ours is named by,
 * and opened beneath the folder: openat2 with RESOLVE_BENEATH lets symbolic
 * links be followed as long as they stay inside (a Kubernetes ConfigMap is
 * made of such). Where the kernel or a sandbox lacks openat2, each component
 * is opened without following links at all.
 *
 * A file is opened and its state asked for at each request: that is cheap, and
 * nobody ever gets yesterday's page. Only reading is saved by the cache, which
 * knows a file by its identity, size and time of change.
 */
#include "http/static_files.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct file_id {
    dev_t device;
    ino_t inode;
    off_t size; /* bytes */
    struct timespec changed;
};

struct cached_file {
    struct sl_map_node node; /* by path */
    struct sl_list used;     /* in files->used, last used first */
    struct sl_slice path;    /* owned */
    struct file_id id;
    struct sl_buf *bytes;
};

struct sl_static_files {
    int folder; /* descriptor */
    bool no_openat2;
    struct sl_map cache;
    struct sl_list used;
    size_t cached; /* bytes */
    struct sl_str path;
};

static const struct {
    struct sl_slice suffix, type;
} types[] = {
    { SL_SLICE(".html"), SL_SLICE("text/html; charset=utf-8") },
    { SL_SLICE(".htm"), SL_SLICE("text/html; charset=utf-8") },
    { SL_SLICE(".css"), SL_SLICE("text/css; charset=utf-8") },
    { SL_SLICE(".js"), SL_SLICE("text/javascript; charset=utf-8") },
    { SL_SLICE(".mjs"), SL_SLICE("text/javascript; charset=utf-8") },
    { SL_SLICE(".json"), SL_SLICE("application/json") },
    { SL_SLICE(".map"), SL_SLICE("application/json") },
    { SL_SLICE(".txt"), SL_SLICE("text/plain; charset=utf-8") },
    { SL_SLICE(".xml"), SL_SLICE("application/xml") },
    { SL_SLICE(".svg"), SL_SLICE("image/svg+xml") },
    { SL_SLICE(".png"), SL_SLICE("image/png") },
    { SL_SLICE(".jpg"), SL_SLICE("image/jpeg") },
    { SL_SLICE(".jpeg"), SL_SLICE("image/jpeg") },
    { SL_SLICE(".gif"), SL_SLICE("image/gif") },
    { SL_SLICE(".ico"), SL_SLICE("image/x-icon") },
    { SL_SLICE(".webp"), SL_SLICE("image/webp") },
    { SL_SLICE(".woff2"), SL_SLICE("font/woff2") },
    { SL_SLICE(".wasm"), SL_SLICE("application/wasm") },
    { SL_SLICE(".pdf"), SL_SLICE("application/pdf") },
};

static struct sl_slice type_of(struct sl_slice path)
{
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        struct sl_slice suffix = types[i].suffix;
        if (path.len > suffix.len &&
            sl_slice_eq_nocase(
                sl_slice_of(path.ptr + path.len - suffix.len, suffix.len),
                suffix))
            return types[i].type;
    }
    return SL_SLICE("application/octet-stream");
}

/* ---- paths ---- */

/* Each component: not empty, not hidden (so neither "." nor ".."), without a
 * backslash or a zero byte. */
static bool is_clean(struct sl_slice path)
{
    bool begins = true;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '\\' || c == '\0' || (begins && (c == '.' || c == '/')))
            return false;
        begins = c == '/';
    }
    return true;
}

/* Makes files->path a path relative to the folder; a zero byte ends it. False:
 * no file can be meant. */
static bool resolve_path(struct sl_static_files *files, struct sl_slice path)
{
    struct sl_str *out = &files->path;
    sl_str_clear(out);
    if (path.len == 0 || path.ptr[0] != '/' ||
        path.len > SL_HTTP_ROUTE_PATH_MAX ||
        memmem(path.ptr, path.len, "%2f", 3) != NULL ||
        memmem(path.ptr, path.len, "%2F", 3) != NULL)
        return false;
    if (!sl_url_decode(out, sl_slice_of(path.ptr + 1, path.len - 1), false) ||
        !is_clean(sl_str_slice(out)))
        return false;
    if (out->len == 0 || out->ptr[out->len - 1] == '/')
        sl_str_add_lit(out, "index.html");
    sl_str_cstr(out);
    return true;
}

/* Component by component, following no link. */
static int open_without_links(int folder, const char *path)
{
    int at = folder;
    for (;;) {
        const char *slash = strchr(path, '/');
        struct sl_slice name = slash == NULL
                                   ? sl_slice_str(path)
                                   : sl_slice_of(path, (size_t)(slash - path));
        char *text = sl_slice_dup(name);
        int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int fd = openat(at, text, slash == NULL ? flags : flags | O_DIRECTORY);
        sl_free(text);
        if (at != folder)
            close(at);
        if (fd < 0 || slash == NULL)
            return fd;
        at = fd;
        path = slash + 1;
    }
}

/* libc has no wrapper for openat2, and the thread sanitizer follows descriptors
 * by the wrappers: it would take the file for the socket that had its number
 * before, of another thread, maybe. So it is shown an open of its own. */
static int open_by_openat2(int folder, const char *path,
                           const struct open_how *how)
{
    int fd = (int)syscall(SYS_openat2, folder, path, how, sizeof(*how));
#ifdef __SANITIZE_THREAD__
    if (fd < 0)
        return fd;
    char link[32];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    int known = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    syscall(SYS_close, fd);
    return known;
#else
    return fd;
#endif
}

/* O_NONBLOCK: a FIFO in the folder must not stop the thread. */
static int open_beneath(struct sl_static_files *files, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (!files->no_openat2) {
        int fd = open_by_openat2(files->folder, path, &how);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
            return fd;
        files->no_openat2 = true;
    }
    return open_without_links(files->folder, path);
}

/* ---- the cache ---- */

static bool same_file(const struct file_id *a, const struct file_id *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static void drop_cached(struct sl_static_files *files,
                        struct cached_file *cached)
{
    files->cached -= cached->bytes->len;
    sl_map_remove(&files->cache, &cached->node);
    sl_list_remove(&cached->used);
    sl_buf_unref(cached->bytes);
    sl_free((void *)(uintptr_t)cached->path.ptr);
    sl_free(cached);
}

static struct cached_file *find_cached(struct sl_static_files *files)
{
    struct sl_map_node *node =
        sl_map_find(&files->cache, sl_str_slice(&files->path));
    return node == NULL ? NULL
                        : SL_CONTAINER_OF(node, struct cached_file, node);
}

static void add_cached(struct sl_static_files *files, struct sl_buf *bytes,
                       const struct file_id *id)
{
    if (bytes->len > SL_STATIC_CACHE_MAX / 4)
        return; /* one large file must not drive all others out */
    struct cached_file *cached = sl_zalloc(sizeof(*cached));
    struct sl_slice path = sl_str_slice(&files->path);
    cached->path = sl_slice_of(sl_slice_dup(path), path.len);
    cached->node.key = cached->path;
    cached->id = *id;
    cached->bytes = sl_buf_ref(bytes);
    sl_map_add(&files->cache, &cached->node);
    sl_list_push_front(&files->used, &cached->used);
    files->cached += bytes->len;
    while (files->cached > SL_STATIC_CACHE_MAX)
        drop_cached(
            files, SL_CONTAINER_OF(files->used.prev, struct cached_file, used));
}

/* Returns owned; NULL when the file cannot be read whole. */
static struct sl_buf *read_file(int fd, off_t size)
{
    struct sl_buf *bytes = sl_buf_new_empty((size_t)size);
    while (bytes->len < size) {
        ssize_t len =
            read(fd, bytes->data + bytes->len, (size_t)size - bytes->len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0) { /* an error, or it shrank meanwhile */
            sl_buf_unref(bytes);
            return NULL;
        }
        bytes->len += (uint32_t)len;
    }
    return bytes;
}

/* Returns owned. */
static struct sl_buf *get_bytes(struct sl_static_files *files, int fd,
                                const struct file_id *id)
{
    struct cached_file *cached = find_cached(files);
    if (cached != NULL && same_file(&cached->id, id)) {
        sl_list_remove(&cached->used);
        sl_list_push_front(&files->used, &cached->used);
        return sl_buf_ref(cached->bytes);
    }
    if (cached != NULL)
        drop_cached(files, cached);
    struct sl_buf *bytes = read_file(fd, id->size);
    if (bytes != NULL)
        add_cached(files, bytes, id);
    return bytes;
}

/* ---- answers ---- */

static void write_etag(const struct file_id *id, struct sl_str *out)
{
    sl_str_add_fmt(out, "\"%llx-%llx%09lx\"", (unsigned long long)id->size,
                   (unsigned long long)id->changed.tv_sec,
                   (unsigned long)id->changed.tv_nsec);
}

/* If-None-Match: a list of tags, compared weakly (RFC 9110 13.1.2). */
static bool matches(struct sl_slice list, struct sl_slice etag)
{
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma == NULL ? list.len : (size_t)(comma - list.ptr);
        struct sl_slice tag = sl_slice_trim(sl_slice_of(list.ptr, len));
        if (sl_slice_starts(tag, SL_SLICE("W/")))
            tag = sl_slice_of(tag.ptr + 2, tag.len - 2);
        if (sl_slice_eq(tag, etag) || sl_slice_eq(tag, SL_SLICE("*")))
            return true;
        size_t skip = comma == NULL ? len : len + 1;
        list = sl_slice_of(list.ptr + skip, list.len - skip);
    }
    return false;
}

static void answer_file(struct sl_static_files *files,
                        struct sl_http_request *request, int fd,
                        const struct file_id *id)
{
    struct sl_str etag = { 0 };
    write_etag(id, &etag);
    struct sl_header headers[] = {
        { SL_SLICE("ETag"), sl_str_slice(&etag) },
        { SL_SLICE("Cache-Control"), SL_SLICE("no-cache") },
        { SL_SLICE("X-Content-Type-Options"), SL_SLICE("nosniff") },
    };
    struct sl_http_answer answer = {
        .status = 304,
        .headers = headers,
        .header_count = SL_COUNT(headers),
    };
    struct sl_slice wanted = sl_http_header(request, SL_SLICE("if-none-match"));
    if (!matches(wanted, sl_str_slice(&etag))) {
        answer.body_buf = get_bytes(files, fd, id);
        answer.status = answer.body_buf == NULL ? 500 : 200;
        answer.content_type = type_of(sl_str_slice(&files->path));
    }
    if (answer.status == 500)
        answer.content_type = (struct sl_slice){ 0 };
    sl_http_answer(request, &answer);
    sl_buf_unref(answer.body_buf);
    sl_str_release(&etag);
}

static void answer_wrong_method(struct sl_http_request *request)
{
    struct sl_header allow = { SL_SLICE("Allow"), SL_SLICE("GET, HEAD") };
    struct sl_http_answer answer = { .status = 405,
                                     .headers = &allow,
                                     .header_count = 1 };
    sl_http_answer(request, &answer);
}

/* A folder asked for without its slash: relative links on its page would
 * lead elsewhere. The location begins with exactly one slash: two would name
 * another host, and is_clean refused them. */
static void answer_folder(struct sl_http_request *request)
{
    struct sl_str location = { 0 };
    sl_str_add_slice(&location, request->url.path);
    sl_str_add_char(&location, '/');
    if (request->url.query.len > 0) {
        sl_str_add_char(&location, '?');
        sl_str_add_slice(&location, request->url.query);
    }
    struct sl_header header = { SL_SLICE("Location"), sl_str_slice(&location) };
    struct sl_http_answer answer = { .status = 301,
                                     .headers = &header,
                                     .header_count = 1 };
    sl_http_answer(request, &answer);
    sl_str_release(&location);
}

/* Whether the folder (its path is in files->path) has a page of its own. */
static bool has_index(struct sl_static_files *files)
{
    size_t len = files->path.len;
    sl_str_add_lit(&files->path, "/index.html");
    int fd = open_beneath(files, sl_str_cstr(&files->path));
    files->path.len = len;
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool answer_opened(struct sl_static_files *files,
                          struct sl_http_request *request, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;
    bool reads = sl_slice_eq(request->method, SL_SLICE("GET")) ||
                 sl_slice_eq(request->method, SL_SLICE("HEAD"));
    if (S_ISDIR(status.st_mode) && reads && has_index(files)) {
        answer_folder(request);
        return true;
    }
    if (!S_ISREG(status.st_mode))
        return false;
    if (status.st_size > SL_STATIC_FILE_MAX) {
        sl_log_warn("static file is too large to be served",
                    SL_F_SLICE("file", sl_str_slice(&files->path)),
                    SL_F_INT("size", status.st_size),
                    SL_F_INT("limit", SL_STATIC_FILE_MAX));
        return false;
    }
    if (!reads) {
        answer_wrong_method(request);
        return true;
    }
    struct file_id id = { status.st_dev, status.st_ino, status.st_size,
                          status.st_mtim };
    answer_file(files, request, fd, &id);
    return true;
}

/* ---- entry points ---- */

struct sl_static_files *sl_static_files_new(const char *folder,
                                            struct sl_report *report)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        sl_report_set(report, NULL, 0,
                      "cannot open the folder of static files \"%s\": %s",
                      folder, sl_err_text(-errno));
        return NULL;
    }
    struct sl_static_files *files = sl_zalloc(sizeof(*files));
    files->folder = fd;
    sl_map_init(&files->cache);
    sl_list_init(&files->used);
    return files;
}

void sl_static_files_free(struct sl_static_files *files)
{
    if (files == NULL)
        return;
    while (!sl_list_empty(&files->used))
        drop_cached(
            files, SL_CONTAINER_OF(files->used.next, struct cached_file, used));
    sl_map_release(&files->cache);
    sl_str_release(&files->path);
    close(files->folder);
    sl_free(files);
}

size_t sl_static_files_cached(const struct sl_static_files *files)
{
    return files->cached;
}

void sl_static_files_set_openat2(struct sl_static_files *files, bool use)
{
    files->no_openat2 = !use;
}

bool sl_static_files_handle(struct sl_http_request *request, void *user)
{
    struct sl_static_files *files = user;
    if (!resolve_path(files, request->url.path))
        return false;
    int fd = open_beneath(files, files->path.ptr);
    if (fd < 0)
        return false;
    bool answered = answer_opened(files, request, fd);
    close(fd);
    return answered;
}
