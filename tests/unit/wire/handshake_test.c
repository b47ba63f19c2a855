// SPDX-License-Identifier: MIT
/*
 * Handshake requests and the exact responses to those that are refused.
 */
#include "base/err.h"
#include "slices.h"
#include "wire/handshake.h"

static struct sl_hub_reader reader;
static struct sl_handshake handshake;
static struct sl_str response;

static ssize_t shake(const char *text, bool detailed_errors)
{
    sl_str_clear(&response);
    handshake = (struct sl_handshake){ 0 };
    return sl_handshake_read(&reader, sl_slice_str(text), false,
                             detailed_errors, &handshake, &response);
}

static void accepts(const char *text, int version)
{
    assert_int_equal(shake(text, false), strlen(text));
    assert_ptr_equal(handshake.protocol, &sl_hub_json);
    assert_int_equal(handshake.version, version);
    assert_int_equal(response.len, 0);
}

static void refuses(const char *text, bool detailed_errors, const char *wanted)
{
    struct sl_str framed = { 0 };
    assert_int_equal(shake(text, detailed_errors), SL_E_PROTOCOL);
    sl_str_add_fmt(&framed, "{\"error\":\"%s\"}\x1e", wanted);
    assert_slices(sl_str_slice(&response), sl_str_slice(&framed));
    sl_str_release(&framed);
}

static void accepted_requests(void **state)
{
    (void)state;
    accepts("{\"protocol\":\"json\",\"version\":1}\x1e", 1);
    accepts("{\"version\":1,\"protocol\":\"json\"}\x1e", 1);
    accepts("{\"protocol\":\"JSON\",\"version\":2}\x1e", 2);
    accepts("{\"protocol\":\"json\",\"version\":0}\x1e", 0);
    accepts("{\"protocol\":\"json\",\"version\":-1}\x1e", -1);
    accepts("{\"protocol\":\"json\",\"version\":-2147483648}\x1e", INT32_MIN);
    accepts(" \r\n\t{ \"protocol\" : \"json\" , \"version\" : 1 } \x1e", 1);
    accepts("{\"x\":{\"y\":[1]},\"protocol\":\"json\",\"z\":null,"
            "\"version\":1}\x1e",
            1);
    accepts("{\"protocol\":\"xml\",\"version\":7,\"protocol\":\"json\","
            "\"version\":1}\x1e",
            1);
    accepts("{\"pr\\u006ftocol\":\"j\\u0073on\",\"version\":1}\x1e", 1);
    accepts("{\"protocol\":\"json\",\"version\":1}x\x1e", 1);
}

static void takes_its_own_bytes_only(void **state)
{
    (void)state;
    assert_int_equal(shake("{\"protocol\":\"json\",\"version\":1}\x1e"
                           "{\"type\":6}\x1e",
                           false),
                     32);
    assert_int_equal(handshake.version, 1);
}

static void waits_for_the_separator(void **state)
{
    (void)state;
    assert_int_equal(shake("", false), 0);
    assert_int_equal(shake("{\"protocol\":\"json\",\"version\":1}", false), 0);
    assert_int_equal(shake("garbage", false), 0);
    assert_int_equal(response.len, 0);
}

static void unsupported(void **state)
{
    (void)state;
    refuses("{\"protocol\":\"xml\",\"version\":1}\x1e", false,
            "The protocol 'xml' is not supported.");
    refuses("{\"protocol\":\"msgpack\",\"version\":1}\x1e", true,
            "The protocol 'msgpack' is not supported.");
    refuses("{\"protocol\":\"X\\\"\\u0001\",\"version\":9}\x1e", false,
            "The protocol 'X\\\"\\u0001' is not supported.");
    refuses("{\"protocol\":\"json\",\"version\":3}\x1e", false,
            "The server does not support version 3 of the 'json' protocol.");
    refuses("{\"protocol\":\"JSON\",\"version\":2147483647}\x1e", true,
            "The server does not support version 2147483647 of the 'JSON' "
            "protocol.");
}

#define GENERAL "An unexpected error occurred during connection handshake."

static void malformed(void **state)
{
    (void)state;
    const char *texts[] = {
        "\x1e",
        "{\x1e",
        "hello\x1e",
        "null\x1e",
        "[]\x1e",
        "{}\x1e",
        "{\"protocol\":\"json\"}\x1e",
        "{\"version\":1}\x1e",
        "{\"protocol\":null,\"version\":1}\x1e",
        "{\"protocol\":1,\"version\":1}\x1e",
        "{\"protocol\":\"json\",\"version\":\"1\"}\x1e",
        "{\"protocol\":\"json\",\"version\":1.5}\x1e",
        "{\"protocol\":\"json\",\"version\":1,}\x1e",
        "{\"protocol\":\"json\",/*c*/\"version\":1}\x1e",
        "{\"Protocol\":\"json\",\"Version\":1}\x1e",
        "\xef\xbb\xbf{\"protocol\":\"json\",\"version\":1}\x1e",
        "{\"type\":1,\"target\":\"Void\",\"arguments\":[]}\x1e",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        refuses(texts[i], false, GENERAL);
}

static void malformed_in_detail(void **state)
{
    (void)state;
    refuses("{\"protocol\":\"json\"}\x1e", true,
            GENERAL
            " InvalidDataException: Missing required property "
            "'version'. Message content: {\\\"protocol\\\":\\\"json\\\"}");
    refuses("{\"protocol\":\"json\",\"version\":null}\x1e", true,
            GENERAL
            " InvalidDataException: Missing required property "
            "'version'. Message content: {\\\"protocol\\\":\\\"json\\\","
            "\\\"version\\\":null}");
    refuses("{\"version\":1}\xff\x1e", true,
            GENERAL
            " InvalidDataException: Missing required property "
            "'protocol'. Message content: {\\\"version\\\":1}\xef\xbf\xbd");
    refuses("{\"version\":\"1\"}\x1e", true,
            GENERAL " InvalidDataException: Expected 'version' to be of type "
                    "Number.");
    refuses("{\"protocol\":1}\x1e", true,
            GENERAL " InvalidDataException: Expected 'protocol' to be of type "
                    "String.");
    refuses("[]\x1e", true,
            GENERAL " InvalidDataException: Unexpected JSON Token Type "
                    "'Array'. Expected a JSON Object.");
    refuses("{\"version\":1.5}\x1e", true,
            GENERAL " FormatException: Either the JSON value is not in a "
                    "supported format, or is out of bounds for an Int32.");
}

static void writes_responses(void **state)
{
    (void)state;
    assert_bytes(sl_handshake_ok, "{}\x1e");
    sl_str_clear(&response);
    sl_handshake_write_error(&response, sl_handshake_canceled);
    assert_bytes(sl_str_slice(&response),
                 "{\"error\":\"Handshake was canceled.\"}\x1e");
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
    sl_str_release(&response);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_requests),
        cmocka_unit_test(takes_its_own_bytes_only),
        cmocka_unit_test(waits_for_the_separator),
        cmocka_unit_test(unsupported),
        cmocka_unit_test(malformed),
        cmocka_unit_test(malformed_in_detail),
        cmocka_unit_test(writes_responses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
