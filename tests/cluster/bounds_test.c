// SPDX-License-Identifier: MIT
/*
 * Every option of a hub does what it says: on this side of its bound nothing
 * happens, one step further it does; by default and with another value. Those
 * that the hub layer does not serve are named with the test that has them: an
 * option of the table that is in neither list fails.
 */
#include "tests/lib/expect.h"

#include "base/err.h"

#include <stdio.h>

static void pass(struct alone *alone, uint64_t ms)
{
    cluster_advance(&alone->cluster, ms);
}

static void keep_alive(struct alone *alone, uint64_t ms)
{
    alone_join(alone, &alone->a, "a");
    pass(alone, ms - 1);
    expect_heard(&alone->a, "");
    pass(alone, 1);
    expect_heard(&alone->a, PING);
}

static void client_timeout(struct alone *alone, uint64_t ms)
{
    alone_join(alone, &alone->a, "a");
    peer_say(&alone->a, "{'type':6}");
    pass(alone, ms - 1);
    assert_false(alone->a.closed);
    pass(alone, 1);
    assert_true(alone->a.closed);
    assert_int_equal(alone_metric(alone, CLIENT_TIMEOUTS), 1);
}

static void handshake_timeout(struct alone *alone, uint64_t ms)
{
    peer_open(&alone->a, alone->worker, "a", NULL);
    pass(alone, ms - 1);
    assert_false(alone->a.closed);
    pass(alone, 1);
    assert_true(alone->a.closed);
    assert_int_equal(alone_metric(alone, HANDSHAKES_FAILED), 1);
}

static void disconnect_timeout(struct alone *alone, uint64_t ms)
{
    peer_join_stateful(&alone->a, alone->worker, "a");
    assert_true(peer_cut(&alone->a));
    pass(alone, ms - 1);
    assert_int_equal(alone_metric(alone, AWAY), 1);
    assert_false(alone->a.closed);
    pass(alone, 1);
    assert_int_equal(alone_metric(alone, AWAY), 0);
    assert_true(alone->a.closed);
}

/* One ping that takes so many bytes with its separator. */
static void say_long_ping(struct peer *peer, size_t size)
{
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "{'type':6,'x':'");
    while (text.len < size - strlen("'}\n"))
        sl_str_add_char(&text, 'y');
    sl_str_add_lit(&text, "'}\n");
    peer_say_raw(peer, sl_str_cstr(&text));
    sl_str_release(&text);
}

static void max_message_size(struct alone *alone, uint64_t bytes)
{
    alone_join(alone, &alone->a, "a");
    say_long_ping(&alone->a, bytes);
    cluster_settle(&alone->cluster);
    assert_false(alone->a.closed);
    say_long_ping(&alone->a, bytes + 1);
    cluster_settle(&alone->cluster);
    assert_true(alone->a.closed);
    assert_int_equal(alone_metric(alone, TOO_LARGE_CLOSED), 1);
}

static void max_parallel_invocations(struct alone *alone, uint64_t count)
{
    alone_join(alone, &alone->a, "a");
    for (uint64_t i = 0; i <= count; i++)
        peer_invoke(&alone->a, NULL, "Slow", "[0]");
    cluster_settle(&alone->cluster);
    assert_int_equal(alone->worker->hub.started, count);
    while (c_hub_finish(&alone->worker->hub))
        cluster_settle(&alone->cluster);
    assert_int_equal(alone->worker->hub.started, count + 1);
    assert_int_equal(alone->worker->hub.most_running, count);
}

static void max_outbound(struct alone *alone, uint64_t bytes)
{
    alone_join(alone, &alone->a, "a");
    alone_join(alone, &alone->b, "b");
    alone->a.stuck = true;
    while (alone->a.queued + strlen(HEAR("message")) <= bytes)
        peer_invoke(&alone->b, NULL, "SendAll", "['message']");
    cluster_settle(&alone->cluster);
    assert_false(alone->a.closed);
    peer_invoke(&alone->b, NULL, "SendAll", "['message']");
    cluster_settle(&alone->cluster);
    assert_true(alone->a.closed);
    assert_int_equal(alone_metric(alone, SLOW_CLOSED), 1);
}

static void max_streams(struct alone *alone, uint64_t count)
{
    char text[96];
    alone_join(alone, &alone->a, "a");
    for (uint64_t i = 0; i <= count; i++) {
        assert_int_equal(alone_metric(alone, STREAMS_REFUSED), 0);
        snprintf(text, sizeof(text),
                 "{'type':4,'invocationId':'%u','target':'Hang',"
                 "'arguments':[]}",
                 (unsigned)i);
        peer_say(&alone->a, text);
        cluster_settle(&alone->cluster);
    }
    assert_int_equal(alone_metric(alone, STREAMS_REFUSED), 1);
}

static void stream_buffer(struct alone *alone, uint64_t count)
{
    alone_join(alone, &alone->a, "a");
    peer_say(&alone->a, "{'type':1,'invocationId':'1','target':'Hold',"
                        "'arguments':[],'streamIds':['u']}");
    for (uint64_t i = 0; i < count; i++) {
        assert_false(alone->a.paused);
        peer_say(&alone->a, "{'type':2,'invocationId':'u','item':1}");
    }
    assert_true(alone->a.paused);
    while (c_hub_finish(&alone->worker->hub))
        cluster_settle(&alone->cluster);
    assert_false(alone->a.paused);
}

/* The message that goes over it is sent, the next one waits. */
static void stateful_reconnect_buffer(struct alone *alone, uint64_t bytes)
{
    uint64_t heard = 0, len = 0;
    peer_join_stateful(&alone->a, alone->worker, "a");
    do {
        peer_invoke(&alone->a, "1", "Echo", "['0123456789']");
        len = strlen(peer_heard(&alone->a));
        heard += len;
    } while (len > 0);
    len = strlen(RESULT("1", "'0123456789'"));
    assert_in_range(heard, bytes + 1, bytes + len);
    peer_say(&alone->a, "{'type':8,'sequenceId':1}");
    expect_heard(&alone->a, RESULT("1", "'0123456789'"));
}

static void detailed_errors(struct alone *alone, uint64_t on)
{
    alone_join(alone, &alone->a, "a");
    peer_invoke(&alone->a, "1", "Throw", "['secret']");
    const char *heard = peer_heard(&alone->a);
    assert_non_null(strstr(heard, "'error':'An unexpected error occurred"));
    assert_int_equal(strstr(heard, "secret") != NULL, on);
}

static const struct {
    const char *name;
    void (*check)(struct alone *alone, uint64_t value);
    double other; /* as a user writes it */
} here[] = {
    { "keep_alive", keep_alive, 0.5 },
    { "client_timeout", client_timeout, 45 },
    { "handshake_timeout", handshake_timeout, 3 },
    { "disconnect_timeout", disconnect_timeout, 2.5 },
    { "max_message_size", max_message_size, 100 },
    { "max_parallel_invocations", max_parallel_invocations, 7 },
    { "max_outbound", max_outbound, 2000 },
    { "max_streams", max_streams, 3 },
    { "stream_buffer", stream_buffer, 4 },
    { "stateful_reconnect_buffer", stateful_reconnect_buffer, 300 },
    { "detailed_errors", detailed_errors, 1 },
};

/* By the name of the test that shows them. */
static const struct {
    const char *name, *test;
} elsewhere[] = {
    { "negotiate_timeout", "wire.token_expires, unit.transport.endpoint" },
    { "poll_timeout", "wire.long_polling_poll_timeout" },
    { "strict_arguments", "unit.bindings.lua_args" },
    { "close_on_expiry", "unit.transport.auth, unit.hub.keepalive" },
};

static uint64_t value_of(const struct sl_hub_options *options,
                         const struct sl_option_info *info)
{
    uint64_t value;
    memcpy(&value, (const char *)options + info->offset, sizeof(value));
    return value;
}

static void check(size_t index, bool by_default)
{
    struct alone alone;
    struct sl_report report;
    const struct sl_option_info *info =
        sl_option_find(sl_slice_str(here[index].name));
    assert_non_null(info);
    alone_init(&alone, NULL);
    struct sl_hub_options *options = &alone.worker->entry->options;
    uint64_t initial = value_of(options, info);
    if (!by_default) {
        assert_int_equal(
            sl_hub_options_set(options, info, here[index].other, &report), 0);
        assert_int_not_equal(value_of(options, info), initial);
    }
    here[index].check(&alone, value_of(options, info));
    alone_release(&alone);
}

static void test_what_each_does_by_default(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(here); i++)
        check(i, true);
}

static void test_what_each_does_when_it_is_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(here); i++)
        check(i, false);
}

static void test_none_is_forgotten(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sl_option_count; i++) {
        unsigned found = 0;
        for (size_t j = 0; j < SL_COUNT(here); j++)
            found += strcmp(here[j].name, sl_option_infos[i].name) == 0;
        for (size_t j = 0; j < SL_COUNT(elsewhere); j++)
            found += strcmp(elsewhere[j].name, sl_option_infos[i].name) == 0;
        if (found != 1)
            fail_msg("the option %s has %u tests", sl_option_infos[i].name,
                     found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_each_does_by_default),
        cmocka_unit_test(test_what_each_does_when_it_is_set),
        cmocka_unit_test(test_none_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
