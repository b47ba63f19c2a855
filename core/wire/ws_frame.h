// SPDX-License-Identifier: MIT
/*
 * Server WebSocket frames (RFC 6455): headers and close payloads. Server
 * frames are not masked, so a framed buffer is the same for every receiver.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_ws_opcode {
    SL_WS_CONTINUATION = 0,
    SL_WS_TEXT = 1,
    SL_WS_BINARY = 2,
    SL_WS_CLOSE = 8,
    SL_WS_PING = 9,
    SL_WS_PONG = 10,
};

#define SL_WS_HEADER_MAX 10 /* bytes of an unmasked header */

/* Writes the header of one whole frame; returns its size. */
size_t sl_ws_frame_header(uint8_t out[SL_WS_HEADER_MAX],
                          enum sl_ws_opcode opcode, uint64_t len);

/* Puts the header into a buffer's head room: once, before it is sent. */
void sl_ws_frame_buf(struct sl_buf *buf, enum sl_ws_opcode opcode);

/* A close code that a peer may send (RFC 6455 7.4). */
bool sl_ws_close_code_valid(unsigned code);

/* Sec-WebSocket-Accept of a Sec-WebSocket-Key: 28 characters and a zero. */
#define SL_WS_ACCEPT_LEN 28
void sl_ws_accept_key(struct sl_slice key, char out[SL_WS_ACCEPT_LEN + 1]);
