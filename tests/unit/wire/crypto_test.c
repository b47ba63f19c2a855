// SPDX-License-Identifier: MIT
/*
 * Vectors of FIPS 180 and RFC 4231.
 */
#include "slices.h"
#include "wire/crypto.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    char text[2 * 32 + 1];
    assert_true(len <= 32);
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, hex);
}

static void sha1_vectors(void **state)
{
    (void)state;
    uint8_t hash[20];
    sl_sha1(SL_SLICE("abc"), hash);
    assert_hex(hash, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sl_sha1((struct sl_slice){ 0 }, hash);
    assert_hex(hash, 20, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void hmac_vectors(void **state)
{
    (void)state;
    uint8_t code[32];
    sl_hmac_sha256(SL_SLICE("Jefe"), SL_SLICE("what do ya want for nothing?"),
                   code);
    assert_hex(code, 32,
               "5bdcc146bf60754e6a042426089575c7"
               "5a003f089d2739839dec58b964ec3843");
    sl_hmac_sha256((struct sl_slice){ 0 }, (struct sl_slice){ 0 }, code);
    assert_hex(code, 32,
               "b613679a0814d9ec772f95d778c35fc5"
               "ff1697c493715653c6c712144292c5ad");
}

/* An empty key must not mean the key of the call before. */
static void hmac_forgets_its_key(void **state)
{
    (void)state;
    uint8_t with_key[32], without[32];
    sl_hmac_sha256(SL_SLICE("key"), SL_SLICE("text"), with_key);
    sl_hmac_sha256((struct sl_slice){ 0 }, SL_SLICE("text"), without);
    assert_memory_not_equal(with_key, without, 32);
}

static void compares_all_bytes(void **state)
{
    (void)state;
    assert_true(sl_equal_const_time("abcd", "abcd", 4));
    assert_false(sl_equal_const_time("abcd", "abce", 4));
    assert_false(sl_equal_const_time("abcd", "Xbcd", 4));
    assert_true(sl_equal_const_time("abcd", "abce", 3));
    assert_true(sl_equal_const_time("", "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_vectors),
        cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(hmac_forgets_its_key),
        cmocka_unit_test(compares_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
