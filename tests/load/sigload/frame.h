// SPDX-License-Identifier: MIT
/* The client's side of WebSocket framing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/bytes.h"

enum sl_opcode {
    SL_OPCODE_TEXT = 1,
    SL_OPCODE_BINARY = 2,
    SL_OPCODE_CLOSE = 8,
    SL_OPCODE_PING = 9,
    SL_OPCODE_PONG = 10,
};

struct sl_frame {
    unsigned opcode;
    const uint8_t *payload; /* borrowed from what was read */
    size_t size;
};

/* A frame whose payload is larger than this cannot be received: bytes. */
#define SL_FRAME_PAYLOAD_MAX ((size_t)500000)

/* Appends one whole, masked frame. */
void sl_frame_append(struct sl_bytes *out, enum sl_opcode opcode,
                     const void *payload, size_t size);

/* Reads the frame at the front of `data`.  Returns the bytes it takes, 0 when
 * more are needed, -1 when a server must not send this (masked, too large). */
ptrdiff_t sl_frame_read(struct sl_frame *frame, const uint8_t *data,
                        size_t size);
