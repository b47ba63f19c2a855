// SPDX-License-Identifier: MIT
/*
 * PEM is read by libcrypto and handed to cjose as numbers; JWKs are read by
 * cjose itself. Both end in add(), which decides what a key may verify and
 * whether it is strong enough. A JWKS may hold keys for other purposes, which
 * are passed over; one that holds none for us is refused.
 */
#include "wire/jwt_keys.h"

#include "base/base.h"
#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define BIT(alg) (1u << (alg))
#define RSA_ALGS                                                 \
    (BIT(SL_JWT_RS256) | BIT(SL_JWT_RS384) | BIT(SL_JWT_RS512) | \
     BIT(SL_JWT_PS256) | BIT(SL_JWT_PS384) | BIT(SL_JWT_PS512))

#define PEM_BEGIN "-----BEGIN "
#define NUMBER_MAX 2048 /* bytes of a modulus: 16384 bits, as libcrypto takes */

const char *const sl_jwt_alg_names[SL_JWT_ALG_COUNT] = {
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
    "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
};

static int refuse(struct sl_report *report, const char *why)
{
    sl_report_set(report, NULL, 0, "%s", why);
    return SL_E_CONFIG;
}

/* ---- what a key is good for ---- */

/* RFC 7518, 3.2: a secret is at least as long as the hash. */
static unsigned secret_algs(size_t bits)
{
    return (bits >= 256 ? BIT(SL_JWT_HS256) : 0) |
           (bits >= 384 ? BIT(SL_JWT_HS384) : 0) |
           (bits >= 512 ? BIT(SL_JWT_HS512) : 0);
}

static unsigned curve_algs(cjose_jwk_ec_curve curve)
{
    switch (curve) {
    case CJOSE_JWK_EC_P_256: return BIT(SL_JWT_ES256);
    case CJOSE_JWK_EC_P_384: return BIT(SL_JWT_ES384);
    case CJOSE_JWK_EC_P_521: return BIT(SL_JWT_ES512);
    default: return 0;
    }
}

/* *why: what is wrong when nothing is left. */
static unsigned algs_of(const cjose_jwk_t *jwk, const char **why)
{
    cjose_err err;
    switch (cjose_jwk_get_kty(jwk, &err)) {
    case CJOSE_JWK_KTY_OCT:
        *why = "holds a secret of fewer than 32 bytes";
        return secret_algs(cjose_jwk_get_keysize(jwk, &err));
    case CJOSE_JWK_KTY_RSA:
        *why = "holds an RSA key of fewer than 2048 bits";
        return cjose_jwk_get_keysize(jwk, &err) >= SL_JWT_RSA_BITS_MIN
                   ? RSA_ALGS
                   : 0;
    case CJOSE_JWK_KTY_EC:
        *why = "holds a key of a curve other than P-256, P-384 and P-521";
        return curve_algs(cjose_jwk_EC_get_curve(jwk, &err));
    }
    return 0;
}

/* Takes the jwk; only: what its own `alg` leaves. */
static int add(struct sl_jwt_keys *keys, cjose_jwk_t *jwk, unsigned only,
               struct sl_report *report)
{
    const char *why = "holds a key of an unknown kind";
    unsigned algs = jwk == NULL ? 0 : algs_of(jwk, &why);
    if (jwk == NULL)
        why = "holds a key whose numbers are no key";
    else if (algs != 0 && (algs & only) == 0)
        why = "holds a key whose alg does not go with its kind or length";
    else if (keys->count == SL_JWT_KEYS_MAX)
        why = "holds too many keys: 32 at most";
    else if (algs != 0) {
        keys->items =
            sl_realloc(keys->items, (keys->count + 1) * sizeof(keys->items[0]));
        keys->items[keys->count++] =
            (struct sl_jwt_key){ .jwk = jwk, .algs = algs & only };
        return 0;
    }
    cjose_jwk_release(jwk);
    return refuse(report, why);
}

/* ---- PEM ---- */

struct number {
    uint8_t bytes[NUMBER_MAX];
    size_t len;
};

static bool get_number(const EVP_PKEY *key, const char *name,
                       struct number *number)
{
    BIGNUM *value = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &value) == 1 &&
              BN_num_bytes(value) <= NUMBER_MAX;
    if (ok)
        number->len = (size_t)BN_bn2bin(value, number->bytes);
    BN_free(value);
    return ok;
}

static cjose_jwk_t *from_rsa(const EVP_PKEY *key)
{
    struct number n, e;
    cjose_err err;
    if (!get_number(key, OSSL_PKEY_PARAM_RSA_N, &n) ||
        !get_number(key, OSSL_PKEY_PARAM_RSA_E, &e))
        return NULL;
    return cjose_jwk_create_RSA_spec(
        &(cjose_jwk_rsa_keyspec){
            .n = n.bytes, .nlen = n.len, .e = e.bytes, .elen = e.len },
        &err);
}

static cjose_jwk_t *from_ec(const EVP_PKEY *key)
{
    struct number x, y;
    char group[64];
    cjose_err err;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                       sizeof(group), NULL) != 1 ||
        !get_number(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) ||
        !get_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y))
        return NULL;
    int nid = OBJ_txt2nid(group);
    if (nid != CJOSE_JWK_EC_P_256 && nid != CJOSE_JWK_EC_P_384 &&
        nid != CJOSE_JWK_EC_P_521)
        return NULL;
    return cjose_jwk_create_EC_spec(
        &(cjose_jwk_ec_keyspec){ .crv = (cjose_jwk_ec_curve)nid,
                                 .x = x.bytes,
                                 .xlen = x.len,
                                 .y = y.bytes,
                                 .ylen = y.len },
        &err);
}

static int add_public(struct sl_jwt_keys *keys, const EVP_PKEY *key,
                      struct sl_report *report)
{
    cjose_jwk_t *jwk = NULL;
    int kind = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);
    if (kind == EVP_PKEY_RSA)
        jwk = from_rsa(key);
    else if (kind == EVP_PKEY_EC)
        jwk = from_ec(key);
    if (jwk == NULL)
        return refuse(report,
                      key == NULL
                          ? "holds a PEM block that does not read"
                          : "holds a PEM key that is neither RSA nor of the "
                            "curves P-256, P-384 and P-521");
    return add(keys, jwk, ~0u, report);
}

static int add_block(struct sl_jwt_keys *keys, const char *name,
                     const uint8_t *data, long len, struct sl_report *report)
{
    EVP_PKEY *key = NULL;
    if (strstr(name, "PRIVATE KEY") != NULL)
        return refuse(report, "holds a private key: give the public one");
    if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
        key = d2i_PUBKEY(NULL, &data, len);
    } else if (strcmp(name, PEM_STRING_X509) == 0) {
        X509 *certificate = d2i_X509(NULL, &data, len);
        key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
        X509_free(certificate);
    } else {
        return refuse(report, "holds a PEM block that is neither PUBLIC KEY "
                              "nor CERTIFICATE");
    }
    int err = add_public(keys, key, report);
    EVP_PKEY_free(key);
    return err;
}

static int read_pem(struct sl_jwt_keys *keys, struct sl_slice text,
                    struct sl_report *report)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    char *name = NULL, *header = NULL;
    uint8_t *data = NULL;
    long len;
    int err = 0;
    sl_assert(bio != NULL);
    while (err == 0 && PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
        err = add_block(keys, name, data, len, report);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (err == 0 && keys->count == 0)
        err = refuse(report, "looks like PEM and holds no whole block");
    return err;
}

/* ---- JWK ---- */

/* False: it says that it is for something else. */
static bool is_for_us(const json_t *jwk, unsigned *only)
{
    const char *use = json_string_value(json_object_get(jwk, "use"));
    const json_t *ops = json_object_get(jwk, "key_ops");
    const char *alg = json_string_value(json_object_get(jwk, "alg"));
    size_t i;
    const json_t *op;
    bool verifies = !json_is_array(ops);
    json_array_foreach(ops, i, op)
    {
        const char *name = json_string_value(op);
        verifies |= name != NULL && strcmp(name, "verify") == 0;
    }
    *only = alg == NULL ? ~0u : 0;
    for (unsigned at = 0; alg != NULL && at < SL_JWT_ALG_COUNT; at++)
        if (strcmp(alg, sl_jwt_alg_names[at]) == 0)
            *only = BIT(at);
    return verifies && *only != 0 && (use == NULL || strcmp(use, "sig") == 0);
}

static bool is_known_kind(const json_t *jwk)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    if (kty == NULL)
        return false;
    if (strcmp(kty, "EC") == 0)
        return crv != NULL &&
               (strcmp(crv, "P-256") == 0 || strcmp(crv, "P-384") == 0 ||
                strcmp(crv, "P-521") == 0);
    return strcmp(kty, "RSA") == 0 || strcmp(kty, "oct") == 0;
}

static int add_jwk(struct sl_jwt_keys *keys, json_t *jwk,
                   struct sl_report *report)
{
    unsigned only;
    cjose_err err;
    if (!is_known_kind(jwk) || !is_for_us(jwk, &only))
        return 0;
    if (json_object_get(jwk, "d") != NULL)
        return refuse(report, "holds a private key: give the public one");
    return add(keys, cjose_jwk_import_json((cjose_header_t *)jwk, &err), only,
               report);
}

static int read_jwks(struct sl_jwt_keys *keys, struct sl_slice text,
                     struct sl_report *report)
{
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return refuse(report, "begins like a JWK and is no JSON");
    json_t *list = json_object_get(root, "keys");
    int err = 0;
    if (!json_is_array(list))
        err = add_jwk(keys, root, report);
    for (size_t i = 0; err == 0 && i < json_array_size(list); i++)
        err = add_jwk(keys, json_array_get(list, i), report);
    json_decref(root);
    if (err == 0 && keys->count == 0)
        err = refuse(report, "holds no JWK that verifies signatures: kty "
                             "oct, RSA or EC (P-256, P-384, P-521)");
    return err;
}

/* ---- entry points ---- */

static bool begins_object(struct sl_slice text)
{
    size_t at = 0;
    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4) != NULL)
        at++;
    return at < text.len && text.ptr[at] == '{';
}

int sl_jwt_keys_read(struct sl_jwt_keys *keys, struct sl_slice text,
                     struct sl_report *report)
{
    cjose_err cjose;
    int err;
    *keys = (struct sl_jwt_keys){ 0 };
    /* Anywhere: a public key behind a blank line must not become a secret. */
    if (memmem(text.ptr, text.len, PEM_BEGIN, sizeof(PEM_BEGIN) - 1) != NULL)
        err = read_pem(keys, text, report);
    else if (begins_object(text))
        err = read_jwks(keys, text, report);
    else if (text.len < SL_JWT_SECRET_MIN)
        err = refuse(report, "is a secret of fewer than 32 bytes, and neither "
                             "PEM nor a JWK");
    else
        err = add(keys,
                  cjose_jwk_create_oct_spec((const uint8_t *)text.ptr, text.len,
                                            &cjose),
                  ~0u, report);
    if (err != 0)
        sl_jwt_keys_release(keys);
    return err;
}

void sl_jwt_keys_release(struct sl_jwt_keys *keys)
{
    for (unsigned i = 0; i < keys->count; i++)
        cjose_jwk_release(keys->items[i].jwk);
    sl_free(keys->items);
    *keys = (struct sl_jwt_keys){ 0 };
}
