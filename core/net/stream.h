// SPDX-License-Identifier: MIT
/*
 * A byte stream to a client: reading on demand into the loop's one read
 * buffer, and the one bounded output queue of a connection. The queue holds
 * references to shared buffers and, between them, private blocks that small
 * messages are copied into; it is flushed once per loop turn.
 *
 * An idle stream owns no buffer. It is an allocation of its own, so that a
 * socket can change its owner (HTTP to WebSocket) without a system call: the
 * new owner sets ops and user. `close` begins, on_closed ends, and the stream
 * frees itself after it. No callback is made from inside a function that the
 * owner calls.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "net/loop.h"
#include "net/outq.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct sl_stream;

struct sl_stream_ops {
    /* Bytes from the peer, in the loop's read buffer: borrowed, may be changed
     * in place, gone after the call. The stream may be closed inside. */
    void (*on_data)(struct sl_stream *stream, uint8_t *data, size_t len);
    /* The peer finished (err 0) or the socket failed (negative). Once; not
     * after sl_stream_finish or sl_stream_close. Reading has stopped; what is
     * queued may still be sent after err 0. The owner closes the stream. */
    void (*on_end)(struct sl_stream *stream, int err);
    /* The queue fell to nothing after it could not be written at once, or
     * after sl_stream_notify_drained. May be NULL. */
    void (*on_drained)(struct sl_stream *stream);
    /* The last callback; the stream frees itself after it. */
    void (*on_closed)(struct sl_stream *stream);
};

struct sl_stream {
    uv_tcp_t tcp;
    struct sl_loop *loop;
    const struct sl_stream_ops *ops; /* replaced, with user, at a hand-over */
    void *user;                      /* the owner */
    struct sl_list dirty; /* in loop->dirty or loop->broken, or detached */
    struct sl_outq out;
    struct sl_write *write; /* the one write that waits for room */
    int fd;                 /* of tcp */
    int error;              /* why it broke; 0: it did not */
    unsigned reading : 1;   /* as the owner wants it */
    unsigned ended : 1;     /* on_end was called */
    unsigned finishing : 1; /* nothing is queued any more */
    unsigned parting : 1;   /* finishing does not wait for the peer */
    unsigned closing : 1;
    unsigned notify : 1; /* on_drained is owed */
};

/* Takes the socket (connected, any state of O_NONBLOCK); on failure (NULL) it
 * is closed. Does not read yet. */
struct sl_stream *sl_stream_open(struct sl_loop *loop, int fd,
                                 const struct sl_stream_ops *ops, void *user);

/* May be repeated. Reading cannot be started again after on_end. */
void sl_stream_read_start(struct sl_stream *stream);
void sl_stream_read_stop(struct sl_stream *stream);

/* Queues the buffer with its framing, or the payload alone. Shares: the queue
 * holds its own reference. Nothing happens on a closing stream. */
void sl_stream_send_framed(struct sl_stream *stream, struct sl_buf *buf);
void sl_stream_send_payload(struct sl_stream *stream, struct sl_buf *buf);

/* Queues a copy of both slices, one after the other (either may be empty).
 * Copies of one turn stand in one block where they fit. */
void sl_stream_send_copy(struct sl_stream *stream, struct sl_slice head,
                         struct sl_slice body);

/* Bytes that wait. */
static inline size_t sl_stream_queued(const struct sl_stream *stream)
{
    return stream->out.bytes;
}

/* on_drained follows once the queue is empty, whether it had to wait or not:
 * for an owner that wants to go on only then. */
void sl_stream_notify_drained(struct sl_stream *stream);

/* Writes what is queued, sends the end (FIN), reads and drops whatever comes
 * until the peer's end, then closes; on_closed follows. Closing with input
 * unread would make the kernel send a reset, and a reset takes from the peer
 * what it has not read yet: an HTTP 413, a WebSocket close frame. The owner
 * bounds the time by calling sl_stream_close. */
void sl_stream_finish(struct sl_stream *stream);

/* Writes what is queued, then closes without waiting: for when the peer has
 * said that it sends nothing more. */
void sl_stream_part(struct sl_stream *stream);

/* Writes what the socket takes now, before the end of the turn: for an owner
 * that queues much in one turn. No callback is made. */
void sl_stream_push(struct sl_stream *stream);

/* Ends at once; what is queued is dropped. May be called twice. */
void sl_stream_close(struct sl_stream *stream);

/* Flushes all of loop->dirty; called by the loop alone, once per turn. */
void sl_stream_flush_all(struct sl_loop *loop);
