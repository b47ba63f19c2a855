// SPDX-License-Identifier: MIT
/*
 * Request targets, percent decoding, query strings.
 */
#include "slices.h"
#include "wire/url.h"

static struct sl_url parse(const char *target)
{
    struct sl_url url;
    assert_true(sl_url_parse(sl_slice_str(target), &url));
    return url;
}

static void origin_form(void **state)
{
    (void)state;
    struct sl_url url = parse("/chat/negotiate?negotiateVersion=1");
    assert_bytes(url.path, "/chat/negotiate");
    assert_bytes(url.query, "negotiateVersion=1");
    url = parse("/");
    assert_bytes(url.path, "/");
    assert_int_equal(url.query.len, 0);
    url = parse("/a?b?c");
    assert_bytes(url.path, "/a");
    assert_bytes(url.query, "b?c");
    url = parse("//evil/x"); /* no authority without a scheme */
    assert_bytes(url.path, "//evil/x");
    url = parse("/x?u=http://y/z");
    assert_bytes(url.path, "/x");
}

static void absolute_form(void **state)
{
    (void)state;
    struct sl_url url = parse("http://127.0.0.1:8080/chat?id=x");
    assert_bytes(url.path, "/chat");
    assert_bytes(url.query, "id=x");
    url = parse("HTTPS://host?id=x");
    assert_bytes(url.path, "/");
    assert_bytes(url.query, "id=x");
    url = parse("ws+x-1.2://host");
    assert_bytes(url.path, "/");
    assert_int_equal(url.query.len, 0);
}

static void refuses_other_forms(void **state)
{
    (void)state;
    const char *targets[] = { "",          "*",       "host:443",
                              "chat",      "://x/y",  "http:/x",
                              "http:///x", "1x://h/", "a b://h/" };
    struct sl_url url;
    for (size_t i = 0; i < SL_COUNT(targets); i++)
        assert_false(sl_url_parse(sl_slice_str(targets[i]), &url));
}

static void check_decode(const char *text, bool form, bool ok,
                         struct sl_slice wanted)
{
    struct sl_str out = { 0 };
    sl_str_add_char(&out, '>'); /* it appends */
    assert_int_equal(sl_url_decode(&out, sl_slice_str(text), form), ok);
    struct sl_slice got = sl_slice_of(out.ptr + 1, out.len - 1);
    assert_slices(got, wanted);
    sl_str_release(&out);
}

static void decodes(void **state)
{
    (void)state;
    check_decode("a%20b%2fC", false, true, SL_SLICE("a b/C"));
    check_decode("a+b", false, true, SL_SLICE("a+b"));
    check_decode("a+b%2B", true, true, SL_SLICE("a b+"));
    check_decode("%e2%82%AC", false, true, SL_SLICE("\xe2\x82\xac"));
    check_decode("%00", false, true, SL_SLICE("\0"));
    check_decode("", false, true, SL_SLICE(""));
}

static void keeps_broken_escapes(void **state)
{
    (void)state;
    check_decode("%", false, false, SL_SLICE("%"));
    check_decode("%4", false, false, SL_SLICE("%4"));
    check_decode("%zz%41", false, false, SL_SLICE("%zzA"));
    check_decode("%%41", false, false, SL_SLICE("%A"));
    check_decode("x%4g", true, false, SL_SLICE("x%4g"));
}

static void walks_pairs(void **state)
{
    (void)state;
    struct sl_query_iter iter = { .rest = SL_SLICE("a=1&&b&=c&d=e=f&") };
    struct sl_slice name, value;
    assert_true(sl_query_next(&iter, &name, &value));
    assert_bytes(name, "a");
    assert_bytes(value, "1");
    assert_true(sl_query_next(&iter, &name, &value));
    assert_bytes(name, "b");
    assert_bytes(value, "");
    assert_true(sl_query_next(&iter, &name, &value));
    assert_bytes(name, "");
    assert_bytes(value, "c");
    assert_true(sl_query_next(&iter, &name, &value));
    assert_bytes(name, "d");
    assert_bytes(value, "e=f");
    assert_false(sl_query_next(&iter, &name, &value));
    iter = (struct sl_query_iter){ 0 };
    assert_false(sl_query_next(&iter, &name, &value));
}

static void finds_by_name(void **state)
{
    (void)state;
    struct sl_slice query = SL_SLICE("x=0&ID=a%20b&id=2&idx=3"), value;
    unsigned count;
    assert_true(sl_query_get(query, SL_SLICE("id"), &value, &count));
    assert_bytes(value, "a%20b");
    assert_int_equal(count, 2);
    assert_true(sl_query_get(query, SL_SLICE("idx"), &value, NULL));
    assert_bytes(value, "3");
    assert_false(sl_query_get(query, SL_SLICE("i"), &value, &count));
    assert_int_equal(count, 0);
    assert_false(
        sl_query_get((struct sl_slice){ 0 }, SL_SLICE("i"), &value, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origin_form),          cmocka_unit_test(absolute_form),
        cmocka_unit_test(refuses_other_forms),  cmocka_unit_test(decodes),
        cmocka_unit_test(keeps_broken_escapes), cmocka_unit_test(walks_pairs),
        cmocka_unit_test(finds_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
