// SPDX-License-Identifier: MIT
/*
 * Unguessable bytes and ids, from the kernel (getrandom), buffered per thread.
 */
#pragma once

#include <stddef.h>

void sl_random_bytes(void *out, size_t len);

#define SL_ID_LEN 22 /* 16 random bytes as base64url without padding */

/* Writes SL_ID_LEN characters and a zero byte. */
void sl_random_id(char out[SL_ID_LEN + 1]);
