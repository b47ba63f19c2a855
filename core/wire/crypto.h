// SPDX-License-Identifier: MIT
/*
 * SHA-1 and HMAC-SHA256 over libcrypto, and a comparison that takes the same
 * time whatever the bytes.
 */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

void sl_sha1(struct sl_slice bytes, uint8_t out[20]);
void sl_hmac_sha256(struct sl_slice key, struct sl_slice bytes,
                    uint8_t out[32]);
bool sl_equal_const_time(const void *a, const void *b, size_t len);
