// SPDX-License-Identifier: MIT
/* What a connection receives once it is upgraded: frames, and in them hub
 * messages, whole or in parts. */
#include "internal.h"

#include <string.h>

#include "client.h"
#include "protocol.h"

/* ---- hub messages ---- */

static void handle_handshake(struct sl_client *client, struct sl_conn *conn,
                             struct sl_text body)
{
    if (memmem(body.data, body.size, "error", 5) != NULL) {
        client->faults.errors++;
        sl_client_break(client, conn, "handshake: %.*s", (int)body.size,
                        body.data);
        return;
    }
    conn->state = SL_CONN_OPEN;
    client->events->on_open(client, conn);
}

static void handle_message(struct sl_client *client, struct sl_conn *conn,
                           struct sl_text body, uint64_t now_ns)
{
    struct sl_message message;
    if (!client->protocol->decode(body, &message)) {
        sl_client_fault(client, "unreadable message: %.*s",
                        body.size < 100 ? (int)body.size : 100, body.data);
    } else if (message.type == SL_MESSAGE_CLOSE) {
        if (conn->state != SL_CONN_CLOSING)
            sl_client_fault(client, "close message: %.*s",
                            (int)message.error.size,
                            message.error.data ? message.error.data : "");
    } else if (message.type != SL_MESSAGE_PING) {
        client->events->on_message(client, conn, &message, now_ns);
    }
}

/* Handles all whole messages; returns the bytes they took. */
static size_t handle_messages(struct sl_client *client, struct sl_conn *conn,
                              const uint8_t *data, size_t size, uint64_t now_ns)
{
    size_t used = 0;
    while (used < size && conn->state != SL_CONN_DEAD) {
        struct sl_text body;
        const bool greeting = conn->state == SL_CONN_HANDSHAKING;
        const size_t taken =
            greeting ? sl_protocol_split_record(data + used, size - used, &body)
                     : client->protocol->split(data + used, size - used, &body);
        if (taken == 0)
            break;
        used += taken;
        if (greeting)
            handle_handshake(client, conn, body);
        else
            handle_message(client, conn, body, now_ns);
    }
    return used;
}

/* A frame may hold many messages, or a part of one. */
static void handle_data(struct sl_client *client, struct sl_conn *conn,
                        const struct sl_frame *frame, uint64_t now_ns)
{
    struct sl_bytes *partial = &conn->partial;
    if (partial->size > 0) {
        sl_bytes_append(partial, frame->payload, frame->size);
        const size_t used =
            handle_messages(client, conn, partial->data, partial->size, now_ns);
        if (conn->state != SL_CONN_DEAD)
            sl_bytes_consume(partial, used);
    } else {
        const size_t used =
            handle_messages(client, conn, frame->payload, frame->size, now_ns);
        if (used < frame->size && conn->state != SL_CONN_DEAD)
            sl_bytes_append(partial, frame->payload + used, frame->size - used);
    }
    if (partial->size > SL_PARTIAL_SIZE_MAX)
        sl_client_break(client, conn, "a message without an end");
}

/* ---- frames ---- */

static void handle_close(struct sl_client *client, struct sl_conn *conn,
                         const struct sl_frame *frame)
{
    if (conn->state == SL_CONN_CLOSING) {
        sl_client_end(client, conn);
        return;
    }
    const bool has_code = frame->size >= 2;
    const int code = has_code ? frame->payload[0] << 8 | frame->payload[1] : 0;
    client->faults.errors++;
    client->faults.closed++;
    sl_client_break(client, conn, "close frame %d: %.*s", code,
                    has_code ? (int)frame->size - 2 : 0,
                    (const char *)frame->payload + (has_code ? 2 : 0));
}

static void handle_frame(struct sl_client *client, struct sl_conn *conn,
                         const struct sl_frame *frame, uint64_t now_ns)
{
    switch (frame->opcode) {
    case SL_OPCODE_PING:
        sl_frame_append(&conn->out, SL_OPCODE_PONG, frame->payload,
                        frame->size);
        break;
    case SL_OPCODE_PONG: break;
    case SL_OPCODE_CLOSE: handle_close(client, conn, frame); break;
    default: /* text, binary, or the continuation of one */
        handle_data(client, conn, frame, now_ns);
    }
}

size_t sl_client_handle_frames(struct sl_client *client, struct sl_conn *conn,
                               const uint8_t *data, size_t size,
                               uint64_t now_ns)
{
    size_t used = 0;
    while (conn->state != SL_CONN_DEAD) {
        struct sl_frame frame;
        const ptrdiff_t taken = sl_frame_read(&frame, data + used, size - used);
        if (taken == 0)
            break;
        if (taken < 0) {
            client->faults.errors++;
            sl_client_break(client, conn,
                            "a frame that is masked or too large");
            break;
        }
        used += (size_t)taken;
        handle_frame(client, conn, &frame, now_ns);
    }
    return used;
}
