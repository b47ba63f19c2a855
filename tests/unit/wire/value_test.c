// SPDX-License-Identifier: MIT
/*
 * Kinds and walking of JSON values.
 */
#include "slices.h"
#include "wire/json.h"

static struct sl_json json;

static struct sl_value read_text(struct sl_slice text)
{
    struct sl_value root;
    assert_int_equal(sl_json_read(&json, text, &root), 0);
    return root;
}

static void check_kind(const char *text, enum sl_value_kind kind)
{
    struct sl_value value = read_text(sl_slice_str(text));
    assert_int_equal(sl_value_kind(&value), kind);
}

static void kinds(void **state)
{
    (void)state;
    struct sl_value none = { 0 };
    assert_int_equal(sl_value_kind(&none), SL_VALUE_NONE);
    check_kind("null", SL_VALUE_NULL);
    check_kind("true", SL_VALUE_BOOL);
    check_kind("false", SL_VALUE_BOOL);
    check_kind("0", SL_VALUE_INT);
    check_kind("-1", SL_VALUE_INT);
    check_kind("9223372036854775807", SL_VALUE_INT);
    check_kind("9223372036854775808", SL_VALUE_UINT);
    check_kind("18446744073709551616", SL_VALUE_DOUBLE);
    check_kind("1.0", SL_VALUE_DOUBLE);
    check_kind("1e0", SL_VALUE_DOUBLE);
    check_kind("\"\"", SL_VALUE_STRING);
    check_kind("\"\\n\"", SL_VALUE_STRING);
    check_kind("[]", SL_VALUE_ARRAY);
    check_kind("{}", SL_VALUE_OBJECT);
}

static void scalars(void **state)
{
    (void)state;
    struct sl_value value = read_text(SL_SLICE("true"));
    assert_true(sl_value_bool(&value));
    value = read_text(SL_SLICE("false"));
    assert_false(sl_value_bool(&value));
    value = read_text(SL_SLICE("-9223372036854775808"));
    assert_true(sl_value_int(&value) == INT64_MIN);
    value = read_text(SL_SLICE("18446744073709551615"));
    assert_true(sl_value_uint(&value) == UINT64_MAX);
    value = read_text(SL_SLICE("1.5e3"));
    assert_true(sl_value_double(&value) == 1500);
    value = read_text(SL_SLICE("\"a\\u0000\\ud83d\\ude80\""));
    assert_bytes(sl_value_string(&value), "a\0\U0001F680");
}

static void walks_arrays(void **state)
{
    (void)state;
    struct sl_value root = read_text(SL_SLICE("[1,[2,[3]],{\"a\":4},5]"));
    struct sl_value_iter iter;
    struct sl_value member;
    assert_int_equal(sl_value_count(&root), 4);
    sl_value_iter_init(&iter, &root);
    assert_true(sl_value_next(&iter, NULL, &member));
    assert_int_equal(sl_value_int(&member), 1);
    assert_true(sl_value_next(&iter, NULL, &member));
    assert_int_equal(sl_value_count(&member), 2);
    assert_true(sl_value_next(&iter, NULL, &member));
    assert_int_equal(sl_value_kind(&member), SL_VALUE_OBJECT);
    assert_true(sl_value_next(&iter, NULL, &member));
    assert_int_equal(sl_value_int(&member), 5);
    assert_false(sl_value_next(&iter, NULL, &member));
    assert_false(sl_value_next(&iter, NULL, &member));
}

static void walks_objects(void **state)
{
    (void)state;
    struct sl_value root =
        read_text(SL_SLICE("{\"a\":[1,2],\"\":null,\"a\":\"x\"}"));
    struct sl_value_iter iter;
    struct sl_value member;
    struct sl_slice key;
    assert_int_equal(sl_value_count(&root), 3);
    sl_value_iter_init(&iter, &root);
    assert_true(sl_value_next(&iter, &key, &member));
    assert_bytes(key, "a");
    assert_int_equal(sl_value_count(&member), 2);
    assert_true(sl_value_next(&iter, &key, &member));
    assert_bytes(key, "");
    assert_int_equal(sl_value_kind(&member), SL_VALUE_NULL);
    assert_true(sl_value_next(&iter, &key, &member));
    assert_bytes(key, "a");
    assert_bytes(sl_value_string(&member), "x");
    assert_false(sl_value_next(&iter, &key, &member));
}

static void empty_containers(void **state)
{
    (void)state;
    const char *texts[] = { "[]", "{}" };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        struct sl_value root = read_text(sl_slice_str(texts[i])), member;
        struct sl_value_iter iter;
        struct sl_slice key;
        assert_int_equal(sl_value_count(&root), 0);
        sl_value_iter_init(&iter, &root);
        assert_false(sl_value_next(&iter, &key, &member));
    }
}

static int teardown(void **state)
{
    (void)state;
    sl_json_release(&json);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(scalars),
        cmocka_unit_test(walks_arrays),
        cmocka_unit_test(walks_objects),
        cmocka_unit_test(empty_containers),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
