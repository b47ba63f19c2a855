// SPDX-License-Identifier: MIT
/*
 * Malformed text inside a message: where it fails one invocation, where it is
 * never noticed, and where it ends the connection.
 */
#include "base/err.h"
#include "base/limits.h"
#include "slices.h"
#include "wire/hub_protocol.h"

static struct sl_hub_reader reader;
static struct sl_message message;
static struct sl_hub_error error;

static int parse(const char *text)
{
    error = (struct sl_hub_error){ 0 };
    return sl_hub_json.parse(&reader, sl_slice_str(text), &message, &error);
}

#define CALL(arguments)                                       \
    "{\"type\":1,\"invocationId\":\"7\",\"target\":\"Echo\"," \
    "\"arguments\":" arguments "}"

static void check_bad_arguments(const char *text)
{
    assert_int_equal(parse(text), 0);
    assert_int_equal(message.type, SL_MSG_INVOCATION);
    assert_true(message.args_bad);
    assert_int_equal(sl_value_kind(&message.args), SL_VALUE_NONE);
    assert_bytes(message.invocation_id, "7");
    assert_bytes(message.target, "Echo");
}

static void arguments_that_do_not_bind(void **state)
{
    (void)state;
    check_bad_arguments(CALL("[\"\\ud83d\"]"));
    check_bad_arguments(CALL("[\"\\udc00\\ud83d\"]"));
    check_bad_arguments(CALL("[{\"\\ud83d\":1}]"));
    check_bad_arguments(CALL("[1e999]"));
    check_bad_arguments(CALL("[1,]"));
    check_bad_arguments(CALL("[1,,2]"));
    check_bad_arguments(CALL("[[{\"a\":1,}],2]"));
    check_bad_arguments(CALL("[\"\xff\",\"\\ud83d\"]"));
}

/* The reference skips arguments that stand before their target: strictly. */
static void commas_before_the_target(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"type\":1,\"invocationId\":\"7\","
                           "\"arguments\":[1,],\"target\":\"Echo\"}"),
                     SL_E_PROTOCOL);
    assert_string_equal(error.text, "Error reading JSON.");
    check_bad_arguments("{\"type\":1,\"invocationId\":\"7\",\"arguments\":"
                        "[\"\\ud83d\"],\"target\":\"Echo\"}");
}

static void surplus_commas_elsewhere(void **state)
{
    (void)state;
    const char *texts[] = {
        CALL("[1,,]"),
        CALL("[[1,],]"),
        CALL("[,]"),
        "{\"type\":6,\"x\":[1,]}",
        "{\"type\":6,,\"x\":1}",
        "{,\"type\":6}",
        "{\"type\":3,\"invocationId\":\"1\",\"result\":[1,]}",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        assert_int_equal(parse(texts[i]), SL_E_PROTOCOL);
        assert_string_equal(error.text, "Error reading JSON.");
    }
}

static struct sl_slice first_argument(void)
{
    struct sl_value_iter iter;
    struct sl_value value;
    assert_false(message.args_bad);
    sl_value_iter_init(&iter, &message.args);
    assert_true(sl_value_next(&iter, NULL, &value));
    return sl_value_string(&value);
}

/* As the reference does for a parameter of no particular type. */
static void malformed_utf8_is_replaced(void **state)
{
    (void)state;
    assert_int_equal(parse(CALL("[\"\xff\xfe\"]")), 0);
    assert_bytes(first_argument(), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_int_equal(parse(CALL("[\"a\xc5\",1]")), 0);
    assert_bytes(first_argument(), "a\xef\xbf\xbd");
    assert_int_equal(sl_value_count(&message.args), 2);
}

static void items_and_results(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"type\":2,\"invocationId\":\"7\","
                           "\"item\":\"\\ud83d\"}"),
                     0);
    assert_true(message.value_bad);
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NULL);
    assert_int_equal(parse("{\"type\":3,\"invocationId\":\"7\","
                           "\"result\":[\"\xff\"]}"),
                     0);
    assert_false(message.value_bad);
    assert_int_equal(sl_value_count(&message.value), 1);
    assert_int_equal(parse("{\"type\":3,\"result\":1e999}"), SL_E_PROTOCOL);
    assert_string_equal(error.text,
                        "Missing required property 'invocationId'.");
}

static void unknown_members_hold_anything(void **state)
{
    (void)state;
    const char *texts[] = {
        "{\"x\":\"\xff\",\"type\":6}",
        "{\"type\":6,\"x\":[\"\\ud83d\",1e999]}",
        "{\"\xff\":1,\"type\":6}",
        "{\"\\ud83d\":{\"type\":1},\"type\":6}",
        "{ \"x\" : -1e999 , \"t\\u0079pe\" : 6 } trailing",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        assert_int_equal(parse(texts[i]), 0);
        assert_int_equal(message.type, SL_MSG_PING);
    }
}

static void envelope_must_read(void **state)
{
    (void)state;
    const char *texts[] = {
        "{\"type\":1,\"target\":\"\xff\",\"arguments\":[]}",
        "{\"type\":1,\"target\":\"\\ud800\",\"arguments\":[]}",
        "{\"type\":1,\"invocationId\":\"\\ud800\"}",
        "{\"type\":7,\"error\":\"\xc5\"}",
        "{\"type\":6,\"headers\":{\"a\":\"\xff\"}}",
        "{\"type\":6,\"streamIds\":[\"\xff\"]}",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        assert_int_equal(parse(texts[i]), SL_E_PROTOCOL);
        assert_string_equal(error.kind, "InvalidOperationException");
        assert_string_equal(error.text,
                            "Cannot transcode invalid UTF-8 JSON text to "
                            "UTF-16 string.");
    }
}

static void wrong_types_are_still_told(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"x\":1e999,\"type\":1,\"arguments\":{}}"),
                     SL_E_PROTOCOL);
    assert_string_equal(error.text,
                        "Expected 'arguments' to be of type Array.");
    assert_int_equal(parse("{\"type\":1,\"target\":1e999}"), SL_E_PROTOCOL);
    assert_string_equal(error.text, "Expected 'target' to be of type String.");
    assert_int_equal(parse("{\"x\":1e999}"), SL_E_PROTOCOL);
    assert_string_equal(error.text, "Missing required property 'type'.");
}

static void bad_then_good_arguments(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"type\":1,\"target\":\"E\",\"arguments\":"
                           "[1e999],\"arguments\":[\"a\"]}"),
                     0);
    assert_bytes(first_argument(), "a");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "{\"type\":6,\"x\":[1e999");
    for (int i = 0; i < SL_JSON_DEPTH_MAX; i++)
        sl_str_add_lit(&text, ",[");
    for (int i = 0; i < SL_JSON_DEPTH_MAX; i++)
        sl_str_add_char(&text, ']');
    sl_str_add_lit(&text, "]}");
    assert_int_equal(parse(sl_str_cstr(&text)), SL_E_PROTOCOL);
    sl_str_release(&text);
}

/* A large message must not leave its copy behind. */
static void memory_is_given_back(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "{\"type\":1,\"target\":\"E\",\"arguments\":[\"");
    for (int i = 0; i < SL_SCRATCH_KEEP_MAX; i++)
        sl_str_add_char(&text, 'x');
    sl_str_add_lit(&text, "\xff\"]}");
    assert_int_equal(parse(sl_str_cstr(&text)), 0);
    assert_int_equal(first_argument().len, SL_SCRATCH_KEEP_MAX + 3);
    assert_true(reader.text.cap <= SL_SCRATCH_KEEP_MAX);
    sl_str_release(&text);
}

static int setup(void **state)
{
    (void)state;
    sl_hub_reader_init(&reader);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_hub_reader_release(&reader);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_that_do_not_bind),
        cmocka_unit_test(commas_before_the_target),
        cmocka_unit_test(surplus_commas_elsewhere),
        cmocka_unit_test(malformed_utf8_is_replaced),
        cmocka_unit_test(items_and_results),
        cmocka_unit_test(unknown_members_hold_anything),
        cmocka_unit_test(envelope_must_read),
        cmocka_unit_test(wrong_types_are_still_told),
        cmocka_unit_test(bad_then_good_arguments),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(memory_is_given_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
