// SPDX-License-Identifier: MIT
/*
 * One value on the wire, in either hub protocol, and a way to walk it: what
 * bindings turn into Lua without a tree of ours between. A value borrows from
 * the message it was found in and dies with it (see message.h).
 *
 * Sizes and depth were checked by the reader: walking recurses at most
 * SL_JSON_DEPTH_MAX levels.
 */
#pragma once

#include "base/slice.h"
#include "wire/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_value_kind {
    SL_VALUE_NONE, /* there is no value here */
    SL_VALUE_NULL,
    SL_VALUE_BOOL,
    SL_VALUE_INT,       /* fits int64_t */
    SL_VALUE_UINT,      /* larger than INT64_MAX */
    SL_VALUE_DOUBLE,    /* JSON: was written with fraction or exponent */
    SL_VALUE_STRING,    /* valid UTF-8 */
    SL_VALUE_BINARY,    /* MessagePack only */
    SL_VALUE_TIMESTAMP, /* MessagePack ext -1 only, years 1 to 9999 */
    SL_VALUE_EXT,       /* other extensions: no message that parses has any */
    SL_VALUE_ARRAY,
    SL_VALUE_OBJECT,
};

struct yyjson_val;

struct sl_value {
    enum sl_protocol_id protocol;
    struct yyjson_val *json; /* JSON; NULL: none */
    struct sl_slice msgpack; /* MessagePack: from here to the message's end */
};

/* Walks the members of an array or object. */
struct sl_value_iter {
    struct sl_value at;
    size_t left;
    bool object;
    bool begun;      /* MessagePack: `at` is the member that was given last */
    char number[24]; /* MessagePack: a name that was an integer, as text */
};

enum sl_value_kind sl_value_kind(const struct sl_value *value);

/* Each asks for the kind it names; asking for another is our own bug. */
bool sl_value_bool(const struct sl_value *value);
int64_t sl_value_int(const struct sl_value *value);
uint64_t sl_value_uint(const struct sl_value *value);
double sl_value_double(const struct sl_value *value);
struct sl_slice sl_value_string(const struct sl_value *value); /* or binary */
void sl_value_timestamp(const struct sl_value *value, int64_t *seconds,
                        uint32_t *nanoseconds); /* since 1970, UTC */

/* Members of an array, pairs of an object. */
size_t sl_value_count(const struct sl_value *value);

void sl_value_iter_init(struct sl_value_iter *iter,
                        const struct sl_value *value);

/* Next member; false at the end. For objects *key gets the name (a repeated
 * name comes again: the caller lets the last win; MessagePack's integers as
 * names come as text, which the next call overwrites); for arrays key may be
 * NULL. */
bool sl_value_next(struct sl_value_iter *iter, struct sl_slice *key,
                   struct sl_value *value);
