// SPDX-License-Identifier: MIT
/*
 * Second look at a document that yyjson refused. The reference reads lazily:
 * text that is malformed inside strings nobody asks for is never noticed, and
 * in arguments it fails one invocation, not the connection. So the envelope is
 * scanned for its grammar, and what can be read is copied to a new document:
 *
 *   members with names of no meaning      are left out
 *   arguments, item, result               are kept when they read; else after
 *                                         U+FFFD took the place of malformed
 *                                         UTF-8; else they are bad
 *   strings and numbers of the envelope   must read
 *
 * One surplus comma inside arguments is forgiven likewise (the reference reads
 * on after its first failure), but only after the target: else the arguments
 * are skipped first, and skipping is strict.
 */
#include "base/check.h"
#include "base/err.h"
#include "wire/internal.h"

struct salvage {
    struct sl_hub_reader *reader;
    struct sl_json_scan scan;
    struct sl_message *message;
    struct sl_hub_error *error;
    bool has_target;
};

static int not_json(struct sl_hub_error *error)
{
    return sl_hub_error_set(error, sl_hub_invalid_data, "Error reading JSON.");
}

static bool reads(struct sl_hub_reader *reader, struct sl_slice text)
{
    struct sl_value value;
    return sl_json_read(&reader->json, text, &value) == 0;
}

/* The member that a quoted name, maybe with escapes, stands for. */
static enum sl_hub_member find_member(struct salvage *s, struct sl_slice key)
{
    struct sl_value name;
    if (sl_json_read(&s->reader->json, key, &name) < 0)
        return SL_MEMBER_OTHER;
    return sl_hub_member_find(sl_value_string(&name));
}

/* A value for the application: never the end of the connection. Returns
 * whether it is bad; `stand_in` then takes its place. */
static bool add_payload(struct salvage *s, struct sl_slice text,
                        struct sl_slice stand_in)
{
    struct sl_str *out = &s->reader->text;
    size_t start = out->len;
    if (reads(s->reader, text)) {
        sl_str_add_slice(out, text);
        return false;
    }
    sl_json_repair_utf8(out, text);
    if (reads(s->reader, sl_slice_of(out->ptr + start, out->len - start)))
        return false;
    out->len = start;
    sl_str_add_slice(out, stand_in);
    return true;
}

static bool is_number(struct sl_slice text)
{
    return text.ptr[0] == '-' || (text.ptr[0] >= '0' && text.ptr[0] <= '9');
}

/* A value of the envelope. A number that yyjson refuses is too large. */
static int add_envelope(struct salvage *s, struct sl_slice text)
{
    if (reads(s->reader, text)) {
        sl_str_add_slice(&s->reader->text, text);
        return 0;
    }
    if (is_number(text)) {
        sl_str_add_lit(&s->reader->text, "1e300");
        return 0;
    }
    return sl_hub_error_set(s->error, sl_hub_invalid_operation,
                            "Cannot transcode invalid UTF-8 JSON text to "
                            "UTF-16 string.");
}

static int add_value(struct salvage *s, enum sl_hub_member member,
                     struct sl_slice text)
{
    switch (member) {
    case SL_MEMBER_ARGUMENTS:
        if (text.ptr[0] != '[') /* what it is instead is told later */
            return add_envelope(s, text);
        s->message->args_bad = add_payload(s, text, SL_SLICE("[]"));
        return 0;
    case SL_MEMBER_ITEM:
    case SL_MEMBER_RESULT:
        s->message->value_bad = add_payload(s, text, SL_SLICE("null"));
        return 0;
    default: return add_envelope(s, text);
    }
}

static int salvage_member(struct salvage *s)
{
    struct sl_slice key, text;
    if (!sl_json_scan_string(&s->scan, &key) ||
        !sl_json_scan_char(&s->scan, ':'))
        return not_json(s->error);
    enum sl_hub_member member = find_member(s, key);
    bool lenient = member == SL_MEMBER_ARGUMENTS && s->has_target;
    s->scan.commas_spare = lenient ? 1 : 0;
    if (!sl_json_scan_value(&s->scan, &text))
        return not_json(s->error);
    if (member == SL_MEMBER_OTHER)
        return 0;

    struct sl_str *out = &s->reader->text;
    s->has_target |= member == SL_MEMBER_TARGET && text.len > 2;
    if (out->len > 1)
        sl_str_add_char(out, ',');
    sl_str_add_slice(out, key);
    sl_str_add_char(out, ':');
    return add_value(s, member, text);
}

static int salvage_members(struct salvage *s)
{
    struct sl_json_scan *scan = &s->scan;
    if (!sl_json_scan_char(scan, '{'))
        return not_json(s->error);
    scan->depth = 1;
    sl_str_add_char(&s->reader->text, '{');
    if (sl_json_scan_char(scan, '}')) {
        sl_str_add_char(&s->reader->text, '}');
        return 0;
    }
    do {
        int err = salvage_member(s);
        if (err < 0)
            return err;
    } while (sl_json_scan_char(scan, ','));
    if (!sl_json_scan_char(scan, '}'))
        return not_json(s->error);
    sl_str_add_char(&s->reader->text, '}');
    return 0;
}

int sl_hub_json_salvage(struct sl_hub_reader *reader, struct sl_slice text,
                        struct sl_message *message, struct sl_hub_error *error)
{
    struct salvage s = {
        .reader = reader,
        .scan = { .at = text.ptr,
                  .end = text.len == 0 ? text.ptr : text.ptr + text.len },
        .message = message,
        .error = error,
    };
    sl_json_scan_space(&s.scan);
    if (s.scan.at < s.scan.end && *s.scan.at == '[')
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Unexpected JSON Token Type 'Array'. Expected "
                                "a JSON Object.");
    sl_str_clear(&reader->text);
    return salvage_members(&s);
}
