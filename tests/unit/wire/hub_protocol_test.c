// SPDX-License-Identifier: MIT
/*
 * Looking protocols up, and the reader's life.
 */
#include "slices.h"
#include "wire/hub_protocol.h"

static void finds_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(sl_hub_protocol_find(SL_SLICE("json")), &sl_hub_json);
    assert_ptr_equal(sl_hub_protocol_find(SL_SLICE("JsOn")), &sl_hub_json);
    assert_ptr_equal(sl_hub_protocol_find(SL_SLICE("MessagePack")),
                     &sl_hub_msgpack);
    assert_null(sl_hub_protocol_find(SL_SLICE("jso")));
    assert_null(sl_hub_protocol_find(SL_SLICE("json\0")));
    assert_null(sl_hub_protocol_find((struct sl_slice){ 0 }));
}

static void gets_by_id(void **state)
{
    (void)state;
    const struct sl_hub_protocol *json = sl_hub_protocol_get(SL_PROTOCOL_JSON);
    assert_ptr_equal(json, &sl_hub_json);
    assert_string_equal(json->name, "json");
    assert_int_equal(json->id, SL_PROTOCOL_JSON);
    assert_false(json->binary);
    const struct sl_hub_protocol *packed =
        sl_hub_protocol_get(SL_PROTOCOL_MESSAGEPACK);
    assert_ptr_equal(packed, &sl_hub_msgpack);
    assert_string_equal(packed->name, "messagepack");
    assert_int_equal(packed->id, SL_PROTOCOL_MESSAGEPACK);
    assert_true(packed->binary);
}

static void readers_may_be_released_twice(void **state)
{
    (void)state;
    struct sl_hub_reader reader;
    struct sl_message message;
    struct sl_hub_error error;
    sl_hub_reader_init(&reader);
    for (int i = 0; i < 2; i++) {
        /* The first text needs yyjson alone, the second the scanner too. */
        assert_int_equal(sl_hub_json.parse(&reader, SL_SLICE("{\"type\":6}"),
                                           &message, &error),
                         0);
        assert_int_equal(sl_hub_json.parse(&reader,
                                           SL_SLICE("{\"x\":1e999,\"type\":6}"),
                                           &message, &error),
                         0);
        sl_hub_reader_release(&reader);
        assert_null(reader.text.ptr);
        sl_hub_reader_release(&reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(gets_by_id),
        cmocka_unit_test(readers_may_be_released_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
