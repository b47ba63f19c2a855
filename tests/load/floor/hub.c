// SPDX-License-Identifier: MIT
/*
 * The floor's pretence of a hub.  Its answers are the shortest work that still
 * satisfies the checks of sigload, which is what makes it a floor: no parser,
 * no routing, no ids of its own.
 */
#include "hub.h"

#include <string.h>

#include "../common/mask.h"

#define OPCODE_TEXT 1u
#define OPCODE_CLOSE 8u
#define FIN 0x80u
#define SIZE_IN_2_BYTES 126u
#define SIZE_IN_8_BYTES 127u
/* Bytes of a server's frame header. */
#define HEADER_MAX 10
/* Where sigload's fields begin at the latest, bytes into the message. */
#define ID_WITHIN 64
#define TARGET_WITHIN 96
/* Digits and closing quote of an invocation id. */
#define ID_SIZE_MAX 16
/* The record separator and the brace before it. */
#define TAIL_SIZE 2

static const char id_name[] = "\"invocationId\":\"";
static const char target_name[] = "\"target\":\"";
static const char arguments_name[] = "\"arguments\":";
static const char tail[] = "}\x1e";

/* The length of a literal, without its end. */
#define LENGTH(literal) (sizeof(literal) - 1)

static uint8_t *put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static uint8_t *put_big_endian(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint8_t *put_header(uint8_t *at, unsigned opcode, size_t size)
{
    *at++ = (uint8_t)(FIN | opcode);
    if (size < SIZE_IN_2_BYTES) {
        *at++ = (uint8_t)size;
        return at;
    }
    if (size <= UINT16_MAX) {
        *at++ = SIZE_IN_2_BYTES;
        return put_big_endian(at, size, 2);
    }
    *at++ = SIZE_IN_8_BYTES;
    return put_big_endian(at, size, 8);
}

static void append_frame(struct sl_bytes *out, unsigned opcode,
                         const void *payload, size_t size)
{
    uint8_t *const start = sl_bytes_reserve(out, size + HEADER_MAX);
    uint8_t *at = put_header(start, opcode, size);
    at = put(at, payload, size);
    sl_bytes_advance(out, (size_t)(at - start));
}

static const uint8_t *find(const uint8_t *data, size_t size, const char *name)
{
    return memmem(data, size, name, strlen(name));
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The argument list, brackets included, of sigload's call. */
struct arguments {
    const uint8_t *data;
    size_t size;
};

static void answer_echo(struct sl_floor_conn *conn, const uint8_t *id,
                        struct arguments arguments)
{
    static const char head[] = "{\"type\":3,\"invocationId\":\"";
    static const char middle[] = "\",\"result\":";
    const uint8_t *id_end = memchr(id, '"', ID_SIZE_MAX);
    if (id_end == NULL)
        return;
    const size_t id_size = (size_t)(id_end - id);
    const size_t result_size = arguments.size - LENGTH("[]");
    const size_t size =
        LENGTH(head) + id_size + LENGTH(middle) + result_size + LENGTH(tail);
    uint8_t *const start = sl_bytes_reserve(&conn->out, size + HEADER_MAX);
    uint8_t *at = put_header(start, OPCODE_TEXT, size);
    at = put(at, head, LENGTH(head));
    at = put(at, id, id_size);
    at = put(at, middle, LENGTH(middle));
    at = put(at, arguments.data + 1, result_size);
    at = put(at, tail, LENGTH(tail));
    sl_bytes_advance(&conn->out, (size_t)(at - start));
}

static void answer_send_all(struct sl_floor *floor, struct arguments arguments)
{
    static const char head[] = "{\"type\":1,\"target\":\"recv\",\"arguments\":";
    const size_t size = LENGTH(head) + arguments.size + LENGTH(tail);
    struct sl_bytes *frame = &floor->frame;
    frame->size = 0;
    uint8_t *const start = sl_bytes_reserve(frame, size + HEADER_MAX);
    uint8_t *at = put_header(start, OPCODE_TEXT, size);
    at = put(at, head, LENGTH(head));
    at = put(at, arguments.data, arguments.size);
    at = put(at, tail, LENGTH(tail));
    sl_floor_broadcast(floor, start, (size_t)(at - start));
}

static void handle_message(struct sl_floor *floor, struct sl_floor_conn *conn,
                           const uint8_t *data, size_t size)
{
    if (conn->state == SL_FLOOR_HANDSHAKE) {
        conn->state = SL_FLOOR_OPEN;
        append_frame(&conn->out, OPCODE_TEXT, "{}\x1e", 3);
        return;
    }
    const uint8_t *id = find(data, least(size, ID_WITHIN), id_name);
    const uint8_t *target = find(data, least(size, TARGET_WITHIN), target_name);
    if (target == NULL)
        return;
    const uint8_t *list =
        find(target, size - (size_t)(target - data), arguments_name);
    if (list == NULL)
        return;
    list += LENGTH(arguments_name);
    const size_t rest = size - (size_t)(list - data);
    if (rest < LENGTH("[]") + TAIL_SIZE)
        return;
    const struct arguments arguments = { list, rest - TAIL_SIZE };
    switch (target[LENGTH(target_name)]) {
    case 'E':
        if (id != NULL)
            answer_echo(conn, id + LENGTH(id_name), arguments);
        break;
    case 'S': answer_send_all(floor, arguments); break;
    default: break;
    }
}

static size_t handle_request(struct sl_floor_conn *conn, const uint8_t *data,
                             size_t size)
{
    /* The key of every sigload is the same, and so is what accepts it. */
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    static const char end_mark[] = "\r\n\r\n";
    const uint8_t *end = find(data, size, end_mark);
    if (end == NULL)
        return 0;
    sl_bytes_append(&conn->out, answer, LENGTH(answer));
    conn->state = SL_FLOOR_HANDSHAKE;
    return (size_t)(end - data) + LENGTH(end_mark);
}

/* Bytes of the header with its key; 0: not all there yet. */
static size_t read_header(const uint8_t *data, size_t size,
                          uint64_t *payload_size)
{
    if (size < 2 + SL_MASK_SIZE)
        return 0;
    size_t size_bytes = 0;
    *payload_size = data[1] & 127u;
    if (*payload_size == SIZE_IN_2_BYTES)
        size_bytes = 2;
    else if (*payload_size == SIZE_IN_8_BYTES)
        size_bytes = 8;
    if (size < 2 + size_bytes + SL_MASK_SIZE)
        return 0;
    if (size_bytes > 0)
        *payload_size = 0;
    for (size_t i = 0; i < size_bytes; i++)
        *payload_size = *payload_size << 8 | data[2 + i];
    return 2 + size_bytes + SL_MASK_SIZE;
}

size_t sl_floor_handle(struct sl_floor *floor, struct sl_floor_conn *conn,
                       uint8_t *data, size_t size)
{
    size_t used = 0;
    if (conn->state == SL_FLOOR_HTTP) {
        used = handle_request(conn, data, size);
        if (used == 0)
            return 0;
    }
    for (;;) {
        uint8_t *const frame = data + used;
        uint64_t payload_size;
        const size_t header_size =
            read_header(frame, size - used, &payload_size);
        if (header_size == 0 || size - used - header_size < payload_size)
            return used;
        uint8_t *const payload = frame + header_size;
        sl_mask(payload, payload, payload_size, payload - SL_MASK_SIZE);
        const unsigned opcode = frame[0] & 15u;
        if (opcode == OPCODE_CLOSE) {
            append_frame(&conn->out, OPCODE_CLOSE, payload,
                         payload_size < 2 ? 0 : 2);
            conn->is_closing = true;
            return size;
        }
        if (opcode < OPCODE_CLOSE)
            handle_message(floor, conn, payload, payload_size);
        used += header_size + payload_size;
    }
}
