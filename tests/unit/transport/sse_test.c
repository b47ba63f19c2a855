// SPDX-License-Identifier: MIT
/*
 * Event streams byte by byte, and how they end.
 */
#include "transport/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/poll_rig.h"

#define ACCEPT "Accept: text/event-stream\r\n"
#define HELLO "{'protocol':'json','version':1}\n"

static struct ws_rig rig;
static char target[64];
static struct ws_client stream;

static int set_up(void **state)
{
    (void)state;
    ws_rig_open(&rig);
    poll_negotiate(&rig, target);
    ws_client_open_local(&stream, &rig); /* it buffers little */
    poll_send(&stream, "GET", target, ACCEPT, "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ws_client_close(&stream);
    ws_rig_close(&rig);
    return 0;
}

/* Takes exactly these bytes off. */
static void hears(const char *text)
{
    size_t len = strlen(text);
    while (stream.in.len < len) {
        assert_false(stream.ended);
        test_loop_turn(&rig.loop);
        if (!test_recv(stream.fd, &stream.in, NULL))
            stream.ended = true;
    }
    assert_memory_equal(stream.in.ptr, text, len);
    stream.in.len -= len;
    memmove(stream.in.ptr, stream.in.ptr + len, stream.in.len);
}

static void events_stand_in_chunks(void **state)
{
    (void)state;
    assert_int_equal(ws_client_answer(&stream), 200);
    hears("3\r\n:\r\n\r\n");
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    hears("d\r\ndata: {}\x1e\r\n\r\n\r\n");
    poll_ask(&rig, "POST", target, "{'type':7}\n", 200, "");
    hears("15\r\ndata: {\"type\":7}\x1e\r\n\r\n\r\n0\r\n\r\n");
    poll_ask(&rig, "POST", target, HELLO, 404, "No Connection with that ID");
}

static void a_second_stream_and_other_requests(void **state)
{
    (void)state;
    struct ws_client second;
    assert_int_equal(ws_client_answer(&stream), 200);
    ws_client_open(&second, &rig);
    poll_send(&second, "GET", target, ACCEPT, "");
    poll_hears(&second, 409, "");
    ws_client_close(&second);
    poll_ask(&rig, "GET", target, "", 400,
             "Cannot change transports mid-connection");
    poll_ask(&rig, "DELETE", target, "", 400,
             "Cannot terminate this connection using the DELETE endpoint.");
}

static void the_client_leaves(void **state)
{
    (void)state;
    assert_int_equal(ws_client_answer(&stream), 200);
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    ws_client_close(&stream);
    test_loop_until(&rig.loop, rig.transport.socket_count == 0);
    poll_ask(&rig, "POST", target, HELLO, 404, "No Connection with that ID");
    assert_non_null(strstr(c_hub_log(&rig.hub), " lost"));
}

/* ---- a stream that nobody reads ---- */

#define LIMIT 65536

static struct ws_client other;

static void join_slow(void)
{
    rig.entry->options.max_outbound = LIMIT;
    assert_int_equal(ws_client_answer(&stream), 200);
    poll_ask(&rig, "POST", target, HELLO, 200, "");
    hears("3\r\n:\r\n\r\nd\r\ndata: {}\x1e\r\n\r\n\r\n");
}

static int64_t queued_bytes(void)
{
    return sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES);
}

static void who_never_reads_is_closed(void **state)
{
    (void)state;
    join_slow();
    ws_client_open(&other, &rig);
    ws_client_join(&other, "");
    struct sl_str call = { 0 };
    sl_str_add_lit(&call, "{'type':1,'target':'SendOthers','arguments':['");
    for (unsigned i = 0; i < 16000; i++)
        sl_str_add_char(&call, 'x');
    sl_str_add_lit(&call, "']}");
    while (sl_metric_get(&rig.loop.metrics, SL_M_SLOW_CLOSED) == 0) {
        ws_client_say(&other, sl_str_cstr(&call));
        test_loop_turn(&rig.loop);
        assert_true(queued_bytes() < 2 * LIMIT);
    }
    sl_str_release(&call);
    test_loop_until(&rig.loop, rig.transport.socket_count == 1);
    test_loop_until(&rig.loop, queued_bytes() == 0);
    assert_non_null(strstr(c_hub_log(&rig.hub), " slow"));
    poll_ask(&rig, "POST", target, HELLO, 404, "No Connection with that ID");
    ws_client_say(&other, "{'type':1,'invocationId':'1','target':'Add',"
                          "'arguments':[1,2]}");
    ws_client_hears(&other, "{'type':3,'invocationId':'1','result':3}\n");
    ws_client_close(&other);
}

#define ITEMS 50000 /* far more than the socket holds */

static void read_more(void)
{
    test_loop_turn(&rig.loop);
    if (!test_recv(stream.fd, &stream.in, NULL))
        stream.ended = true;
}

/* Whether what came ends like this. */
static bool heard_last(const char *text)
{
    size_t len = strlen(text);
    return stream.in.len >= len &&
           memcmp(stream.in.ptr + stream.in.len - len, text, len) == 0;
}

/* A stream is held back long before that, and goes on when it is read. */
static void a_slow_reader_slows_a_stream(void **state)
{
    (void)state;
    join_slow();
    poll_ask(&rig, "POST", target,
             "{'type':4,'invocationId':'1','target':'Count',"
             "'arguments':[50000]}\n",
             200, "");
    test_loop_settle(&rig.loop);
    assert_true(queued_bytes() > 0 && queued_bytes() < LIMIT / 2);
    assert_int_equal(rig.hub.running, 1);
    while (!heard_last(
        "data: {\"type\":3,\"invocationId\":\"1\"}\x1e\r\n\r\n\r\n")) {
        read_more();
        assert_true(queued_bytes() < LIMIT / 2);
    }
    size_t messages = 0;
    for (size_t i = 0; i < stream.in.len; i++)
        messages += stream.in.ptr[i] == 0x1e;
    assert_int_equal(messages, ITEMS + 1);
    assert_int_equal(rig.hub.running, 0);
    assert_int_equal(sl_metric_get(&rig.loop.metrics, SL_M_SLOW_CLOSED), 0);
}

/* Who calls and does not read the answers is not read any more. */
static void a_slow_reader_must_wait_with_its_calls(void **state)
{
    (void)state;
    join_slow();
    struct sl_str call = { 0 };
    sl_str_add_lit(&call, "{'type':1,'invocationId':'1','target':'Echo',"
                          "'arguments':['");
    for (unsigned i = 0; i < 7000; i++)
        sl_str_add_char(&call, 'x');
    sl_str_add_lit(&call, "']}\n");
    while (sl_metric_get(&rig.loop.metrics, SL_M_READING_PAUSED) == 0)
        poll_ask(&rig, "POST", target, sl_str_cstr(&call), 200, "");
    sl_str_release(&call);
    struct ws_client waits;
    ws_client_open(&waits, &rig);
    poll_send(&waits, "POST", target, "", "{'type':7}\n");
    test_loop_settle(&rig.loop);
    assert_true(test_recv(waits.fd, &waits.in, NULL));
    assert_int_equal(waits.in.len, 0);
    while (!stream.ended) /* it reads again: all comes, the goodbye last */
        read_more();
    poll_hears(&waits, 200, "");
    ws_client_close(&waits);
    assert_true(stream.in.len > LIMIT / 2);
    assert_true(heard_last("0\r\n\r\n"));
    assert_non_null(strstr(c_hub_log(&rig.hub), " client"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(events_stand_in_chunks),
        CASE(a_second_stream_and_other_requests),
        CASE(the_client_leaves),
        CASE(who_never_reads_is_closed),
        CASE(a_slow_reader_slows_a_stream),
        CASE(a_slow_reader_must_wait_with_its_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
