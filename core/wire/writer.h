// SPDX-License-Identifier: MIT
/*
 * Writes values in a hub protocol, straight into a byte string. The same calls
 * make JSON and MessagePack; the caller knows no format.
 *
 *   sl_write_object(&w, 1);
 *   sl_write_key(&w, SL_SLICE("a"));
 *   sl_write_int(&w, 1);
 *   sl_write_end(&w);
 *
 * Text must be UTF-8 and numbers finite in JSON: the functions that can refuse
 * return SL_E_VALUE or SL_E_UTF8 and write nothing; the caller drops the
 * whole message then.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"
#include "base/str.h"
#include "wire/protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_writer {
    enum sl_protocol_id protocol;
    struct sl_str *out;
    bool comma; /* JSON: a comma goes before the next value */
    unsigned depth;
    uint64_t objects; /* bit per level, set for an object */
};

void sl_writer_init(struct sl_writer *writer, enum sl_protocol_id protocol,
                    struct sl_str *out);

void sl_write_null(struct sl_writer *w);
void sl_write_bool(struct sl_writer *w, bool value);
void sl_write_int(struct sl_writer *w, int64_t value);
void sl_write_uint(struct sl_writer *w, uint64_t value);
/* Whole numbers are written without a fraction; shortest form that reads back
 * the same. */
int sl_write_double(struct sl_writer *w, double value) SL_MUST_USE;
int sl_write_string(struct sl_writer *w, struct sl_slice text) SL_MUST_USE;
/* For texts of our own that may quote what is no UTF-8 (names of files): it
 * becomes U+FFFD. */
void sl_write_text(struct sl_writer *w, struct sl_slice text);
/* JSON: base64 text. */
void sl_write_binary(struct sl_writer *w, struct sl_slice bytes);
/* JSON: ISO 8601 text in UTC. To 100 ns in both, .NET's resolution. SL_E_VALUE
 * beyond the years 1 to 9999. */
int sl_write_timestamp(struct sl_writer *w, int64_t seconds,
                       uint32_t nanoseconds) SL_MUST_USE;

/* Exactly `count` members follow, then sl_write_end. Nesting is bounded by the
 * caller (64 levels: SL_E_DEPTH beyond). */
int sl_write_array(struct sl_writer *w, size_t count) SL_MUST_USE;
int sl_write_object(struct sl_writer *w, size_t count) SL_MUST_USE;
int sl_write_key(struct sl_writer *w, struct sl_slice key) SL_MUST_USE;
void sl_write_end(struct sl_writer *w);

/* Something that appends exactly `count` values (see the user of the
 * callback) to the writer. Negative: an error of err.def; the message is then
 * dropped. */
typedef int (*sl_write_cb)(struct sl_writer *w, void *user);
