// SPDX-License-Identifier: MIT
/*
 * The JSON hub protocol.  The decoder is one pass over the text: it looks for
 * five fields, keeps their first scalar and skips everything else, so that the
 * generator spends its core on sockets and not on trees of values.  Whether
 * the rest is valid JSON is not its business; the conformance tests see to it.
 */
#include "protocol.h"

#include <string.h>

/* ---- encoding ---- */

static char *put(char *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_number(char *at, uint32_t number)
{
    char digits[10];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, digits + start, sizeof digits - start);
}

static char *put_quoted(char *at, const char *text, size_t size)
{
    *at++ = '"';
    at = put(at, text, size);
    *at++ = '"';
    return at;
}

static char *put_arguments(char *at, const struct sl_call *call)
{
    if (call->name != NULL) {
        at = put_quoted(at, call->name, strlen(call->name));
        if (call->payload.data != NULL)
            *at++ = ',';
    }
    if (call->payload.data != NULL)
        at = put_quoted(at, call->payload.data, call->payload.size);
    if (call->has_numbers) {
        at = put_number(at, call->numbers[0]);
        *at++ = ',';
        at = put_number(at, call->numbers[1]);
    }
    return at;
}

static size_t encode(const struct sl_call *call, uint8_t *out)
{
    char *at = put_text((char *)out, "{\"type\":");
    at = put_number(at, call->type);
    if (call->id != SL_CALL_NO_ID) {
        at = put_text(at, ",\"invocationId\":\"");
        at = put_number(at, (uint32_t)call->id);
        *at++ = '"';
    }
    at = put_text(at, ",\"target\":\"");
    at = put_text(at, call->target);
    at = put_text(at, "\",\"arguments\":[");
    at = put_arguments(at, call);
    at = put_text(at, "]}\x1e");
    return (size_t)(at - (char *)out);
}

/* ---- decoding ---- */

/* Reading past the end or a wrong character makes it bad, and it stays so. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The next character that is not white space; '\0' at the end. */
static char peek(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_space(*cursor->at))
        cursor->at++;
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

static bool take(struct cursor *cursor, char c)
{
    if (cursor->bad || peek(cursor) != c)
        return false;
    cursor->at++;
    return true;
}

static void expect(struct cursor *cursor, char c)
{
    if (!take(cursor, c))
        cursor->bad = true;
}

/* A quote is escaped when an odd number of backslashes stands before it. */
static bool is_escaped(const char *start, const char *quote)
{
    const char *at = quote;
    while (at > start && at[-1] == '\\')
        at--;
    return ((quote - at) & 1) != 0;
}

static struct sl_text read_string(struct cursor *cursor)
{
    expect(cursor, '"');
    const char *const start = cursor->at;
    const char *quote = start;
    while (!cursor->bad) {
        quote = memchr(quote, '"', (size_t)(cursor->end - quote));
        if (quote == NULL) {
            cursor->bad = true;
        } else if (!is_escaped(start, quote)) {
            cursor->at = quote + 1;
            return (struct sl_text){ start, (size_t)(quote - start) };
        } else {
            quote++;
        }
    }
    return (struct sl_text){ 0 };
}

/* Skips one value of any kind: up to the comma or bracket that ends it. */
static void skip_value(struct cursor *cursor)
{
    unsigned depth = 0;
    while (!cursor->bad) {
        const char c = peek(cursor);
        if (c == '\0') {
            cursor->bad = depth > 0;
            return;
        }
        if (c == '"') {
            read_string(cursor);
            continue;
        }
        const bool closes = c == '}' || c == ']';
        if (depth == 0 && (closes || c == ','))
            return;
        if (c == '{' || c == '[')
            depth++;
        else if (closes)
            depth--;
        cursor->at++;
    }
}

static int64_t read_digits(const char *at, const char *end)
{
    const bool negative = at < end && *at == '-';
    uint64_t value = 0;
    for (at += negative; at < end && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return (int64_t)(negative ? 0 - value : value);
}

static void read_scalar(struct cursor *cursor, struct sl_message *message)
{
    const char c = peek(cursor);
    if (c == '"') {
        message->text = read_string(cursor);
        return;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        message->has_number = true;
        message->number = read_digits(cursor->at, cursor->end);
    }
    skip_value(cursor);
}

/* Keeps the first argument. */
static void read_arguments(struct cursor *cursor, struct sl_message *message)
{
    expect(cursor, '[');
    if (take(cursor, ']'))
        return;
    read_scalar(cursor, message);
    while (take(cursor, ','))
        skip_value(cursor);
    expect(cursor, ']');
}

static bool is_key(struct sl_text key, const char *name)
{
    return key.size == strlen(name) && memcmp(key.data, name, key.size) == 0;
}

static void read_field(struct cursor *cursor, struct sl_message *message)
{
    const struct sl_text key = read_string(cursor);
    expect(cursor, ':');
    if (cursor->bad)
        return;
    if (is_key(key, "type")) {
        peek(cursor);
        message->type = (int)read_digits(cursor->at, cursor->end);
        skip_value(cursor);
    } else if (is_key(key, "invocationId") && peek(cursor) == '"') {
        const struct sl_text id = read_string(cursor);
        message->id = (int)read_digits(id.data, id.data + id.size);
    } else if (is_key(key, "arguments")) {
        read_arguments(cursor, message);
    } else if (is_key(key, "result") || is_key(key, "item")) {
        read_scalar(cursor, message);
    } else if (is_key(key, "error") && peek(cursor) == '"') {
        message->error = read_string(cursor);
    } else {
        skip_value(cursor);
    }
}

static bool decode(struct sl_text body, struct sl_message *message)
{
    struct cursor cursor = { .at = body.data, .end = body.data + body.size };
    *message = (struct sl_message){ .id = SL_CALL_NO_ID };
    expect(&cursor, '{');
    if (take(&cursor, '}'))
        return true;
    do {
        read_field(&cursor, message);
    } while (take(&cursor, ','));
    expect(&cursor, '}');
    return !cursor.bad;
}

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

const struct sl_protocol sl_protocol_json = {
    .name = "json",
    .opcode = SL_OPCODE_TEXT,
    .handshake = TEXT("{\"protocol\":\"json\",\"version\":1}\x1e"),
    .ping = TEXT("{\"type\":6}\x1e"),
    .encode = encode,
    .split = sl_protocol_split_record,
    .decode = decode,
};
