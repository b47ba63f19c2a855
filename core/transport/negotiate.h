// SPDX-License-Identifier: MIT
/*
 * Negotiate, versions 0 and 1: which transports there are, and a token that
 * any worker of any pod with the same key accepts.
 */
#pragma once

#include "base/str.h"
#include "hub/hub.h"
#include "transport/token.h"

/* Writes the body of the answer to `query`; the status is always 200. */
void sl_negotiate_write(struct sl_str *out, const struct sl_hub_entry *entry,
                        const struct sl_token_keys *keys, uint64_t wall_ms,
                        struct sl_slice query);
