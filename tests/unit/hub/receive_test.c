// SPDX-License-Identifier: MIT
/*
 * Bytes in any cut become the same messages; limits are exact; what breaks the
 * protocol closes with the reference's text; nothing is kept when idle.
 */
#include "tests/lib/expect.h"

#include <stdio.h>

static const char session[] =
    "{'protocol':'json','version':1}\n"
    "{'type':1,'invocationId':'1','target':'Echo','arguments':['x']}\n"
    "{'type':6}\n"
    "{'type':1,'invocationId':'2','target':'Add','arguments':[1,2]}\n"
    "{'type':10}\n"
    "{'type':1,'invocationId':'3','target':'Nope','arguments':[]}\n"
    "{'type':7}\n";

static const char answers[] = "{}\n" RESULT("1", "'x'") RESULT("2", "3")
    FAILURE("3", "Failed to invoke 'Nope' due to an error on the server. "
                 "HubException: Method does not exist.") CLOSE;

static void expect_answers(struct alone *alone)
{
    expect_heard(&alone->a, answers);
    assert_true(alone->a.closed);
    cluster_settle(&alone->cluster);
    expect_log(alone->worker, "connected a\ndisconnected a client\nforget a\n");
}

static void say_part(struct peer *peer, size_t from, size_t to)
{
    char part[sizeof(session)];
    memcpy(part, session + from, to - from);
    part[to - from] = '\0';
    peer_say_raw(peer, part);
}

static void test_two_parts_cut_anywhere(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof(session); cut++) {
        struct alone alone;
        alone_init(&alone, NULL);
        peer_open(&alone.a, alone.worker, "a", NULL);
        say_part(&alone.a, 0, cut);
        cluster_settle(&alone.cluster);
        say_part(&alone.a, cut, sizeof(session) - 1);
        expect_answers(&alone);
        alone_release(&alone);
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open(&alone.a, alone.worker, "a", NULL);
    for (size_t i = 0; i + 1 < sizeof(session); i++)
        say_part(&alone.a, i, i + 1);
    expect_answers(&alone);
    alone_release(&alone);
}

static void test_idle_connection_keeps_nothing(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    assert_int_equal(alone.a.conn->partial.cap, 0);
    peer_say_raw(&alone.a, "{'type':");
    assert_int_equal(alone.a.conn->partial.len, 8);
    peer_say_raw(&alone.a, "6}\n{");
    assert_int_equal(alone.a.conn->partial.len, 1);
    peer_say_raw(&alone.a, "'type':6}\n");
    assert_int_equal(alone.a.conn->partial.cap, 0);
    peer_say_raw(&alone.a, "");
    assert_int_equal(alone_metric(&alone, MESSAGES_IN), 2);
    alone_release(&alone);
}

/* A call whose whole frame has `size` bytes. */
static char *call_of(size_t size)
{
    static const char head[] =
        "{'type':1,'invocationId':'1','target':'Add','arguments':[1,2]";
    char *text = sl_alloc(size + 1);
    memset(text, ' ', size);
    memcpy(text, head, sizeof(head) - 1);
    text[size - 2] = '}';
    text[size - 1] = '\n';
    text[size] = '\0';
    return text;
}

static void test_size_limit_is_exact(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    char *fits = call_of(32768);
    peer_say_raw(&alone.a, fits);
    expect_heard(&alone.a, RESULT("1", "3"));
    sl_free(fits);

    char *over = call_of(32769);
    peer_say_raw(&alone.a, over);
    expect_heard(&alone.a, CLOSE_ERROR);
    assert_true(alone.a.closed);
    sl_free(over);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker,
               "disconnected a too_large: The maximum message size of 32768B "
               "was exceeded. The message size can be configured in "
               "AddHubOptions.\nforget a\n");
    assert_int_equal(alone_metric(&alone, TOO_LARGE_CLOSED), 1);
    alone_release(&alone);
}

static void test_size_limit_is_seen_before_the_end(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    char *start = call_of(32769);
    start[32768] = '\0';
    peer_say_raw(&alone.a, start);
    assert_false(alone.a.closed);
    assert_int_equal(alone.a.conn->partial.len, 32768);
    peer_say_raw(&alone.a, " ");
    assert_true(alone.a.closed);
    sl_free(start);
    alone_release(&alone);
}

/* Together over the limit, each for itself below it. */
static void test_many_messages_may_exceed_the_limit(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_str many = { 0 };
    for (int i = 0; i < 10000; i++)
        sl_str_add_lit(&many, "{'type':1,'invocationId':'1','target':'Echo',"
                              "'arguments':[1]}\n");
    peer_say_raw(&alone.a, sl_str_cstr(&many));
    sl_str_release(&many);
    const char *heard = peer_heard(&alone.a);
    size_t size = sizeof(RESULT("1", "1")) - 1;
    assert_int_equal(strlen(heard), 10000 * size);
    assert_memory_equal(heard + 9999 * size, RESULT("1", "1"), size);
    assert_int_equal(alone_metric(&alone, INVOCATIONS), 10000);
    alone_release(&alone);
}

static void test_handshake_over_the_limit(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open(&alone.a, alone.worker, "a", NULL);
    struct sl_str blanks = { 0 };
    memset(sl_str_reserve(&blanks, 32769), ' ', 32769);
    blanks.len = 32768;
    peer_say_bytes(&alone.a, sl_str_slice(&blanks));
    assert_false(alone.a.closed);
    peer_say_raw(&alone.a, " ");
    assert_true(alone.a.closed);
    expect_heard(&alone.a, "{'error':'Handshake was canceled.'}\n");
    sl_str_release(&blanks);
    alone_release(&alone);
}

static void test_refused_handshake(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    peer_open(&alone.a, alone.worker, "a", NULL);
    peer_say_raw(&alone.a, "{'protocol':'xml','version':1}\n{'type':6}\n");
    expect_heard(&alone.a, "{'error':'The protocol 'xml' is not supported.'}"
                           "\n");
    assert_true(alone.a.closed);
    assert_false(alone.a.failed || alone.a.dropped);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "forget a\n");
    assert_int_equal(alone_metric(&alone, HANDSHAKES_FAILED), 1);
    assert_int_equal(alone_metric(&alone, CONNECTIONS_OPENED), 0);
    alone_release(&alone);
}

static void tune_details(struct sl_hub_options *options)
{
    options->detailed_errors = 1;
}

static void expect_breach(void (*tune)(struct sl_hub_options *),
                          const char *message, const char *heard,
                          const char *log)
{
    struct alone alone;
    alone_init(&alone, tune);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, message);
    peer_say(&alone.a, "{'type':6}");
    expect_heard(&alone.a, heard);
    assert_true(alone.a.closed);
    assert_false(alone.a.failed || alone.a.dropped);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, log);
    assert_int_equal(alone_metric(&alone, PROTOCOL_CLOSED), 1);
    alone_release(&alone);
}

static void test_breaches(void **state)
{
    (void)state;
    expect_breach(NULL, "not json", CLOSE_ERROR,
                  "disconnected a protocol: Error reading JSON.\nforget a\n");
    expect_breach(NULL, "{}", CLOSE_ERROR,
                  "disconnected a protocol: Missing required property 'type'."
                  "\nforget a\n");
    expect_breach(tune_details, "{'type':5}",
                  "{'type':7,'error':'Connection closed with an error. "
                  "InvalidDataException: Missing required property "
                  "'invocationId'.','allowReconnect':true}\n",
                  "disconnected a protocol: Missing required property "
                  "'invocationId'.\nforget a\n");
}

static void test_truncated_message(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say_raw(&alone.a, "{'type':6}\n{'ty");
    peer_leave(&alone.a, SL_CLOSE_CLIENT);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker,
               "disconnected a client: Connection terminated while reading a "
               "message.\nforget a\n");
    alone_release(&alone);
}

static void test_bytes_that_come_while_paused_are_kept(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    struct sl_str many = { 0 };
    for (int i = 0; i < 200; i++)
        sl_str_add_fmt(&many,
                       "{'type':1,'invocationId':'%d','target':'Slow',"
                       "'arguments':[%d]}\n",
                       i, i);
    peer_say_raw(&alone.a, sl_str_cstr(&many));
    sl_str_release(&many);
    assert_true(alone.a.paused);
    assert_int_equal(alone.a.conn->waiting_count, 64);
    peer_say_raw(&alone.a, "{'type':1,'invocationId':'200','target':'Slow','");
    peer_say_raw(&alone.a, "arguments':[200]}\n");
    assert_int_equal(alone_metric(&alone, INVOCATIONS), 65);

    for (int i = 0; i <= 200; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected),
                 "{'type':3,'invocationId':'%d','result':%d}\n", i, i);
        assert_true(c_hub_finish(&alone.worker->hub));
        cluster_settle(&alone.cluster);
        expect_heard(&alone.a, expected);
    }
    assert_false(alone.a.paused);
    assert_true(alone.a.pauses > 1);
    assert_int_equal(alone.a.conn->partial.cap, 0);
    assert_int_equal(alone_metric(&alone, READING_PAUSED), alone.a.pauses);
    assert_int_equal(alone_metric(&alone, INVOCATIONS_WAITING), 0);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_parts_cut_anywhere),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_idle_connection_keeps_nothing),
        cmocka_unit_test(test_size_limit_is_exact),
        cmocka_unit_test(test_size_limit_is_seen_before_the_end),
        cmocka_unit_test(test_many_messages_may_exceed_the_limit),
        cmocka_unit_test(test_handshake_over_the_limit),
        cmocka_unit_test(test_refused_handshake),
        cmocka_unit_test(test_breaches),
        cmocka_unit_test(test_truncated_message),
        cmocka_unit_test(test_bytes_that_come_while_paused_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
