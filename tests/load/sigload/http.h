// SPDX-License-Identifier: MIT
/* The two HTTP requests that stand before a WebSocket connection. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../common/bytes.h"
#include "options.h"
#include "protocol.h"

void sl_http_append_negotiate(struct sl_bytes *out,
                              const struct sl_options *options, uint16_t port);

/* `token` is the connection token; empty: negotiation was skipped. */
void sl_http_append_upgrade(struct sl_bytes *out,
                            const struct sl_options *options, uint16_t port,
                            struct sl_text token);

enum sl_http_outcome {
    SL_HTTP_INCOMPLETE,
    SL_HTTP_DONE,
    SL_HTTP_REFUSED,
};

/* Reads the answer to negotiate; the token is borrowed from it. */
enum sl_http_outcome sl_http_read_negotiate(const uint8_t *data, size_t size,
                                            struct sl_text *token);

/* Reads the answer to the upgrade; sets how many bytes it takes. */
enum sl_http_outcome sl_http_read_upgrade(const uint8_t *data, size_t size,
                                          size_t *used);
