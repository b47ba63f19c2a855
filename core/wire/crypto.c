// SPDX-License-Identifier: MIT
/*
 * One-shot calls of libcrypto. They fail only when there is no memory.
 */
#include "wire/crypto.h"

#include "base/check.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

void sl_sha1(struct sl_slice bytes, uint8_t out[20])
{
    const unsigned char *hash =
        SHA1((const unsigned char *)bytes.ptr, bytes.len, out);
    sl_assert(hash != NULL);
}

void sl_hmac_sha256(struct sl_slice key, struct sl_slice bytes, uint8_t out[32])
{
    unsigned len = 0;
    sl_assert(key.len <= INT_MAX);
    /* A NULL key means "the one before" to libcrypto. */
    const void *key_ptr = key.len == 0 ? "" : key.ptr;
    const unsigned char *code =
        HMAC(EVP_sha256(), key_ptr, (int)key.len,
             (const unsigned char *)bytes.ptr, bytes.len, out, &len);
    sl_assert(code != NULL && len == 32);
}

bool sl_equal_const_time(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
