// SPDX-License-Identifier: MIT
/*
 * Reads one request from pieces of a byte stream: llhttp for the grammar
 * (strict), our own limits and the rules that llhttp leaves to its user. What
 * is read lies in two strings, so a request takes no allocation per header and
 * its pieces may be split anywhere.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"
#include "base/str.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>

enum sl_http_parse {
    SL_HTTP_PARSE_MORE,    /* all bytes were taken, more must come */
    SL_HTTP_PARSE_DONE,    /* a whole request; bytes after it were not taken */
    SL_HTTP_PARSE_REFUSED, /* `refused` is the status to answer with */
};

enum sl_http_phase { SL_HTTP_IN_HEAD, SL_HTTP_IN_BODY, SL_HTTP_AT_END };

/* A piece of `text`. */
struct sl_http_span {
    uint32_t at, len; /* bytes */
};

struct sl_http_field {
    struct sl_http_span name, value; /* the name in lower case */
};

struct sl_http_parser {
    llhttp_t llhttp;
    size_t head_max, body_max; /* bytes */
    size_t head_fed;           /* bytes of the head so far */
    size_t framing;            /* bytes of the body's framing so far: chunk
                                  sizes and extensions, trailers */
    struct sl_str text;        /* target, then names and values */
    struct sl_str body;
    struct sl_http_span target;
    enum sl_http_phase phase;
    unsigned refused;    /* status; 0: not refused */
    bool in_name;        /* a name has begun and not ended */
    bool wants_continue; /* the client waits for "100 Continue" */
    bool keep_alive;     /* once done */
    unsigned field_count;
    struct sl_http_field fields[SL_HTTP_HEADERS_MAX];
};

void sl_http_parser_init(struct sl_http_parser *parser);
void sl_http_parser_release(struct sl_http_parser *parser);

/* Begins a new request; memory of the last one is used again. */
void sl_http_parser_start(struct sl_http_parser *parser, size_t head_max,
                          size_t body_max);

/* *used: bytes taken. Nothing may be fed after DONE or REFUSED. */
enum sl_http_parse sl_http_parser_feed(struct sl_http_parser *parser,
                                       struct sl_slice bytes, size_t *used);

static inline struct sl_slice sl_http_parser_text(
    const struct sl_http_parser *parser, struct sl_http_span span)
{
    return sl_slice_of(parser->text.ptr + span.at, span.len);
}

/* "GET"; static. */
struct sl_slice sl_http_parser_method(const struct sl_http_parser *parser);
