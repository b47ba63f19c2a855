// SPDX-License-Identifier: MIT
/*
 * Splitting and parsing MessagePack hub messages.
 */
#include "base/err.h"
#include "slices.h"
#include "wire/hub_protocol.h"

static struct sl_hub_reader reader;
static struct sl_message message;
static struct sl_hub_error error;

static int parse_slice(struct sl_slice bytes)
{
    error = (struct sl_hub_error){ 0 };
    memset(&message, 0xee, sizeof(message)); /* nothing may stay of it */
    return sl_hub_msgpack.parse(&reader, bytes, &message, &error);
}

#define parse(literal) assert_int_equal(parse_slice(SL_SLICE(literal)), 0)

#define fails(literal, its_kind, sentence)                               \
    do {                                                                 \
        assert_int_equal(parse_slice(SL_SLICE(literal)), SL_E_PROTOCOL); \
        assert_string_equal(error.kind, its_kind);                       \
        assert_string_equal(error.text, sentence);                       \
    } while (0)
#define invalid(literal, sentence) \
    fails(literal, "InvalidDataException", sentence)
#define cut(literal)                       \
    fails(literal, "EndOfStreamException", \
          "Attempted to read past the end of the stream.")

static ssize_t split(struct sl_slice bytes, struct sl_slice *payload)
{
    return sl_hub_msgpack.split(bytes, payload, &error);
}

static void splits_by_length(void **state)
{
    (void)state;
    struct sl_slice payload;
    assert_int_equal(split(SL_SLICE("\x02\x91\x06\x02"), &payload), 3);
    assert_bytes(payload, "\x91\x06");
    assert_int_equal(split(SL_SLICE(""), &payload), 0);
    assert_int_equal(split(SL_SLICE("\x02\x91"), &payload), 0);
    assert_int_equal(split(SL_SLICE("\x82"), &payload), 0);
    assert_int_equal(split(SL_SLICE("\x82\x00\x91\x06"), &payload), 4);
    assert_int_equal(split(SL_SLICE("\x82\x80\x80\x80\x00\x91\x06"), &payload),
                     7);
    assert_int_equal(split(SL_SLICE("\x00"), &payload), 1);
    assert_int_equal(payload.len, 0);
    assert_int_equal(split(SL_SLICE("\xff\xff\xff\xff\x07"), &payload), 0);
    assert_int_equal(split(SL_SLICE("\xff\xff\xff\xff\x08"), &payload),
                     SL_E_PROTOCOL);
    assert_string_equal(error.text,
                        "Messages over 2GB in size are not supported.");
    assert_int_equal(split(SL_SLICE("\x8e\x80\x80\x80\x80\x00"), &payload),
                     SL_E_PROTOCOL);
}

static void check_echo(struct sl_slice bytes)
{
    struct sl_value_iter iter;
    struct sl_value arg;
    assert_int_equal(parse_slice(bytes), 0);
    assert_int_equal(message.type, SL_MSG_INVOCATION);
    assert_bytes(message.invocation_id, "1");
    assert_bytes(message.target, "Echo");
    assert_false(message.args_bad);
    assert_int_equal(sl_value_count(&message.args), 1);
    sl_value_iter_init(&iter, &message.args);
    assert_true(sl_value_next(&iter, NULL, &arg));
    assert_bytes(sl_value_string(&arg), "hi");
    assert_false(sl_value_next(&iter, NULL, &arg));
}

static void invocations(void **state)
{
    (void)state;
    check_echo(SL_SLICE("\x96\x01\x80\xa1\x31\xa4"
                        "Echo\x91\xa2hi\x90"));
    check_echo(SL_SLICE("\x95\x01\x80\xa1\x31\xa4"
                        "Echo\x91\xa2hi"));
    check_echo(SL_SLICE("\x96\x01\x81\xa1"
                        "a\xa1"
                        "b\xa1\x31\xa4"
                        "Echo\x91\xa2hi\x90"));
    check_echo(SL_SLICE("\xdc\x00\x06\xcc\x01\x80\xd9\x01\x31\xd9\x04"
                        "Echo\x91\xa2hi\x90"));
    check_echo(SL_SLICE("\x97\x01\x80\xa1\x31\xa4"
                        "Echo\x91\xa2hi\x90\xc1\xc1"));
    parse("\x96\x01\x80\xc0\xa3Sum\x90\x92\xa1u\xa1v");
    assert_int_equal(message.invocation_id.len, 0);
    assert_int_equal(message.stream_id_count, 2);
    assert_bytes(message.stream_ids[1], "v");
}

static void arguments_that_do_not_bind(void **state)
{
    (void)state;
    parse("\x96\x01\x80\xa1\x31\xa1"
          "A\xc0\x90");
    assert_true(message.args_bad && message.args_missing);
    parse("\x94\x01\x80\xa1\x31\xa1"
          "A");
    assert_true(message.args_bad && message.args_missing);
    parse("\x96\x01\x80\xa1\x31\xa1"
          "A\x91\xa1\xff\x90");
    assert_true(message.args_bad && !message.args_missing);
    assert_int_equal(sl_value_kind(&message.args), SL_VALUE_NONE);
    parse("\x96\x01\x80\xa1\x31\xa1"
          "A\x91\xd4\x01\x00\x90"); /* an extension that nobody knows */
    assert_true(message.args_bad);
    parse("\x96\x01\x80\xa1\x31\xa1"
          "A\x91\xdd\xff\xff\xff\xff");
    assert_true(message.args_bad);
}

static void check_nested(size_t levels, bool good)
{
    struct sl_str bytes = { 0 };
    sl_str_add_lit(&bytes, "\x96\x01\x80\xa1\x31\xa1"
                           "A\x91");
    for (size_t i = 0; i < levels; i++)
        sl_str_add_char(&bytes, '\x91');
    sl_str_add_lit(&bytes, "\xc0\x90");
    assert_int_equal(parse_slice(sl_str_slice(&bytes)), 0);
    assert_int_equal(message.args_bad, !good);
    sl_str_release(&bytes);
}

static void nesting(void **state)
{
    (void)state;
    check_nested(50, true);
    check_nested(62, true);
    check_nested(63, false);
    check_nested(600, false);
    check_nested(10000, false);
}

static void other_messages(void **state)
{
    (void)state;
    parse("\x94\x02\x80\xa1s\x00");
    assert_int_equal(message.type, SL_MSG_STREAM_ITEM);
    assert_int_equal(sl_value_int(&message.value), 0);
    parse("\x93\x02\x80\xa1s");
    assert_true(message.value_bad);
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NULL);
    parse("\x95\x03\x80\xa1s\x01\xa1"
          "e");
    assert_true(message.has_error);
    assert_bytes(message.error, "e");
    parse("\x94\x03\x80\xa1s\x02");
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NONE);
    parse("\x95\x03\x80\xa1s\x03\xc0");
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NULL);
    parse("\x93\x05\x80\xa1u");
    assert_int_equal(message.type, SL_MSG_CANCEL_INVOCATION);
    parse("\x93\x06\x01\x02");
    assert_int_equal(message.type, SL_MSG_PING);
    parse("\x93\x07\xa1x\xc3");
    assert_true(message.allow_reconnect && message.has_error);
    parse("\x92\x07\xc0");
    assert_false(message.allow_reconnect || message.has_error);
    parse("\x92\x09\xcd\x01\x2c");
    assert_int_equal(message.sequence_id, 300);
    parse("\x91\x0a");
    assert_int_equal(message.type, SL_MSG_UNKNOWN);
    parse("\x91\xff");
    assert_int_equal(message.type, SL_MSG_UNKNOWN);
}

static void broken_messages(void **state)
{
    (void)state;
    cut("");
    cut("\x96\x01\x80\xa1\x31");
    cut("\x96\x01\x80\xd9\xff\x31");
    cut("\xdd\xff\xff\xff\xff\x01");
    cut("\x94\x03\x80\xa1s\x03");
    fails("\x81\xa1t\x01", "MessagePackSerializationException",
          "Unexpected msgpack code 129 (fixmap) encountered.");
    fails("\xc1", "MessagePackSerializationException",
          "Unexpected msgpack code 193 ((never used)) encountered.");
    fails("\x96\x01\x80\xa1\x31\xa1"
          "A\x90\x91\x07",
          "MessagePackSerializationException",
          "Unexpected msgpack code 7 (positive fixint) encountered.");
    invalid("\x90", "Reading 'messageType' as Int32 failed.");
    invalid("\x91\xca\x3f\x80\x00\x00",
            "Reading 'messageType' as Int32 failed.");
    invalid("\x91\x08", "Reading 'sequenceId' as Int64 failed.");
    invalid("\x96\x01\xc0\xa1\x31\xa1"
            "A\x90\x90",
            "Reading map length for 'headers' failed.");
    invalid("\x96\x01\x81\xa1"
            "a\x01\xa1\x31\xa1"
            "A\x90\x90",
            "Reading 'headers[0].Value' as String failed.");
    invalid("\x96\x01\x81\xa0\xa1"
            "a\xa1\x31\xa1"
            "A\x90\x90",
            "Null or empty key in header.");
    invalid("\x96\x01\x80\x01\xa1"
            "A\x90\x90",
            "Reading 'invocationId' as String failed.");
    invalid("\x96\x01\x80\xa1\x31\xc0\x90\x90",
            "Null or empty target for Invocation message.");
    invalid("\x96\x04\x80\xc0\xa1"
            "A\x90\x90",
            "Null or empty invocation ID for StreamInvocation message.");
    invalid("\x96\x01\x80\xa1\x31\xa1"
            "A\x90\xc0",
            "Reading array length for 'streamIds' failed.");
    invalid("\x94\x03\x80\xa1\x31\x09", "Invalid invocation result kind.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_by_length),
        cmocka_unit_test(invocations),
        cmocka_unit_test(arguments_that_do_not_bind),
        cmocka_unit_test(nesting),
        cmocka_unit_test(other_messages),
        cmocka_unit_test(broken_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
