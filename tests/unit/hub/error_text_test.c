// SPDX-License-Identifier: MIT
/*
 * The sentences, letter for letter those of the reference server.
 */
#include "hub/error_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(struct sl_str *out, const char *text)
{
    assert_string_equal(sl_str_cstr(out), text);
    sl_str_clear(out);
}

static void test_invocations(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_error_invoking(&out, SL_SLICE("Fail"), NULL, SL_SLICE("secret"));
    expect(&out, "An unexpected error occurred invoking 'Fail' on the server.");
    sl_error_invoking(&out, SL_SLICE("Fail"), sl_error_hub, SL_SLICE("boom"));
    expect(&out, "An unexpected error occurred invoking 'Fail' on the server. "
                 "HubException: boom");
    sl_error_invoking(&out, SL_SLICE("Fail"), sl_error_operation,
                      SL_SLICE("boom"));
    expect(&out, "An unexpected error occurred invoking 'Fail' on the server. "
                 "InvalidOperationException: boom");
    sl_error_unbound(&out, SL_SLICE("Add"), (struct sl_slice){ 0 });
    expect(&out, "Failed to invoke 'Add' due to an error on the server.");
    sl_error_unbound(&out, SL_SLICE("Add"), SL_SLICE("E: d"));
    expect(&out, "Failed to invoke 'Add' due to an error on the server. E: d");
    sl_error_unauthorized(&out, SL_SLICE("Add"));
    expect(&out, "Failed to invoke 'Add' because user is unauthorized");
    sl_error_unknown_method(&out, SL_SLICE("Nope"));
    expect(&out, "Failed to invoke 'Nope' due to an error on the server. "
                 "HubException: Method does not exist.");
    sl_str_release(&out);
}

static void test_streams(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_error_is_stream(&out, SL_SLICE("Count"));
    expect(&out, "The client attempted to invoke the streaming 'Count' method "
                 "with a non-streaming invocation.");
    sl_error_not_stream(&out, SL_SLICE("Echo"));
    expect(&out, "The client attempted to invoke the non-streaming 'Echo' "
                 "method with a streaming invocation.");
    sl_error_no_stream(&out, SL_SLICE("Null"));
    expect(&out, "The value returned by the streaming method 'Null' is not a "
                 "ChannelReader<> or IAsyncEnumerable<>.");
    sl_error_stream_count(&out, SL_SLICE("Sum"), 0, 1);
    expect(&out, "An unexpected error occurred invoking 'Sum' on the server. "
                 "HubException: Client sent 0 stream(s), Hub method expects "
                 "1.");
    sl_str_release(&out);
}

/* What has no parameter. */
static void test_fixed(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    const struct {
        const struct sl_slice *text;
        const char *wanted;
    } texts[] = {
        { &sl_error_item_unbound, "Failed to bind Stream message." },
        { &sl_error_upload_cut, "The underlying connection was closed." },
        { &sl_error_upload_full,
          "The stream is ahead of its reader while the client owes a "
          "result." },
        { &sl_error_no_result, "The client answered without a result." },
        { &sl_error_result_unread, "Error trying to deserialize result." },
        { &sl_error_slow, "Connection closed because the client does not read "
                          "fast enough." },
        { &sl_error_sequence,
          "Sequence ID greater than amount of messages we've received." },
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        sl_str_add_slice(&out, *texts[i].text);
        expect(&out, texts[i].wanted);
    }
    sl_str_release(&out);
}

static void test_streams_and_results(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_error_streaming(&out, NULL, SL_SLICE("secret"));
    expect(&out, "An error occurred on the server while streaming results.");
    sl_error_streaming(&out, sl_error_hub, SL_SLICE("why"));
    expect(&out, "An error occurred on the server while streaming results. "
                 "HubException: why");
    sl_error_id_in_use(&out, SL_SLICE("7"));
    expect(&out, "Invocation ID '7' is already in use.");
    sl_error_no_connection(&out, SL_SLICE("x"));
    expect(&out, "Connection 'x' does not exist.");
    sl_error_disconnected(&out, SL_SLICE("x"));
    expect(&out, "Connection 'x' disconnected.");
    sl_error_wrong_answerer(&out, SL_SLICE("x"), SL_SLICE("s1"));
    expect(&out, "Connection ID 'x' is not valid for invocation ID 's1'.");
    sl_str_release(&out);
}

static void test_connections(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_error_closed(&out, NULL, SL_SLICE("secret"));
    expect(&out, "Connection closed with an error.");
    sl_error_closed(&out, sl_error_data, SL_SLICE("why"));
    expect(&out, "Connection closed with an error. InvalidDataException: why");
    sl_error_too_large(&out, 32768);
    expect(&out, "The maximum message size of 32768B was exceeded. The "
                 "message size can be configured in AddHubOptions.");
    sl_str_release(&out);
    assert_true(sl_slice_eq(
        sl_error_client_timeout,
        SL_SLICE("Client hasn't sent a message/ping within the configured "
                 "ClientTimeoutInterval.")));
    assert_true(sl_slice_eq(sl_error_truncated,
                            SL_SLICE("Connection terminated while reading a "
                                     "message.")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invocations),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_streams_and_results),
        cmocka_unit_test(test_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
