// SPDX-License-Identifier: MIT
/*
 * UTF-8 validation (RFC 3629: no surrogates, no overlong forms), whole or
 * piece by piece. ASCII runs are skipped in words.
 */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

bool sl_utf8_valid(struct sl_slice text);

/* Streaming: start with SL_UTF8_ACCEPT; SL_UTF8_REJECT is final; a message may
 * only end in SL_UTF8_ACCEPT. Other states are inside a sequence. */
#define SL_UTF8_ACCEPT 0u
#define SL_UTF8_REJECT 1u

uint32_t sl_utf8_check(uint32_t state, struct sl_slice piece);
