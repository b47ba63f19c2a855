// SPDX-License-Identifier: MIT
/*
 * llhttp calls back with pieces of names and values; each is appended to one
 * string. Its strict mode refuses what request smuggling lives on: both
 * lengths, two lengths, spaces before colons, bare line feeds. Here are added:
 * limits, exactly one Host, no transfer coding but "chunked".
 */
#include "http/http_parser.h"

#include "base/check.h"

/* What the two line ends and the colon of a header take beside its text. */
#define FIELD_OVERHEAD 4

static struct sl_http_parser *parser_of(llhttp_t *llhttp)
{
    return llhttp->data;
}

static int refuse(struct sl_http_parser *parser, unsigned status)
{
    if (parser->refused == 0)
        parser->refused = status;
    return HPE_USER;
}

/* Appends a piece of the head. */
static int add_text(struct sl_http_parser *parser, const char *at, size_t len,
                    unsigned status_when_full)
{
    size_t used =
        parser->text.len + (size_t)parser->field_count * FIELD_OVERHEAD;
    if (used >= parser->head_max || len > parser->head_max - used)
        return refuse(parser, status_when_full);
    sl_str_add(&parser->text, at, len);
    return 0;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    int err = add_text(parser, at, len, 414);
    parser->target.len = (uint32_t)parser->text.len;
    return err;
}

/* After the body come trailers: they are read over. Nobody asks for them, and
 * what stands in them could pass for a header that was checked. */
static bool is_trailer(const struct sl_http_parser *parser)
{
    return parser->phase != SL_HTTP_IN_HEAD;
}

static int on_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    if (is_trailer(parser))
        return 0;
    if (!parser->in_name) {
        if (parser->field_count == SL_HTTP_HEADERS_MAX)
            return refuse(parser, 431);
        parser->in_name = true;
        parser->fields[parser->field_count].name.at =
            (uint32_t)parser->text.len;
    }
    size_t begin = parser->text.len;
    int err = add_text(parser, at, len, 431);
    for (size_t i = begin; i < parser->text.len; i++)
        parser->text.ptr[i] =
            (char)sl_ascii_lower((unsigned char)parser->text.ptr[i]);
    return err;
}

static int on_field_complete(llhttp_t *llhttp)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    if (is_trailer(parser))
        return 0;
    struct sl_http_field *field = &parser->fields[parser->field_count];
    parser->in_name = false;
    field->name.len = (uint32_t)parser->text.len - field->name.at;
    field->value.at = (uint32_t)parser->text.len;
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    return is_trailer(parser) ? 0 : add_text(parser, at, len, 431);
}

static int on_value_complete(llhttp_t *llhttp)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    if (is_trailer(parser))
        return 0;
    struct sl_http_field *field = &parser->fields[parser->field_count++];
    field->value.len = (uint32_t)parser->text.len - field->value.at;
    struct sl_slice value = sl_http_parser_text(parser, field->value);
    field->value.len = (uint32_t)sl_slice_trim(value).len; /* at its end */
    return 0;
}

/* ---- the whole head ---- */

/* Counts the headers of a name; *value gets the last one's. */
static unsigned find_all(const struct sl_http_parser *parser,
                         struct sl_slice name, struct sl_slice *value)
{
    unsigned count = 0;
    for (unsigned i = 0; i < parser->field_count; i++) {
        const struct sl_http_field *field = &parser->fields[i];
        if (!sl_slice_eq(sl_http_parser_text(parser, field->name), name))
            continue;
        *value = sl_http_parser_text(parser, field->value);
        count++;
    }
    return count;
}

/* The status to refuse with, or 0. */
static unsigned check_version_and_host(const struct sl_http_parser *parser)
{
    const llhttp_t *llhttp = &parser->llhttp;
    if (llhttp->http_major != 1 || llhttp->http_minor > 1)
        return 505;
    struct sl_slice host;
    unsigned count = find_all(parser, SL_SLICE("host"), &host);
    bool missing = count == 0 && llhttp->http_minor == 1; /* RFC 9112 3.2 */
    return missing || count > 1 ? 400 : 0;
}

static unsigned check_body(const struct sl_http_parser *parser)
{
    struct sl_slice coding, length;
    unsigned codings = find_all(parser, SL_SLICE("transfer-encoding"), &coding);
    if (codings == 0)
        return parser->llhttp.content_length > parser->body_max ? 413 : 0;
    /* RFC 9112 6.1: an HTTP/1.0 message with a coding is faulty. */
    if (codings > 1 || parser->llhttp.http_minor == 0 ||
        find_all(parser, SL_SLICE("content-length"), &length) > 0)
        return 400;
    return sl_slice_eq_nocase(coding, SL_SLICE("chunked")) ? 0 : 501;
}

static unsigned check_expect(struct sl_http_parser *parser)
{
    struct sl_slice expect;
    if (parser->llhttp.http_minor == 0 ||
        find_all(parser, SL_SLICE("expect"), &expect) == 0)
        return 0;
    if (!sl_slice_eq_nocase(expect, SL_SLICE("100-continue")))
        return 417;
    parser->wants_continue = (parser->llhttp.flags & F_CHUNKED) != 0 ||
                             parser->llhttp.content_length > 0;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    unsigned status = check_version_and_host(parser);
    if (status == 0)
        status = check_body(parser);
    if (status == 0)
        status = check_expect(parser);
    if (status != 0) {
        refuse(parser, status);
        return -1;
    }
    parser->phase = SL_HTTP_IN_BODY;
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    if (len > parser->body_max - parser->body.len)
        return refuse(parser, 413);
    sl_str_add(&parser->body, at, len);
    return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct sl_http_parser *parser = parser_of(llhttp);
    parser->phase = SL_HTTP_AT_END;
    parser->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
    return HPE_PAUSED; /* what follows is another request, or no HTTP at all */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_field_complete = on_field_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- entry points ---- */

void sl_http_parser_init(struct sl_http_parser *parser)
{
    parser->text = (struct sl_str){ 0 };
    parser->body = (struct sl_str){ 0 };
}

void sl_http_parser_release(struct sl_http_parser *parser)
{
    sl_str_release(&parser->text);
    sl_str_release(&parser->body);
}

void sl_http_parser_start(struct sl_http_parser *parser, size_t head_max,
                          size_t body_max)
{
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
    parser->head_max = head_max;
    parser->body_max = body_max;
    parser->head_fed = 0;
    parser->framing = 0;
    sl_str_clear(&parser->text);
    sl_str_clear(&parser->body);
    sl_str_trim(&parser->text, SL_HTTP_TEXT_KEPT);
    sl_str_trim(&parser->body, SL_HTTP_TEXT_KEPT);
    parser->target = (struct sl_http_span){ 0 };
    parser->phase = SL_HTTP_IN_HEAD;
    parser->refused = 0;
    parser->in_name = false;
    parser->wants_continue = false;
    parser->keep_alive = false;
    parser->field_count = 0;
}

static unsigned status_of(const struct sl_http_parser *parser,
                          llhttp_errno_t err)
{
    if (parser->refused != 0)
        return parser->refused;
    switch (err) {
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE: /* somebody speaks HTTP/2 at once */ return 505;
    default: return 400;
    }
}

/* Counts what is no text either: blanks, empty lines before. */
static void check_head_fed(struct sl_http_parser *parser, size_t len)
{
    parser->head_fed += len;
    if (parser->head_fed > parser->head_max)
        refuse(parser,
               parser->field_count == 0 && !parser->in_name ? 414 : 431);
}

/* Nobody needs more of it than of a head, but for the sizes of many small
 * chunks. What comes in one piece with the head is not counted: that is little,
 * and where the head ended in it is not known. */
static void check_framing(struct sl_http_parser *parser, size_t len)
{
    size_t most =
        parser->head_max + SL_HTTP_FRAMING_PER_BYTE * parser->body.len;
    parser->framing += len;
    if (parser->framing > most)
        refuse(parser, 413);
}

enum sl_http_parse sl_http_parser_feed(struct sl_http_parser *parser,
                                       struct sl_slice bytes, size_t *used)
{
    sl_assert(parser->refused == 0 && parser->phase != SL_HTTP_AT_END);
    bool was_in_body = parser->phase == SL_HTTP_IN_BODY;
    size_t body_len = parser->body.len;
    llhttp_errno_t err = llhttp_execute(&parser->llhttp, bytes.ptr, bytes.len);
    *used = bytes.len;

    if (err == HPE_PAUSED && parser->phase == SL_HTTP_AT_END) {
        const char *end = llhttp_get_error_pos(&parser->llhttp);
        sl_assert(end >= bytes.ptr && end <= bytes.ptr + bytes.len);
        *used = (size_t)(end - bytes.ptr);
        return SL_HTTP_PARSE_DONE;
    }
    if (err == HPE_OK && parser->phase == SL_HTTP_IN_HEAD)
        check_head_fed(parser, bytes.len);
    else if (err == HPE_OK && was_in_body)
        check_framing(parser, bytes.len - (parser->body.len - body_len));
    if (err == HPE_OK && parser->refused == 0)
        return SL_HTTP_PARSE_MORE;
    parser->refused = status_of(parser, err);
    return SL_HTTP_PARSE_REFUSED;
}

struct sl_slice sl_http_parser_method(const struct sl_http_parser *parser)
{
    return sl_slice_str(
        llhttp_method_name((llhttp_method_t)parser->llhttp.method));
}
