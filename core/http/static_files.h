// SPDX-License-Identifier: MIT
/*
 * Static files of one folder: GET and HEAD, content types, ETag and
 * If-None-Match, index.html for a folder; no listing, no path escape, no
 * dot files, no ranges. Contents are cached per worker, bounded.
 */
#pragma once

#include "base/report.h"
#include "http/http.h"

struct sl_static_files;

/* NULL when the folder cannot be opened (report filled). */
struct sl_static_files *sl_static_files_new(const char *folder,
                                            struct sl_report *report);
void sl_static_files_free(struct sl_static_files *files);

/* An sl_http_fallback: user is the sl_static_files. */
bool sl_static_files_handle(struct sl_http_request *request, void *files);

/* Bytes of cached contents. */
size_t sl_static_files_cached(const struct sl_static_files *files);

/* Without openat2 (an old kernel, a sandbox; found out by itself) no symbolic
 * link is followed. Tests turn it off. */
void sl_static_files_set_openat2(struct sl_static_files *files, bool use);
