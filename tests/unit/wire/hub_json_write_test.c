// SPDX-License-Identifier: MIT
/*
 * The exact bytes of each message a server sends, and messages given up in the
 * middle.
 */
#include "base/err.h"
#include "slices.h"
#include "wire/hub_protocol.h"

#include <math.h>

static struct sl_str out;

static int setup(void **state)
{
    (void)state;
    sl_str_add_lit(&out, ">"); /* the writers append */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_str_release(&out);
    return 0;
}

static const struct sl_slice no_id;

static int write_two(struct sl_writer *w, void *user)
{
    int err = sl_write_string(w, *(const struct sl_slice *)user);
    if (err < 0)
        return err;
    sl_write_null(w);
    return 0;
}

static int write_one(struct sl_writer *w, void *user)
{
    return sl_write_double(w, *(const double *)user);
}

static void invocations(void **state)
{
    (void)state;
    struct sl_slice text = SL_SLICE("m\"");
    assert_int_equal(sl_hub_json.write_invocation(&out, no_id, SL_SLICE("msg"),
                                                  2, write_two, &text),
                     0);
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":1,\"target\":\"msg\",\"arguments\":[\"m\\\"\","
                 "null]}\x1e");
}

static void invocations_that_want_a_result(void **state)
{
    (void)state;
    assert_int_equal(sl_hub_json.write_invocation(&out, SL_SLICE("s\\1"),
                                                  SL_SLICE("a\"k"), 0, NULL,
                                                  NULL),
                     0);
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":1,\"invocationId\":\"s\\\\1\",\"target\":"
                 "\"a\\\"k\",\"arguments\":[]}\x1e");
}

static void results(void **state)
{
    (void)state;
    double value = 42;
    assert_int_equal(
        sl_hub_json.write_result(&out, SL_SLICE("1"), write_one, &value), 0);
    assert_int_equal(sl_hub_json.write_result(&out, SL_SLICE("\0"), NULL, NULL),
                     0);
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":3,\"invocationId\":\"1\",\"result\":42}\x1e"
                 "{\"type\":3,\"invocationId\":\"\\u0000\",\"result\":null}"
                 "\x1e");
}

static void items(void **state)
{
    (void)state;
    double value = 0;
    assert_int_equal(
        sl_hub_json.write_item(&out, SL_SLICE("s"), write_one, &value), 0);
    assert_int_equal(sl_hub_json.write_item(&out, SL_SLICE("\""), NULL, NULL),
                     0);
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":2,\"invocationId\":\"s\",\"item\":0}\x1e"
                 "{\"type\":2,\"invocationId\":\"\\\"\",\"item\":null}"
                 "\x1e");
}

static void ends_of_streams(void **state)
{
    (void)state;
    sl_hub_json.write_end(&out, SL_SLICE("s"));
    sl_hub_json.write_end(&out, SL_SLICE("\xff"));
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":3,\"invocationId\":\"s\"}\x1e"
                 "{\"type\":3,\"invocationId\":\"\xef\xbf\xbd\"}\x1e");
}

static void acks_and_sequences(void **state)
{
    (void)state;
    sl_hub_json.write_ack(&out, 2);
    sl_hub_json.write_sequence(&out, INT64_MAX);
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":8,\"sequenceId\":2}\x1e"
                 "{\"type\":9,\"sequenceId\":9223372036854775807}\x1e");
}

static void errors(void **state)
{
    (void)state;
    sl_hub_json.write_error(&out, SL_SLICE("1"), SL_SLICE("b\"oom"));
    sl_hub_json.write_error(&out, SL_SLICE("2"), (struct sl_slice){ 0 });
    sl_hub_json.write_error(&out, SL_SLICE("3"), SL_SLICE("x\xff"));
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":3,\"invocationId\":\"1\",\"error\":\"b\\\"oom\"}"
                 "\x1e{\"type\":3,\"invocationId\":\"2\"}\x1e"
                 "{\"type\":3,\"invocationId\":\"3\",\"error\":"
                 "\"x\xef\xbf\xbd\"}\x1e");
}

static void pings(void **state)
{
    (void)state;
    sl_hub_json.write_ping(&out);
    assert_bytes(sl_str_slice(&out), ">{\"type\":6}\x1e");
    assert_bytes(*sl_hub_json.ping, "{\"type\":6}\x1e");
}

static void closes(void **state)
{
    (void)state;
    sl_hub_json.write_close(&out, (struct sl_slice){ 0 }, false);
    sl_hub_json.write_close(&out, (struct sl_slice){ 0 }, true);
    sl_hub_json.write_close(&out, SL_SLICE("bye"), false);
    sl_hub_json.write_close(&out, SL_SLICE("\xff"), true);
    assert_bytes(sl_str_slice(&out),
                 ">{\"type\":7}\x1e{\"type\":7,\"allowReconnect\":true}\x1e"
                 "{\"type\":7,\"error\":\"bye\"}\x1e"
                 "{\"type\":7,\"error\":\"\xef\xbf\xbd\","
                 "\"allowReconnect\":true}\x1e");
}

static void failures_leave_no_trace(void **state)
{
    (void)state;
    struct sl_slice bad = SL_SLICE("\xff"), id = SL_SLICE("1");
    double nan_value = (double)NAN;
    assert_int_equal(
        sl_hub_json.write_invocation(&out, no_id, id, 2, write_two, &bad),
        SL_E_UTF8);
    assert_int_equal(
        sl_hub_json.write_invocation(&out, no_id, bad, 0, NULL, NULL),
        SL_E_UTF8);
    assert_int_equal(sl_hub_json.write_invocation(&out, bad, id, 0, NULL, NULL),
                     SL_E_UTF8);
    assert_int_equal(sl_hub_json.write_result(&out, id, write_one, &nan_value),
                     SL_E_VALUE);
    assert_int_equal(sl_hub_json.write_result(&out, bad, NULL, NULL),
                     SL_E_UTF8);
    assert_int_equal(sl_hub_json.write_item(&out, id, write_one, &nan_value),
                     SL_E_VALUE);
    assert_int_equal(sl_hub_json.write_item(&out, bad, NULL, NULL), SL_E_UTF8);
    assert_bytes(sl_str_slice(&out), ">");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(invocations),
        TEST(invocations_that_want_a_result),
        TEST(results),
        TEST(items),
        TEST(ends_of_streams),
        TEST(errors),
        TEST(acks_and_sequences),
        TEST(pings),
        TEST(closes),
        TEST(failures_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
