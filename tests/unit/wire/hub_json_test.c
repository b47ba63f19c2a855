// SPDX-License-Identifier: MIT
/*
 * Splitting and parsing JSON hub messages: what each message becomes, and the
 * exact sentence for each way of being wrong.
 */
#include "base/err.h"
#include "slices.h"
#include "wire/hub_protocol.h"

static struct sl_hub_reader reader;
static struct sl_message message;
static struct sl_hub_error error;

static int parse_slice(struct sl_slice text)
{
    error = (struct sl_hub_error){ 0 };
    memset(&message, 0xee, sizeof(message)); /* nothing may stay of it */
    return sl_hub_json.parse(&reader, text, &message, &error);
}

static void parse(const char *text)
{
    int err = parse_slice(sl_slice_str(text));
    if (err < 0)
        fprintf(stderr, "%s: %s: %s\n", text, error.kind, error.text);
    assert_int_equal(err, 0);
}

static void fails(const char *text, const char *kind, const char *sentence)
{
    assert_int_equal(parse_slice(sl_slice_str(text)), SL_E_PROTOCOL);
    assert_string_equal(error.kind, kind);
    assert_string_equal(error.text, sentence);
}

static void invalid(const char *text, const char *sentence)
{
    fails(text, "InvalidDataException", sentence);
}

static void splits_at_separators(void **state)
{
    (void)state;
    struct sl_slice bytes = SL_SLICE("{}\x1e\x1e{\"a"), payload;
    assert_int_equal(sl_hub_json.split(bytes, &payload, &error), 3);
    assert_bytes(payload, "{}");
    bytes = sl_slice_of(bytes.ptr + 3, bytes.len - 3);
    assert_int_equal(sl_hub_json.split(bytes, &payload, &error), 1);
    assert_bytes(payload, "");
    bytes = sl_slice_of(bytes.ptr + 1, bytes.len - 1);
    assert_int_equal(sl_hub_json.split(bytes, &payload, &error), 0);
    bytes = (struct sl_slice){ 0 };
    assert_int_equal(sl_hub_json.split(bytes, &payload, &error), 0);
}

static void check_add(const char *text)
{
    parse(text);
    assert_int_equal(message.type, SL_MSG_INVOCATION);
    assert_bytes(message.invocation_id, "1");
    assert_bytes(message.target, "Add");
    assert_int_equal(sl_value_kind(&message.args), SL_VALUE_ARRAY);
    assert_int_equal(sl_value_count(&message.args), 2);
    assert_false(message.args_bad);
    assert_int_equal(message.stream_id_count, 0);
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NONE);
}

static void invocations(void **state)
{
    (void)state;
    check_add("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\","
              "\"arguments\":[1,2]}");
    check_add("{\"arguments\":[1,2],\"target\":\"Add\","
              "\"invocationId\":\"1\",\"type\":1}");
    check_add("{\"x\":{\"a\":[{}]},\"type\":1,\"invocationId\":\"1\","
              "\"y\":null,\"target\":\"Add\",\"arguments\":[1,2],"
              "\"z\":[1,\"]\"]}");
    check_add(" { \"type\" : 1 ,\n\"invocationId\" : \"1\" ,\t\"target\":"
              "\"Add\", \"arguments\" : [ 1 , 2 ] } ");
    check_add("{\"\\u0074ype\":1,\"invocationId\":\"1\","
              "\"t\\u0061rget\":\"Add\",\"arguments\":[1,2]}");
    check_add("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\","
              "\"arguments\":[1,2],\"streamIds\":[]}");
    check_add("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\","
              "\"arguments\":[1,2],\"error\":\"e\",\"allowReconnect\":true}");
}

static void last_of_a_name_counts(void **state)
{
    (void)state;
    check_add("{\"type\":6,\"type\":1,\"invocationId\":\"9\",\"target\":"
              "\"Void\",\"target\":\"Add\",\"arguments\":[],"
              "\"invocationId\":\"1\",\"arguments\":[1,2]}");
    parse("{\"type\":4,\"invocationId\":\"1\",\"target\":\"a\","
          "\"arguments\":[],\"streamIds\":[\"x\",\"y\"],"
          "\"streamIds\":[\"z\"]}");
    assert_int_equal(message.stream_id_count, 1);
    assert_bytes(message.stream_ids[0], "z");
}

static void nobody_waits(void **state)
{
    (void)state;
    parse("{\"type\":1,\"target\":\"A\",\"arguments\":[\"m\"]}");
    assert_int_equal(message.invocation_id.len, 0);
    parse("{\"type\":1,\"invocationId\":\"\",\"target\":\"A\","
          "\"arguments\":[]}");
    assert_int_equal(message.invocation_id.len, 0);
}

static void empty_target_is_a_name(void **state)
{
    (void)state;
    parse("{\"type\":1,\"invocationId\":\"1\",\"target\":\"\","
          "\"arguments\":[1]}");
    assert_int_equal(message.target.len, 0);
    invalid("{\"type\":1,\"invocationId\":\"1\",\"target\":\"\"}",
            "Missing required property 'target'.");
}

static void zero_bytes_are_bytes(void **state)
{
    (void)state;
    parse("{\"type\":1,\"invocationId\":\"\\u0000a\",\"target\":\"A\\u0000\","
          "\"arguments\":[]}");
    assert_bytes(message.invocation_id, "\0a");
    assert_bytes(message.target, "A\0");
    assert_int_equal(parse_slice(SL_SLICE("{\"type\":6\0}")), SL_E_PROTOCOL);
}

static void stream_invocations(void **state)
{
    (void)state;
    parse("{\"type\":4,\"invocationId\":\"s\",\"target\":\"T\",\"arguments\":"
          "[],\"streamIds\":[\"u\",\"\"],\"headers\":{\"a\":\"b\"}}");
    assert_int_equal(message.type, SL_MSG_STREAM_INVOCATION);
    assert_int_equal(message.stream_id_count, 2);
    assert_bytes(message.stream_ids[0], "u");
    assert_bytes(message.stream_ids[1], "");
    assert_int_equal(sl_value_kind(&message.headers), SL_VALUE_OBJECT);
    invalid("{\"type\":4,\"target\":\"T\",\"arguments\":[]}",
            "Missing required property 'invocationId'.");
    invalid("{\"type\":4,\"invocationId\":\"\",\"target\":\"T\","
            "\"arguments\":[]}",
            "Missing required property 'invocationId'.");
}

static void other_messages(void **state)
{
    (void)state;
    parse("{\"type\":2,\"invocationId\":\"s\",\"item\":null}");
    assert_int_equal(message.type, SL_MSG_STREAM_ITEM);
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NULL);
    parse("{\"type\":5,\"invocationId\":\"s\"}");
    assert_int_equal(message.type, SL_MSG_CANCEL_INVOCATION);
    parse("{\"type\":6,\"x\":1}");
    assert_int_equal(message.type, SL_MSG_PING);
    parse("{\"type\":7,\"error\":\"tired\",\"allowReconnect\":true}");
    assert_int_equal(message.type, SL_MSG_CLOSE);
    assert_true(message.has_error && message.allow_reconnect);
    assert_bytes(message.error, "tired");
    parse("{\"type\":7}");
    assert_false(message.has_error || message.allow_reconnect);
    parse("{\"type\":8,\"sequenceId\":9223372036854775807}");
    assert_int_equal(message.type, SL_MSG_ACK);
    assert_true(message.sequence_id == INT64_MAX);
    parse("{\"type\":9,\"sequenceId\":-1}");
    assert_int_equal(message.type, SL_MSG_SEQUENCE);
    assert_true(message.sequence_id == -1);
}

static void completions(void **state)
{
    (void)state;
    parse("{\"type\":3,\"invocationId\":\"7\",\"result\":null}");
    assert_int_equal(message.type, SL_MSG_COMPLETION);
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NULL);
    assert_false(message.has_error);
    parse("{\"type\":3,\"invocationId\":\"7\"}");
    assert_int_equal(sl_value_kind(&message.value), SL_VALUE_NONE);
    parse("{\"type\":3,\"invocationId\":\"7\",\"error\":\"\"}");
    assert_true(message.has_error);
    invalid("{\"type\":3,\"invocationId\":\"7\",\"error\":\"e\",\"result\":1}",
            "The 'error' and 'result' properties are mutually exclusive.");
    invalid("{\"type\":3,\"error\":\"e\",\"result\":1}",
            "Missing required property 'invocationId'.");
}

static void unknown_types_are_ignored(void **state)
{
    (void)state;
    const char *texts[] = { "{\"type\":0}", "{\"type\":-1}", "{\"type\":-0}",
                            "{\"type\":10,\"x\":[{\"y\":\"z\"}]}",
                            "{\"type\":2147483647,\"item\":1}" };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        parse(texts[i]);
        assert_int_equal(message.type, SL_MSG_UNKNOWN);
    }
}

static void text_after_the_object_is_ignored(void **state)
{
    (void)state;
    const char *texts[] = { "{\"type\":6}{\"type\":7}", "{\"type\":6} \n]x",
                            "{\"type\":6}\xff" };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        parse(texts[i]);
        assert_int_equal(message.type, SL_MSG_PING);
    }
}

static void missing_members(void **state)
{
    (void)state;
    invalid("{}", "Missing required property 'type'.");
    invalid("{\"Type\":1,\"InvocationId\":\"1\",\"Target\":\"Add\"}",
            "Missing required property 'type'.");
    invalid("{\"type\":1,\"arguments\":[]}",
            "Missing required property 'target'.");
    invalid("{\"type\":1,\"target\":\"A\"}",
            "Missing required property 'arguments'.");
    invalid("{\"type\":2,\"item\":1}",
            "Missing required property 'invocationId'.");
    invalid("{\"type\":2,\"invocationId\":\"s\"}",
            "Missing required property 'item'.");
    invalid("{\"type\":5}", "Missing required property 'invocationId'.");
    invalid("{\"type\":8}", "Missing required property 'sequenceId'.");
    invalid("{\"type\":9,\"sequenceId\":null}",
            "Missing required property 'sequenceId'.");
}

static void wrong_types(void **state)
{
    (void)state;
    invalid("{\"type\":\"1\"}", "Expected 'type' to be of type Number.");
    invalid("{\"type\":null}", "Expected 'type' to be of type Number.");
    invalid("{\"type\":6,\"invocationId\":null}",
            "Expected 'invocationId' to be of type String.");
    invalid("{\"type\":6,\"invocationId\":1}",
            "Expected 'invocationId' to be of type String.");
    invalid("{\"target\":5,\"type\":6}",
            "Expected 'target' to be of type String.");
    invalid("{\"type\":1,\"arguments\":null}",
            "Expected 'arguments' to be of type Array.");
    invalid("{\"type\":1,\"arguments\":{}}",
            "Expected 'arguments' to be of type Array.");
    invalid("{\"type\":7,\"error\":null}",
            "Expected 'error' to be of type String.");
    invalid("{\"type\":7,\"allowReconnect\":1}",
            "Expected 'allowReconnect' to be true or false.");
    invalid("{\"type\":9,\"sequenceId\":\"1\"}",
            "Expected 'sequenceId' to be of type Number.");
    invalid("{\"headers\":null}",
            "Expected 'headers' to be of type StartObject.");
    invalid("{\"headers\":[1]}",
            "Expected 'headers' to be of type StartObject.");
    invalid("{\"headers\":{\"b\":\"\",\"a\":1}}",
            "Expected header 'a' to be of type String.");
}

static void numbers_out_of_bounds(void **state)
{
    (void)state;
    const char *texts[] = { "{\"type\":1.0}",
                            "{\"type\":1e0}",
                            "{\"type\":2147483648}",
                            "{\"type\":-2147483649}",
                            "{\"type\":99999999999999999999}",
                            "{\"type\":1e999}" };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        fails(texts[i], "FormatException",
              "Either the JSON value is not in a supported format, or is out "
              "of bounds for an Int32.");
    fails("{\"type\":9,\"sequenceId\":9223372036854775808}", "FormatException",
          "Either the JSON value is not in a supported format, or is out of "
          "bounds for an Int64.");
}

static void stream_ids(void **state)
{
    (void)state;
    invalid("{\"streamIds\":\"7\"}",
            "Expected 'streamIds' to be of type Array.");
    invalid("{\"streamIds\":null}",
            "Expected 'streamIds' to be of type Array.");
    invalid("{\"streamIds\":[null]}",
            "Null value for 'streamIds' is not valid.");
    fails("{\"streamIds\":[7]}", "InvalidOperationException",
          "Cannot get the value of a token type 'Number' as a string.");
    fails("{\"streamIds\":[[]]}", "InvalidOperationException",
          "Cannot get the value of a token type 'StartArray' as a string.");
    fails("{\"streamIds\":[true]}", "InvalidOperationException",
          "Cannot get the value of a token type 'True' as a string.");
}

static void stream_ids_are_bounded(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "{\"type\":1,\"target\":\"a\",\"arguments\":[],"
                          "\"streamIds\":[\"0\"");
    for (int i = 1; i < SL_STREAM_IDS_MAX; i++)
        sl_str_add_fmt(&text, ",\"%d\"", i);
    size_t len = text.len;
    sl_str_add_lit(&text, "]}");
    assert_int_equal(parse_slice(sl_str_slice(&text)), 0);
    assert_int_equal(message.stream_id_count, SL_STREAM_IDS_MAX);
    assert_bytes(message.stream_ids[SL_STREAM_IDS_MAX - 1], "63");
    text.len = len;
    sl_str_add_lit(&text, ",\"x\"]}");
    assert_int_equal(parse_slice(sl_str_slice(&text)), SL_E_PROTOCOL);
    sl_str_release(&text);
}

static void long_header_names_are_cut(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "{\"headers\":{\"");
    for (int i = 0; i < 1000; i++)
        sl_str_add_char(&text, 'h');
    sl_str_add_lit(&text, "\":1}}");
    assert_int_equal(parse_slice(sl_str_slice(&text)), SL_E_PROTOCOL);
    assert_non_null(strstr(error.text, "' to be of type String."));
    sl_str_release(&text);
}

static void not_an_object(void **state)
{
    (void)state;
    invalid("[1]", "Unexpected JSON Token Type 'Array'. Expected a JSON "
                   "Object.");
    invalid("[", "Unexpected JSON Token Type 'Array'. Expected a JSON "
                 "Object.");
    invalid("1", "Unexpected JSON Token Type 'Number'. Expected a JSON "
                 "Object.");
    invalid("1.5", "Unexpected JSON Token Type 'Number'. Expected a JSON "
                   "Object.");
    invalid("null", "Unexpected JSON Token Type 'Null'. Expected a JSON "
                    "Object.");
    invalid("false", "Unexpected JSON Token Type 'False'. Expected a JSON "
                     "Object.");
    invalid("\"x\"", "Unexpected JSON Token Type 'String'. Expected a JSON "
                     "Object.");
}

static void not_json(void **state)
{
    (void)state;
    const char *texts[] = {
        "",
        " ",
        "hello",
        "{\"type\":6",
        "{\"type\":6,}",
        "{'type':6}",
        "{/*c*/\"type\":6}",
        "\xef\xbb\xbf{\"type\":6}",
        "{\"type\":1,\"target\":\"E\",\"arguments\":[NaN]}",
        "{\"type\":1,\"target\":\"E\",\"arguments\":[\"a\nb\"]}",
        "{\"type\":1,\"target\":\"E\",\"arguments\":[\"a\tb\"]}",
        "{\"type\":1,\"target\":\"E\",\"arguments\":[\"\\x\"]}",
        "{\"type\":1,\"target\":\"E\",\"arguments\":[1}",
        "{\"type\":6 \"x\":1}",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        invalid(texts[i], "Error reading JSON.");
}

/* `count` brackets as the argument: two levels are the message's own. */
static int parse_nested(unsigned count, const char *member)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text,
                   "{\"type\":1,\"target\":\"E\",\"arguments\":[],"
                   "\"%s\":[",
                   member);
    for (unsigned i = 0; i < count; i++)
        sl_str_add_char(&text, '[');
    for (unsigned i = 0; i < count; i++)
        sl_str_add_char(&text, ']');
    sl_str_add_lit(&text, "]}");
    int err = parse_slice(sl_str_slice(&text));
    sl_str_release(&text);
    return err;
}

static void depth_is_bounded_everywhere(void **state)
{
    (void)state;
    const char *members[] = { "arguments", "x" };
    for (size_t i = 0; i < SL_COUNT(members); i++) {
        assert_int_equal(parse_nested(30, members[i]), 0);
        assert_int_equal(parse_nested(62, members[i]), 0);
        assert_int_equal(parse_nested(63, members[i]), SL_E_PROTOCOL);
        assert_string_equal(error.text, "Error reading JSON.");
        assert_int_equal(parse_nested(10000, members[i]), SL_E_PROTOCOL);
    }
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
        cmocka_unit_test(splits_at_separators),
        cmocka_unit_test(invocations),
        cmocka_unit_test(last_of_a_name_counts),
        cmocka_unit_test(nobody_waits),
        cmocka_unit_test(empty_target_is_a_name),
        cmocka_unit_test(zero_bytes_are_bytes),
        cmocka_unit_test(stream_invocations),
        cmocka_unit_test(other_messages),
        cmocka_unit_test(completions),
        cmocka_unit_test(unknown_types_are_ignored),
        cmocka_unit_test(text_after_the_object_is_ignored),
        cmocka_unit_test(missing_members),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(numbers_out_of_bounds),
        cmocka_unit_test(stream_ids),
        cmocka_unit_test(stream_ids_are_bounded),
        cmocka_unit_test(long_header_names_are_cut),
        cmocka_unit_test(not_an_object),
        cmocka_unit_test(not_json),
        cmocka_unit_test(depth_is_bounded_everywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
