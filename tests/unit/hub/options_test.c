// SPDX-License-Identifier: MIT
/*
 * Each option of the table can be found, set at its bounds, and refuses what
 * lies beyond them with a sentence that names it.
 */
#include "hub/options.h"

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t value_of(const struct sl_hub_options *options,
                         const struct sl_option_info *info)
{
    uint64_t value;
    memcpy(&value, (const char *)options + info->offset, sizeof(value));
    return value;
}

static void test_defaults(void **state)
{
    (void)state;
    struct sl_hub_options options;
    sl_hub_options_default(&options);
    assert_int_equal(options.keep_alive, 15000);
    assert_int_equal(options.client_timeout, 30000);
    assert_int_equal(options.handshake_timeout, 15000);
    assert_int_equal(options.disconnect_timeout, 15000);
    assert_int_equal(options.negotiate_timeout, 60000);
    assert_int_equal(options.poll_timeout, 90000);
    assert_int_equal(options.max_message_size, 32768);
    assert_int_equal(options.max_parallel_invocations, 1);
    assert_int_equal(options.max_outbound, 1 << 20);
    assert_int_equal(options.max_streams, 1000);
    assert_int_equal(options.stream_buffer, 10);
    assert_int_equal(options.stateful_reconnect_buffer, 100000);
    assert_int_equal(options.detailed_errors, 0);
    assert_int_equal(options.strict_arguments, 0);
    assert_int_equal(options.close_on_expiry, 0);
    assert_int_equal(options.rate.count, 0);
    assert_int_equal(options.transports, 7);
    assert_null(sl_hub_options_doubt(&options));
}

static void test_each_option(void **state)
{
    (void)state;
    struct sl_hub_options options;
    struct sl_report report;
    sl_hub_options_default(&options);
    for (unsigned i = 0; i < sl_option_count; i++) {
        const struct sl_option_info *info = &sl_option_infos[i];
        double scale = info->kind == SL_OPTION_SECONDS ? 1000 : 1;
        assert_ptr_equal(sl_option_find(sl_slice_str(info->name)), info);
        assert_true(strlen(info->text) > 10);

        assert_int_equal(
            sl_hub_options_set(&options, info, info->least, &report), 0);
        assert_int_equal(value_of(&options, info),
                         (uint64_t)(info->least * scale + 0.5));
        assert_int_equal(
            sl_hub_options_set(&options, info, info->most, &report), 0);
        uint64_t most = value_of(&options, info);

        const double wrong[] = { info->least - 1, info->most + 1, NAN, INFINITY,
                                 -INFINITY };
        for (unsigned w = 0; w < sizeof(wrong) / sizeof(wrong[0]); w++) {
            assert_int_equal(
                sl_hub_options_set(&options, info, wrong[w], &report),
                SL_E_CONFIG);
            assert_non_null(strstr(report.text, info->name));
        }
        assert_int_equal(value_of(&options, info), most);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    struct sl_hub_options options;
    struct sl_report report;
    sl_hub_options_default(&options);
    assert_int_equal(sl_hub_options_set(&options,
                                        sl_option_find(SL_SLICE("keep_alive")),
                                        0.5, &report),
                     0);
    assert_int_equal(options.keep_alive, 500);
    assert_int_equal(
        sl_hub_options_set(&options, sl_option_find(SL_SLICE("stream_buffer")),
                           1.5, &report),
        SL_E_CONFIG);
    assert_string_equal(report.text,
                        "stream_buffer = 1.5: it takes a whole number from 1 "
                        "to 100000 (items buffered per upload stream before "
                        "reading pauses)");
    assert_int_equal(
        sl_hub_options_set(
            &options, sl_option_find(SL_SLICE("detailed_errors")), 2, NULL),
        SL_E_CONFIG);
    assert_null(sl_option_find(SL_SLICE("Keep_alive")));
    assert_null(sl_option_find(SL_SLICE("keep_alives")));
}

static void test_doubts(void **state)
{
    (void)state;
    struct sl_hub_options options;
    sl_hub_options_default(&options);
    options.client_timeout = 20000;
    assert_non_null(strstr(sl_hub_options_doubt(&options), "client_timeout"));
    sl_hub_options_default(&options);
    options.max_outbound = 1024;
    assert_non_null(strstr(sl_hub_options_doubt(&options), "max_outbound"));
    sl_hub_options_default(&options);
    options.transports = 0;
    assert_non_null(strstr(sl_hub_options_doubt(&options), "transports"));
}

static void test_transport_names(void **state)
{
    (void)state;
    assert_string_equal(sl_transport_names[SL_TRANSPORT_WEBSOCKETS],
                        "WebSockets");
    assert_string_equal(sl_transport_names[SL_TRANSPORT_SSE],
                        "ServerSentEvents");
    assert_string_equal(sl_transport_names[SL_TRANSPORT_LONG_POLLING],
                        "LongPolling");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_each_option),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_transport_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
