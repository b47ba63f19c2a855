// SPDX-License-Identifier: MIT
/*
 * What a connection remembers of its request, and above all what it does not:
 * credentials in headers and query, however they are written.
 */
#include "wire/request_head.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEADER(name, value)          \
    {                                \
        { name, sizeof(name) - 1 },  \
        {                            \
            value, sizeof(value) - 1 \
        }                            \
    }

static void assert_slice(struct sl_slice got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void keeps_what_is_harmless(void **state)
{
    (void)state;
    const struct sl_header headers[] = {
        HEADER("host", "a.example"),
        HEADER("authorization", "Bearer secret"),
        HEADER("cookie", "session=secret"),
        HEADER("connection", "Upgrade"),
        HEADER("upgrade", "websocket"),
        HEADER("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        HEADER("x-empty", ""),
        HEADER("proxy-authorization", "Basic secret"),
        HEADER("x-tenant", "blue"),
        HEADER("x-tenant", "green"),
        HEADER("content-length", "12"),
    };
    char path[] = "/chat%20room";
    struct sl_url url = { sl_slice_str(path), SL_SLICE("a=1&id=secret&b=2") };
    struct sl_request_head *head = sl_request_head_new(
        &url, SL_SLICE("127.0.0.1"), headers, SL_COUNT(headers));
    memset(path, 'x', sizeof(path)); /* it copied */

    assert_slice(sl_request_head_path(head), "/chat%20room");
    assert_slice(sl_request_head_query(head), "a=1&b=2");
    assert_slice(sl_request_head_remote(head), "127.0.0.1");
    assert_int_equal(sl_request_head_count(head), 4);
    assert_slice(sl_request_head_at(head, 0).name, "host");
    assert_slice(sl_request_head_at(head, 0).value, "a.example");
    assert_slice(sl_request_head_at(head, 1).name, "x-empty");
    assert_slice(sl_request_head_at(head, 1).value, "");
    assert_slice(sl_request_head_at(head, 2).value, "blue");
    assert_slice(sl_request_head_at(head, 3).value, "green");
    assert_null(memmem(head, sl_request_head_size(head), "secret", 6));
    assert_true(sl_request_head_size(head) < 160);
    sl_request_head_free(head);
}

static void trims_queries(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "", "" },
        { "id=1", "" },
        { "ID=1&access_token=2", "" },
        { "%69d=secret&x", "x" },
        { "access%5Ftoken=secret", "" },
        { "a&&b&", "a&b" },
        { "x=%69d&idx=1&anid=2", "x=%69d&idx=1&anid=2" },
        { "=1&id", "=1" },
        { "%zz=1", "%zz=1" },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_url url = { SL_SLICE("/"), sl_slice_str(cases[i][0]) };
        struct sl_request_head *head =
            sl_request_head_new(&url, (struct sl_slice){ 0 }, NULL, 0);
        assert_slice(sl_request_head_query(head), cases[i][1]);
        assert_int_equal(sl_request_head_count(head), 0);
        sl_request_head_free(head);
    }
    sl_request_head_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_is_harmless),
        cmocka_unit_test(trims_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
