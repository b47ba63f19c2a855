// SPDX-License-Identifier: MIT
/*
 * The exact bytes of each MessagePack message a server sends.
 */
#include "base/err.h"
#include "slices.h"
#include "wire/hub_protocol.h"

static struct sl_str out;

static int teardown(void **state)
{
    (void)state;
    sl_str_release(&out);
    return 0;
}

static int write_text(struct sl_writer *w, void *user)
{
    return sl_write_string(w, *(const struct sl_slice *)user);
}

static int write_zero(struct sl_writer *w, void *user)
{
    (void)user;
    sl_write_int(w, 0);
    return 0;
}

static void invocations(void **state)
{
    (void)state;
    struct sl_slice text = SL_SLICE("m"), none = { 0 };
    assert_int_equal(sl_hub_msgpack.write_invocation(
                         &out, none, SL_SLICE("msg"), 1, write_text, &text),
                     0);
    assert_int_equal(sl_hub_msgpack.write_invocation(
                         &out, SL_SLICE("s8"), SL_SLICE("ask"), 0, NULL, NULL),
                     0);
    assert_bytes(sl_str_slice(&out), "\x0c\x96\x01\x80\xc0\xa3msg\x91\xa1m\x90"
                                     "\x0c\x96\x01\x80\xa2s8\xa3"
                                     "ask\x90\x90");
}

static void answers(void **state)
{
    (void)state;
    struct sl_slice text = SL_SLICE("hi"), one = SL_SLICE("1");
    assert_int_equal(sl_hub_msgpack.write_result(&out, one, write_text, &text),
                     0);
    assert_int_equal(sl_hub_msgpack.write_result(&out, one, NULL, NULL), 0);
    sl_hub_msgpack.write_error(&out, one, SL_SLICE("e"));
    sl_hub_msgpack.write_error(&out, one, SL_SLICE("\xff"));
    sl_hub_msgpack.write_error(&out, one, (struct sl_slice){ 0 });
    assert_bytes(sl_str_slice(&out), "\x09\x95\x03\x80\xa1\x31\x03\xa2hi"
                                     "\x07\x95\x03\x80\xa1\x31\x03\xc0"
                                     "\x08\x95\x03\x80\xa1\x31\x01\xa1"
                                     "e"
                                     "\x0a\x95\x03\x80\xa1\x31\x01\xa3"
                                     "\xef\xbf\xbd"
                                     "\x07\x95\x03\x80\xa1\x31\x01\xa0");
}

static void streams(void **state)
{
    (void)state;
    struct sl_slice id = SL_SLICE("s");
    assert_int_equal(sl_hub_msgpack.write_item(&out, id, write_zero, NULL), 0);
    sl_hub_msgpack.write_end(&out, id);
    assert_bytes(sl_str_slice(&out), "\x06\x94\x02\x80\xa1s\x00"
                                     "\x06\x94\x03\x80\xa1s\x02");
}

static void the_others(void **state)
{
    (void)state;
    sl_hub_msgpack.write_ping(&out);
    sl_hub_msgpack.write_close(&out, (struct sl_slice){ 0 }, false);
    sl_hub_msgpack.write_close(&out, SL_SLICE("x"), true);
    sl_hub_msgpack.write_ack(&out, 1);
    sl_hub_msgpack.write_sequence(&out, 300);
    assert_bytes(sl_str_slice(&out), "\x02\x91\x06"
                                     "\x04\x93\x07\xc0\xc2"
                                     "\x05\x93\x07\xa1x\xc3"
                                     "\x03\x92\x08\x01"
                                     "\x05\x92\x09\xcd\x01\x2c");
    assert_bytes(*sl_hub_msgpack.ping, "\x02\x91\x06");
}

/* The length grows to two and to three bytes, and the message with it. */
static void lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100, 116, 117, 128, 16370, 16400, 70000 };
    for (size_t i = 0; i < SL_COUNT(sizes); i++) {
        struct sl_slice payload, text;
        struct sl_hub_error error;
        char *bytes = test_malloc(sizes[i]);
        memset(bytes, 'y', sizes[i]);
        text = sl_slice_of(bytes, sizes[i]);
        sl_str_clear(&out);
        assert_int_equal(
            sl_hub_msgpack.write_result(&out, SL_SLICE("1"), write_text, &text),
            0);
        assert_int_equal(
            sl_hub_msgpack.split(sl_str_slice(&out), &payload, &error),
            out.len);
        assert_memory_equal(payload.ptr, "\x95\x03\x80\xa1\x31\x03", 6);
        assert_memory_equal(payload.ptr + payload.len - sizes[i], bytes,
                            sizes[i]);
        test_free(bytes);
    }
}

static void failures_leave_no_trace(void **state)
{
    (void)state;
    struct sl_slice bad = SL_SLICE("\xff"), good = SL_SLICE("1");
    sl_str_add_lit(&out, ">");
    assert_int_equal(sl_hub_msgpack.write_result(&out, good, write_text, &bad),
                     SL_E_UTF8);
    assert_int_equal(sl_hub_msgpack.write_item(&out, bad, NULL, NULL),
                     SL_E_UTF8);
    assert_int_equal(
        sl_hub_msgpack.write_invocation(&out, good, bad, 0, NULL, NULL),
        SL_E_UTF8);
    assert_int_equal(
        sl_hub_msgpack.write_invocation(&out, good, good, 1, write_text, &bad),
        SL_E_UTF8);
    assert_bytes(sl_str_slice(&out), ">");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(invocations), TEST(answers), TEST(streams),
        TEST(the_others),  TEST(lengths), TEST(failures_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
