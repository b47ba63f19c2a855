// SPDX-License-Identifier: MIT
/*
 * The reader: strictness, depth, and memory that is reused, grown and dropped.
 */
#include "base/err.h"
#include "base/limits.h"
#include "slices.h"
#include "wire/json.h"

static int read_text(struct sl_json *json, struct sl_slice text)
{
    struct sl_value root;
    return sl_json_read(json, text, &root);
}

static void reads_one_document(void **state)
{
    (void)state;
    struct sl_json json;
    struct sl_value root;
    sl_json_init(&json);
    assert_int_equal(sl_json_read(&json, SL_SLICE(" [1,2] "), &root), 0);
    assert_int_equal(sl_value_count(&root), 2);
    assert_int_equal(sl_json_read(&json, SL_SLICE("\"a\""), &root), 0);
    assert_bytes(sl_value_string(&root), "a");
    sl_json_release(&json);
}

static void is_strict(void **state)
{
    (void)state;
    const struct sl_slice texts[] = {
        SL_SLICE(""),         SL_SLICE("{"),
        SL_SLICE("[1,]"),     SL_SLICE("{\"a\":1,}"),
        SL_SLICE("[/*c*/1]"), SL_SLICE("NaN"),
        SL_SLICE("01"),       SL_SLICE("1."),
        SL_SLICE("'a'"),      SL_SLICE("\"a\nb\""),
        SL_SLICE("\"\xff\""), SL_SLICE("\"\\ud83d\""),
        SL_SLICE("\"\\x\""),  SL_SLICE("\xef\xbb\xbf[]"),
        SL_SLICE("[] x"),     SL_SLICE("1e999"),
    };
    struct sl_json json;
    struct sl_value root = { .json = (void *)1 };
    sl_json_init(&json);
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        assert_int_equal(sl_json_read(&json, texts[i], &root), SL_E_JSON);
        assert_null(root.json);
        assert_null(json.doc);
    }
    sl_json_release(&json);
}

static void head_ignores_the_rest(void **state)
{
    (void)state;
    struct sl_json json;
    struct sl_value root;
    sl_json_init(&json);
    assert_int_equal(sl_json_read_head(&json, SL_SLICE("[1] ]]x"), &root), 0);
    assert_int_equal(sl_value_count(&root), 1);
    assert_int_equal(sl_json_read_head(&json, SL_SLICE("[1"), &root),
                     SL_E_JSON);
    sl_json_release(&json);
}

/* `count` arrays inside each other, and something after them. */
static void nest(struct sl_str *text, unsigned count, const char *after)
{
    sl_str_clear(text);
    for (unsigned i = 0; i < count; i++)
        sl_str_add_char(text, '[');
    for (unsigned i = 0; i < count; i++)
        sl_str_add_char(text, ']');
    sl_str_add_slice(text, sl_slice_str(after));
}

static void bounds_depth(void **state)
{
    (void)state;
    struct sl_json json;
    struct sl_str text = { 0 };
    struct sl_value root;
    sl_json_init(&json);
    nest(&text, SL_JSON_DEPTH_MAX, "");
    assert_int_equal(read_text(&json, sl_str_slice(&text)), 0);
    nest(&text, SL_JSON_DEPTH_MAX + 1, "");
    assert_int_equal(read_text(&json, sl_str_slice(&text)), SL_E_DEPTH);
    assert_null(json.doc);
    nest(&text, 10000, "");
    assert_int_equal(read_text(&json, sl_str_slice(&text)), SL_E_DEPTH);
    nest(&text, SL_JSON_DEPTH_MAX, "[[[[[[");
    assert_int_equal(sl_json_read_head(&json, sl_str_slice(&text), &root), 0);
    sl_str_release(&text);
    sl_json_release(&json);
}

/* Many brackets alone, flat or inside strings, are no depth. */
static void counts_levels_not_brackets(void **state)
{
    (void)state;
    struct sl_json json;
    struct sl_str text = { 0 };
    sl_json_init(&json);
    sl_str_add_char(&text, '[');
    for (int i = 0; i < 200; i++)
        sl_str_add_lit(&text, "[],{\"[\\\"[\\\\\":\"{{[\"},");
    sl_str_add_lit(&text, "[]]");
    assert_int_equal(read_text(&json, sl_str_slice(&text)), 0);
    sl_str_release(&text);
    sl_json_release(&json);
}

static void reuses_memory(void **state)
{
    (void)state;
    struct sl_json json;
    sl_json_init(&json);
    assert_int_equal(read_text(&json, SL_SLICE("[1]")), 0);
    void *pool = json.pool;
    size_t size = json.pool_size;
    for (int i = 0; i < 100; i++)
        assert_int_equal(read_text(&json, SL_SLICE("{\"a\":[1,2,3]}")), 0);
    assert_ptr_equal(json.pool, pool);
    assert_int_equal(json.pool_size, size);
    sl_json_release(&json);
    assert_null(json.pool);
}

static void add_array(struct sl_str *text, size_t count)
{
    sl_str_add_char(text, '[');
    for (size_t i = 0; i < count; i++)
        sl_str_add_lit(text, "1,");
    sl_str_add_lit(text, "1]");
}

static void large_documents_leave_nothing(void **state)
{
    (void)state;
    struct sl_json json;
    struct sl_value root;
    struct sl_str text = { 0 };
    sl_json_init(&json);
    for (size_t count = 1; count < 1 << 19; count *= 4) {
        sl_str_clear(&text);
        add_array(&text, count);
        assert_int_equal(sl_json_read(&json, sl_str_slice(&text), &root), 0);
        assert_int_equal(sl_value_count(&root), count + 1);
        assert_true(json.pool_size <= SL_SCRATCH_KEEP_MAX);
    }
    assert_true(json.doc_on_heap);
    assert_int_equal(read_text(&json, SL_SLICE("[]")), 0);
    assert_false(json.doc_on_heap);
    assert_int_equal(read_text(&json, sl_str_slice(&text)), 0);
    sl_json_release(&json); /* the leak checker looks for that document */
    sl_str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_one_document),
        cmocka_unit_test(is_strict),
        cmocka_unit_test(head_ignores_the_rest),
        cmocka_unit_test(bounds_depth),
        cmocka_unit_test(counts_levels_not_brackets),
        cmocka_unit_test(reuses_memory),
        cmocka_unit_test(large_documents_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
