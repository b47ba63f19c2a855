// SPDX-License-Identifier: MIT
/*
 * Base64 (RFC 4648), the plain alphabet with padding and the URL one without.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"

void sl_base64_encode(struct sl_str *out, struct sl_slice bytes);
void sl_base64url_encode(struct sl_str *out, struct sl_slice bytes);

/* Appends the bytes. Negative (SL_E_BASE64) when the text is not base64:
 * wrong length, alphabet, padding or bits left over; out is then unchanged. */
int sl_base64_decode(struct sl_str *out, struct sl_slice text);
int sl_base64url_decode(struct sl_str *out, struct sl_slice text);
