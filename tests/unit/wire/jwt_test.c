// SPDX-License-Identifier: MIT
/*
 * Tokens of every algorithm, signed by libcrypto and by the authors of RFC
 * 7515, are taken; whatever an attacker may change is refused, and why. Keys
 * have a test of their own (jwt_keys_test.c).
 */
#include "wire/jwt.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/limits.h"
#include "tests/lib/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(1800000000000)
#define CLAIMS "{\"sub\":\"ann\",\"exp\":1800000060}"

struct rig {
    struct sl_jwt *jwt;
    struct sl_identity *identity;
    const char *why;
    struct sl_str token;
};

static void rig_open(struct rig *rig, struct sl_jwt_setup setup)
{
    struct sl_report report = { .line = 0 };
    *rig = (struct rig){ .why = NULL };
    if (setup.user_claim == NULL)
        setup.user_claim = "sub";
    rig->jwt = sl_jwt_new(&setup, &report);
    assert_string_equal(report.text, "");
    assert_non_null(rig->jwt);
}

static void rig_close(struct rig *rig)
{
    sl_identity_unref(rig->identity);
    sl_str_release(&rig->token);
    sl_jwt_free(rig->jwt);
}

static int verify_at(struct rig *rig, const char *token, uint64_t now_ms)
{
    sl_identity_unref(rig->identity);
    rig->why = "";
    int err = sl_jwt_verify(rig->jwt, sl_slice_str(token), now_ms,
                            &rig->identity, &rig->why);
    assert_true((err == 0) == (rig->identity != NULL));
    return err;
}

static int verify(struct rig *rig, const char *token)
{
    return verify_at(rig, token, NOW_MS);
}

static void expect_refused(struct rig *rig, const char *token, const char *why)
{
    assert_int_equal(verify(rig, token), SL_E_FORGED);
    assert_string_equal(rig->why, why);
}

static void open_secret(struct rig *rig)
{
    rig_open(rig, (struct sl_jwt_setup){ .key = SL_SLICE(TOKEN_SECRET) });
}

static void expect_user(struct rig *rig, const char *token, const char *user)
{
    int err = verify(rig, token);
    assert_string_equal(rig->why, "");
    assert_int_equal(err, 0);
    assert_int_equal(rig->identity->user_id.len, strlen(user));
    assert_memory_equal(rig->identity->user_id.ptr, user, strlen(user));
}

/* ---- what is taken ---- */

static void takes_a_secret(void **state)
{
    (void)state;
    struct rig rig;
    open_secret(&rig);
    expect_user(&rig, token_hs256(CLAIMS), "ann");
    assert_true(sl_slice_eq(rig.identity->claims, SL_SLICE(CLAIMS)));
    assert_int_equal(rig.identity->expires_ms, 1800000060000);
    rig_close(&rig);
}

/* The examples of RFC 7515, appendix A.1 and A.3. */
#define RFC_CLAIMS                                                     \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" \
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static void takes_the_examples_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *key, *token;
    } examples[] = {
        { "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQ"
          "Lr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}",
          "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS
          ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },
        { "{\"kty\":\"EC\",\"crv\":\"P-256\","
          "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
          "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
          ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
          "pmWQxfKTUJqPP3-Kg6NU1Q" },
    };
    for (size_t i = 0; i < SL_COUNT(examples); i++) {
        struct rig rig;
        rig_open(&rig,
                 (struct sl_jwt_setup){ .key = sl_slice_str(examples[i].key),
                                        .user_claim = "iss" });
        assert_int_equal(verify_at(&rig, examples[i].token, 1300819379999), 0);
        assert_true(sl_slice_eq(rig.identity->user_id, SL_SLICE("joe")));
        assert_int_equal(verify_at(&rig, examples[i].token, 1300819380000),
                         SL_E_EXPIRED);
        rig_close(&rig);
    }
}

static EVP_PKEY *make_key(const char *alg)
{
    if (alg[0] == 'H')
        return token_secret(
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    if (alg[0] == 'E')
        return token_ec(strcmp(alg, "ES256") == 0   ? "P-256"
                        : strcmp(alg, "ES384") == 0 ? "P-384"
                                                    : "P-521");
    return token_rsa(2048);
}

/* Signed right, then with one bit of the signature and of the claims wrong. */
static void takes_every_algorithm(void **state)
{
    (void)state;
    static const char *const algs[] = { "HS256", "HS384", "HS512", "RS256",
                                        "RS384", "RS512", "PS256", "PS384",
                                        "PS512", "ES256", "ES384", "ES512" };
    for (size_t i = 0; i < SL_COUNT(algs); i++) {
        struct rig rig;
        struct sl_str text = { 0 };
        char header[64];
        EVP_PKEY *key = make_key(algs[i]);
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", algs[i]);
        if (algs[i][0] == 'H')
            sl_str_add_lit(&text, "0123456789abcdef0123456789abcdef"
                                  "0123456789abcdef0123456789abcdef");
        else
            token_pem(&text, key);
        rig_open(&rig, (struct sl_jwt_setup){ .key = sl_str_slice(&text) });
        token_sign(&rig.token, algs[i], key, header, CLAIMS);
        const char *token = sl_str_cstr(&rig.token);
        expect_user(&rig, token, "ann");
        char *dot = rig.token.ptr + (strrchr(token, '.') - token);
        dot[8] = dot[8] == 'A' ? 'B' : 'A';
        expect_refused(&rig, token, "its signature is wrong");
        EVP_PKEY_free(key);
        sl_str_release(&text);
        rig_close(&rig);
    }
}

static void claims_cannot_be_changed(void **state)
{
    (void)state;
    struct rig rig;
    open_secret(&rig);
    struct sl_str other = { 0 };
    const char *token = token_hs256(CLAIMS);
    const char *first = strchr(token, '.'), *last = strrchr(token, '.');
    sl_str_add(&other, token, (size_t)(first + 1 - token));
    sl_base64url_encode(&other,
                        SL_SLICE("{\"sub\":\"root\",\"exp\":1800000060}"));
    sl_str_add_slice(&other, sl_slice_str(last));
    expect_refused(&rig, sl_str_cstr(&other), "its signature is wrong");
    sl_str_release(&other);
    rig_close(&rig);
}

static void several_keys_rotate(void **state)
{
    (void)state;
    struct rig rig;
    EVP_PKEY *old = token_rsa(2048), *young = token_rsa(2048),
             *foreign = token_rsa(2048);
    struct sl_str text = { 0 };
    token_pem(&text, old);
    token_pem(&text, young);
    rig_open(&rig, (struct sl_jwt_setup){ .key = sl_str_slice(&text) });
    EVP_PKEY *keys[] = { old, young, foreign };
    for (size_t i = 0; i < SL_COUNT(keys); i++) {
        sl_str_clear(&rig.token);
        token_sign(&rig.token, "RS256", keys[i], "{\"alg\":\"RS256\"}", CLAIMS);
        int err = verify(&rig, sl_str_cstr(&rig.token));
        assert_int_equal(err, keys[i] == foreign ? SL_E_FORGED : 0);
        EVP_PKEY_free(keys[i]);
    }
    sl_str_release(&text);
    rig_close(&rig);
}

/* ---- attacks ---- */

static void none_is_no_algorithm(void **state)
{
    (void)state;
    static const char *const names[] = { "none", "None", "NONE", "nOnE", "" };
    struct rig rig;
    open_secret(&rig);
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        char header[32];
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[i]);
        sl_str_clear(&rig.token);
        sl_base64url_encode(&rig.token, sl_slice_str(header));
        sl_str_add_char(&rig.token, '.');
        sl_base64url_encode(&rig.token, SL_SLICE(CLAIMS));
        sl_str_add_char(&rig.token, '.');
        expect_refused(&rig, sl_str_cstr(&rig.token), "it is no signed token");
        sl_str_add_lit(&rig.token, "AAAA");
        expect_refused(&rig, sl_str_cstr(&rig.token),
                       "its algorithm is not supported");
    }
    rig_close(&rig);
}

/* The public key is known to everybody: as a secret it must not do. */
static void a_public_key_is_no_secret(void **state)
{
    (void)state;
    struct rig rig;
    EVP_PKEY *rsa = token_rsa(2048);
    struct sl_str pem = { 0 };
    token_pem(&pem, rsa);
    EVP_PKEY *secret = token_secret(sl_str_cstr(&pem));
    rig_open(&rig, (struct sl_jwt_setup){ .key = sl_str_slice(&pem) });
    token_sign(&rig.token, "HS256", secret, "{\"alg\":\"HS256\"}", CLAIMS);
    expect_refused(&rig, sl_str_cstr(&rig.token),
                   "no key is for its algorithm and key id");
    EVP_PKEY_free(secret);
    EVP_PKEY_free(rsa);
    sl_str_release(&pem);
    rig_close(&rig);
}

static void a_curve_has_one_algorithm(void **state)
{
    (void)state;
    struct rig rig;
    EVP_PKEY *key = token_ec("P-384");
    struct sl_str pem = { 0 };
    token_pem(&pem, key);
    rig_open(&rig, (struct sl_jwt_setup){ .key = sl_str_slice(&pem) });
    token_sign(&rig.token, "ES256", key, "{\"alg\":\"ES256\"}", CLAIMS);
    expect_refused(&rig, sl_str_cstr(&rig.token),
                   "no key is for its algorithm and key id");
    EVP_PKEY_free(key);
    sl_str_release(&pem);
    rig_close(&rig);
}

static void headers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *header, *why;
    } cases[] = {
        { "{\"alg\":\"none\",\"alg\":\"HS256\"}", "its header does not read" },
        { "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "its header does not read" },
        { "[\"HS256\"]", "its header does not read" },
        { "{\"alg\":\"HS256\"", "its header does not read" },
        { "{\"typ\":\"JWT\"}", "its algorithm is not supported" },
        { "{\"alg\":1}", "its algorithm is not supported" },
        { "{\"alg\":\"hs256\"}", "its algorithm is not supported" },
        { "{\"alg\":\"RS256\"}", "no key is for its algorithm and key id" },
        { "{\"alg\":\"HS512\"}", "no key is for its algorithm and key id" },
        { "{\"alg\":\"HS384\"}", "its signature is wrong" },
        { "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
          "it asks for extensions (crit)" },
        { "{\"alg\":\"HS256\",\"crit\":[]}", "it asks for extensions (crit)" },
        { "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
          "it asks for extensions (crit)" },
    };
    struct rig rig;
    EVP_PKEY *key = token_secret(TOKEN_SECRET);
    open_secret(&rig);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_str_clear(&rig.token);
        token_sign(&rig.token, "HS256", key, cases[i].header, CLAIMS);
        expect_refused(&rig, sl_str_cstr(&rig.token), cases[i].why);
    }
    /* A key that the token brings along is not looked at. */
    sl_str_clear(&rig.token);
    token_sign(&rig.token, "HS256", key,
               "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"},"
               "\"kid\":\"any\"}",
               CLAIMS);
    expect_user(&rig, sl_str_cstr(&rig.token), "ann");
    EVP_PKEY_free(key);
    rig_close(&rig);
}

static void shapes_are_strict(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     ".",    "..",   "...",     "a",         "a.b",
        "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c.d.e", "garbage",
    };
    struct rig rig;
    open_secret(&rig);
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        expect_refused(&rig, texts[i], "it is no signed token");
    expect_refused(&rig, "a.b.c", "its header does not read");
    expect_refused(&rig, "!!.b.c", "it is no signed token");
    /* The same token with padding, a line end, or bytes behind it. */
    sl_str_add_fmt(&rig.token, "%s=", token_hs256(CLAIMS));
    assert_int_equal(verify(&rig, sl_str_cstr(&rig.token)), SL_E_FORGED);
    rig.token.ptr[rig.token.len - 1] = '\n';
    assert_int_equal(verify(&rig, sl_str_cstr(&rig.token)), SL_E_FORGED);
    rig_close(&rig);
}

static void large_ones_are_not_read(void **state)
{
    (void)state;
    struct rig rig;
    char claims[SL_JWT_TEXT_MAX];
    open_secret(&rig);
    for (int over = 0; over < 2; over++) {
        /* The text grows by four for each three bytes of claims. */
        memset(claims, 'x', sizeof(claims));
        memcpy(claims, "{\"exp\":1800000060,\"sub\":\"", 25);
        size_t len = 1;
        size_t fixed = strlen(token_hs256("{}")) - 3;
        while (fixed + (len * 4 + 2) / 3 <
               (size_t)SL_JWT_TEXT_MAX - 1 + 2u * (unsigned)over)
            len++;
        memcpy(claims + len - 2, "\"}", 3);
        const char *token = token_hs256(claims);
        assert_true(over == (strlen(token) > SL_JWT_TEXT_MAX));
        assert_int_equal(verify(&rig, token), over ? SL_E_TOO_LARGE : 0);
    }
    rig_close(&rig);
}

/* ---- claims ---- */

static void times_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        int err;
    } cases[] = {
        { "{\"exp\":1800000001}", 0 },
        { "{\"exp\":1800000000.001}", 0 },
        { "{\"exp\":1e300}", 0 },
        { "{\"exp\":1800000000}", SL_E_EXPIRED },
        { "{\"exp\":0}", SL_E_EXPIRED },
        { "{}", SL_E_FORGED },
        { "{\"exp\":-1}", SL_E_FORGED },
        { "{\"exp\":\"1800000060\"}", SL_E_FORGED },
        { "{\"exp\":null}", SL_E_FORGED },
        { "{\"exp\":true}", SL_E_FORGED },
        { "{\"exp\":1800000060,\"nbf\":1800000000}", 0 },
        { "{\"exp\":1800000060,\"nbf\":1800000001}", SL_E_EXPIRED },
        { "{\"exp\":1800000060,\"nbf\":\"0\"}", SL_E_FORGED },
        { "{\"exp\":1800000060,\"exp\":1}", SL_E_FORGED },
        { "[1800000060]", SL_E_FORGED },
        { "1800000060", SL_E_FORGED },
        { "{\"exp\":1800000060,\"sub\":\"a\\u0000b\"}", SL_E_FORGED },
    };
    struct rig rig;
    open_secret(&rig);
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        if (verify(&rig, token_hs256(cases[i].claims)) != cases[i].err)
            fail_msg("%s: %s", cases[i].claims, rig.why);
    rig_close(&rig);

    rig_open(&rig, (struct sl_jwt_setup){ .key = SL_SLICE(TOKEN_SECRET),
                                          .skew_ms = 5000 });
    assert_int_equal(verify(&rig, token_hs256("{\"exp\":1799999996}")), 0);
    assert_int_equal(rig.identity->expires_ms, NOW_MS + 1000);
    assert_int_equal(verify(&rig, token_hs256("{\"exp\":1799999995}")),
                     SL_E_EXPIRED);
    assert_int_equal(verify(&rig, token_hs256("{\"exp\":1800000060,"
                                              "\"nbf\":1800000005}")),
                     0);
    assert_int_equal(verify(&rig, token_hs256("{\"exp\":1800000060,"
                                              "\"nbf\":1800000006}")),
                     SL_E_EXPIRED);
    rig_close(&rig);
}

static void issuer_and_audience_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *more, *why;
    } cases[] = {
        { "\"iss\":\"a\",\"aud\":\"x\"", "" },
        { "\"iss\":\"b\",\"aud\":[\"q\",\"y\"]", "" },
        { "\"aud\":\"x\"", "its issuer is another" },
        { "\"iss\":\"A\",\"aud\":\"x\"", "its issuer is another" },
        { "\"iss\":[\"a\"],\"aud\":\"x\"", "its issuer is another" },
        { "\"iss\":\"a\"", "its audience is another" },
        { "\"iss\":\"a\",\"aud\":\"z\"", "its audience is another" },
        { "\"iss\":\"a\",\"aud\":[]", "its audience is another" },
        { "\"iss\":\"a\",\"aud\":[1,null]", "its audience is another" },
        { "\"iss\":\"a\",\"aud\":{\"x\":1}", "its audience is another" },
    };
    char *issuers[] = { (char[]){ "a" }, (char[]){ "b" } };
    char *audiences[] = { (char[]){ "x" }, (char[]){ "y" } };
    struct rig rig;
    rig_open(&rig, (struct sl_jwt_setup){ .key = SL_SLICE(TOKEN_SECRET),
                                          .issuers = issuers,
                                          .issuer_count = 2,
                                          .audiences = audiences,
                                          .audience_count = 2 });
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        char claims[128];
        snprintf(claims, sizeof(claims), "{\"exp\":1800000060,%s}",
                 cases[i].more);
        verify(&rig, token_hs256(claims));
        assert_string_equal(rig.why, cases[i].why);
    }
    rig_close(&rig);
}

static void the_user_is_a_claim(void **state)
{
    (void)state;
    struct rig rig;
    open_secret(&rig);
    expect_user(&rig, token_hs256("{\"exp\":1800000060,\"sub\":42}"), "42");
    expect_user(&rig,
                token_hs256("{\"exp\":1800000060,\"sub\":\"zo\xc3\xab\"}"),
                "zo\xc3\xab");
    expect_user(&rig, token_hs256("{\"exp\":1800000060}"), "");
    expect_user(&rig, token_hs256("{\"exp\":1800000060,\"sub\":[\"a\"]}"), "");
    rig_close(&rig);
    rig_open(&rig, (struct sl_jwt_setup){ .key = SL_SLICE(TOKEN_SECRET),
                                          .user_claim = "email" });
    expect_user(&rig,
                token_hs256("{\"exp\":1800000060,\"sub\":\"1\",\"email\":\"x@"
                            "y\"}"),
                "x@y");
    rig_close(&rig);
}

/* Scripts read claims with the limits of hub messages. */
static void deep_claims_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_str claims = { 0 };
    open_secret(&rig);
    sl_str_add_lit(&claims, "{\"exp\":1800000060,\"a\":");
    for (int i = 0; i < SL_JSON_DEPTH_MAX; i++)
        sl_str_add_char(&claims, '[');
    for (int i = 0; i < SL_JSON_DEPTH_MAX; i++)
        sl_str_add_char(&claims, ']');
    sl_str_add_char(&claims, '}');
    expect_refused(&rig, token_hs256(sl_str_cstr(&claims)),
                   "its claims do not read");
    sl_str_release(&claims);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_secret),
        cmocka_unit_test(takes_the_examples_of_the_rfc),
        cmocka_unit_test(takes_every_algorithm),
        cmocka_unit_test(claims_cannot_be_changed),
        cmocka_unit_test(several_keys_rotate),
        cmocka_unit_test(none_is_no_algorithm),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(a_curve_has_one_algorithm),
        cmocka_unit_test(headers_are_strict),
        cmocka_unit_test(shapes_are_strict),
        cmocka_unit_test(large_ones_are_not_read),
        cmocka_unit_test(times_are_looked_at),
        cmocka_unit_test(issuer_and_audience_are_looked_at),
        cmocka_unit_test(the_user_is_a_claim),
        cmocka_unit_test(deep_claims_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
