// SPDX-License-Identifier: MIT
/*
 * Walking values: each question goes to the half of its protocol.
 */
#include "wire/value.h"

#include "base/check.h"
#include "wire/msgpack.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

/* By the five low bits of a tag: type and subtype. What is not here is no
 * value that a document can hold. Newer versions mark some strings. */
static const uint8_t kinds[32] = {
    [YYJSON_TYPE_NULL] = SL_VALUE_NULL,
    [YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE] = SL_VALUE_BOOL,
    [YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE] = SL_VALUE_BOOL,
    [YYJSON_TYPE_NUM | YYJSON_SUBTYPE_UINT] = SL_VALUE_INT,
    [YYJSON_TYPE_NUM | YYJSON_SUBTYPE_SINT] = SL_VALUE_INT,
    [YYJSON_TYPE_NUM | YYJSON_SUBTYPE_REAL] = SL_VALUE_DOUBLE,
    [YYJSON_TYPE_STR] = SL_VALUE_STRING,
    [YYJSON_TYPE_STR | 1 << 3] = SL_VALUE_STRING,
    [YYJSON_TYPE_ARR] = SL_VALUE_ARRAY,
    [YYJSON_TYPE_OBJ] = SL_VALUE_OBJECT,
};

static enum sl_value_kind json_kind(yyjson_val *val)
{
    if (val == NULL)
        return SL_VALUE_NONE;
    uint8_t tag = unsafe_yyjson_get_tag(val) & 0x1f;
    if (tag == (YYJSON_TYPE_NUM | YYJSON_SUBTYPE_UINT) &&
        unsafe_yyjson_get_uint(val) > INT64_MAX)
        return SL_VALUE_UINT;
    sl_assert(kinds[tag] != SL_VALUE_NONE);
    return (enum sl_value_kind)kinds[tag];
}

static bool is_msgpack(const struct sl_value *value)
{
    return value->protocol == SL_PROTOCOL_MESSAGEPACK;
}

/* Of a value that has been checked. */
static struct sl_msgpack_head head_of(const struct sl_value *value)
{
    struct sl_msgpack_head head;
    bool good = sl_msgpack_read_head(value->msgpack, &head);
    sl_assert(good);
    return head;
}

enum sl_value_kind sl_value_kind(const struct sl_value *value)
{
    if (!is_msgpack(value))
        return json_kind(value->json);
    return value->msgpack.len == 0 ? SL_VALUE_NONE : head_of(value).kind;
}

static yyjson_val *checked(const struct sl_value *value,
                           enum sl_value_kind kind)
{
    sl_assert(json_kind(value->json) == kind);
    return value->json;
}

static uint64_t bits_of(const struct sl_value *value, enum sl_value_kind kind)
{
    struct sl_msgpack_head head = head_of(value);
    sl_assert(head.kind == kind);
    return head.bits;
}

bool sl_value_bool(const struct sl_value *value)
{
    if (is_msgpack(value))
        return bits_of(value, SL_VALUE_BOOL) != 0;
    return unsafe_yyjson_get_bool(checked(value, SL_VALUE_BOOL));
}

int64_t sl_value_int(const struct sl_value *value)
{
    if (is_msgpack(value))
        return (int64_t)bits_of(value, SL_VALUE_INT);
    return unsafe_yyjson_get_sint(checked(value, SL_VALUE_INT));
}

uint64_t sl_value_uint(const struct sl_value *value)
{
    if (is_msgpack(value))
        return bits_of(value, SL_VALUE_UINT);
    return unsafe_yyjson_get_uint(checked(value, SL_VALUE_UINT));
}

double sl_value_double(const struct sl_value *value)
{
    if (is_msgpack(value)) {
        uint64_t bits = bits_of(value, SL_VALUE_DOUBLE);
        double number;
        memcpy(&number, &bits, sizeof(number));
        return number;
    }
    return unsafe_yyjson_get_real(checked(value, SL_VALUE_DOUBLE));
}

static struct sl_slice json_text(yyjson_val *val)
{
    return sl_slice_of(unsafe_yyjson_get_str(val), unsafe_yyjson_get_len(val));
}

struct sl_slice sl_value_string(const struct sl_value *value)
{
    if (is_msgpack(value)) {
        struct sl_msgpack_head head = head_of(value);
        sl_assert(head.kind == SL_VALUE_STRING || head.kind == SL_VALUE_BINARY);
        return sl_slice_of(value->msgpack.ptr + head.size, head.len);
    }
    return json_text(checked(value, SL_VALUE_STRING));
}

void sl_value_timestamp(const struct sl_value *value, int64_t *seconds,
                        uint32_t *nanoseconds)
{
    struct sl_msgpack_head head = head_of(value);
    sl_assert(head.kind == SL_VALUE_TIMESTAMP);
    sl_msgpack_timestamp(sl_slice_of(value->msgpack.ptr + head.size, head.len),
                         seconds, nanoseconds);
}

size_t sl_value_count(const struct sl_value *value)
{
    if (is_msgpack(value)) {
        struct sl_msgpack_head head = head_of(value);
        sl_assert(head.kind == SL_VALUE_ARRAY || head.kind == SL_VALUE_OBJECT);
        return head.count;
    }
    enum sl_value_kind kind = json_kind(value->json);
    sl_assert(kind == SL_VALUE_ARRAY || kind == SL_VALUE_OBJECT);
    return unsafe_yyjson_get_len(value->json);
}

/* ---- walking ---- */

static struct sl_value from(const struct sl_value *value, size_t offset)
{
    return (struct sl_value){
        .protocol = SL_PROTOCOL_MESSAGEPACK,
        .msgpack = sl_slice_of(value->msgpack.ptr + offset,
                               value->msgpack.len - offset),
    };
}

static void msgpack_init(struct sl_value_iter *iter,
                         const struct sl_value *value)
{
    struct sl_msgpack_head head = head_of(value);
    sl_assert(head.kind == SL_VALUE_ARRAY || head.kind == SL_VALUE_OBJECT);
    iter->left = head.count;
    iter->object = head.kind == SL_VALUE_OBJECT;
    iter->begun = false;
    iter->at = from(value, head.size);
}

void sl_value_iter_init(struct sl_value_iter *iter,
                        const struct sl_value *value)
{
    if (is_msgpack(value)) {
        msgpack_init(iter, value);
        return;
    }
    iter->left = sl_value_count(value);
    iter->object = json_kind(value->json) == SL_VALUE_OBJECT;
    iter->at = (struct sl_value){ .protocol = value->protocol };
    if (iter->left > 0)
        iter->at.json = unsafe_yyjson_get_first(value->json);
}

/* Moves over a name. An integer becomes text: Lua's tables and JSON's objects
 * would not keep 1 and "1" apart. */
static struct sl_slice take_name(struct sl_value_iter *iter)
{
    struct sl_msgpack_head head = head_of(&iter->at);
    struct sl_slice name =
        sl_slice_of(iter->at.msgpack.ptr + head.size, head.len);
    if (head.kind != SL_VALUE_STRING) {
        int len = head.kind == SL_VALUE_INT
                      ? snprintf(iter->number, sizeof(iter->number), "%" PRId64,
                                 (int64_t)head.bits)
                      : snprintf(iter->number, sizeof(iter->number), "%" PRIu64,
                                 head.bits);
        name = sl_slice_of(iter->number, (size_t)len);
    }
    iter->at = from(&iter->at, head.size + head.len);
    return name;
}

/* A member is moved over when the next is asked for: the last never is, so a
 * chain of values inside each other is not walked once for each. */
static void msgpack_next(struct sl_value_iter *iter, struct sl_slice *key,
                         struct sl_value *value)
{
    if (iter->begun)
        iter->at = from(&iter->at, sl_msgpack_skip(iter->at.msgpack));
    iter->begun = true;
    if (iter->object)
        *key = take_name(iter);
    *value = iter->at;
}

bool sl_value_next(struct sl_value_iter *iter, struct sl_slice *key,
                   struct sl_value *value)
{
    if (iter->left == 0)
        return false;
    iter->left--;
    if (is_msgpack(&iter->at)) {
        msgpack_next(iter, key, value);
        return true;
    }
    yyjson_val *val = iter->at.json;
    if (iter->object)
        *key = json_text(val++);
    /* Not a copy of iter->at: that would read what was just written in parts
     * as a whole, and wait for it. */
    *value = (struct sl_value){ .protocol = SL_PROTOCOL_JSON, .json = val };
    /* One past the last is computed and never read. */
    iter->at.json = unsafe_yyjson_get_next(val);
    return true;
}
