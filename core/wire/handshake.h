// SPDX-License-Identifier: MIT
/*
 * Handshake request and response: JSON and a record separator, whatever the
 * hub protocol.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"
#include "wire/hub_protocol.h"

#include <stdbool.h>
#include <sys/types.h>

struct sl_handshake {
    const struct sl_hub_protocol *protocol;
    int version;
};

/* Looks for a request at the start of `bytes`. Returns the bytes it takes
 * (> 0), 0 when its separator has not come yet, or negative: `response` then
 * holds the whole error response to send before closing (texts by
 * hub-protocol.md section 2). `text_only` transports refuse binary
 * protocols. */
ssize_t sl_handshake_read(struct sl_hub_reader *reader, struct sl_slice bytes,
                          bool text_only, bool detailed_errors,
                          struct sl_handshake *handshake,
                          struct sl_str *response);

/* "{}" and the separator. */
extern const struct sl_slice sl_handshake_ok;

/* The response with an error text of the server's own. */
void sl_handshake_write_error(struct sl_str *out, struct sl_slice error);

/* "Handshake was canceled.": too late, or over the size limit. */
extern const struct sl_slice sl_handshake_canceled;
