// SPDX-License-Identifier: MIT
/*
 * MessagePack values: checked, walked, and written as they came.
 */
#include "wire/msgpack.h"

#include "base/err.h"
#include "slices.h"
#include "wire/writer.h"

static struct sl_value value_of(struct sl_slice bytes)
{
    assert_int_equal(sl_msgpack_check(bytes, 64), bytes.len);
    assert_int_equal(sl_msgpack_skip(bytes), bytes.len);
    return (struct sl_value){ .protocol = SL_PROTOCOL_MESSAGEPACK,
                              .msgpack = bytes };
}

#define is_int(literal, number)                             \
    do {                                                    \
        struct sl_value v_ = value_of(SL_SLICE(literal));   \
        assert_int_equal(sl_value_kind(&v_), SL_VALUE_INT); \
        assert_true(sl_value_int(&v_) == (number));         \
    } while (0)
#define is_bad(literal) \
    assert_int_equal(sl_msgpack_check(SL_SLICE(literal), 64), SL_E_VALUE)

static void numbers(void **state)
{
    (void)state;
    is_int("\x7f", 127);
    is_int("\xe0", -32);
    is_int("\xcc\xff", 255);
    is_int("\xcd\xff\xff", 65535);
    is_int("\xce\xff\xff\xff\xff", 4294967295);
    is_int("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", INT64_MAX);
    is_int("\xd0\x80", -128);
    is_int("\xd1\x80\x00", -32768);
    is_int("\xd2\x80\x00\x00\x00", -2147483648LL);
    is_int("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", INT64_MIN);
    struct sl_value v = value_of(SL_SLICE("\xcf\xff\xff\xff\xff\xff\xff\xff"
                                          "\xff"));
    assert_true(sl_value_uint(&v) == UINT64_MAX);
    v = value_of(SL_SLICE("\xca\x3f\xc0\x00\x00"));
    assert_true(sl_value_double(&v) == 1.5);
    v = value_of(SL_SLICE("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"));
    assert_true(sl_value_double(&v) == 1.5);
}

static void check_time(struct sl_slice bytes, int64_t seconds, uint32_t ns)
{
    struct sl_value v = value_of(bytes);
    int64_t got = 0;
    uint32_t got_ns = 1;
    assert_int_equal(sl_value_kind(&v), SL_VALUE_TIMESTAMP);
    sl_value_timestamp(&v, &got, &got_ns);
    assert_true(got == seconds);
    assert_int_equal(got_ns, ns);
}

static void timestamps(void **state)
{
    (void)state;
    check_time(SL_SLICE("\xd6\xff\x69\x57\x35\xa5"), 1767323045, 0);
    check_time(SL_SLICE("\xd7\xff\xa1\xa5\xd6\x00\x69\x57\x35\xa5"), 1767323045,
               678000000);
    check_time(SL_SLICE("\xc7\x0c\xff\x00\x00\x00\x01"
                        "\xff\xff\xff\xff\x00\x00\x00\x00"),
               -4294967296, 1);
    is_bad("\xc7\x0c\xff\x00\x00\x00\x01\x7f\xff\xff\xff\x00\x00\x00\x00");
    is_bad("\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00"); /* 2^30 - 1 ns */
    is_bad("\xd5\xff\x00\x00");
}

static void members(void **state)
{
    (void)state;
    struct sl_value v = value_of(SL_SLICE("\x82\xa1"
                                          "a\x92\x01\x90\xd0\xff\xc4\x01x"));
    struct sl_value_iter iter;
    struct sl_value item;
    struct sl_slice key;
    sl_value_iter_init(&iter, &v);
    assert_true(sl_value_next(&iter, &key, &item));
    assert_bytes(key, "a");
    assert_int_equal(sl_value_count(&item), 2);
    assert_true(sl_value_next(&iter, &key, &item));
    assert_bytes(key, "-1");
    assert_int_equal(sl_value_kind(&item), SL_VALUE_BINARY);
    assert_bytes(sl_value_string(&item), "x");
    assert_false(sl_value_next(&iter, &key, &item));
}

static void refused(void **state)
{
    (void)state;
    is_bad("");
    is_bad("\xc1");
    is_bad("\x92\x01");
    is_bad("\xa2x");
    is_bad("\xa1\xff");
    is_bad("\xdd\xff\xff\xff\xff\x01");
    is_bad("\xdf\xff\xff\xff\xff\x01");
    is_bad("\x81\xc0\x01"); /* nil as a name */
    is_bad("\xd4\x01\x00");
    is_bad("\xcd\x01");
    assert_int_equal(sl_msgpack_check(SL_SLICE("\x91\x91\x01"), 2), 3);
    assert_int_equal(sl_msgpack_check(SL_SLICE("\x91\x91\x01"), 1), SL_E_DEPTH);
}

static void written(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    struct sl_writer w;
    sl_writer_init(&w, SL_PROTOCOL_MESSAGEPACK, &out);
    assert_int_equal(sl_write_object(&w, 2), 0);
    assert_int_equal(sl_write_key(&w, SL_SLICE("a")), 0);
    assert_int_equal(sl_write_array(&w, 4), 0);
    sl_write_null(&w);
    sl_write_bool(&w, true);
    sl_write_int(&w, -33);
    sl_write_uint(&w, UINT64_MAX);
    sl_write_end(&w);
    assert_int_equal(sl_write_key(&w, SL_SLICE("t")), 0);
    assert_int_equal(sl_write_timestamp(&w, 1767323045, 678000099), 0);
    sl_write_end(&w);
    assert_int_equal(sl_write_double(&w, 0.5), 0);
    sl_write_binary(&w, SL_SLICE("\x01\x02\x03"));
    assert_int_equal(sl_write_string(&w, SL_SLICE("\xff")), SL_E_UTF8);
    assert_bytes(sl_str_slice(&out),
                 "\x82\xa1"
                 "a\x94\xc0\xc3\xd0\xdf\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
                 "\xa1t\xd7\xff\xa1\xa5\xd6\x00\x69\x57\x35\xa5"
                 "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\xc4\x03\x01\x02\x03");
    sl_str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(timestamps),
        cmocka_unit_test(members), cmocka_unit_test(refused),
        cmocka_unit_test(written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
