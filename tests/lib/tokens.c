// SPDX-License-Identifier: MIT
/*
 * A signature of ECDSA stands in a token as two numbers of fixed width, and
 * comes from libcrypto as DER.
 */
#include "tests/lib/tokens.h"

#include "base/base64.h"
#include "base/check.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

EVP_PKEY *token_secret(const char *text)
{
    return EVP_PKEY_new_raw_private_key(
        EVP_PKEY_HMAC, NULL, (const unsigned char *)text, strlen(text));
}

EVP_PKEY *token_rsa(unsigned bits)
{
    return EVP_RSA_gen(bits);
}

EVP_PKEY *token_ec(const char *curve)
{
    return EVP_EC_gen(curve);
}

static void add_text(struct sl_str *out, const char *text)
{
    sl_base64url_encode(out, sl_slice_str(text));
}

static void add_ecdsa(struct sl_str *out, const unsigned char *der, size_t len,
                      const EVP_PKEY *key)
{
    unsigned char raw[2 * 66];
    int width = (EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, width);
    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + width, width);
    ECDSA_SIG_free(sig);
    sl_base64url_encode(out, sl_slice_of(raw, 2 * (size_t)width));
}

void token_sign(struct sl_str *out, const char *alg, EVP_PKEY *key,
                const char *header, const char *claims)
{
    unsigned char sig[2048];
    size_t len = sizeof(sig), start = out->len;
    const char *hash = strcmp(alg + 2, "256") == 0   ? "SHA256"
                       : strcmp(alg + 2, "384") == 0 ? "SHA384"
                                                     : "SHA512";
    add_text(out, header);
    sl_str_add_char(out, '.');
    add_text(out, claims);

    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx;
    int ok = EVP_DigestSignInit_ex(md, &ctx, hash, NULL, NULL, key, NULL);
    if (alg[0] == 'P') {
        ok &= EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0;
        ok &= EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    }
    ok &= EVP_DigestSign(md, sig, &len, (unsigned char *)out->ptr + start,
                         out->len - start);
    EVP_MD_CTX_free(md);
    sl_assert(ok == 1);
    sl_str_add_char(out, '.');
    if (alg[0] == 'E')
        add_ecdsa(out, sig, len, key);
    else
        sl_base64url_encode(out, sl_slice_of(sig, len));
}

void token_pem(struct sl_str *out, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    PEM_write_bio_PUBKEY(bio, key);
    long len = BIO_get_mem_data(bio, &text);
    sl_str_add(out, text, (size_t)len);
    BIO_free(bio);
}

static void add_number(struct sl_str *out, const char *name, EVP_PKEY *key,
                       const char *param, int width)
{
    unsigned char bytes[2048];
    BIGNUM *value = NULL;
    EVP_PKEY_get_bn_param(key, param, &value);
    if (width == 0)
        width = BN_num_bytes(value);
    BN_bn2binpad(value, bytes, width);
    BN_free(value);
    sl_str_add_fmt(out, ",\"%s\":\"", name);
    sl_base64url_encode(out, sl_slice_of(bytes, (size_t)width));
    sl_str_add_char(out, '"');
}

void token_jwk(struct sl_str *out, EVP_PKEY *key, const char *more)
{
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    int bits = EVP_PKEY_get_bits(key);
    sl_str_add_fmt(out, "{%s\"kty\":\"%s\"", more, rsa ? "RSA" : "EC");
    if (rsa) {
        add_number(out, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
        add_number(out, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
    } else {
        sl_str_add_fmt(out, ",\"crv\":\"P-%d\"", bits);
        add_number(out, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, (bits + 7) / 8);
        add_number(out, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, (bits + 7) / 8);
    }
    sl_str_add_char(out, '}');
}

const char *token_hs256(const char *claims)
{
    static struct sl_str text;
    EVP_PKEY *key = token_secret(TOKEN_SECRET);
    sl_str_clear(&text);
    token_sign(&text, "HS256", key, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
               claims);
    EVP_PKEY_free(key);
    return sl_str_cstr(&text);
}
