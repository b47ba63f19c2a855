// SPDX-License-Identifier: MIT
/*
 * Keys of every form, what they may verify, and what is refused in which
 * words; the words never hold anything of the key.
 */
#include "wire/jwt_keys.h"

#include "base/err.h"
#include "base/limits.h"
#include "tests/lib/tokens.h"

#include <openssl/pem.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HS (1u << SL_JWT_HS256)
#define RSA_ALGS                                                    \
    (1u << SL_JWT_RS256 | 1u << SL_JWT_RS384 | 1u << SL_JWT_RS512 | \
     1u << SL_JWT_PS256 | 1u << SL_JWT_PS384 | 1u << SL_JWT_PS512)

static void expect_refused(const char *text, const char *why)
{
    struct sl_jwt_keys keys;
    struct sl_report report = { .line = 0 };
    assert_int_equal(sl_jwt_keys_read(&keys, sl_slice_str(text), &report),
                     SL_E_CONFIG);
    assert_string_equal(report.text, why);
    assert_int_equal(keys.count, 0);
}

/* Takes the text's string apart again. */
static void expect_refused_str(struct sl_str *text, const char *why)
{
    expect_refused(sl_str_cstr(text), why);
    sl_str_release(text);
}

static void read_keys(struct sl_jwt_keys *keys, struct sl_str *text)
{
    struct sl_report report = { .line = 0 };
    int err = sl_jwt_keys_read(keys, sl_str_slice(text), &report);
    assert_string_equal(report.text, "");
    assert_int_equal(err, 0);
    sl_str_release(text);
}

static void secrets_have_a_least_length(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        unsigned algs;
    } cases[] = {
        { 32, HS },
        { 47, HS },
        { 48, HS | 1u << SL_JWT_HS384 },
        { 64, HS | 1u << SL_JWT_HS384 | 1u << SL_JWT_HS512 },
    };
    expect_refused("0123456789abcdef0123456789abcde",
                   "is a secret of fewer than 32 bytes, and neither PEM nor a "
                   "JWK");
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_jwt_keys keys;
        struct sl_str text = { 0 };
        memset(sl_str_reserve(&text, cases[i].len), 'k', cases[i].len);
        text.len = cases[i].len;
        read_keys(&keys, &text);
        assert_int_equal(keys.count, 1);
        assert_int_equal(keys.items[0].algs, cases[i].algs);
        sl_jwt_keys_release(&keys);
    }
}

static void pem_may_hold_several(void **state)
{
    (void)state;
    struct sl_jwt_keys keys;
    struct sl_str text = { 0 };
    EVP_PKEY *made[] = { token_rsa(2048), token_ec("P-256"), token_ec("P-384"),
                         token_ec("P-521") };
    static const unsigned algs[] = { RSA_ALGS, 1u << SL_JWT_ES256,
                                     1u << SL_JWT_ES384, 1u << SL_JWT_ES512 };
    sl_str_add_lit(&text, "\n");
    for (size_t i = 0; i < SL_COUNT(made); i++) {
        token_pem(&text, made[i]);
        EVP_PKEY_free(made[i]);
    }
    read_keys(&keys, &text);
    assert_int_equal(keys.count, SL_COUNT(made));
    for (size_t i = 0; i < SL_COUNT(made); i++)
        assert_int_equal(keys.items[i].algs, algs[i]);
    sl_jwt_keys_release(&keys);
}

static void certificates_do(void **state)
{
    (void)state;
    struct sl_jwt_keys keys;
    struct sl_str text = { 0 };
    EVP_PKEY *key = token_rsa(2048);
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    PEM_write_bio_X509(bio, certificate);
    long len = BIO_get_mem_data(bio, &pem);
    sl_str_add(&text, pem, (size_t)len);
    read_keys(&keys, &text);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.items[0].algs, RSA_ALGS);
    sl_jwt_keys_release(&keys);
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void private_keys_are_refused(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    EVP_PKEY *key = token_rsa(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &pem);
    sl_str_add(&text, pem, (size_t)len);
    expect_refused_str(&text, "holds a private key: give the public one");
    token_jwk(&text, key, "\"d\":\"AQAB\",");
    expect_refused_str(&text, "holds a private key: give the public one");
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static void weak_and_odd_keys_are_refused(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    EVP_PKEY *weak = token_rsa(1024), *odd = token_ec("secp256k1"),
             *other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    token_pem(&text, weak);
    expect_refused_str(&text, "holds an RSA key of fewer than 2048 bits");
    token_jwk(&text, weak, "");
    expect_refused_str(&text, "holds an RSA key of fewer than 2048 bits");
    token_pem(&text, odd);
    expect_refused_str(&text, "holds a PEM key that is neither RSA nor of the "
                              "curves P-256, P-384 and P-521");
    token_pem(&text, other);
    expect_refused_str(&text, "holds a PEM key that is neither RSA nor of the "
                              "curves P-256, P-384 and P-521");
    EVP_PKEY_free(weak);
    EVP_PKEY_free(odd);
    EVP_PKEY_free(other);
}

static void broken_texts_are_refused(void **state)
{
    (void)state;
    expect_refused("-----BEGIN PUBLIC KEY-----\nAAAA\n",
                   "looks like PEM and holds no whole block");
    expect_refused("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                   "-----END PUBLIC KEY-----\n",
                   "holds a PEM block that does not read");
    expect_refused("-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n",
                   "holds a PEM block that is neither PUBLIC KEY nor "
                   "CERTIFICATE");
    expect_refused("{", "begins like a JWK and is no JSON");
    expect_refused("{\"kty\":\"oct\",\"kty\":\"oct\"}",
                   "begins like a JWK and is no JSON");
    static const char none[] =
        "holds no JWK that verifies signatures: kty oct, RSA or EC (P-256, "
        "P-384, P-521)";
    expect_refused("{}", none);
    expect_refused("{\"keys\":[]}", none);
    expect_refused("{\"keys\":[1,null,{}]}", none);
    expect_refused("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", none);
    expect_refused("{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}",
                   "holds a secret of fewer than 32 bytes");
    expect_refused("{\"kty\":\"RSA\"}", "holds a key whose numbers are no key");
    expect_refused("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\","
                   "\"y\":\"AQ\"}",
                   "holds a key whose numbers are no key");
}

static void a_jwks_may_hold_others(void **state)
{
    (void)state;
    struct sl_jwt_keys keys;
    struct sl_str text = { 0 };
    EVP_PKEY *rsa = token_rsa(2048), *ec = token_ec("P-256");
    sl_str_add_lit(&text, "{\"keys\":[");
    token_jwk(&text, rsa, "\"use\":\"enc\",");
    sl_str_add_char(&text, ',');
    token_jwk(&text, rsa, "\"key_ops\":[\"encrypt\"],");
    sl_str_add_char(&text, ',');
    token_jwk(&text, rsa, "\"alg\":\"RSA-OAEP\",");
    sl_str_add_lit(&text, ",{\"kty\":\"OKP\"},");
    token_jwk(&text, rsa,
              "\"kid\":\"r\",\"alg\":\"RS256\",\"use\":\"sig\","
              "\"key_ops\":[\"verify\"],");
    sl_str_add_char(&text, ',');
    token_jwk(&text, ec, "\"kid\":\"e\",");
    sl_str_add_lit(&text, "]}");
    read_keys(&keys, &text);
    assert_int_equal(keys.count, 2);
    assert_int_equal(keys.items[0].algs, 1u << SL_JWT_RS256);
    assert_int_equal(keys.items[1].algs, 1u << SL_JWT_ES256);
    cjose_err err;
    assert_string_equal(cjose_jwk_get_kid(keys.items[0].jwk, &err), "r");
    sl_jwt_keys_release(&keys);

    token_jwk(&text, ec, "\"alg\":\"ES512\",");
    expect_refused_str(&text, "holds a key whose alg does not go with its kind "
                              "or length");
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

static void their_number_has_a_bound(void **state)
{
    (void)state;
    struct sl_str text = { 0 };
    EVP_PKEY *ec = token_ec("P-256");
    for (int i = 0; i <= SL_JWT_KEYS_MAX; i++)
        token_pem(&text, ec);
    expect_refused_str(&text, "holds too many keys: 32 at most");
    EVP_PKEY_free(ec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_have_a_least_length),
        cmocka_unit_test(pem_may_hold_several),
        cmocka_unit_test(certificates_do),
        cmocka_unit_test(private_keys_are_refused),
        cmocka_unit_test(weak_and_odd_keys_are_refused),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(a_jwks_may_hold_others),
        cmocka_unit_test(their_number_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
