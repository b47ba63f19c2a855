// SPDX-License-Identifier: MIT
/*
 * WebSockets from the first byte of the upgrade to the last of the closing,
 * against a hub in C: frames cut at every byte, fragments, control frames
 * between them, each breach with its close code, closings begun by either
 * side, slow and silent peers with the loop's time moved by hand.
 */
#include "transport/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/lib/ws_rig.h"

#define TEXT 0x81u
#define BINARY 0x82u
#define TEXT_BEGINS 0x01u
#define CONTINUES 0x00u
#define CONTINUES_LAST 0x80u
#define CLOSE 0x88u
#define PING 0x89u
#define PONG 0x8au

#define ECHO_CALL                                                      \
    SL_SLICE("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\"," \
             "\"arguments\":[\"h\xc3\xa9\"]}\x1e")
#define ECHOED "{'type':3,'invocationId':'1','result':'h\xc3\xa9'}\n"

static struct ws_rig rig;
static struct ws_client client;

static int set_up(void **state)
{
    (void)state;
    ws_rig_open(&rig);
    ws_client_open(&client, &rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ws_client_close(&client);
    ws_rig_close(&rig);
    return 0;
}

/* Fires what is due within so many milliseconds. The loop goes back to the
 * real time with its next turn, so no test turns it between two calls. */
static void let_pass(uint64_t ms)
{
    struct sl_wheel *wheel = &rig.loop.loop.wheel;
    sl_wheel_advance(wheel, wheel->now_ms + ms);
}

static void until_left(unsigned count)
{
    test_loop_until(&rig.loop, sl_world_conn_count(&rig.world) == count &&
                                   rig.transport.socket_count == count);
}

static void until_gone(void)
{
    until_left(0);
}

static void assert_lives(void)
{
    ws_client_frame(&client, TEXT, ECHO_CALL);
    ws_client_hears(&client, ECHOED);
}

/* ---- upgrade ---- */

static void the_answer_has_the_key_and_no_more(void **state)
{
    (void)state;
    ws_client_send(
        &client,
        SL_SLICE(
            "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: json\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"));
    static const char want[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    while (client.in.len < sizeof(want) - 1) {
        test_loop_turn(&rig.loop);
        assert_true(test_recv(client.fd, &client.in, NULL));
    }
    assert_string_equal(sl_str_cstr(&client.in), want);
    sl_str_clear(&client.in);
}

static void frames_may_come_with_the_upgrade(void **state)
{
    (void)state;
    struct sl_str all = { 0 };
    sl_str_add_lit(&all, "GET /chat HTTP/1.1\r\nHost: x\r\n"
                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    ws_frame_add(&all, TEXT,
                 SL_SLICE("{\"protocol\":\"json\",\"version\":1}\x1e"));
    ws_frame_add(&all, TEXT, ECHO_CALL);
    ws_client_send(&client, sl_str_slice(&all));
    sl_str_release(&all);
    assert_int_equal(ws_client_answer(&client), 101);
    ws_client_hears(&client, "{}\n" ECHOED);
}

/* ---- reading ---- */

static void a_frame_may_be_cut_anywhere(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_str frame = { 0 };
    ws_frame_add(&frame, TEXT, ECHO_CALL);
    for (size_t cut = 1; cut < frame.len; cut++) {
        ws_client_send(&client, sl_slice_of(frame.ptr, cut));
        test_loop_until(&rig.loop, rig.transport.reader_count == 1);
        ws_client_send(&client, sl_slice_of(frame.ptr + cut, frame.len - cut));
        ws_client_hears(&client, ECHOED);
    }
    assert_int_equal(rig.transport.reader_count, 0);
    sl_str_release(&frame);
}

static void byte_by_byte(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_str frame = { 0 };
    ws_frame_add(&frame, TEXT, ECHO_CALL);
    for (size_t i = 0; i < frame.len; i++) {
        int64_t read = sl_metric_get(&rig.loop.metrics, SL_M_BYTES_IN);
        ws_client_send(&client, sl_slice_of(frame.ptr + i, 1));
        test_loop_until(&rig.loop,
                        sl_metric_get(&rig.loop.metrics, SL_M_BYTES_IN) > read);
        bool begun = i + 1 < frame.len;
        assert_int_equal(rig.transport.reader_count, begun ? 1 : 0);
    }
    ws_client_hears(&client, ECHOED);
    sl_str_release(&frame);
}

static void fragments_with_a_ping_between(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_slice echo = ECHO_CALL;
    unsigned first;
    struct sl_str payload = { 0 };
    ws_client_frame(&client, TEXT_BEGINS, (struct sl_slice){ 0 });
    ws_client_frame(&client, CONTINUES, sl_slice_of(echo.ptr, 10));
    ws_client_frame(&client, PING, SL_SLICE("p"));
    ws_client_frame(&client, CONTINUES_LAST,
                    sl_slice_of(echo.ptr + 10, echo.len - 10));
    assert_true(ws_client_next(&client, &first, &payload));
    assert_int_equal(first, PONG);
    assert_string_equal(sl_str_cstr(&payload), "p");
    ws_client_hears(&client, ECHOED);
    sl_str_release(&payload);
}

static void a_character_may_be_cut_by_fragments(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_slice echo = ECHO_CALL;
    size_t at = (size_t)((char *)memchr(echo.ptr, 0xc3, echo.len) - echo.ptr);
    ws_client_frame(&client, TEXT_BEGINS, sl_slice_of(echo.ptr, at + 1));
    ws_client_frame(&client, CONTINUES_LAST,
                    sl_slice_of(echo.ptr + at + 1, echo.len - at - 1));
    ws_client_hears(&client, ECHOED);
}

static void hub_messages_cross_frames_of_any_kind(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_slice echo = ECHO_CALL;
    ws_client_frame(&client, TEXT, sl_slice_of(echo.ptr, 20));
    ws_client_frame(&client, BINARY, sl_slice_of(echo.ptr + 20, echo.len - 20));
    ws_client_hears(&client, ECHOED);
}

static void many_messages_in_one_large_frame(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_str all = { 0 }, want = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        sl_str_add_slice(&all, ECHO_CALL);
        sl_str_add_lit(&want, ECHOED);
    }
    ws_client_frame(&client, TEXT, sl_str_slice(&all));
    ws_client_hears(&client, sl_str_cstr(&want));
    sl_str_release(&all);
    sl_str_release(&want);
}

static void pings_are_answered_with_their_payload(void **state)
{
    (void)state;
    assert_int_equal(ws_client_upgrade(&client, ""), 101);
    char longest[125];
    memset(longest, 'z', sizeof(longest));
    const struct sl_slice payloads[] = {
        { 0 }, SL_SLICE("abc"), sl_slice_of(longest, sizeof(longest))
    };
    for (size_t i = 0; i < SL_COUNT(payloads); i++) {
        unsigned first;
        struct sl_str payload = { 0 };
        ws_client_frame(&client, PING, payloads[i]);
        assert_true(ws_client_next(&client, &first, &payload));
        assert_int_equal(first, PONG);
        assert_int_equal(payload.len, payloads[i].len);
        assert_true(sl_slice_eq(sl_str_slice(&payload), payloads[i]));
        sl_str_release(&payload);
    }
    ws_client_frame(&client, PONG, SL_SLICE("out of the blue"));
    ws_client_say(&client, "{'protocol':'json','version':1}");
    ws_client_hears(&client, "{}\n");
}

/* ---- breaches ---- */

static void assert_breach(struct sl_slice bytes, unsigned code)
{
    unsigned others = rig.transport.socket_count;
    ws_client_join(&client, "");
    ws_client_send(&client, bytes);
    ws_client_hears_close(&client, code);
    ws_client_close(&client);
    until_left(others);
    ws_client_open(&client, &rig);
}

static void assert_frame_breach(unsigned first, struct sl_slice payload,
                                unsigned code)
{
    struct sl_str frame = { 0 };
    ws_frame_add(&frame, first, payload);
    assert_breach(sl_str_slice(&frame), code);
    sl_str_release(&frame);
}

static void each_breach_has_its_code(void **state)
{
    (void)state;
    char long_ping[126];
    memset(long_ping, 'z', sizeof(long_ping));
    assert_frame_breach(CLOSE, SL_SLICE("x"), 1002);
    assert_frame_breach(CLOSE, SL_SLICE("\x03\xe7"), 1002); /* 999 */
    assert_frame_breach(CLOSE, SL_SLICE("\x03\xed"), 1002); /* 1005 */
    assert_frame_breach(CLOSE, SL_SLICE("\x03\xee"), 1002); /* 1006 */
    assert_frame_breach(CLOSE, SL_SLICE("\x03\xe8\xff\xfe"), 1002);
    assert_frame_breach(0xc1, ECHO_CALL, 1002);           /* RSV1 */
    assert_frame_breach(0x83, SL_SLICE("x"), 1002);       /* opcode 3 */
    assert_frame_breach(0x8b, SL_SLICE("x"), 1002);       /* opcode 11 */
    assert_frame_breach(CONTINUES_LAST, ECHO_CALL, 1002); /* of nothing */
    assert_frame_breach(0x09, SL_SLICE("a"), 1002);       /* a ping in pieces */
    assert_frame_breach(PING, sl_slice_of(long_ping, sizeof(long_ping)), 1002);
    assert_frame_breach(TEXT, SL_SLICE("{\"type\":6,\"x\":\"\xff\xc0\"}\x1e"),
                        1007);
    assert_frame_breach(TEXT, SL_SLICE("{\"type\":6,\"x\":\"\xc3"), 1007);
    assert_breach(SL_SLICE("\x81\x02{}"), 1002); /* not masked */
    assert_breach(SL_SLICE("\x81\xff\x80\0\0\0\0\0\0\1\1\2\3\4"), 1002);
}

static void a_message_inside_another(void **state)
{
    (void)state;
    struct sl_str frames = { 0 };
    ws_frame_add(&frames, TEXT_BEGINS, SL_SLICE("{\"type\""));
    ws_frame_add(&frames, TEXT, ECHO_CALL);
    assert_breach(sl_str_slice(&frames), 1002);
    sl_str_release(&frames);
}

static void a_breach_leaves_others_alone(void **state)
{
    (void)state;
    struct ws_client other;
    ws_client_open(&other, &rig);
    ws_client_join(&other, "");
    assert_frame_breach(0x83, SL_SLICE("x"), 1002);
    ws_client_frame(&other, TEXT, ECHO_CALL);
    ws_client_hears(&other, ECHOED);
    ws_client_close(&other);
}

/* ---- ends ---- */

static void a_client_close_is_answered(void **state)
{
    (void)state;
    static const char *const payloads[] = { "",
                                            "\x03\xe8",
                                            "\x03\xe8"
                                            "bye",
                                            "\x03\xe9",
                                            "\x0b\xb8"
                                            "app",
                                            "\x13\x87" };
    for (size_t i = 0; i < SL_COUNT(payloads); i++) {
        ws_client_join(&client, "");
        ws_client_frame(&client, CLOSE, sl_slice_str(payloads[i]));
        ws_client_hears_close(&client, 1000);
        ws_client_close(&client);
        until_gone();
        assert_non_null(strstr(c_hub_log(&rig.hub), "client"));
        ws_client_open(&client, &rig);
    }
}

static void the_hub_closes(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    ws_client_say(&client, "{'type':7}");
    ws_client_hears(&client, "{'type':7}\n");
    ws_client_hears_close(&client, 1000);
    ws_client_close(&client);
    until_gone();
}

static void a_client_that_does_not_answer_the_close_is_dropped(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    ws_client_say(&client, "{'type':7}");
    ws_client_hears(&client, "{'type':7}\n");
    test_loop_until(&rig.loop, sl_world_conn_count(&rig.world) == 0);
    assert_int_equal(rig.transport.socket_count, 1);
    let_pass(SL_CLOSE_TIMEOUT_MS + 1);
    test_loop_until(&rig.loop, rig.transport.socket_count == 0);
}

static void a_socket_that_ends_without_a_word(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    ws_client_close(&client);
    until_gone();
    assert_non_null(strstr(c_hub_log(&rig.hub), "lost"));
}

static void a_half_closed_socket_still_gets_its_answer(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    ws_client_frame(&client, TEXT, ECHO_CALL);
    assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
    ws_client_hears(&client, ECHOED);
    until_gone();
}

static void data_after_the_hub_closed_is_dropped(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    struct sl_str frames = { 0 };
    ws_frame_add(&frames, TEXT, SL_SLICE("{\"type\":7}\x1e"));
    ws_frame_add(&frames, TEXT, ECHO_CALL);
    ws_client_send(&client, sl_str_slice(&frames));
    sl_str_release(&frames);
    ws_client_hears(&client, "{'type':7}\n");
    ws_client_hears_close(&client, 1000);
}

/* ---- bounds ---- */

static void a_begun_frame_has_a_deadline(void **state)
{
    (void)state;
    rig.entry->options.keep_alive = 3600000;
    ws_client_join(&client, "");
    struct sl_str frame = { 0 };
    ws_frame_add(&frame, TEXT, ECHO_CALL);
    ws_client_send(&client, sl_slice_of(frame.ptr, frame.len - 1));
    test_loop_until(&rig.loop, rig.transport.reader_count == 1);
    let_pass(SL_FRAME_TIMEOUT_MS - 10);
    assert_int_equal(sl_world_conn_count(&rig.world), 1);
    let_pass(20);
    ws_client_hears_close(&client, 1008);
    assert_int_equal(rig.transport.reader_count, 0);
    sl_str_release(&frame);
}

static void a_frame_that_ends_in_time_has_none(void **state)
{
    (void)state;
    rig.entry->options.keep_alive = 3600000;
    ws_client_join(&client, "");
    struct sl_str frame = { 0 };
    ws_frame_add(&frame, TEXT, ECHO_CALL);
    ws_client_send(&client, sl_slice_of(frame.ptr, 5));
    test_loop_until(&rig.loop, rig.transport.reader_count == 1);
    ws_client_send(&client, sl_slice_of(frame.ptr + 5, frame.len - 5));
    ws_client_hears(&client, ECHOED);
    let_pass(SL_FRAME_TIMEOUT_MS + 10);
    assert_lives();
    sl_str_release(&frame);
}

static void too_many_begun_frames_are_refused(void **state)
{
    (void)state;
    ws_client_join(&client, "");
    rig.transport.reader_count = SL_FRAME_READERS_MAX;
    /* The spare reader serves whole frames still. */
    assert_lives();
    struct ws_client other;
    ws_client_open(&other, &rig);
    ws_client_join(&other, "");
    ws_client_send(&other, SL_SLICE("\x81"));
    test_loop_until(&rig.loop,
                    rig.transport.reader_count == SL_FRAME_READERS_MAX + 1);
    ws_client_frame(&client, TEXT, ECHO_CALL);
    ws_client_hears_close(&client, 1008);
    ws_client_close(&other);
    ws_client_close(&client);
    until_gone();
    rig.transport.reader_count = 0;
}

static void a_client_that_never_reads_is_closed(void **state)
{
    (void)state;
    rig.entry->options.max_outbound = 65536;
    int small = 4096;
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    ws_client_join(&client, "");
    struct ws_client other;
    ws_client_open(&other, &rig);
    ws_client_join(&other, "");
    struct sl_str send = { 0 };
    sl_str_add_lit(&send, "{\"type\":1,\"target\":\"SendOthers\","
                          "\"arguments\":[\"");
    for (unsigned i = 0; i < 16000; i++)
        sl_str_add_char(&send, 'x');
    sl_str_add_lit(&send, "\"]}\x1e");
    while (sl_metric_get(&rig.loop.metrics, SL_M_SLOW_CLOSED) == 0) {
        ws_client_frame(&other, TEXT, sl_str_slice(&send));
        test_loop_turn(&rig.loop);
        assert_true(sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES) <
                    2 * 65536);
    }
    test_loop_until(&rig.loop, rig.transport.socket_count == 1);
    assert_non_null(strstr(c_hub_log(&rig.hub), "slow"));
    ws_client_frame(&other, TEXT, ECHO_CALL);
    ws_client_hears(&other, ECHOED);
    ws_client_close(&other);
    sl_str_release(&send);
}

static void a_client_that_pings_and_never_reads_is_closed(void **state)
{
    (void)state;
    rig.entry->options.max_outbound = 65536;
    int small = 4096;
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    ws_client_join(&client, "");
    struct sl_str pings = { 0 };
    char payload[125] = { 'p' };
    for (unsigned i = 0; i < 100; i++)
        ws_frame_add(&pings, PING, sl_slice_of(payload, sizeof(payload)));
    while (rig.transport.socket_count > 0) {
        size_t at = 0;
        while (at < pings.len && rig.transport.socket_count > 0) {
            ssize_t sent = send(client.fd, pings.ptr + at, pings.len - at,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
            at += sent > 0 ? (size_t)sent : 0;
            test_loop_turn(&rig.loop);
        }
        assert_true(sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES) <
                    4 * 65536);
    }
    sl_str_release(&pings);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_answer_has_the_key_and_no_more),
        CASE(frames_may_come_with_the_upgrade),
        CASE(a_frame_may_be_cut_anywhere),
        CASE(byte_by_byte),
        CASE(fragments_with_a_ping_between),
        CASE(a_character_may_be_cut_by_fragments),
        CASE(hub_messages_cross_frames_of_any_kind),
        CASE(many_messages_in_one_large_frame),
        CASE(pings_are_answered_with_their_payload),
        CASE(each_breach_has_its_code),
        CASE(a_message_inside_another),
        CASE(a_breach_leaves_others_alone),
        CASE(a_client_close_is_answered),
        CASE(the_hub_closes),
        CASE(a_client_that_does_not_answer_the_close_is_dropped),
        CASE(a_socket_that_ends_without_a_word),
        CASE(a_half_closed_socket_still_gets_its_answer),
        CASE(data_after_the_hub_closed_is_dropped),
        CASE(a_begun_frame_has_a_deadline),
        CASE(a_frame_that_ends_in_time_has_none),
        CASE(too_many_begun_frames_are_refused),
        CASE(a_client_that_never_reads_is_closed),
        CASE(a_client_that_pings_and_never_reads_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
