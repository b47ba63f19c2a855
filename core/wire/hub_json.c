// SPDX-License-Identifier: MIT
/*
 * Hub messages in JSON, client to server.
 *
 * The members are walked once, in the order they were sent, as the reference
 * does: what is wrong first is what the client hears of, and of a repeated
 * member the last counts. Which of them a message of its type must have is
 * looked at afterwards.
 */
#include "base/check.h"
#include "base/err.h"
#include "wire/internal.h"

#include <stdarg.h>
#include <stdio.h>

/* Bytes of a client's own text that an error repeats. */
#define ECHO_MAX 100

const char sl_hub_invalid_data[] = "InvalidDataException";
const char sl_hub_format_error[] = "FormatException";
const char sl_hub_invalid_operation[] = "InvalidOperationException";

int sl_hub_error_set(struct sl_hub_error *error, const char *kind,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->kind = kind;
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return SL_E_PROTOCOL;
}

static int expected(struct sl_hub_error *error, const char *name,
                    const char *type)
{
    return sl_hub_error_set(error, sl_hub_invalid_data,
                            "Expected '%s' to be of type %s.", name, type);
}

static int missing(struct sl_hub_error *error, const char *name)
{
    return sl_hub_error_set(error, sl_hub_invalid_data,
                            "Missing required property '%s'.", name);
}

const char *sl_hub_token_name(const struct sl_value *value)
{
    switch (sl_value_kind(value)) {
    case SL_VALUE_OBJECT: return "Object";
    case SL_VALUE_ARRAY: return "Array";
    case SL_VALUE_STRING: return "String";
    case SL_VALUE_BOOL: return sl_value_bool(value) ? "True" : "False";
    case SL_VALUE_NULL: return "Null";
    default: return "Number";
    }
}

#define MEMBER(text, member) \
    (memcmp(name.ptr, text, sizeof(text) - 1) == 0 ? (member) : SL_MEMBER_OTHER)

enum sl_hub_member sl_hub_member_find(struct sl_slice name)
{
    switch (name.len) {
    case 4:
        return name.ptr[0] == 't' ? MEMBER("type", SL_MEMBER_TYPE)
                                  : MEMBER("item", SL_MEMBER_ITEM);
    case 5: return MEMBER("error", SL_MEMBER_ERROR);
    case 6:
        return name.ptr[0] == 't' ? MEMBER("target", SL_MEMBER_TARGET)
                                  : MEMBER("result", SL_MEMBER_RESULT);
    case 7: return MEMBER("headers", SL_MEMBER_HEADERS);
    case 9:
        return name.ptr[0] == 'a' ? MEMBER("arguments", SL_MEMBER_ARGUMENTS)
                                  : MEMBER("streamIds", SL_MEMBER_STREAM_IDS);
    case 10: return MEMBER("sequenceId", SL_MEMBER_SEQUENCE_ID);
    case 12: return MEMBER("invocationId", SL_MEMBER_INVOCATION_ID);
    case 14: return MEMBER("allowReconnect", SL_MEMBER_ALLOW_RECONNECT);
    default: return SL_MEMBER_OTHER;
    }
}

/* What the walk finds; the rest goes straight into the message. */
struct walk {
    struct sl_message *message;
    struct sl_hub_error *error;
    int32_t type;
    bool has_type, has_target, has_arguments, has_sequence_id;
    struct sl_value item, result;
};

static int read_string(const struct sl_value *value, const char *name,
                       struct sl_slice *out, struct sl_hub_error *error)
{
    if (sl_value_kind(value) != SL_VALUE_STRING)
        return expected(error, name, "String");
    *out = sl_value_string(value);
    return 0;
}

/* An integer, written without fraction and exponent, from min to max. */
static int read_integer(const struct sl_value *value, const char *name,
                        int64_t min, int64_t max, int64_t *out,
                        struct sl_hub_error *error)
{
    enum sl_value_kind kind = sl_value_kind(value);
    if (kind == SL_VALUE_INT) {
        *out = sl_value_int(value);
        if (*out >= min && *out <= max)
            return 0;
    } else if (kind != SL_VALUE_UINT && kind != SL_VALUE_DOUBLE) {
        return expected(error, name, "Number");
    }
    return sl_hub_error_set(error, sl_hub_format_error,
                            "Either the JSON value is not in a supported "
                            "format, or is out of bounds for an %s.",
                            max == INT32_MAX ? "Int32" : "Int64");
}

int sl_hub_read_int32(const struct sl_value *value, const char *name,
                      int32_t *out, struct sl_hub_error *error)
{
    int64_t wide = 0;
    int err = read_integer(value, name, INT32_MIN, INT32_MAX, &wide, error);
    if (err == 0)
        *out = (int32_t)wide;
    return err;
}

static int read_type(struct walk *walk, const struct sl_value *value)
{
    walk->has_type = true;
    return sl_hub_read_int32(value, "type", &walk->type, walk->error);
}

/* The one member that may be null: it then counts as not there. */
static int read_sequence_id(struct walk *walk, const struct sl_value *value)
{
    walk->has_sequence_id = sl_value_kind(value) != SL_VALUE_NULL;
    if (!walk->has_sequence_id)
        return 0;
    return read_integer(value, "sequenceId", INT64_MIN, INT64_MAX,
                        &walk->message->sequence_id, walk->error);
}

static int read_allow_reconnect(struct walk *walk, const struct sl_value *value)
{
    if (sl_value_kind(value) != SL_VALUE_BOOL)
        return sl_hub_error_set(walk->error, sl_hub_invalid_data,
                                "Expected 'allowReconnect' to be true or "
                                "false.");
    walk->message->allow_reconnect = sl_value_bool(value);
    return 0;
}

static int read_arguments(struct walk *walk, const struct sl_value *value)
{
    if (sl_value_kind(value) != SL_VALUE_ARRAY)
        return expected(walk->error, "arguments", "Array");
    walk->has_arguments = true;
    walk->message->args = *value;
    return 0;
}

static int read_stream_id(struct walk *walk, const struct sl_value *id)
{
    struct sl_message *message = walk->message;
    switch (sl_value_kind(id)) {
    case SL_VALUE_STRING: break;
    case SL_VALUE_NULL:
        return sl_hub_error_set(walk->error, sl_hub_invalid_data,
                                "Null value for 'streamIds' is not valid.");
    case SL_VALUE_ARRAY:
    case SL_VALUE_OBJECT:
        return sl_hub_error_set(walk->error, sl_hub_invalid_operation,
                                "Cannot get the value of a token type "
                                "'Start%s' as a string.",
                                sl_hub_token_name(id));
    default:
        return sl_hub_error_set(walk->error, sl_hub_invalid_operation,
                                "Cannot get the value of a token type '%s' "
                                "as a string.",
                                sl_hub_token_name(id));
    }
    if (message->stream_id_count == SL_STREAM_IDS_MAX)
        return sl_hub_error_set(walk->error, sl_hub_invalid_data,
                                "More than %d stream ids in one invocation.",
                                SL_STREAM_IDS_MAX);
    message->stream_ids[message->stream_id_count++] = sl_value_string(id);
    return 0;
}

static int read_stream_ids(struct walk *walk, const struct sl_value *value)
{
    struct sl_value_iter iter;
    struct sl_value id;
    if (sl_value_kind(value) != SL_VALUE_ARRAY)
        return expected(walk->error, "streamIds", "Array");
    walk->message->stream_id_count = 0;
    sl_value_iter_init(&iter, value);
    while (sl_value_next(&iter, NULL, &id)) {
        int err = read_stream_id(walk, &id);
        if (err < 0)
            return err;
    }
    return 0;
}

static int read_headers(struct walk *walk, const struct sl_value *value)
{
    struct sl_value_iter iter;
    struct sl_slice key;
    struct sl_value header;
    if (sl_value_kind(value) != SL_VALUE_OBJECT)
        return expected(walk->error, "headers", "StartObject");
    sl_value_iter_init(&iter, value);
    while (sl_value_next(&iter, &key, &header))
        if (sl_value_kind(&header) != SL_VALUE_STRING)
            return sl_hub_error_set(
                walk->error, sl_hub_invalid_data,
                "Expected header '%.*s' to be of type String.",
                (int)(key.len < ECHO_MAX ? key.len : ECHO_MAX), key.ptr);
    walk->message->headers = *value;
    return 0;
}

static int read_member(struct walk *walk, struct sl_slice key,
                       const struct sl_value *value)
{
    struct sl_message *message = walk->message;
    switch (sl_hub_member_find(key)) {
    case SL_MEMBER_TYPE: return read_type(walk, value);
    case SL_MEMBER_INVOCATION_ID:
        return read_string(value, "invocationId", &message->invocation_id,
                           walk->error);
    case SL_MEMBER_TARGET:
        walk->has_target = true;
        return read_string(value, "target", &message->target, walk->error);
    case SL_MEMBER_ARGUMENTS: return read_arguments(walk, value);
    case SL_MEMBER_STREAM_IDS: return read_stream_ids(walk, value);
    case SL_MEMBER_HEADERS: return read_headers(walk, value);
    case SL_MEMBER_ITEM: walk->item = *value; return 0;
    case SL_MEMBER_RESULT: walk->result = *value; return 0;
    case SL_MEMBER_ERROR:
        message->has_error = true;
        return read_string(value, "error", &message->error, walk->error);
    case SL_MEMBER_ALLOW_RECONNECT: return read_allow_reconnect(walk, value);
    case SL_MEMBER_SEQUENCE_ID: return read_sequence_id(walk, value);
    case SL_MEMBER_OTHER: break;
    }
    return 0;
}

/* Types 1 and 4. Unreadable arguments are answered whatever else is missing,
 * an empty target with arguments is an unknown method. */
static int finish_invocation(struct walk *walk)
{
    struct sl_message *message = walk->message;
    if (message->type == SL_MSG_STREAM_INVOCATION && !message->args_bad &&
        message->invocation_id.len == 0)
        return missing(walk->error, "invocationId");
    if (!walk->has_target || (message->target.len == 0 && !walk->has_arguments))
        return missing(walk->error, "target");
    if (!walk->has_arguments)
        return missing(walk->error, "arguments");
    if (message->args_bad)
        message->args = (struct sl_value){ 0 };
    return 0;
}

static int finish_completion(struct walk *walk)
{
    struct sl_message *message = walk->message;
    message->value = walk->result;
    if (message->invocation_id.len == 0)
        return missing(walk->error, "invocationId");
    if (message->has_error && walk->result.json != NULL)
        return sl_hub_error_set(walk->error, sl_hub_invalid_data,
                                "The 'error' and 'result' properties are "
                                "mutually exclusive.");
    return 0;
}

static int finish_stream_item(struct walk *walk)
{
    walk->message->value = walk->item;
    if (walk->message->invocation_id.len == 0)
        return missing(walk->error, "invocationId");
    return walk->item.json == NULL ? missing(walk->error, "item") : 0;
}

/* What a message of its type must have. */
static int finish(struct walk *walk)
{
    if (!walk->has_type)
        return missing(walk->error, "type");
    if (walk->type < SL_MSG_INVOCATION || walk->type > SL_MSG_SEQUENCE)
        return 0; /* stays SL_MSG_UNKNOWN */
    walk->message->type = (enum sl_message_type)walk->type;
    switch (walk->message->type) {
    case SL_MSG_INVOCATION:
    case SL_MSG_STREAM_INVOCATION: return finish_invocation(walk);
    case SL_MSG_STREAM_ITEM: return finish_stream_item(walk);
    case SL_MSG_COMPLETION: return finish_completion(walk);
    case SL_MSG_CANCEL_INVOCATION:
        if (walk->message->invocation_id.len == 0)
            return missing(walk->error, "invocationId");
        return 0;
    case SL_MSG_ACK:
    case SL_MSG_SEQUENCE:
        return walk->has_sequence_id ? 0 : missing(walk->error, "sequenceId");
    case SL_MSG_PING:
    case SL_MSG_CLOSE:
    case SL_MSG_UNKNOWN: break;
    }
    return 0;
}

static int read_root(struct sl_hub_reader *reader, struct sl_slice payload,
                     struct sl_message *message, struct sl_value *root,
                     struct sl_hub_error *error)
{
    int err = sl_json_read_head(&reader->json, payload, root);
    if (SL_UNLIKELY(err == SL_E_JSON)) {
        err = sl_hub_json_salvage(reader, payload, message, error);
        if (err < 0)
            return err;
        err =
            sl_json_read_head(&reader->json, sl_str_slice(&reader->text), root);
        sl_str_trim(&reader->text, SL_SCRATCH_KEEP_MAX);
        sl_assert(err == 0 || err == SL_E_TOO_LARGE);
    }
    if (SL_UNLIKELY(err == SL_E_TOO_LARGE))
        return sl_hub_error_set(error, "OutOfMemoryException",
                                "Not enough memory for the message.");
    if (SL_UNLIKELY(err < 0))
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Error reading JSON.");
    if (sl_value_kind(root) != SL_VALUE_OBJECT)
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Unexpected JSON Token Type '%s'. Expected a "
                                "JSON Object.",
                                sl_hub_token_name(root));
    return 0;
}

static int parse(struct sl_hub_reader *reader, struct sl_slice payload,
                 struct sl_message *message, struct sl_hub_error *error)
{
    struct walk walk = { .message = message, .error = error };
    struct sl_value_iter iter;
    struct sl_value root, value;
    struct sl_slice key;

    /* The ids are a kilobyte that the count alone makes valid. */
    memset(message, 0, offsetof(struct sl_message, stream_ids));
    int err = read_root(reader, payload, message, &root, error);
    if (err < 0)
        return err;
    sl_value_iter_init(&iter, &root);
    while (sl_value_next(&iter, &key, &value)) {
        err = read_member(&walk, key, &value);
        if (SL_UNLIKELY(err < 0))
            return err;
    }
    return finish(&walk);
}

static ssize_t split(struct sl_slice bytes, struct sl_slice *payload,
                     struct sl_hub_error *error)
{
    (void)error; /* any bytes have a next separator or none yet */
    if (bytes.len == 0)
        return 0;
    const char *end = memchr(bytes.ptr, SL_RECORD_SEPARATOR, bytes.len);
    if (end == NULL)
        return 0;
    *payload = sl_slice_of(bytes.ptr, (size_t)(end - bytes.ptr));
    return (ssize_t)(payload->len + 1);
}

const struct sl_hub_protocol sl_hub_json = {
    .name = "json",
    .id = SL_PROTOCOL_JSON,
    .binary = false,
    .split = split,
    .parse = parse,
    .write_invocation = sl_hub_json_write_invocation,
    .write_result = sl_hub_json_write_result,
    .write_item = sl_hub_json_write_item,
    .write_end = sl_hub_json_write_end,
    .write_error = sl_hub_json_write_error,
    .write_ping = sl_hub_json_write_ping,
    .write_close = sl_hub_json_write_close,
    .write_ack = sl_hub_json_write_ack,
    .write_sequence = sl_hub_json_write_sequence,
    .ping = &sl_hub_json_ping,
};
