// SPDX-License-Identifier: MIT
/*
 * What sigload believes to have read decides whether a message counts as
 * right, so its readers are tested by themselves: frames, both hub protocols,
 * payloads, HTTP answers, and the arithmetic of latencies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/mask.h"
#include "sigload/frame.h"
#include "sigload/histogram.h"
#include "sigload/http.h"
#include "sigload/payload.h"
#include "sigload/protocol.h"

#define LENGTH(literal) (sizeof(literal) - 1)
#define TEXT(literal) ((struct sl_text){ literal, LENGTH(literal) })

static void assert_text(struct sl_text text, const char *expected)
{
    assert_non_null(text.data);
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

/* ---- frames ---- */

/* A client's frame, unmasked, is the server's frame of the same payload. */
static void frame_of_every_length_survives(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 7, 8, 125, 126, 65535, 65536 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t size = sizes[i];
        uint8_t *payload = malloc(size + 1);
        for (size_t j = 0; j < size; j++)
            payload[j] = (uint8_t)(j * 7);
        struct sl_bytes out = { 0 };
        sl_frame_append(&out, SL_OPCODE_BINARY, payload, size);

        const size_t header_size = out.size - size;
        uint8_t *masked = out.data + header_size;
        sl_mask(masked, masked, size, masked - SL_MASK_SIZE);
        memmove(masked - SL_MASK_SIZE, masked, size);
        out.data[1] &= 0x7f;
        const size_t frame_size = out.size - SL_MASK_SIZE;

        struct sl_frame frame;
        assert_int_equal(sl_frame_read(&frame, out.data, frame_size),
                         frame_size);
        assert_int_equal(frame.opcode, SL_OPCODE_BINARY);
        assert_int_equal(frame.size, size);
        assert_memory_equal(frame.payload, payload, size);
        assert_int_equal(sl_frame_read(&frame, out.data, frame_size - 1), 0);
        sl_bytes_release(&out);
        free(payload);
    }
}

static void frame_that_no_server_sends_is_refused(void **state)
{
    (void)state;
    struct sl_frame frame;
    const uint8_t masked[] = { 0x81, 0x81, 1, 2, 3, 4, 'x' };
    assert_int_equal(sl_frame_read(&frame, masked, sizeof masked), -1);
    const uint8_t large[] = { 0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0 };
    assert_int_equal(sl_frame_read(&frame, large, sizeof large), -1);
    assert_int_equal(sl_frame_read(&frame, large, sizeof large - 1), 0);
}

/* ---- JSON ---- */

static void json_messages_are_read(void **state)
{
    (void)state;
    struct sl_message message;
    assert_true(sl_protocol_json.decode(
        TEXT("{\"type\":3,\"invocationId\":\"17\",\"result\":\"abc\"}"),
        &message));
    assert_int_equal(message.type, SL_MESSAGE_COMPLETION);
    assert_int_equal(message.id, 17);
    assert_text(message.text, "abc");
    assert_null(message.error.data);

    assert_true(sl_protocol_json.decode(
        TEXT("{ \"target\" : \"recv\", \"arguments\" : [ \"x\\\"y\", {} ],"
             " \"type\" : 1 }"),
        &message));
    assert_int_equal(message.type, SL_MESSAGE_INVOCATION);
    assert_int_equal(message.id, SL_CALL_NO_ID);
    assert_text(message.text, "x\\\"y");

    assert_true(sl_protocol_json.decode(
        TEXT("{\"type\":2,\"invocationId\":\"0\",\"item\":-42}"), &message));
    assert_true(message.has_number);
    assert_int_equal(message.number, -42);

    assert_true(sl_protocol_json.decode(
        TEXT("{\"type\":3,\"x\":[[{\"]\":\"}\"}],1],\"error\":\"no\"}"),
        &message));
    assert_text(message.error, "no");
    assert_null(message.text.data);
}

static void json_that_is_broken_is_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "[]",
        "{",
        "{\"type\":3",
        "{\"type\" 3}",
        "{\"type\":3,\"result\":\"abc}",
        "{\"type\":3,\"result\":\"abc\\\"}",
        "{\"type\":1,\"arguments\":[\"a\"}",
        "{\"type\":1,\"arguments\":[{]}",
        "{\"type\":1,}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        /* On the heap and without an end: reading past it is found. */
        const size_t size = strlen(broken[i]);
        char *copy = malloc(size + 1);
        memcpy(copy, broken[i], size);
        char *exact = realloc(copy, size > 0 ? size : 1);
        struct sl_message message;
        assert_false(
            sl_protocol_json.decode((struct sl_text){ exact, size }, &message));
        free(exact);
    }
}

static void json_call_is_written_as_the_floor_expects(void **state)
{
    (void)state;
    uint8_t out[SL_CALL_OVERHEAD_MAX + 3];
    struct sl_call call = {
        .type = SL_MESSAGE_INVOCATION,
        .id = 20,
        .target = "SendGroup",
        .name = "g1",
        .payload = TEXT("abc"),
    };
    size_t size = sl_protocol_json.encode(&call, out);
    assert_text((struct sl_text){ (char *)out, size },
                "{\"type\":1,\"invocationId\":\"20\",\"target\":\"SendGroup\","
                "\"arguments\":[\"g1\",\"abc\"]}\x1e");
    call = (struct sl_call){
        .type = SL_MESSAGE_STREAM_INVOCATION,
        .id = SL_CALL_NO_ID,
        .target = "Counter",
        .has_numbers = true,
        .numbers = { 4294967295u, 0 },
    };
    size = sl_protocol_json.encode(&call, out);
    assert_text((struct sl_text){ (char *)out, size },
                "{\"type\":4,\"target\":\"Counter\","
                "\"arguments\":[4294967295,0]}\x1e");
}

/* ---- MessagePack ---- */

/* What the encoder writes, the decoder reads. */
static void msgpack_call_survives(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 31, 32, 255, 256, 65535, 65536 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *payload = malloc(sizes[i] + 1);
        memset(payload, 'p', sizes[i]);
        uint8_t *out = malloc(SL_CALL_OVERHEAD_MAX + sizes[i]);
        const struct sl_call call = {
            .type = SL_MESSAGE_INVOCATION,
            .id = 305,
            .target = "Echo",
            .payload = { payload, sizes[i] },
        };
        const size_t size = sl_protocol_msgpack.encode(&call, out);

        struct sl_text body;
        struct sl_message message;
        assert_int_equal(sl_protocol_msgpack.split(out, size, &body), size);
        assert_int_equal(sl_protocol_msgpack.split(out, size - 1, &body), 0);
        assert_true(sl_protocol_msgpack.decode(body, &message));
        assert_int_equal(message.type, SL_MESSAGE_INVOCATION);
        assert_int_equal(message.id, 305);
        assert_int_equal(message.text.size, sizes[i]);
        assert_memory_equal(message.text.data, payload, sizes[i]);
        free(out);
        free(payload);
    }
}

static void msgpack_messages_are_read(void **state)
{
    (void)state;
    struct sl_message message;
    /* [3, {}, "7", 3, "ok"], [3, {}, "7", 1, "no"], [2, {}, "7", -1] */
    assert_true(sl_protocol_msgpack.decode(
        TEXT("\x95\x03\x80\xa1\x37\x03\xa2ok"), &message));
    assert_int_equal(message.id, 7);
    assert_text(message.text, "ok");
    assert_true(sl_protocol_msgpack.decode(
        TEXT("\x95\x03\x80\xa1\x37\x01\xa2no"), &message));
    assert_text(message.error, "no");
    assert_true(
        sl_protocol_msgpack.decode(TEXT("\x94\x02\x80\xa1\x37\xff"), &message));
    assert_true(message.has_number);
    assert_int_equal(message.number, -1);
}

/* Every beginning of a message is refused, and none is read past its end. */
static void msgpack_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "\x96\x01\x81\xa1k\xa1v\xa3\x31\x32\x33"
                                "\xa4recv\x91\xd9\x02xy\x90";
    const size_t first_scalar_end = LENGTH(whole) - 1;
    for (size_t size = 0; size < first_scalar_end; size++) {
        char *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, whole, size);
        struct sl_message message;
        assert_false(sl_protocol_msgpack.decode((struct sl_text){ copy, size },
                                                &message));
        free(copy);
    }
    char deep[200];
    memset(deep, '\x91', sizeof deep);
    memcpy(deep, "\x95\x02", 2);
    struct sl_message message;
    assert_false(sl_protocol_msgpack.decode(
        (struct sl_text){ deep, sizeof deep }, &message));
}

/* ---- payloads ---- */

static void payload_tells_every_damage(void **state)
{
    (void)state;
    struct sl_payload payload;
    sl_payload_init(&payload, 40);
    const struct sl_stamp sent = { 0x0123456789abcdefu, 0xfedcba98u };
    sl_payload_stamp(&payload, sent);
    char text[40];
    memcpy(text, payload.text, sizeof text);

    struct sl_stamp got;
    assert_true(sl_payload_read(&payload, text, sizeof text, &got));
    assert_true(got.time_ns == sent.time_ns);
    assert_int_equal(got.seq, sent.seq);
    assert_false(sl_payload_read(&payload, text, sizeof text - 1, &got));
    for (size_t i = 0; i < sizeof text; i++) {
        const char right = text[i];
        text[i] = right == '0' ? '1' : '0';
        const bool same = sl_payload_read(&payload, text, sizeof text, &got) &&
                          got.time_ns == sent.time_ns && got.seq == sent.seq;
        text[i] = right;
        assert_false(same);
    }
    sl_payload_release(&payload);
}

/* ---- HTTP ---- */

static void negotiate_answers_are_read(void **state)
{
    (void)state;
    static const char with_length[] =
        "HTTP/1.1 200 OK\r\ncontent-length: 27\r\n\r\n"
        "{\"connectionToken\":\"a-b_c\"}";
    static const char chunked[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1b\r\n{\"connectionToken\":\"a-b_c\"}\r\n0\r\n\r\n";
    static const char refused[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    const struct sl_text answers[] = { TEXT(with_length), TEXT(chunked) };
    struct sl_text token;
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *data = (const uint8_t *)answers[i].data;
        for (size_t size = 0; size < answers[i].size; size++)
            assert_int_equal(sl_http_read_negotiate(data, size, &token),
                             SL_HTTP_INCOMPLETE);
        assert_int_equal(sl_http_read_negotiate(data, answers[i].size, &token),
                         SL_HTTP_DONE);
        assert_text(token, "a-b_c");
    }
    assert_int_equal(sl_http_read_negotiate((const uint8_t *)refused,
                                            LENGTH(refused), &token),
                     SL_HTTP_REFUSED);
}

static void upgrade_answers_are_read(void **state)
{
    (void)state;
    static const char accepted[] = "HTTP/1.1 101 x\r\nA: b\r\n\r\nframe";
    static const char refused[] = "HTTP/1.1 401 Unauthorized\r\n\r\n";
    size_t used;
    assert_int_equal(sl_http_read_upgrade((const uint8_t *)accepted,
                                          LENGTH(accepted), &used),
                     SL_HTTP_DONE);
    assert_int_equal(used, LENGTH(accepted) - LENGTH("frame"));
    assert_int_equal(
        sl_http_read_upgrade((const uint8_t *)refused, LENGTH(refused), &used),
        SL_HTTP_REFUSED);
}

/* ---- latencies ---- */

static void quantiles_are_within_two_percent(void **state)
{
    (void)state;
    struct sl_histogram *histogram = calloc(1, sizeof *histogram);
    assert_true(sl_histogram_quantile_us(histogram, 0.5) == 0);
    for (uint64_t ms = 1; ms <= 1000; ms++)
        sl_histogram_add(histogram, ms * 1000000);
    const double median_us = sl_histogram_quantile_us(histogram, 0.5);
    assert_true(median_us > 490000 && median_us < 510000);
    const double p99_us = sl_histogram_quantile_us(histogram, 0.99);
    assert_true(p99_us > 970000 && p99_us < 1010000);
    assert_true(sl_histogram_max_us(histogram) == 1000000);
    assert_true(sl_histogram_mean_us(histogram) == 500500);
    sl_histogram_add(histogram, UINT64_MAX); /* the last bucket exists */
    assert_int_equal(histogram->count, 1001);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_of_every_length_survives),
        cmocka_unit_test(frame_that_no_server_sends_is_refused),
        cmocka_unit_test(json_messages_are_read),
        cmocka_unit_test(json_that_is_broken_is_refused),
        cmocka_unit_test(json_call_is_written_as_the_floor_expects),
        cmocka_unit_test(msgpack_call_survives),
        cmocka_unit_test(msgpack_messages_are_read),
        cmocka_unit_test(msgpack_that_is_cut_off_is_refused),
        cmocka_unit_test(payload_tells_every_damage),
        cmocka_unit_test(negotiate_answers_are_read),
        cmocka_unit_test(upgrade_answers_are_read),
        cmocka_unit_test(quantiles_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
