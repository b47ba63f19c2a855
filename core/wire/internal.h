// SPDX-License-Identifier: MIT
/*
 * What the files of this folder share and nobody else includes: JSON text,
 * the tolerant scanner, and the member names of hub messages.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"
#include "base/str.h"
#include "wire/hub_protocol.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- json_text.c ---- */

/* Appends a quoted JSON string. SL_E_UTF8 (nothing appended) when the text is
 * not UTF-8; the lossy one puts U+FFFD where it is not. */
int sl_json_add_text(struct sl_str *out, struct sl_slice text) SL_MUST_USE;
void sl_json_add_text_lossy(struct sl_str *out, struct sl_slice text);

/* Appends the text with U+FFFD for each malformed part, as Unicode recommends
 * (one for each longest start of a character). */
void sl_json_repair_utf8(struct sl_str *out, struct sl_slice text);

/* Appends the shortest form that reads back the same, whole numbers without a
 * fraction. SL_E_VALUE for infinities and NaN. */
int sl_json_add_double(struct sl_str *out, double value) SL_MUST_USE;

/* ---- writer.c ---- */

/* A text of MessagePack. SL_E_UTF8 and SL_E_TOO_LARGE: nothing appended. */
int sl_msgpack_add_text(struct sl_str *out, struct sl_slice text) SL_MUST_USE;

/* Years 1 to 9999, less than a second of nanoseconds: what .NET can hold. */
bool sl_timestamp_valid(int64_t seconds, uint32_t nanoseconds);

/* ---- json_scan.c ---- */

/* Checks the grammar of JSON alone: what strings and numbers stand for is not
 * looked at. Slow; used on documents that yyjson has refused. */
struct sl_json_scan {
    const char *at, *end;
    unsigned depth;        /* containers that are open */
    unsigned commas_spare; /* surplus commas that are still forgiven */
};

void sl_json_scan_space(struct sl_json_scan *scan);

/* Takes the byte c, after white space, if it comes next. */
bool sl_json_scan_char(struct sl_json_scan *scan, char c);

/* Moves over one string or one value of any kind, white space before it
 * included. False: broken, or nested too deep. *text gets its bytes. */
bool sl_json_scan_string(struct sl_json_scan *scan, struct sl_slice *text);
bool sl_json_scan_value(struct sl_json_scan *scan, struct sl_slice *text);

/* Whether text (one well-formed value) is nested deeper than `depth_max`. */
bool sl_json_deeper(struct sl_slice text, unsigned depth_max);

/* ---- hub_json.c, hub_json_salvage.c, hub_json_write.c ---- */

enum sl_hub_member {
    SL_MEMBER_OTHER,
    SL_MEMBER_TYPE,
    SL_MEMBER_INVOCATION_ID,
    SL_MEMBER_TARGET,
    SL_MEMBER_ARGUMENTS,
    SL_MEMBER_STREAM_IDS,
    SL_MEMBER_HEADERS,
    SL_MEMBER_ITEM,
    SL_MEMBER_RESULT,
    SL_MEMBER_ERROR,
    SL_MEMBER_ALLOW_RECONNECT,
    SL_MEMBER_SEQUENCE_ID,
};

enum sl_hub_member sl_hub_member_find(struct sl_slice name);

/* ---- hub_msgpack_write.c ---- */

int sl_hub_msgpack_write_invocation(struct sl_str *out, struct sl_slice id,
                                    struct sl_slice target, size_t arg_count,
                                    sl_write_cb args, void *user);
int sl_hub_msgpack_write_result(struct sl_str *out, struct sl_slice id,
                                sl_write_cb result, void *user);
int sl_hub_msgpack_write_item(struct sl_str *out, struct sl_slice id,
                              sl_write_cb item, void *user);
void sl_hub_msgpack_write_end(struct sl_str *out, struct sl_slice id);
void sl_hub_msgpack_write_error(struct sl_str *out, struct sl_slice id,
                                struct sl_slice error);
void sl_hub_msgpack_write_ping(struct sl_str *out);
void sl_hub_msgpack_write_close(struct sl_str *out, struct sl_slice error,
                                bool allow_reconnect);
void sl_hub_msgpack_write_ack(struct sl_str *out, int64_t sequence_id);
void sl_hub_msgpack_write_sequence(struct sl_str *out, int64_t sequence_id);
extern const struct sl_slice sl_hub_msgpack_ping;

/* ---- both ---- */

/* Fills the error; returns SL_E_PROTOCOL. */
int sl_hub_error_set(struct sl_hub_error *error, const char *kind,
                     const char *format, ...) SL_PRINTF(3, 4) SL_COLD;

/* What the reference says of a token: "Array", "Number" ... */
const char *sl_hub_token_name(const struct sl_value *value);

extern const char sl_hub_invalid_data[]; /* kinds of exceptions */
extern const char sl_hub_format_error[];
extern const char sl_hub_invalid_operation[];

/* The 32-bit integer a value was written as. 0, or negative: error filled. */
int sl_hub_read_int32(const struct sl_value *value, const char *name,
                      int32_t *out, struct sl_hub_error *error);

/* Reads a document that yyjson has refused as the reference would: members
 * that nobody asks for may hold any text, and arguments, item and result that
 * do not read are a failed binding. Appends the readable rest to reader->text;
 * sets args_bad and value_bad. Negative: the connection closes. */
int sl_hub_json_salvage(struct sl_hub_reader *reader, struct sl_slice text,
                        struct sl_message *message, struct sl_hub_error *error);

int sl_hub_json_write_invocation(struct sl_str *out, struct sl_slice id,
                                 struct sl_slice target, size_t arg_count,
                                 sl_write_cb args, void *user);
int sl_hub_json_write_result(struct sl_str *out, struct sl_slice id,
                             sl_write_cb result, void *user);
int sl_hub_json_write_item(struct sl_str *out, struct sl_slice id,
                           sl_write_cb item, void *user);
void sl_hub_json_write_end(struct sl_str *out, struct sl_slice id);
void sl_hub_json_write_error(struct sl_str *out, struct sl_slice id,
                             struct sl_slice error);
void sl_hub_json_write_ping(struct sl_str *out);
void sl_hub_json_write_close(struct sl_str *out, struct sl_slice error,
                             bool allow_reconnect);
void sl_hub_json_write_ack(struct sl_str *out, int64_t sequence_id);
void sl_hub_json_write_sequence(struct sl_str *out, int64_t sequence_id);
extern const struct sl_slice sl_hub_json_ping;
