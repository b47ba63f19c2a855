// SPDX-License-Identifier: MIT
/*
 * Frame headers at each change of length form, close codes, the accept key of
 * RFC 6455 1.3.
 */
#include "slices.h"
#include "wire/ws_frame.h"

static void check_header(uint64_t len, struct sl_slice wanted)
{
    uint8_t header[SL_WS_HEADER_MAX];
    size_t header_len = sl_ws_frame_header(header, SL_WS_TEXT, len);
    assert_slices(sl_slice_of(header, header_len), wanted);
}

static void headers(void **state)
{
    (void)state;
    check_header(0, SL_SLICE("\x81\x00"));
    check_header(125, SL_SLICE("\x81\x7d"));
    check_header(126, SL_SLICE("\x81\x7e\x00\x7e"));
    check_header(65535, SL_SLICE("\x81\x7e\xff\xff"));
    check_header(65536, SL_SLICE("\x81\x7f\0\0\0\0\x00\x01\x00\x00"));
    check_header(0x0102030405060708,
                 SL_SLICE("\x81\x7f\x01\x02\x03\x04\x05\x06\x07\x08"));
}

static void opcodes(void **state)
{
    (void)state;
    const enum sl_ws_opcode opcodes[] = { SL_WS_BINARY, SL_WS_CLOSE, SL_WS_PING,
                                          SL_WS_PONG };
    const uint8_t firsts[] = { 0x82, 0x88, 0x89, 0x8a };
    for (size_t i = 0; i < SL_COUNT(opcodes); i++) {
        uint8_t header[SL_WS_HEADER_MAX];
        assert_int_equal(sl_ws_frame_header(header, opcodes[i], 1), 2);
        assert_int_equal(header[0], firsts[i]);
        assert_int_equal(header[1], 1);
    }
}

static void puts_header_before_payload(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("hello"));
    sl_ws_frame_buf(buf, SL_WS_BINARY);
    assert_bytes(sl_buf_framed(buf), "\x82\x05hello");
    assert_bytes(sl_buf_payload(buf), "hello");
    sl_buf_unref(buf);

    buf = sl_buf_new_empty(70000);
    memset(buf->data, 'x', 70000);
    buf->len = 70000;
    sl_ws_frame_buf(buf, SL_WS_TEXT);
    assert_int_equal(sl_buf_framed(buf).len, 70010);
    assert_memory_equal(sl_buf_framed(buf).ptr, "\x81\x7f\0\0\0\0\0\x01\x11p",
                        10);
    sl_buf_unref(buf);
}

static void close_codes(void **state)
{
    (void)state;
    const unsigned valid[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009,
                               1010, 1011, 1012, 1014, 3000, 4999 };
    const unsigned invalid[] = { 0,    1,    999,  1004, 1005, 1006,
                                 1015, 1016, 2999, 5000, 65535 };
    for (size_t i = 0; i < SL_COUNT(valid); i++)
        assert_true(sl_ws_close_code_valid(valid[i]));
    for (size_t i = 0; i < SL_COUNT(invalid); i++)
        assert_false(sl_ws_close_code_valid(invalid[i]));
}

static void accept_key(void **state)
{
    (void)state;
    char accept[SL_WS_ACCEPT_LEN + 1];
    sl_ws_accept_key(SL_SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    sl_ws_accept_key((struct sl_slice){ 0 }, accept);
    assert_int_equal(strlen(accept), SL_WS_ACCEPT_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(opcodes),
        cmocka_unit_test(puts_header_before_payload),
        cmocka_unit_test(close_codes),
        cmocka_unit_test(accept_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
