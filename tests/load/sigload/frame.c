// SPDX-License-Identifier: MIT
/* The client's side of WebSocket framing. */
#include "frame.h"

#include "../common/mask.h"

#define FIN 0x80u
#define MASKED 0x80u
#define SIZE_IN_2_BYTES 126u
#define SIZE_IN_8_BYTES 127u
/* Two bytes, eight of size, four of key. */
#define HEADER_MAX 14

/* A constant key is enough: no proxy stands between us and the server, and
 * the work of masking is the same with every key but zero. */
static const uint8_t mask_key[SL_MASK_SIZE] = { 0x37, 0xfa, 0x21, 0x3d };

static uint8_t *write_big_endian(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t read_big_endian(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

void sl_frame_append(struct sl_bytes *out, enum sl_opcode opcode,
                     const void *payload, size_t size)
{
    uint8_t *const start = sl_bytes_reserve(out, size + HEADER_MAX);
    uint8_t *at = start;
    *at++ = (uint8_t)(FIN | opcode);
    if (size < SIZE_IN_2_BYTES) {
        *at++ = (uint8_t)(MASKED | size);
    } else if (size <= UINT16_MAX) {
        *at++ = MASKED | SIZE_IN_2_BYTES;
        at = write_big_endian(at, size, 2);
    } else {
        *at++ = MASKED | SIZE_IN_8_BYTES;
        at = write_big_endian(at, size, 8);
    }
    memcpy(at, mask_key, sizeof mask_key);
    at += sizeof mask_key;
    sl_mask(at, payload, size, mask_key);
    sl_bytes_advance(out, (size_t)(at - start) + size);
}

ptrdiff_t sl_frame_read(struct sl_frame *frame, const uint8_t *data,
                        size_t size)
{
    if (size < 2)
        return 0;
    if ((data[1] & MASKED) != 0)
        return -1;
    uint64_t payload_size = data[1];
    size_t header_size = 2;
    if (payload_size == SIZE_IN_2_BYTES)
        header_size = 4;
    else if (payload_size == SIZE_IN_8_BYTES)
        header_size = 10;
    if (size < header_size)
        return 0;
    if (header_size > 2)
        payload_size = read_big_endian(data + 2, (unsigned)header_size - 2);
    if (payload_size > SL_FRAME_PAYLOAD_MAX)
        return -1;
    if (size - header_size < payload_size)
        return 0;
    frame->opcode = data[0] & 15u;
    frame->payload = data + header_size;
    frame->size = payload_size;
    return (ptrdiff_t)(header_size + payload_size);
}
