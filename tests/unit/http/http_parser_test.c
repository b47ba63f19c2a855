// SPDX-License-Identifier: MIT
/*
 * The parser reads the same request however its bytes are split, refuses what
 * must be refused with the right status (also split at every byte), and takes
 * nothing of what follows a request.
 */
#include "http/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD_MAX 1000
#define BODY_MAX 100

/* Feeds pieces of `step` bytes. Returns the status it was refused with, 0 when
 * the request is whole, 1 when bytes are missing. *used: of all bytes. */
static unsigned parse(struct sl_http_parser *parser, struct sl_slice bytes,
                      size_t step, size_t *used)
{
    sl_http_parser_start(parser, HEAD_MAX, BODY_MAX);
    *used = 0;
    while (*used < bytes.len) {
        size_t len = bytes.len - *used < step ? bytes.len - *used : step;
        size_t taken;
        enum sl_http_parse result = sl_http_parser_feed(
            parser, sl_slice_of(bytes.ptr + *used, len), &taken);
        assert_true(taken <= len);
        *used += taken;
        if (result == SL_HTTP_PARSE_DONE)
            return 0;
        if (result == SL_HTTP_PARSE_REFUSED)
            return parser->refused;
        assert_int_equal(taken, len);
    }
    return 1;
}

static struct sl_http_parser parser;

static void assert_span(struct sl_http_span span, const char *want)
{
    struct sl_slice got = sl_http_parser_text(&parser, span);
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void reads_however_split(void **state)
{
    (void)state;
    static const char text[] = "\r\nPOST /chat/negotiate?x=1 HTTP/1.1\r\n"
                               "Host: a.example\r\n"
                               "X-CamelCase:  Value with blanks \t\r\n"
                               "Empty:\r\n"
                               "Content-Length: 5\r\n"
                               "\r\n"
                               "hello"
                               "GET / HTTP/1.1\r\n";
    const size_t whole = sizeof(text) - 1 - 16;
    for (size_t step = 1; step <= sizeof(text); step++) {
        size_t used;
        assert_int_equal(
            parse(&parser, sl_slice_of(text, sizeof(text) - 1), step, &used),
            0);
        assert_int_equal(used, whole);
        assert_span(parser.target, "/chat/negotiate?x=1");
        assert_int_equal(parser.field_count, 4);
        assert_span(parser.fields[0].name, "host");
        assert_span(parser.fields[0].value, "a.example");
        assert_span(parser.fields[1].name, "x-camelcase");
        assert_span(parser.fields[1].value, "Value with blanks");
        assert_span(parser.fields[2].name, "empty");
        assert_span(parser.fields[2].value, "");
        assert_int_equal(parser.body.len, 5);
        assert_memory_equal(parser.body.ptr, "hello", 5);
        assert_true(parser.keep_alive);
        assert_string_equal(sl_http_parser_method(&parser).ptr, "POST");
    }
}

static void reads_chunks_split_at_every_byte(void **state)
{
    (void)state;
    static const char text[] = "POST / HTTP/1.1\r\nHost: a\r\n"
                               "Transfer-Encoding: Chunked\r\n\r\n"
                               "5\r\nhello\r\n1;name=value\r\n \r\n"
                               "5\r\nworld\r\n0\r\nHost: trailer\r\n\r\n";
    for (size_t step = 1; step <= sizeof(text); step++) {
        size_t used;
        assert_int_equal(
            parse(&parser, sl_slice_of(text, sizeof(text) - 1), step, &used),
            0);
        assert_int_equal(used, sizeof(text) - 1);
        assert_int_equal(parser.body.len, 11);
        assert_memory_equal(parser.body.ptr, "hello world", 11);
        assert_int_equal(parser.field_count, 2); /* no trailers */
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *text;
    } cases[] = {
        { 400, "hello world\r\n\r\n" },
        { 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" },
        { 400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n" },
        { 400, "GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
               "Content-Length: 6\r\n\r\nhello" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
               "Content-Length: 5\r\n\r\n0\r\n\r\n" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
               "\r\nzz\r\n\r\n" },
        { 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
               "\r\nfffffffffffffffff\r\n" },
        { 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
               "0\r\n\r\n" },
        { 413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n" },
        { 417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n"
               "Content-Length: 1\r\n\r\n" },
        { 501, "POST / HTTP/1.1\r\nHost: a\r\n"
               "Transfer-Encoding: gzip, chunked\r\n\r\n" },
        { 501, "POST / HTTP/1.1\r\nHost: a\r\n"
               "Transfer-Encoding: identity\r\n\r\n" },
        { 505, "GET / HTTP/3.7\r\nHost: a\r\n\r\n" },
        { 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n" },
        { 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_slice bytes = sl_slice_str(cases[i].text);
        if (memchr(bytes.ptr, 0x16, 1) != NULL)
            bytes.len = 11;
        for (size_t step = 1; step <= bytes.len; step++) {
            size_t used;
            unsigned status = parse(&parser, bytes, step, &used);
            if (status != cases[i].status)
                fail_msg("%u instead of %u, step %zu: %s", status,
                         cases[i].status, step, cases[i].text);
        }
    }
}

static void takes(const char *text, bool keep_alive)
{
    size_t used;
    unsigned status = parse(&parser, sl_slice_str(text), 7, &used);
    if (status != 0)
        fail_msg("%u: %s", status, text);
    assert_int_equal(parser.keep_alive, keep_alive);
}

static void takes_and_keeps_alive(void **state)
{
    (void)state;
    takes("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
    takes("GET / HTTP/1.1\r\nHost:\r\n\r\n", true);
    takes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false);
    takes("GET / HTTP/1.0\r\n\r\n", false);
    takes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true);
    takes("GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", true);
    takes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", true);
    takes("POST / HTTP/1.1\r\nHost: a\r\n\r\n", true);
}

static void bounds_the_head(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    size_t used;
    for (size_t step = 1; step < 3000; step = step * 7 + 1) {
        sl_str_clear(&text); /* an endless target */
        sl_str_add_lit(&text, "GET /");
        while (text.len < 2000)
            sl_str_add_char(&text, 'a');
        assert_int_equal(parse(&parser, sl_str_slice(&text), step, &used), 414);
        assert_true(parser.text.len <= HEAD_MAX);

        sl_str_clear(&text); /* an endless value */
        sl_str_add_lit(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
        while (text.len < 2000)
            sl_str_add_char(&text, 'a');
        assert_int_equal(parse(&parser, sl_str_slice(&text), step, &used), 431);

        sl_str_clear(&text); /* blanks without end are no text, but count */
        sl_str_add_lit(&text, "GET / HTTP/1.1\r\nHost: a\r\nX:");
        while (text.len < 2000)
            sl_str_add_char(&text, ' ');
        assert_int_equal(parse(&parser, sl_str_slice(&text), step, &used), 431);
    }
    sl_str_clear(&text); /* too many headers */
    sl_str_add_lit(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 1; i < SL_HTTP_HEADERS_MAX + 1; i++)
        sl_str_add_lit(&text, "a:\r\n");
    sl_str_add_lit(&text, "\r\n");
    assert_int_equal(parse(&parser, sl_str_slice(&text), 4096, &used), 431);
    sl_str_release(&text);
}

static void bounds_chunked_bodies(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    size_t used;
    sl_str_add_lit(&text, "POST / HTTP/1.1\r\nHost: a\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < BODY_MAX + 1; i++)
        sl_str_add_lit(&text, "1\r\nx\r\n");
    assert_int_equal(parse(&parser, sl_str_slice(&text), 5, &used), 413);
    assert_true(parser.body.len <= BODY_MAX);
    sl_str_release(&text);
}

/* Of each byte of a chunked body that ends never. */
static void refuses_framing(const char *begin, char rest)
{
    struct sl_str text = { 0 };
    size_t used;
    for (size_t step = 1; step < 3000; step = step * 7 + 1) {
        sl_str_clear(&text);
        sl_str_add_lit(&text, "POST / HTTP/1.1\r\nHost: a\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n");
        sl_str_add_slice(&text, sl_slice_str(begin));
        for (unsigned i = 0; i < 3 * HEAD_MAX; i++)
            sl_str_add_char(&text, rest);
        unsigned wanted = step < text.len / 2 ? 413 : 1; /* one read is free */
        assert_int_equal(parse(&parser, sl_str_slice(&text), step, &used),
                         wanted);
        assert_true(used <= text.len);
    }
    sl_str_release(&text);
}

static void bounds_what_chunks_are_framed_by(void **state)
{
    (void)state;
    refuses_framing("5;", 'x');
    refuses_framing("5;x=", 'y');
    refuses_framing("5;x=\"", 'y');
    refuses_framing("", '0');
    refuses_framing("0\r\nx:", 'y');
    refuses_framing("0\r\n", 'x');
}

static void takes_many_small_chunks(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    size_t used;
    sl_str_add_lit(&text, "POST / HTTP/1.1\r\nHost: a\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < BODY_MAX; i++)
        sl_str_add_lit(&text, "00001;a=b\r\nx\r\n");
    sl_str_add_lit(&text, "0\r\n\r\n");
    assert_true(text.len > HEAD_MAX);
    assert_int_equal(parse(&parser, sl_str_slice(&text), 1, &used), 0);
    assert_int_equal(parser.body.len, BODY_MAX);
    sl_str_release(&text);
}

static void sees_who_waits_for_continue(void **state)
{
    (void)state;
    size_t used;
    assert_int_equal(parse(&parser,
                           SL_SLICE("POST / HTTP/1.1\r\nHost: a\r\n"
                                    "Expect: 100-Continue\r\n"
                                    "Content-Length: 5\r\n\r\n"),
                           3, &used),
                     1);
    assert_true(parser.wants_continue);
    assert_int_equal(parse(&parser,
                           SL_SLICE("POST / HTTP/1.1\r\nHost: a\r\n"
                                    "Expect: 100-continue\r\n\r\n"),
                           3, &used),
                     0);
    assert_false(parser.wants_continue);
}

static void leaves_what_follows_an_upgrade(void **state)
{
    (void)state;
    static const char text[] = "GET /chat HTTP/1.1\r\nHost: a\r\n"
                               "Connection: keep-alive, Upgrade\r\n"
                               "Upgrade: websocket\r\n\r\n\x81\x80";
    for (size_t step = 1; step <= sizeof(text); step++) {
        size_t used;
        assert_int_equal(
            parse(&parser, sl_slice_of(text, sizeof(text) - 1), step, &used),
            0);
        assert_int_equal(used, sizeof(text) - 3);
        assert_true(parser.llhttp.upgrade);
    }
}

static int setup(void **state)
{
    (void)state;
    sl_http_parser_init(&parser);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_http_parser_release(&parser);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_however_split),
        cmocka_unit_test(reads_chunks_split_at_every_byte),
        cmocka_unit_test(refuses),
        cmocka_unit_test(takes_and_keeps_alive),
        cmocka_unit_test(bounds_the_head),
        cmocka_unit_test(bounds_chunked_bodies),
        cmocka_unit_test(bounds_what_chunks_are_framed_by),
        cmocka_unit_test(takes_many_small_chunks),
        cmocka_unit_test(sees_who_waits_for_continue),
        cmocka_unit_test(leaves_what_follows_an_upgrade),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
