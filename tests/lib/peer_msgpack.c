// SPDX-License-Identifier: MIT
/*
 * MessagePack for a peer, as much as the C hub needs and written apart from the
 * server's: what was heard becomes the JSON text that says the same, so that
 * one expectation serves both. Whatever else a server may send is a bug here.
 */
#include "tests/lib/peer_msgpack.h"

#include "base/check.h"

#include <string.h>

/* ---- reading ---- */

struct cursor {
    const uint8_t *at, *end;
};

static uint8_t take(struct cursor *in)
{
    sl_assert(in->at < in->end);
    return *in->at++;
}

static unsigned take_array(struct cursor *in)
{
    uint8_t head = take(in);
    sl_assert(head >= 0x90 && head <= 0x9f);
    return head & 0xfu;
}

static void take_no_headers(struct cursor *in)
{
    uint8_t head = take(in);
    sl_assert(head == 0x80);
}

/* Appends the value as JSON. */
static void add_value(struct cursor *in, struct sl_str *out)
{
    uint8_t head = take(in);
    if (head <= 0x7f) {
        sl_str_add_u64(out, head);
    } else if (head == 0xc0) {
        sl_str_add_lit(out, "null");
    } else {
        size_t len = head == 0xd9 ? take(in) : head & 0x1fu;
        sl_assert(head == 0xd9 || (head >= 0xa0 && head <= 0xbf));
        sl_assert(len <= (size_t)(in->end - in->at));
        sl_str_add_char(out, '\'');
        sl_str_add(out, in->at, len);
        sl_str_add_char(out, '\'');
        in->at += len;
    }
}

static void add_values(struct cursor *in, struct sl_str *out)
{
    unsigned count = take_array(in);
    sl_str_add_char(out, '[');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            sl_str_add_char(out, ',');
        add_value(in, out);
    }
    sl_str_add_char(out, ']');
}

static void add_invocation(struct cursor *in, unsigned members,
                           struct sl_str *out)
{
    sl_assert(members == 6);
    take_no_headers(in);
    if (*in->at == 0xc0) {
        take(in);
    } else {
        sl_str_add_lit(out, ",'invocationId':");
        add_value(in, out);
    }
    sl_str_add_lit(out, ",'target':");
    add_value(in, out);
    sl_str_add_lit(out, ",'arguments':");
    add_values(in, out);
    unsigned streams = take_array(in);
    sl_assert(streams == 0);
}

/* A result of nothing is null in JSON. */
static void add_completion(struct cursor *in, unsigned members,
                           struct sl_str *out)
{
    take_no_headers(in);
    sl_str_add_lit(out, ",'invocationId':");
    add_value(in, out);
    uint8_t kind = take(in);
    sl_assert(kind >= 1 && kind <= 3);
    sl_assert(members == (kind == 2 ? 4 : 5));
    sl_str_add_fmt(out, ",'%s':", kind == 1 ? "error" : "result");
    if (kind == 2)
        sl_str_add_lit(out, "null");
    else
        add_value(in, out);
}

static void add_message(struct cursor *in, struct sl_str *out)
{
    unsigned members = take_array(in);
    uint8_t type = take(in);
    sl_str_add_fmt(out, "{'type':%u", type);
    if (type == 1)
        add_invocation(in, members, out);
    else if (type == 3)
        add_completion(in, members, out);
    else
        sl_assert(type == 6 && members == 1);
    sl_str_add_lit(out, "}\n");
    sl_assert(in->at == in->end);
}

void peer_msgpack_read(struct sl_slice bytes, struct sl_str *out)
{
    struct cursor in = { (const uint8_t *)bytes.ptr,
                         (const uint8_t *)bytes.ptr + bytes.len };
    while (in.at < in.end) {
        size_t len = 0;
        unsigned shift = 0;
        uint8_t byte;
        do {
            byte = take(&in);
            len |= (size_t)(byte & 0x7fu) << shift;
            shift += 7;
        } while ((byte & 0x80u) != 0);
        sl_assert(len <= (size_t)(in.end - in.at));
        struct cursor message = { in.at, in.at + len };
        add_message(&message, out);
        in.at += len;
    }
}

/* ---- writing ---- */

static void put_string(struct sl_str *out, const char *text, size_t len)
{
    sl_assert(len <= 0xff);
    sl_str_add_char(out, (char)0xd9);
    sl_str_add_char(out, (char)len);
    sl_str_add(out, text, len);
}

/* The strings of "['a','b']". */
static void put_args(struct sl_str *out, const char *args)
{
    struct sl_str values = { 0 };
    unsigned count = 0;
    const char *at = args;
    while ((at = strchr(at, '\'')) != NULL) {
        const char *end = strchr(++at, '\'');
        sl_assert(end != NULL);
        put_string(&values, at, (size_t)(end - at));
        count++;
        at = end + 1;
    }
    sl_assert(count < 16);
    sl_str_add_char(out, (char)(0x90u | count));
    sl_str_add_slice(out, sl_str_slice(&values));
    sl_str_release(&values);
}

void peer_msgpack_invoke(struct sl_str *out, const char *id, const char *target,
                         const char *args)
{
    struct sl_str message = { 0 };
    sl_str_add_lit(&message, "\x96\x01\x80");
    if (id == NULL)
        sl_str_add_char(&message, (char)0xc0);
    else
        put_string(&message, id, strlen(id));
    put_string(&message, target, strlen(target));
    put_args(&message, args);
    sl_str_add_char(&message, (char)0x90);
    size_t len = message.len;
    for (; len > 0x7f; len >>= 7)
        sl_str_add_char(out, (char)(0x80u | (len & 0x7fu)));
    sl_str_add_char(out, (char)len);
    sl_str_add_slice(out, sl_str_slice(&message));
    sl_str_release(&message);
}
