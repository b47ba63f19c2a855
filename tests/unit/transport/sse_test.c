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
    ws_client_open(&stream, &rig);
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(events_stand_in_chunks),
        CASE(a_second_stream_and_other_requests),
        CASE(the_client_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
