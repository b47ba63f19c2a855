// SPDX-License-Identifier: MIT
/*
 * Heads of MessagePack items. The short forms hold their number in the first
 * byte; of the others a table knows the kind and how wide the number is.
 */
#include "wire/msgpack.h"

#include "base/base.h"
#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "wire/internal.h"

#define FIRST_LONG 0xc0 /* codes from here to 0xdf */
#define LAST_LONG 0xdf

struct code {
    uint8_t kind;
    uint8_t width; /* bytes of the number behind the first byte */
    uint8_t len;   /* of a fixed extension; or 1: the number has a sign */
    const char *name;
};

static const struct code codes[LAST_LONG - FIRST_LONG + 1] = {
    { SL_VALUE_NULL, 0, 0, "nil" },
    { SL_VALUE_NONE, 0, 0, "(never used)" },
    { SL_VALUE_BOOL, 0, 0, "false" },
    { SL_VALUE_BOOL, 0, 0, "true" },
    { SL_VALUE_BINARY, 1, 0, "bin 8" },
    { SL_VALUE_BINARY, 2, 0, "bin 16" },
    { SL_VALUE_BINARY, 4, 0, "bin 32" },
    { SL_VALUE_EXT, 1, 0, "ext 8" },
    { SL_VALUE_EXT, 2, 0, "ext 16" },
    { SL_VALUE_EXT, 4, 0, "ext 32" },
    { SL_VALUE_DOUBLE, 4, 0, "float 32" },
    { SL_VALUE_DOUBLE, 8, 0, "float 64" },
    { SL_VALUE_INT, 1, 0, "uint 8" },
    { SL_VALUE_INT, 2, 0, "uint 16" },
    { SL_VALUE_INT, 4, 0, "uint 32" },
    { SL_VALUE_INT, 8, 0, "uint 64" },
    { SL_VALUE_INT, 1, 1, "int 8" },
    { SL_VALUE_INT, 2, 1, "int 16" },
    { SL_VALUE_INT, 4, 1, "int 32" },
    { SL_VALUE_INT, 8, 1, "int 64" },
    { SL_VALUE_EXT, 0, 1, "fixext 1" },
    { SL_VALUE_EXT, 0, 2, "fixext 2" },
    { SL_VALUE_EXT, 0, 4, "fixext 4" },
    { SL_VALUE_EXT, 0, 8, "fixext 8" },
    { SL_VALUE_EXT, 0, 16, "fixext 16" },
    { SL_VALUE_STRING, 1, 0, "str 8" },
    { SL_VALUE_STRING, 2, 0, "str 16" },
    { SL_VALUE_STRING, 4, 0, "str 32" },
    { SL_VALUE_ARRAY, 2, 0, "array 16" },
    { SL_VALUE_ARRAY, 4, 0, "array 32" },
    { SL_VALUE_OBJECT, 2, 0, "map 16" },
    { SL_VALUE_OBJECT, 4, 0, "map 32" },
};

const char *sl_msgpack_name(uint8_t first_byte)
{
    if (first_byte < 0x80)
        return "positive fixint";
    if (first_byte > LAST_LONG)
        return "negative fixint";
    if (first_byte < 0x90)
        return "fixmap";
    if (first_byte < 0xa0)
        return "fixarray";
    if (first_byte < FIRST_LONG)
        return "fixstr";
    return codes[first_byte - FIRST_LONG].name;
}

/* A number of `width` bytes, the highest first. */
static uint64_t load(const char *at, unsigned width)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < width; i++)
        number = number << 8 | (uint8_t)at[i];
    return number;
}

static uint64_t extend_sign(uint64_t number, unsigned width)
{
    unsigned spare = 64 - 8 * width;
    return (uint64_t)((int64_t)(number << spare) >> spare);
}

/* The bits of a double that is worth as much. */
static uint64_t widen(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float value;
    memcpy(&value, &narrow, sizeof(value));
    double wide = (double)value;
    memcpy(&bits, &wide, sizeof(bits));
    return bits;
}

static bool is_timestamp(struct sl_slice bytes,
                         const struct sl_msgpack_head *head)
{
    return bytes.ptr[head->size - 1] == '\xff' &&
           (head->len == 4 || head->len == 8 || head->len == 12);
}

static bool read_ext(struct sl_slice bytes, const struct code *code,
                     uint64_t number, struct sl_msgpack_head *head)
{
    head->len = code->len > 0 ? code->len : (uint32_t)number;
    if (bytes.len <= head->size)
        return false;
    head->size++; /* its type */
    if (is_timestamp(bytes, head))
        head->kind = SL_VALUE_TIMESTAMP;
    return true;
}

static bool read_long(struct sl_slice bytes, struct sl_msgpack_head *head)
{
    uint8_t first = (uint8_t)bytes.ptr[0];
    const struct code *code = &codes[first - FIRST_LONG];
    head->kind = (enum sl_value_kind)code->kind;
    if (bytes.len <= code->width || head->kind == SL_VALUE_NONE)
        return false;
    uint64_t number = load(bytes.ptr + 1, code->width);
    head->size = 1u + code->width;
    switch (head->kind) {
    case SL_VALUE_BOOL: head->bits = first & 1; break;
    case SL_VALUE_INT:
        head->bits = code->len ? extend_sign(number, code->width) : number;
        if (!code->len && number > INT64_MAX)
            head->kind = SL_VALUE_UINT;
        break;
    case SL_VALUE_DOUBLE:
        head->bits = code->width == 8 ? number : widen(number);
        break;
    case SL_VALUE_STRING:
    case SL_VALUE_BINARY: head->len = (uint32_t)number; break;
    case SL_VALUE_ARRAY:
    case SL_VALUE_OBJECT: head->count = (uint32_t)number; break;
    case SL_VALUE_EXT: return read_ext(bytes, code, number, head);
    default: break;
    }
    return true;
}

/* Numbers of one byte, and containers and texts that tell their size in it. */
static void read_short(uint8_t first, struct sl_msgpack_head *head)
{
    head->size = 1;
    if (first < 0x80 || first > LAST_LONG) {
        head->kind = SL_VALUE_INT;
        head->bits = (uint64_t)(int64_t)(int8_t)first;
    } else if (first >= 0xa0) {
        head->kind = SL_VALUE_STRING;
        head->len = first & 0x1f;
    } else {
        head->kind = first < 0x90 ? SL_VALUE_OBJECT : SL_VALUE_ARRAY;
        head->count = first & 0x0f;
    }
}

bool sl_msgpack_read_head(struct sl_slice bytes, struct sl_msgpack_head *head)
{
    *head = (struct sl_msgpack_head){ 0 };
    if (bytes.len == 0)
        return false;
    uint8_t first = (uint8_t)bytes.ptr[0];
    if (first < FIRST_LONG || first > LAST_LONG)
        read_short(first, head);
    else if (!read_long(bytes, head))
        return false;
    /* A member is at least a byte. */
    size_t left = bytes.len - head->size;
    size_t members = head->count;
    if (head->kind == SL_VALUE_OBJECT)
        members *= 2;
    return head->len <= left && members <= left;
}

void sl_msgpack_timestamp(struct sl_slice body, int64_t *seconds,
                          uint32_t *nanoseconds)
{
    uint64_t both;
    switch (body.len) {
    case 4:
        *seconds = (int64_t)load(body.ptr, 4);
        *nanoseconds = 0;
        break;
    case 8:
        both = load(body.ptr, 8);
        *seconds = (int64_t)(both & 0x3ffffffff);
        *nanoseconds = (uint32_t)(both >> 34);
        break;
    default:
        sl_assert(body.len == 12);
        *nanoseconds = (uint32_t)load(body.ptr, 4);
        *seconds = (int64_t)load(body.ptr + 4, 8);
    }
}

/* ---- whole values ---- */

/* A container that is open. `left` counts items, so two for each pair. */
struct level {
    size_t left;
    bool object;
};

static bool leaf_is_good(const struct sl_msgpack_head *head,
                         struct sl_slice body)
{
    int64_t seconds;
    uint32_t nanoseconds;
    switch (head->kind) {
    case SL_VALUE_STRING: return sl_utf8_valid(body);
    case SL_VALUE_TIMESTAMP:
        sl_msgpack_timestamp(body, &seconds, &nanoseconds);
        return sl_timestamp_valid(seconds, nanoseconds);
    case SL_VALUE_EXT: return false;
    default: return true;
    }
}

/* A member's name, where it must be one. */
static bool stands_well(const struct level *level,
                        const struct sl_msgpack_head *head)
{
    return !level->object || level->left % 2 == 1 ||
           head->kind == SL_VALUE_STRING || head->kind == SL_VALUE_INT ||
           head->kind == SL_VALUE_UINT;
}

static bool is_container(const struct sl_msgpack_head *head)
{
    return head->kind == SL_VALUE_ARRAY || head->kind == SL_VALUE_OBJECT;
}

ssize_t sl_msgpack_check(struct sl_slice bytes, unsigned depth_max)
{
    struct level levels[SL_JSON_DEPTH_MAX + 1];
    struct sl_msgpack_head head;
    unsigned depth = 0;
    size_t at = 0;
    sl_assert(depth_max <= SL_JSON_DEPTH_MAX);
    levels[0] = (struct level){ .left = 1 };
    for (;;) {
        struct sl_slice rest = sl_slice_of(bytes.ptr + at, bytes.len - at);
        if (!sl_msgpack_read_head(rest, &head) ||
            !stands_well(&levels[depth], &head) ||
            !leaf_is_good(&head, sl_slice_of(rest.ptr + head.size, head.len)))
            return SL_E_VALUE;
        at += head.size + head.len;
        levels[depth].left--;
        if (is_container(&head)) {
            bool object = head.kind == SL_VALUE_OBJECT;
            if (depth == depth_max)
                return SL_E_DEPTH;
            levels[++depth] = (struct level){
                .left = (size_t)head.count << object,
                .object = object,
            };
        }
        while (levels[depth].left == 0)
            if (depth-- == 0)
                return (ssize_t)at;
    }
}

size_t sl_msgpack_skip(struct sl_slice bytes)
{
    struct sl_msgpack_head head;
    size_t at = 0;
    for (size_t left = 1; left > 0; left--) {
        bool good = sl_msgpack_read_head(
            sl_slice_of(bytes.ptr + at, bytes.len - at), &head);
        sl_assert(good);
        at += head.size + head.len;
        left += (size_t)head.count << (head.kind == SL_VALUE_OBJECT);
    }
    return at;
}
