// SPDX-License-Identifier: MIT
/*
 * The MessagePack hub protocol: messages are arrays behind a VarInt length.
 * As in JSON, the decoder keeps the first scalar and skips the rest.
 */
#include "protocol.h"

#include <string.h>

/* Containers deeper than this are refused: skipping them recurses. */
#define DEPTH_MAX 64
/* Five groups of seven bits hold any length up to 2^32. */
#define VARINT_SIZE_MAX 5

/* ---- encoding ---- */

static uint8_t *put_big_endian(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint8_t *put_string(uint8_t *at, const char *text, size_t size)
{
    if (size < 32) {
        *at++ = (uint8_t)(0xa0 | size);
    } else if (size <= UINT8_MAX) {
        *at++ = 0xd9;
        *at++ = (uint8_t)size;
    } else if (size <= UINT16_MAX) {
        *at++ = 0xda;
        at = put_big_endian(at, size, 2);
    } else {
        *at++ = 0xdb;
        at = put_big_endian(at, size, 4);
    }
    memcpy(at, text, size);
    return at + size;
}

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
    if (number < 128) {
        *at++ = (uint8_t)number;
        return at;
    }
    *at++ = 0xce;
    return put_big_endian(at, number, 4);
}

static uint8_t *put_id(uint8_t *at, int id)
{
    if (id == SL_CALL_NO_ID) {
        *at++ = 0xc0;
        return at;
    }
    char digits[12];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    return put_string(at, digits + start, sizeof digits - start);
}

static uint8_t *put_arguments(uint8_t *at, const struct sl_call *call)
{
    const unsigned count = (call->name != NULL ? 1u : 0u) +
                           (call->payload.data != NULL ? 1u : 0u) +
                           (call->has_numbers ? 2u : 0u);
    *at++ = (uint8_t)(0x90 | count);
    if (call->name != NULL)
        at = put_string(at, call->name, strlen(call->name));
    if (call->payload.data != NULL)
        at = put_string(at, call->payload.data, call->payload.size);
    if (call->has_numbers) {
        at = put_number(at, call->numbers[0]);
        at = put_number(at, call->numbers[1]);
    }
    return at;
}

/* [type, headers, id, target, arguments, stream ids], written behind room for
 * the longest prefix; then the prefix, and the message moves down to it. */
static size_t encode(const struct sl_call *call, uint8_t *out)
{
    uint8_t *const body = out + VARINT_SIZE_MAX;
    uint8_t *at = body;
    *at++ = 0x96;
    *at++ = (uint8_t)call->type;
    *at++ = 0x80;
    at = put_id(at, call->id);
    at = put_string(at, call->target, strlen(call->target));
    at = put_arguments(at, call);
    *at++ = 0x90;

    const size_t size = (size_t)(at - body);
    uint8_t *prefix = out;
    size_t rest = size;
    for (; rest >= 128; rest >>= 7)
        *prefix++ = (uint8_t)(rest | 128);
    *prefix++ = (uint8_t)rest;
    memmove(prefix, body, size);
    return (size_t)(prefix - out) + size;
}

/* ---- decoding ---- */

enum kind { NIL, BOOLEAN, INTEGER, REAL, STRING, ARRAY, MAP };

/* Head of one value: its kind, and its number, byte count or item count. */
struct head {
    enum kind kind;
    uint64_t value;
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static uint64_t take_big_endian(struct cursor *cursor, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(cursor->end - cursor->at) < bytes) {
        cursor->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | *cursor->at++;
    return value;
}

static struct head take_sized(struct cursor *cursor, enum kind kind,
                              unsigned bytes)
{
    return (struct head){ kind, take_big_endian(cursor, bytes) };
}

/* Extension types never come from these hubs: they count as bad. */
static struct head take_head(struct cursor *cursor)
{
    const unsigned c = (unsigned)take_big_endian(cursor, 1);
    if (cursor->bad)
        return (struct head){ 0 };
    if (c < 0x80)
        return (struct head){ INTEGER, c };
    if (c < 0x90)
        return (struct head){ MAP, c & 15 };
    if (c < 0xa0)
        return (struct head){ ARRAY, c & 15 };
    if (c < 0xc0)
        return (struct head){ STRING, c & 31 };
    if (c >= 0xe0)
        return (struct head){ INTEGER, (uint64_t)((int64_t)c - 256) };
    switch (c) {
    case 0xc0: return (struct head){ NIL, 0 };
    case 0xc2: return (struct head){ BOOLEAN, 0 };
    case 0xc3: return (struct head){ BOOLEAN, 1 };
    case 0xc4:
    case 0xd9: return take_sized(cursor, STRING, 1);
    case 0xc5:
    case 0xda: return take_sized(cursor, STRING, 2);
    case 0xc6:
    case 0xdb: return take_sized(cursor, STRING, 4);
    case 0xca: return take_sized(cursor, REAL, 4);
    case 0xcb: return take_sized(cursor, REAL, 8);
    case 0xcc:
    case 0xd0: return take_sized(cursor, INTEGER, 1);
    case 0xcd:
    case 0xd1: return take_sized(cursor, INTEGER, 2);
    case 0xce:
    case 0xd2: return take_sized(cursor, INTEGER, 4);
    case 0xcf:
    case 0xd3: return take_sized(cursor, INTEGER, 8);
    case 0xdc: return take_sized(cursor, ARRAY, 2);
    case 0xdd: return take_sized(cursor, ARRAY, 4);
    case 0xde: return take_sized(cursor, MAP, 2);
    case 0xdf: return take_sized(cursor, MAP, 4);
    default: cursor->bad = true; return (struct head){ 0 };
    }
}

static struct sl_text take_text(struct cursor *cursor, struct head head)
{
    if (cursor->bad || head.kind != STRING ||
        head.value > (size_t)(cursor->end - cursor->at)) {
        cursor->bad = true;
        return (struct sl_text){ 0 };
    }
    const struct sl_text text = { (const char *)cursor->at, head.value };
    cursor->at += head.value;
    return text;
}

static void skip_value(struct cursor *cursor, unsigned depth)
{
    const struct head head = take_head(cursor);
    if (cursor->bad)
        return;
    if (head.kind == STRING) {
        take_text(cursor, head);
        return;
    }
    if (head.kind != ARRAY && head.kind != MAP)
        return;
    if (depth == DEPTH_MAX) {
        cursor->bad = true;
        return;
    }
    uint64_t count = head.kind == MAP ? head.value * 2 : head.value;
    while (count-- > 0 && !cursor->bad)
        skip_value(cursor, depth + 1);
}

static void read_scalar(struct cursor *cursor, struct sl_message *message)
{
    const uint8_t *const start = cursor->at;
    const struct head head = take_head(cursor);
    if (head.kind == STRING) {
        message->text = take_text(cursor, head);
    } else if (head.kind == INTEGER) {
        message->has_number = true;
        message->number = (int64_t)head.value;
    } else {
        cursor->at = start;
        skip_value(cursor, 0);
    }
}

static uint64_t take_number(struct cursor *cursor, enum kind kind)
{
    const struct head head = take_head(cursor);
    if (head.kind != kind)
        cursor->bad = true;
    return head.value;
}

static void read_id(struct cursor *cursor, struct sl_message *message)
{
    const struct head head = take_head(cursor);
    if (cursor->bad || head.kind == NIL)
        return;
    const struct sl_text id = take_text(cursor, head);
    message->id = 0;
    for (size_t i = 0; i < id.size; i++)
        message->id = message->id * 10 + (id.data[i] - '0');
}

static void read_completion(struct cursor *cursor, struct sl_message *message)
{
    enum { ERROR = 1, NOTHING = 2, RESULT = 3 };
    switch (take_number(cursor, INTEGER)) {
    case ERROR: message->error = take_text(cursor, take_head(cursor)); break;
    case RESULT: read_scalar(cursor, message); break;
    case NOTHING: break;
    default: cursor->bad = true;
    }
}

static void read_invocation(struct cursor *cursor, struct sl_message *message)
{
    take_text(cursor, take_head(cursor));
    if (take_number(cursor, ARRAY) > 0)
        read_scalar(cursor, message);
}

static void read_close(struct cursor *cursor, struct sl_message *message)
{
    const struct head head = take_head(cursor);
    if (head.kind == STRING)
        message->error = take_text(cursor, head);
}

static bool decode(struct sl_text body, struct sl_message *message)
{
    const uint8_t *const start = (const uint8_t *)body.data;
    struct cursor cursor = { .at = start, .end = start + body.size };
    *message = (struct sl_message){ .id = SL_CALL_NO_ID };
    take_number(&cursor, ARRAY);
    message->type = (int)take_number(&cursor, INTEGER);
    if (message->type == SL_MESSAGE_CLOSE)
        read_close(&cursor, message);
    if (message->type >= SL_MESSAGE_PING)
        return !cursor.bad;
    skip_value(&cursor, 0); /* headers */
    read_id(&cursor, message);
    switch (message->type) {
    case SL_MESSAGE_INVOCATION: read_invocation(&cursor, message); break;
    case SL_MESSAGE_STREAM_ITEM: read_scalar(&cursor, message); break;
    case SL_MESSAGE_COMPLETION: read_completion(&cursor, message); break;
    default: break;
    }
    return !cursor.bad;
}

static size_t split(const uint8_t *data, size_t size, struct sl_text *body)
{
    uint64_t body_size = 0;
    for (size_t i = 0; i < size && i < VARINT_SIZE_MAX; i++) {
        body_size |= (uint64_t)(data[i] & 127u) << (7 * i);
        if ((data[i] & 128u) != 0)
            continue;
        const size_t prefix_size = i + 1;
        if (size - prefix_size < body_size)
            return 0;
        body->data = (const char *)data + prefix_size;
        body->size = body_size;
        return prefix_size + body_size;
    }
    return 0;
}

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

const struct sl_protocol sl_protocol_msgpack = {
    .name = "msgpack",
    .opcode = SL_OPCODE_BINARY,
    .handshake = TEXT("{\"protocol\":\"messagepack\",\"version\":1}\x1e"),
    .ping = TEXT("\x02\x91\x06"),
    .encode = encode,
    .split = split,
    .decode = decode,
};
