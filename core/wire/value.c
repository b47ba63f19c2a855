// SPDX-License-Identifier: MIT
/*
 * Walking values: each question goes to the half of its protocol.
 */
#include "wire/value.h"

#include "base/check.h"

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

enum sl_value_kind sl_value_kind(const struct sl_value *value)
{
    sl_assert(value->protocol == SL_PROTOCOL_JSON);
    return json_kind(value->json);
}

static yyjson_val *checked(const struct sl_value *value,
                           enum sl_value_kind kind)
{
    sl_assert(sl_value_kind(value) == kind);
    return value->json;
}

bool sl_value_bool(const struct sl_value *value)
{
    return unsafe_yyjson_get_bool(checked(value, SL_VALUE_BOOL));
}

int64_t sl_value_int(const struct sl_value *value)
{
    return unsafe_yyjson_get_sint(checked(value, SL_VALUE_INT));
}

uint64_t sl_value_uint(const struct sl_value *value)
{
    return unsafe_yyjson_get_uint(checked(value, SL_VALUE_UINT));
}

double sl_value_double(const struct sl_value *value)
{
    return unsafe_yyjson_get_real(checked(value, SL_VALUE_DOUBLE));
}

static struct sl_slice json_text(yyjson_val *val)
{
    return sl_slice_of(unsafe_yyjson_get_str(val), unsafe_yyjson_get_len(val));
}

struct sl_slice sl_value_string(const struct sl_value *value)
{
    return json_text(checked(value, SL_VALUE_STRING));
}

size_t sl_value_count(const struct sl_value *value)
{
    enum sl_value_kind kind = sl_value_kind(value);
    sl_assert(kind == SL_VALUE_ARRAY || kind == SL_VALUE_OBJECT);
    return unsafe_yyjson_get_len(value->json);
}

void sl_value_iter_init(struct sl_value_iter *iter,
                        const struct sl_value *value)
{
    iter->left = sl_value_count(value);
    iter->object = sl_value_kind(value) == SL_VALUE_OBJECT;
    iter->at = (struct sl_value){ .protocol = value->protocol };
    if (iter->left > 0)
        iter->at.json = unsafe_yyjson_get_first(value->json);
}

bool sl_value_next(struct sl_value_iter *iter, struct sl_slice *key,
                   struct sl_value *value)
{
    if (iter->left == 0)
        return false;
    iter->left--;
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
