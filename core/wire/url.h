// SPDX-License-Identifier: MIT
/*
 * Request targets: path and query. Absolute targets are taken apart too.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"

#include <stdbool.h>

struct sl_url {
    struct sl_slice path;  /* as sent, still percent-encoded, from '/' on */
    struct sl_slice query; /* without '?' */
};

/* False when the target is neither origin-form nor absolute-form. */
bool sl_url_parse(struct sl_slice target, struct sl_url *url);

/* Appends the decoded bytes; '+' is a space when `form`. False when a percent
 * sign is not followed by two hex digits (they are then taken as they are). */
bool sl_url_decode(struct sl_str *out, struct sl_slice text, bool form);

struct sl_query_iter {
    struct sl_slice rest;
};

/* Pairs of a query string, still encoded. False at the end. */
bool sl_query_next(struct sl_query_iter *iter, struct sl_slice *name,
                   struct sl_slice *value);

/* First value of a name, any case (encoded as sent). count, when not NULL,
 * gets how many there are. False: none. */
bool sl_query_get(struct sl_slice query, struct sl_slice name,
                  struct sl_slice *value, unsigned *count);
