// SPDX-License-Identifier: MIT
/*
 * Messages in, and out again.
 */
#include "resend.h"

#include "base/check.h"
#include "base/utf8.h"

static int write_members(struct sl_writer *w, const struct sl_value *value)
{
    bool object = sl_value_kind(value) == SL_VALUE_OBJECT;
    size_t count = sl_value_count(value), seen = 0;
    struct sl_value_iter iter;
    struct sl_value member;
    struct sl_slice key;
    int err = object ? sl_write_object(w, count) : sl_write_array(w, count);
    if (err < 0)
        return err;
    sl_value_iter_init(&iter, value);
    for (; err == 0 && sl_value_next(&iter, &key, &member); seen++) {
        if (object)
            err = sl_write_key(w, key);
        if (err == 0)
            err = fuzz_write_value(w, &member);
    }
    if (err < 0)
        return err;
    sl_assert(seen == count);
    sl_write_end(w);
    return 0;
}

static int write_timestamp(struct sl_writer *w, const struct sl_value *value)
{
    int64_t seconds;
    uint32_t nanoseconds;
    sl_value_timestamp(value, &seconds, &nanoseconds);
    return sl_write_timestamp(w, seconds, nanoseconds);
}

int fuzz_write_value(struct sl_writer *w, const struct sl_value *value)
{
    switch (sl_value_kind(value)) {
    case SL_VALUE_NULL: sl_write_null(w); return 0;
    case SL_VALUE_BOOL: sl_write_bool(w, sl_value_bool(value)); return 0;
    case SL_VALUE_INT: sl_write_int(w, sl_value_int(value)); return 0;
    case SL_VALUE_UINT: sl_write_uint(w, sl_value_uint(value)); return 0;
    case SL_VALUE_DOUBLE: return sl_write_double(w, sl_value_double(value));
    case SL_VALUE_STRING:
        sl_assert(sl_utf8_valid(sl_value_string(value)));
        return sl_write_string(w, sl_value_string(value));
    case SL_VALUE_BINARY: sl_write_binary(w, sl_value_string(value)); return 0;
    case SL_VALUE_TIMESTAMP: return write_timestamp(w, value);
    case SL_VALUE_ARRAY:
    case SL_VALUE_OBJECT: return write_members(w, value);
    default: sl_unreachable();
    }
}

int fuzz_write_args(struct sl_writer *w, void *user)
{
    struct sl_value_iter iter;
    struct sl_value arg;
    sl_value_iter_init(&iter, user);
    while (sl_value_next(&iter, NULL, &arg)) {
        int err = fuzz_write_value(w, &arg);
        if (err < 0)
            return err;
    }
    return 0;
}

static int write_payload(struct sl_writer *w, void *user)
{
    return fuzz_write_value(w, user);
}

static bool is_call(const struct sl_message *message)
{
    return message->type == SL_MSG_INVOCATION ||
           message->type == SL_MSG_STREAM_INVOCATION;
}

static void send(const struct sl_hub_protocol *protocol, struct sl_str *out,
                 struct sl_message *message)
{
    int err;
    if (is_call(message))
        err = protocol->write_invocation(
            out, message->invocation_id, message->target,
            sl_value_count(&message->args), fuzz_write_args, &message->args);
    else if (message->type == SL_MSG_STREAM_ITEM)
        err = protocol->write_item(out, message->invocation_id, write_payload,
                                   &message->value);
    else
        err = protocol->write_result(out, message->invocation_id, write_payload,
                                     &message->value);
    sl_assert(err == 0);
}

/* Once written, it must read and be written the same way. */
static void send_back(const struct sl_hub_protocol *protocol,
                      struct sl_hub_reader *reader, struct sl_message *message)
{
    struct sl_str first = { 0 }, second = { 0 };
    struct sl_slice payload;
    struct sl_hub_error error;
    send(protocol, &first, message);
    ssize_t taken = protocol->split(sl_str_slice(&first), &payload, &error);
    sl_assert((size_t)taken == first.len);
    int err = protocol->parse(reader, payload, message, &error);
    sl_assert(err == 0 && !message->args_bad && !message->value_bad);
    send(protocol, &second, message);
    sl_assert(sl_slice_eq(sl_str_slice(&first), sl_str_slice(&second)));
    sl_str_release(&first);
    sl_str_release(&second);
}

static void check_message(const struct sl_hub_protocol *protocol,
                          struct sl_hub_reader *reader,
                          struct sl_message *message)
{
    sl_assert(message->stream_id_count <= SL_STREAM_IDS_MAX);
    sl_assert(sl_utf8_valid(message->invocation_id));
    sl_assert(sl_utf8_valid(message->target));
    sl_assert(sl_utf8_valid(message->error));
    bool there = sl_value_kind(&message->value) != SL_VALUE_NONE;
    if (is_call(message)) {
        there = !message->args_bad;
        sl_assert(there == (sl_value_kind(&message->args) != SL_VALUE_NONE));
    }
    if (there)
        send_back(protocol, reader, message);
}

void fuzz_resend(const struct sl_hub_protocol *protocol, struct sl_slice bytes,
                 void (*seen)(const struct sl_message *message))
{
    struct sl_slice payload;
    struct sl_hub_reader reader;
    struct sl_message message;
    struct sl_hub_error error = { 0 };
    ssize_t taken;

    sl_hub_reader_init(&reader);
    while ((taken = protocol->split(bytes, &payload, &error)) > 0) {
        int err = protocol->parse(&reader, payload, &message, &error);
        if (err == 0 && seen != NULL)
            seen(&message);
        if (err == 0)
            check_message(protocol, &reader, &message);
        else
            sl_assert(error.kind != NULL && error.text[0] != '\0');
        bytes.ptr += taken;
        bytes.len -= (size_t)taken;
    }
    sl_hub_reader_release(&reader);
}
