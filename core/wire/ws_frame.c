// SPDX-License-Identifier: MIT
/*
 * WebSocket framing of what a server sends.
 */
#include "wire/ws_frame.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/str.h"
#include "wire/crypto.h"

#include <assert.h>

#define FIN 0x80
#define LEN_16 126 /* a two-byte length follows */
#define LEN_64 127 /* an eight-byte length follows */

#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static_assert(SL_WS_HEADER_MAX <= SL_BUF_HEAD, "headers fit the head room");

static size_t put_big_endian(uint8_t *out, uint64_t value, size_t len)
{
    for (size_t i = len; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
    return len;
}

size_t sl_ws_frame_header(uint8_t out[SL_WS_HEADER_MAX],
                          enum sl_ws_opcode opcode, uint64_t len)
{
    out[0] = (uint8_t)(FIN | (unsigned)opcode);
    if (len < LEN_16) {
        out[1] = (uint8_t)len;
        return 2;
    }
    if (len <= UINT16_MAX) {
        out[1] = LEN_16;
        return 2 + put_big_endian(out + 2, len, 2);
    }
    out[1] = LEN_64;
    return 2 + put_big_endian(out + 2, len, 8);
}

void sl_ws_frame_buf(struct sl_buf *buf, enum sl_ws_opcode opcode)
{
    uint8_t header[SL_WS_HEADER_MAX];
    size_t len = sl_ws_frame_header(header, opcode, buf->len);
    sl_buf_set_head(buf, header, len);
}

bool sl_ws_close_code_valid(unsigned code)
{
    /* 1004 is reserved; 1005 and 1006 say that there was no code; 1012 to
     * 1014 were registered after the RFC. */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

void sl_ws_accept_key(struct sl_slice key, char out[SL_WS_ACCEPT_LEN + 1])
{
    struct sl_str text = { 0 };
    uint8_t hash[20];
    (void)sl_str_reserve(&text, key.len + sizeof(ACCEPT_GUID));
    sl_str_add_slice(&text, key);
    sl_str_add_lit(&text, ACCEPT_GUID);
    sl_sha1(sl_str_slice(&text), hash);
    sl_str_clear(&text);
    sl_base64_encode(&text, sl_slice_of(hash, sizeof(hash)));
    sl_assert(text.len == SL_WS_ACCEPT_LEN);
    memcpy(out, text.ptr, SL_WS_ACCEPT_LEN);
    out[SL_WS_ACCEPT_LEN] = '\0';
    sl_str_release(&text);
}
