// SPDX-License-Identifier: MIT
/*
 * Reading MessagePack without a tree: the head of one item, and a check of
 * everything inside a value, after which walking it needs no more care.
 *
 * By hand, not by msgpack-c's unpacker: that one builds objects, stops at a
 * depth of its own and believes the counts it reads. Writing is msgpack-c's
 * (msgpack_pack.h).
 */
#pragma once

#include "base/slice.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The first bytes of an item. A number is all head. */
struct sl_msgpack_head {
    enum sl_value_kind kind;
    uint32_t size;  /* bytes of the head; of extensions with their type */
    uint32_t len;   /* bytes of text, binary or extension behind it */
    uint32_t count; /* members of an array, pairs of an object */
    uint64_t bits;  /* of a bool, an integer, a double */
};

/* False: cut short, a byte that begins nothing, or more members or bytes
 * promised than `bytes` can hold. */
bool sl_msgpack_read_head(struct sl_slice bytes, struct sl_msgpack_head *head);

/* Looks at all of the value at the start of `bytes`: that it is complete, at
 * most depth_max (up to SL_JSON_DEPTH_MAX) arrays and objects inside each
 * other, texts UTF-8, names of members texts or integers, extensions none but
 * timestamps of the years 1 to 9999. Returns its size, or SL_E_DEPTH or
 * SL_E_VALUE. */
ssize_t sl_msgpack_check(struct sl_slice bytes, unsigned depth_max);

/* Bytes of the first value; it has been checked. */
size_t sl_msgpack_skip(struct sl_slice bytes);

/* What an extension of type -1 holds (4, 8 or 12 bytes). */
void sl_msgpack_timestamp(struct sl_slice body, int64_t *seconds,
                          uint32_t *nanoseconds);

/* "fixmap", "uint 8" ... */
const char *sl_msgpack_name(uint8_t first_byte);
