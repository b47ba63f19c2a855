// SPDX-License-Identifier: MIT
/*
 * inotify does not look into folders below, so each folder has an eye of its
 * own; after a change all eyes are closed and opened anew, which finds new
 * folders and forgets those that are gone. The eyes are opened first and the
 * folder is looked at then: what changes in between is seen by the next look.
 */
#include "host/watch.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

struct eye {
    uv_fs_event_t event;
    struct sl_list node; /* in watch->eyes */
    struct sl_watch *watch;
};

struct sl_watch {
    struct sl_loop *loop;
    const char *folder;
    void (*on_change)(void *user);
    void *user;
    uv_timer_t check, quiet;
    struct sl_list eyes;
    unsigned handle_count;
    uint64_t seen;     /* what the folder looked like */
    uint64_t first_ms; /* of the notices that gather; 0: none */
    bool poll_only, closing, warned;
};

/* ---- looking ---- */

struct look {
    struct sl_watch *watch;
    uint64_t hash;
    unsigned left; /* entries that are still looked at */
    bool open_eyes;
};

static void mix(struct look *look, uint64_t number)
{
    look->hash = (look->hash ^ number) * 0x100000001b3u;
    look->hash ^= look->hash >> 32;
}

static void mix_name(struct look *look, const char *name)
{
    for (; *name != '\0'; name++)
        mix(look, (unsigned char)*name);
}

static void mix_stat(struct look *look, const struct stat *st)
{
    mix(look, (uint64_t)st->st_dev);
    mix(look, (uint64_t)st->st_ino);
    mix(look, (uint64_t)st->st_mode);
    mix(look, (uint64_t)st->st_size);
    mix(look, (uint64_t)st->st_mtim.tv_sec);
    mix(look, (uint64_t)st->st_mtim.tv_nsec);
}

static void open_eye(struct sl_watch *watch, const char *path);
static void look_into(struct look *look, struct sl_str *path, unsigned depth);

/* A folder, or a file; what cannot be looked at counts as not there. */
static void look_at(struct look *look, struct sl_str *path, unsigned depth)
{
    struct stat st;
    if (look->left == 0 || stat(sl_str_cstr(path), &st) != 0)
        return;
    look->left--;
    mix_stat(look, &st);
    if (S_ISDIR(st.st_mode) && depth <= SL_SCRIPT_DEPTH_MAX)
        look_into(look, path, depth);
}

/* The order of readdir changes only when the folder does. These two need each
 * other; the depth is bounded. */
static void look_into(struct look *look, struct sl_str *path, unsigned depth)
{
    DIR *dir = opendir(sl_str_cstr(path));
    if (dir == NULL)
        return;
    if (look->open_eyes)
        open_eye(look->watch, sl_str_cstr(path));
    const struct dirent *entry;
    size_t len = path->len;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        sl_str_add_fmt(path, "/%s", entry->d_name);
        mix_name(look, entry->d_name);
        look_at(look, path, depth + 1);
        path->len = len;
    }
    closedir(dir);
}

static uint64_t look(struct sl_watch *watch, bool open_eyes)
{
    struct look look = { .watch = watch,
                         .hash = 0xcbf29ce484222325u,
                         .left = SL_WATCH_ENTRIES_MAX,
                         .open_eyes = open_eyes };
    struct sl_str path = { 0 };
    sl_str_add_slice(&path, sl_slice_str(watch->folder));
    look_at(&look, &path, 0);
    sl_str_release(&path);
    return look.hash;
}

/* ---- eyes ---- */

static void release(struct sl_watch *watch)
{
    if (--watch->handle_count == 0)
        sl_free(watch);
}

static void on_eye_closed(uv_handle_t *handle)
{
    struct eye *eye = handle->data;
    release(eye->watch);
    sl_free(eye);
}

static void close_eyes(struct sl_watch *watch)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&watch->eyes)) != NULL)
        uv_close((uv_handle_t *)&SL_CONTAINER_OF(node, struct eye, node)->event,
                 on_eye_closed);
}

static void on_quiet(uv_timer_t *timer);

/* Waits until it is quiet, but not for ever. */
static void gather(struct sl_watch *watch)
{
    uint64_t now_ms = sl_loop_now(watch->loop);
    if (watch->first_ms == 0)
        watch->first_ms = now_ms;
    if (now_ms - watch->first_ms < SL_WATCH_DELAY_MAX_MS)
        uv_timer_start(&watch->quiet, on_quiet, SL_WATCH_QUIET_MS, 0);
}

static void on_notice(uv_fs_event_t *event, const char *name, int events,
                      int status)
{
    (void)name;
    (void)events;
    (void)status;
    struct sl_watch *watch = ((struct eye *)event->data)->watch;
    sl_loop_enter(watch->loop);
    if (!watch->closing)
        gather(watch);
}

static void open_eye(struct sl_watch *watch, const char *path)
{
    struct eye *eye = sl_zalloc(sizeof(*eye));
    int err = uv_fs_event_init(&watch->loop->uv, &eye->event);
    if (err == 0) {
        eye->watch = watch;
        eye->event.data = eye;
        watch->handle_count++;
        sl_list_push_back(&watch->eyes, &eye->node);
        err = uv_fs_event_start(&eye->event, on_notice, path, 0);
    } else {
        sl_free(eye);
    }
    if (err != 0 && !watch->warned) {
        watch->warned = true;
        sl_log_warn("the system tells no changes of scripts: they are found "
                    "by a look once a second",
                    SL_F_STR("folder", path),
                    SL_F_STR("error", uv_strerror(err)));
    }
}

/* ---- changes ---- */

static void on_quiet(uv_timer_t *timer)
{
    struct sl_watch *watch = timer->data;
    sl_loop_enter(watch->loop);
    watch->first_ms = 0;
    if (!watch->poll_only) {
        close_eyes(watch);
        (void)look(watch, true);
    }
    watch->seen = look(watch, false);
    watch->on_change(watch->user);
}

static void on_check(uv_timer_t *timer)
{
    struct sl_watch *watch = timer->data;
    sl_loop_enter(watch->loop);
    if (watch->first_ms == 0 && look(watch, false) != watch->seen)
        gather(watch);
}

static void open_timer(struct sl_watch *watch, uv_timer_t *timer)
{
    uv_timer_init(&watch->loop->uv, timer);
    timer->data = watch;
    watch->handle_count++;
}

struct sl_watch *sl_watch_open(struct sl_loop *loop, const char *folder,
                               bool poll_only, void (*on_change)(void *user),
                               void *user)
{
    struct sl_watch *watch = sl_zalloc(sizeof(*watch));
    watch->loop = loop;
    watch->folder = folder;
    watch->poll_only = poll_only;
    watch->on_change = on_change;
    watch->user = user;
    sl_list_init(&watch->eyes);
    open_timer(watch, &watch->check);
    open_timer(watch, &watch->quiet);
    uv_timer_start(&watch->check, on_check, SL_WATCH_CHECK_MS,
                   SL_WATCH_CHECK_MS);
    /* The first change is what happened since the scripts were read. */
    uv_timer_start(&watch->quiet, on_quiet, 0, 0);
    return watch;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void sl_watch_close(struct sl_watch *watch)
{
    watch->closing = true;
    close_eyes(watch);
    uv_close((uv_handle_t *)&watch->check, on_timer_closed);
    uv_close((uv_handle_t *)&watch->quiet, on_timer_closed);
}
