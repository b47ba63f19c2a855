// SPDX-License-Identifier: MIT
/*
 * The vectors of RFC 4648, every byte there and back, and each way in which a
 * text can fail to be base64: the string it would go to is then unchanged.
 */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

static void assert_text(struct sl_str *str, const char *text)
{
    assert_string_equal(sl_str_cstr(str), text);
    sl_str_clear(str);
}

static void rfc_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text, *url_text;
    } vectors[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xfb\xff\xfe", "+//+", "-__-" },
    };
    struct sl_str out = { 0 };
    for (size_t i = 0; i < SL_COUNT(vectors); i++) {
        sl_base64_encode(&out, sl_slice_str(vectors[i].bytes));
        assert_text(&out, vectors[i].text);
        sl_base64url_encode(&out, sl_slice_str(vectors[i].bytes));
        assert_text(&out, vectors[i].url_text);
        assert_int_equal(sl_base64_decode(&out, sl_slice_str(vectors[i].text)),
                         0);
        assert_text(&out, vectors[i].bytes);
        assert_int_equal(
            sl_base64url_decode(&out, sl_slice_str(vectors[i].url_text)), 0);
        assert_text(&out, vectors[i].bytes);
    }
    sl_str_release(&out);
}

static void all_bytes_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct sl_str text = { 0 }, back = { 0 };
        sl_base64_encode(&text, sl_slice_of(bytes, len));
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_int_equal(sl_base64_decode(&back, sl_str_slice(&text)), 0);
        assert_true(sl_slice_eq(sl_str_slice(&back), sl_slice_of(bytes, len)));
        sl_str_clear(&text);
        sl_str_clear(&back);
        sl_base64url_encode(&text, sl_slice_of(bytes, len));
        assert_int_equal(text.len, (len * 4 + 2) / 3);
        assert_int_equal(sl_base64url_decode(&back, sl_str_slice(&text)), 0);
        assert_true(sl_slice_eq(sl_str_slice(&back), sl_slice_of(bytes, len)));
        sl_str_release(&text);
        sl_str_release(&back);
    }
}

static void assert_refused(int (*decode)(struct sl_str *, struct sl_slice),
                           struct sl_slice text)
{
    struct sl_str out = { 0 };
    sl_str_add_lit(&out, "before");
    assert_int_equal(decode(&out, text), SL_E_BASE64);
    assert_text(&out, "before");
    sl_str_release(&out);
}

static void refuses_what_is_not_base64(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z",    "Zg",    "Zg=",  "Zm9",      "Zm9vY",   /* lengths */
        "====", "Z===",  "=Zg=", "Zg==Zg==", "Zm9=v",   /* padding */
        "Zm9*", "Zm 9v", "-__-", "Zm9v\n",   "Zm9\xc3", /* alphabet */
        "Zh==", "Zm9=",                                 /* bits left over */
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        assert_refused(sl_base64_decode, sl_slice_str(texts[i]));
    assert_refused(sl_base64_decode, SL_SLICE("Zm9\0"));
}

static void refuses_what_is_not_base64url(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z", "Zm9vY", "Zg==", "Zm8=", "+//+", "Zm9.", "Zh", "Zm9",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        assert_refused(sl_base64url_decode, sl_slice_str(texts[i]));
}

static void appends(void **state)
{
    (void)state;
    struct sl_str out = { 0 };
    sl_str_add_lit(&out, "id=");
    sl_base64url_encode(&out, SL_SLICE("foo"));
    assert_text(&out, "id=Zm9v");
    sl_str_add_lit(&out, ">");
    assert_int_equal(sl_base64_decode(&out, SL_SLICE("Zm8=")), 0);
    assert_text(&out, ">fo");
    sl_str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_vectors),
        cmocka_unit_test(all_bytes_there_and_back),
        cmocka_unit_test(refuses_what_is_not_base64),
        cmocka_unit_test(refuses_what_is_not_base64url),
        cmocka_unit_test(appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
