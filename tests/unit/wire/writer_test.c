// SPDX-License-Identifier: MIT
/*
 * The writer: commas, nesting, and what it refuses leaving no trace.
 */
#include "base/err.h"
#include "base/limits.h"
#include "slices.h"
#include "wire/writer.h"

#include <math.h>

static struct sl_str out;
static struct sl_writer w;

static int setup(void **state)
{
    (void)state;
    sl_writer_init(&w, SL_PROTOCOL_JSON, &out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_str_release(&out);
    return 0;
}

static void scalars(void **state)
{
    (void)state;
    sl_write_null(&w);
    sl_write_bool(&w, true);
    sl_write_bool(&w, false);
    sl_write_int(&w, INT64_MIN);
    sl_write_uint(&w, UINT64_MAX);
    assert_int_equal(sl_write_double(&w, 2.5), 0);
    assert_int_equal(sl_write_string(&w, SL_SLICE("a\"")), 0);
    sl_write_binary(&w, SL_SLICE("\x01\x02\x03"));
    sl_write_binary(&w, (struct sl_slice){ 0 });
    assert_bytes(sl_str_slice(&out),
                 "null,true,false,-9223372036854775808,18446744073709551615,"
                 "2.5,\"a\\\"\",\"AQID\",\"\"");
}

static void texts_of_any_bytes(void **state)
{
    (void)state;
    sl_write_text(&w, SL_SLICE("\xc3\xa4"));
    sl_write_text(&w, SL_SLICE("a\xff\"b"));
    assert_bytes(sl_str_slice(&out), "\"\xc3\xa4\",\"a\xef\xbf\xbd\\\"b\"");
    sl_str_clear(&out);
    sl_writer_init(&w, SL_PROTOCOL_MESSAGEPACK, &out);
    sl_write_text(&w, SL_SLICE("a\xff"));
    assert_bytes(sl_str_slice(&out), "\xa4"
                                     "a\xef\xbf\xbd");
}

static void containers(void **state)
{
    (void)state;
    assert_int_equal(sl_write_array(&w, 3), 0);
    sl_write_int(&w, 1);
    assert_int_equal(sl_write_object(&w, 2), 0);
    assert_int_equal(sl_write_key(&w, SL_SLICE("a\n")), 0);
    assert_int_equal(sl_write_array(&w, 0), 0);
    sl_write_end(&w);
    assert_int_equal(sl_write_key(&w, SL_SLICE("b")), 0);
    sl_write_null(&w);
    sl_write_end(&w);
    assert_int_equal(sl_write_object(&w, 0), 0);
    sl_write_end(&w);
    sl_write_end(&w);
    sl_write_int(&w, 2);
    assert_bytes(sl_str_slice(&out), "[1,{\"a\\n\":[],\"b\":null},{}],2");
}

static void refusals_leave_no_trace(void **state)
{
    (void)state;
    assert_int_equal(sl_write_object(&w, 2), 0);
    assert_int_equal(sl_write_key(&w, SL_SLICE("a")), 0);
    assert_int_equal(sl_write_double(&w, (double)NAN), SL_E_VALUE);
    assert_int_equal(sl_write_string(&w, SL_SLICE("\xff")), SL_E_UTF8);
    sl_write_int(&w, 1);
    assert_int_equal(sl_write_key(&w, SL_SLICE("\xff")), SL_E_UTF8);
    assert_int_equal(sl_write_key(&w, SL_SLICE("b")), 0);
    assert_int_equal(sl_write_timestamp(&w, INT64_MAX, 0), SL_E_VALUE);
    sl_write_int(&w, 2);
    sl_write_end(&w);
    assert_bytes(sl_str_slice(&out), "{\"a\":1,\"b\":2}");
}

static void bounds_depth(void **state)
{
    (void)state;
    for (int i = 0; i < SL_JSON_DEPTH_MAX; i++) {
        if (i % 2 == 0) {
            assert_int_equal(sl_write_array(&w, 1), 0);
        } else {
            assert_int_equal(sl_write_object(&w, 1), 0);
            assert_int_equal(sl_write_key(&w, SL_SLICE("k")), 0);
        }
    }
    size_t len = out.len;
    assert_int_equal(sl_write_array(&w, 0), SL_E_DEPTH);
    assert_int_equal(sl_write_object(&w, 0), SL_E_DEPTH);
    assert_int_equal(out.len, len);
    sl_write_null(&w);
    for (int i = 0; i < SL_JSON_DEPTH_MAX; i++)
        sl_write_end(&w);
    assert_memory_equal(out.ptr, "[{\"k\":[{\"k\":", 12);
    assert_memory_equal(out.ptr + out.len - 4, "}]}]", 4);
}

static void check_timestamp(int64_t seconds, uint32_t nanoseconds,
                            const char *wanted)
{
    sl_str_clear(&out);
    sl_writer_init(&w, SL_PROTOCOL_JSON, &out);
    assert_int_equal(sl_write_timestamp(&w, seconds, nanoseconds), 0);
    assert_slices(sl_str_slice(&out), sl_slice_str(wanted));
}

static void timestamps(void **state)
{
    (void)state;
    check_timestamp(0, 0, "\"1970-01-01T00:00:00Z\"");
    check_timestamp(1577934245, 678000000, "\"2020-01-02T03:04:05.678Z\"");
    check_timestamp(951782400, 0, "\"2000-02-29T00:00:00Z\"");
    check_timestamp(951868799, 123456789, "\"2000-02-29T23:59:59.1234567Z\"");
    check_timestamp(4107542400, 0, "\"2100-03-01T00:00:00Z\"");
    check_timestamp(-1, 999999999, "\"1969-12-31T23:59:59.9999999Z\"");
    check_timestamp(0, 99, "\"1970-01-01T00:00:00Z\"");
    check_timestamp(0, 100, "\"1970-01-01T00:00:00.0000001Z\"");
    check_timestamp(-62135596800, 0, "\"0001-01-01T00:00:00Z\"");
    check_timestamp(253402300799, 0, "\"9999-12-31T23:59:59Z\"");
}

static void timestamps_out_of_range(void **state)
{
    (void)state;
    assert_int_equal(sl_write_timestamp(&w, -62135596801, 0), SL_E_VALUE);
    assert_int_equal(sl_write_timestamp(&w, 253402300800, 0), SL_E_VALUE);
    assert_int_equal(sl_write_timestamp(&w, INT64_MIN, 0), SL_E_VALUE);
    assert_int_equal(sl_write_timestamp(&w, 0, 1000000000), SL_E_VALUE);
    assert_int_equal(out.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scalars),
        TEST(texts_of_any_bytes),
        TEST(containers),
        TEST(bounds_depth),
        TEST(refusals_leave_no_trace),
        TEST(timestamps),
        TEST(timestamps_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
