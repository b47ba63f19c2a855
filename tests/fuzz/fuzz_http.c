// SPDX-License-Identifier: MIT
/*
 * A client's byte stream of HTTP requests. The first byte of the input says
 * how: pieces of 1 to 64 bytes, and with its top bit small limits. Without
 * small limits the stream must read the same in pieces as in one.
 */
#include "base/check.h"
#include "http/http_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What was read, added up. */
struct outcome {
    unsigned requests, refused, fields;
    size_t used, text, body; /* bytes */
};

/* Reads requests one behind the other, like a connection does. */
static struct outcome read_stream(struct sl_http_parser *parser,
                                  struct sl_slice stream, size_t step,
                                  size_t limit)
{
    struct outcome outcome = { 0 };
    sl_http_parser_start(parser, limit, limit);
    while (outcome.used < stream.len) {
        size_t len = stream.len - outcome.used;
        size_t taken;
        enum sl_http_parse result = sl_http_parser_feed(
            parser,
            sl_slice_of(stream.ptr + outcome.used, len < step ? len : step),
            &taken);
        sl_assert(taken <= len);
        sl_assert(parser->text.len <= limit && parser->body.len <= limit);
        if (result == SL_HTTP_PARSE_REFUSED) {
            sl_assert(parser->refused >= 400 && parser->refused < 600);
            outcome.refused = parser->refused;
            break;
        }
        outcome.used += taken;
        if (result == SL_HTTP_PARSE_MORE)
            continue;
        outcome.requests++;
        outcome.fields += parser->field_count;
        outcome.text += parser->text.len;
        outcome.body += parser->body.len;
        sl_http_parser_start(parser, limit, limit);
    }
    if (outcome.refused != 0)
        outcome.used = 0; /* where an error is noticed depends on the pieces */
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > 65536)
        return 0;
    struct sl_http_parser parser;
    struct sl_slice stream = sl_slice_of(bytes + 1, size - 1);
    size_t step = 1 + (bytes[0] & 63);
    sl_http_parser_init(&parser);
    if ((bytes[0] & 128) != 0) {
        read_stream(&parser, stream, step, 100);
    } else {
        const size_t limit = 1 << 20; /* never reached */
        struct outcome pieces = read_stream(&parser, stream, step, limit);
        struct outcome whole = read_stream(&parser, stream, size, limit);
        sl_assert(pieces.requests == whole.requests);
        /* With two faults, the pieces may decide which one is named. */
        sl_assert((pieces.refused != 0) == (whole.refused != 0));
        sl_assert(pieces.fields == whole.fields);
        sl_assert(pieces.used == whole.used);
        sl_assert(pieces.text == whole.text);
        sl_assert(pieces.body == whole.body);
    }
    sl_http_parser_release(&parser);
    return 0;
}
