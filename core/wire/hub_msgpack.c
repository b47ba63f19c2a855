// SPDX-License-Identifier: MIT
/*
 * Hub messages in MessagePack, client to server.
 *
 * The elements stand in one order and are read in it; what comes after those
 * that a type has is ignored, as is what follows the array inside its frame.
 * Arguments, items and results that do not read are a failed binding: the
 * length tells where the next message begins.
 */
#include "base/base.h"
#include "base/err.h"
#include "base/utf8.h"
#include "wire/internal.h"
#include "wire/msgpack.h"

#include <stdio.h>

#define LENGTH_BYTES_MAX 5 /* 7 bits each: up to 2 GB */

/* Levels that a value may have: the message itself is one. */
#define VALUE_DEPTH_MAX (SL_JSON_DEPTH_MAX - 1)

static const char serialization_error[] = "MessagePackSerializationException";

/* Elements of the message that nobody has read yet. */
struct cursor {
    struct sl_slice rest;
    uint32_t left;
    struct sl_hub_error *error;
};

static int past_end(struct sl_hub_error *error)
{
    return sl_hub_error_set(error, "EndOfStreamException",
                            "Attempted to read past the end of the stream.");
}

static int unexpected(struct sl_hub_error *error, struct sl_slice rest)
{
    uint8_t first = (uint8_t)rest.ptr[0];
    return sl_hub_error_set(error, serialization_error,
                            "Unexpected msgpack code %u (%s) encountered.",
                            first, sl_msgpack_name(first));
}

static int not_read(struct cursor *in, const char *field, const char *type)
{
    return sl_hub_error_set(in->error, sl_hub_invalid_data,
                            "Reading '%s' as %s failed.", field, type);
}

static int no_length(struct cursor *in, const char *of, const char *field)
{
    return sl_hub_error_set(in->error, sl_hub_invalid_data,
                            "Reading %s length for '%s' failed.", of, field);
}

static int empty(struct cursor *in, const char *what)
{
    return sl_hub_error_set(in->error, sl_hub_invalid_data, "Null or empty %s.",
                            what);
}

/* ---- items ---- */

/* Moves over a head and the bytes behind it. */
static bool take(struct cursor *in, struct sl_msgpack_head *head,
                 struct sl_slice *body)
{
    if (!sl_msgpack_read_head(in->rest, head))
        return false;
    *body = sl_slice_of(in->rest.ptr + head->size, head->len);
    in->rest.ptr += head->size + head->len;
    in->rest.len -= head->size + head->len;
    return true;
}

/* The same with the next element of the message. */
static bool take_field(struct cursor *in, struct sl_msgpack_head *head,
                       struct sl_slice *body)
{
    if (in->left == 0)
        return false;
    in->left--;
    return take(in, head, body);
}

/* A text, or nil: empty then. */
static bool is_text(const struct sl_msgpack_head *head, struct sl_slice body)
{
    return head->kind == SL_VALUE_NULL ||
           (head->kind == SL_VALUE_STRING && sl_utf8_valid(body));
}

static int read_string(struct cursor *in, const char *field,
                       struct sl_slice *out)
{
    struct sl_msgpack_head head;
    if (!take_field(in, &head, out) || !is_text(&head, *out))
        return not_read(in, field, "String");
    return 0;
}

static int read_int(struct cursor *in, const char *field, const char *type,
                    int64_t min, int64_t max, int64_t *out)
{
    struct sl_msgpack_head head;
    struct sl_slice body;
    if (!take_field(in, &head, &body) || head.kind != SL_VALUE_INT)
        return not_read(in, field, type);
    *out = (int64_t)head.bits;
    return *out < min || *out > max ? not_read(in, field, type) : 0;
}

/* ---- elements ---- */

static int read_header_text(struct cursor *in, uint32_t index, const char *part,
                            const char *what)
{
    struct sl_msgpack_head head;
    struct sl_slice text;
    char field[40];
    if (!take(in, &head, &text) || !is_text(&head, text)) {
        snprintf(field, sizeof(field), "headers[%u].%s", index, part);
        return not_read(in, field, "String");
    }
    return text.len == 0 ? empty(in, what) : 0;
}

static int read_headers(struct cursor *in, struct sl_message *message)
{
    struct sl_msgpack_head head;
    struct sl_slice body, all = in->rest;
    if (!take_field(in, &head, &body) || head.kind != SL_VALUE_OBJECT)
        return no_length(in, "map", "headers");
    for (uint32_t i = 0; i < head.count; i++) {
        int err = read_header_text(in, i, "Key", "key in header");
        if (err == 0)
            err = read_header_text(in, i, "Value", "value in header");
        if (err < 0)
            return err;
    }
    message->headers = (struct sl_value){
        .protocol = SL_PROTOCOL_MESSAGEPACK,
        .msgpack = all,
    };
    return 0;
}

/* Headers and the id, with which all types but the last begin. `needs_id`
 * names the type in the sentence when there is none; NULL: there may be. */
static int read_head(struct cursor *in, struct sl_message *message,
                     const char *needs_id)
{
    char what[60];
    int err = read_headers(in, message);
    if (err == 0)
        err = read_string(in, "invocationId", &message->invocation_id);
    if (err == 0 && needs_id != NULL && message->invocation_id.len == 0) {
        snprintf(what, sizeof(what), "invocation ID for %s message", needs_id);
        err = empty(in, what);
    }
    return err;
}

/* Any value. False: it does not read, and nothing after it can be found. */
static bool read_value(struct cursor *in, struct sl_value *value)
{
    ssize_t size = in->left == 0 ? SL_E_VALUE
                                 : sl_msgpack_check(in->rest, VALUE_DEPTH_MAX);
    if (size < 0)
        return false;
    in->left--;
    *value = (struct sl_value){
        .protocol = SL_PROTOCOL_MESSAGEPACK,
        .msgpack = sl_slice_of(in->rest.ptr, (size_t)size),
    };
    in->rest.ptr += size;
    in->rest.len -= (size_t)size;
    return true;
}

static void read_arguments(struct cursor *in, struct sl_message *message)
{
    struct sl_msgpack_head head;
    if (in->left == 0 || !sl_msgpack_read_head(in->rest, &head) ||
        head.kind != SL_VALUE_ARRAY)
        message->args_bad = message->args_missing = true;
    else
        message->args_bad = !read_value(in, &message->args);
}

/* An item or a result. */
static void read_payload(struct cursor *in, struct sl_message *message)
{
    static const struct sl_value null = {
        .protocol = SL_PROTOCOL_MESSAGEPACK,
        .msgpack = { .ptr = "\xc0", .len = 1 },
    };
    message->value_bad = !read_value(in, &message->value);
    if (message->value_bad)
        message->value = null;
}

static int read_stream_id(struct cursor *in, struct sl_message *message)
{
    struct sl_msgpack_head head;
    struct sl_slice id, at = in->rest;
    if (!take(in, &head, &id))
        return past_end(in->error);
    if (head.kind != SL_VALUE_STRING && head.kind != SL_VALUE_NULL)
        return unexpected(in->error, at);
    if (!sl_utf8_valid(id))
        return not_read(in, "streamIds", "String");
    if (id.len == 0)
        return empty(in, "value in streamIds received");
    if (message->stream_id_count == SL_STREAM_IDS_MAX)
        return sl_hub_error_set(in->error, sl_hub_invalid_data,
                                "More than %d stream ids in one invocation.",
                                SL_STREAM_IDS_MAX);
    message->stream_ids[message->stream_id_count++] = id;
    return 0;
}

/* Older clients send none. */
static int read_stream_ids(struct cursor *in, struct sl_message *message)
{
    struct sl_msgpack_head head;
    struct sl_slice body;
    if (in->left == 0)
        return 0;
    if (!take_field(in, &head, &body) || head.kind != SL_VALUE_ARRAY)
        return no_length(in, "array", "streamIds");
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < head.count; i++)
        err = read_stream_id(in, message);
    return err;
}

/* ---- messages ---- */

static int parse_invocation(struct cursor *in, struct sl_message *message)
{
    bool stream = message->type == SL_MSG_STREAM_INVOCATION;
    int err = read_head(in, message, stream ? "StreamInvocation" : NULL);
    if (err == 0)
        err = read_string(in, "target", &message->target);
    if (err == 0 && message->target.len == 0)
        err = empty(in, stream ? "target for StreamInvocation message"
                               : "target for Invocation message");
    if (err < 0)
        return err;
    read_arguments(in, message);
    return message->args_bad ? 0 : read_stream_ids(in, message);
}

static int parse_item(struct cursor *in, struct sl_message *message)
{
    int err = read_head(in, message, "StreamItem");
    if (err == 0)
        read_payload(in, message);
    return err;
}

static int parse_completion(struct cursor *in, struct sl_message *message)
{
    int64_t kind = 0;
    int err = read_head(in, message, "Completion");
    if (err == 0)
        err = read_int(in, "resultKind", "Int32", INT32_MIN, INT32_MAX, &kind);
    if (err < 0)
        return err;
    switch (kind) {
    case 1:
        err = read_string(in, "error", &message->error);
        message->has_error = err == 0;
        return err;
    case 2: return 0;
    case 3:
        if (in->left == 0 || in->rest.len == 0)
            return past_end(in->error);
        read_payload(in, message);
        return 0;
    default:
        return sl_hub_error_set(in->error, sl_hub_invalid_data,
                                "Invalid invocation result kind.");
    }
}

static int parse_close(struct cursor *in, struct sl_message *message)
{
    struct sl_msgpack_head head;
    struct sl_slice body;
    int err = read_string(in, "error", &message->error);
    if (err < 0)
        return err;
    message->has_error = message->error.len > 0;
    if (in->left == 0)
        return 0;
    if (!take_field(in, &head, &body) || head.kind != SL_VALUE_BOOL)
        return not_read(in, "allowReconnect", "Boolean");
    message->allow_reconnect = head.bits != 0;
    return 0;
}

static int parse_type(struct cursor *in, struct sl_message *message)
{
    switch (message->type) {
    case SL_MSG_INVOCATION:
    case SL_MSG_STREAM_INVOCATION: return parse_invocation(in, message);
    case SL_MSG_STREAM_ITEM: return parse_item(in, message);
    case SL_MSG_COMPLETION: return parse_completion(in, message);
    case SL_MSG_CANCEL_INVOCATION:
        return read_head(in, message, "CancelInvocation");
    case SL_MSG_CLOSE: return parse_close(in, message);
    case SL_MSG_ACK:
    case SL_MSG_SEQUENCE:
        return read_int(in, "sequenceId", "Int64", INT64_MIN, INT64_MAX,
                        &message->sequence_id);
    case SL_MSG_PING:
    case SL_MSG_UNKNOWN: break;
    }
    return 0;
}

/* The head of the message itself. */
static int open_message(struct cursor *in)
{
    struct sl_msgpack_head head;
    struct sl_slice body, at = in->rest;
    if (at.len == 0)
        return past_end(in->error);
    bool whole = take(in, &head, &body);
    if (head.kind != SL_VALUE_ARRAY &&
        (whole || head.kind != SL_VALUE_NONE || at.ptr[0] == '\xc1'))
        return unexpected(in->error, at);
    if (!whole)
        return past_end(in->error);
    in->left = head.count;
    return 0;
}

static int parse(struct sl_hub_reader *reader, struct sl_slice payload,
                 struct sl_message *message, struct sl_hub_error *error)
{
    struct cursor in = { .rest = payload, .error = error };
    int64_t type = 0;
    (void)reader; /* nothing is built: the message borrows from the bytes */

    /* The ids are a kilobyte that the count alone makes valid. */
    memset(message, 0, offsetof(struct sl_message, stream_ids));
    int err = open_message(&in);
    if (err == 0)
        err =
            read_int(&in, "messageType", "Int32", INT32_MIN, INT32_MAX, &type);
    if (err < 0)
        return err;
    if (type < SL_MSG_INVOCATION || type > SL_MSG_SEQUENCE)
        return 0; /* stays SL_MSG_UNKNOWN */
    message->type = (enum sl_message_type)type;
    return parse_type(&in, message);
}

/* Seven bits a byte, the lowest first; more follow while the high bit is set.
 * Lengths with needless zeros are as good as others. */
static ssize_t split(struct sl_slice bytes, struct sl_slice *payload,
                     struct sl_hub_error *error)
{
    size_t len = 0, count = 0;
    uint8_t byte;
    do {
        if (count == bytes.len)
            return 0;
        byte = (uint8_t)bytes.ptr[count];
        len |= (size_t)(byte & 0x7f) << (7 * count);
        count++;
    } while ((byte & 0x80) != 0 && count < LENGTH_BYTES_MAX);
    if (count == LENGTH_BYTES_MAX && byte > 0x07)
        return sl_hub_error_set(error, sl_hub_format_error,
                                "Messages over 2GB in size are not "
                                "supported.");
    if (len > bytes.len - count)
        return 0;
    *payload = sl_slice_of(bytes.ptr + count, len);
    return (ssize_t)(count + len);
}

const struct sl_hub_protocol sl_hub_msgpack = {
    .name = "messagepack",
    .id = SL_PROTOCOL_MESSAGEPACK,
    .binary = true,
    .split = split,
    .parse = parse,
    .write_invocation = sl_hub_msgpack_write_invocation,
    .write_result = sl_hub_msgpack_write_result,
    .write_item = sl_hub_msgpack_write_item,
    .write_end = sl_hub_msgpack_write_end,
    .write_error = sl_hub_msgpack_write_error,
    .write_ping = sl_hub_msgpack_write_ping,
    .write_close = sl_hub_msgpack_write_close,
    .write_ack = sl_hub_msgpack_write_ack,
    .write_sequence = sl_hub_msgpack_write_sequence,
    .ping = &sl_hub_msgpack_ping,
};
