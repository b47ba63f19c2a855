// SPDX-License-Identifier: MIT
/*
 * Tells when something below a folder may have changed. The system's notices
 * (inotify) make it quick; a look at names, sizes and times once a second finds
 * what no notice tells: a network file system, a folder that was replaced or
 * came back, a file behind a link, a notice that was lost.
 *
 * Notices gather until it is quiet, so that many files written at once are one
 * change. Whoever is told compares for himself what is really different.
 *
 * The thread of the loop.
 */
#pragma once

#include "net/loop.h"

#include <stdbool.h>

/* In the order of the words of the setting `watch`. */
enum sl_watch_mode { SL_WATCH_AUTO, SL_WATCH_POLL, SL_WATCH_OFF };

struct sl_watch;

/* The folder's name is borrowed. on_change never runs inside a call. Returns
 * owned: close it. */
struct sl_watch *sl_watch_open(struct sl_loop *loop, const char *folder,
                               bool poll_only, void (*on_change)(void *user),
                               void *user);

/* on_change is not called any more; it frees itself once its handles are
 * closed. */
void sl_watch_close(struct sl_watch *watch);
