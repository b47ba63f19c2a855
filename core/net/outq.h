// SPDX-License-Identifier: MIT
/*
 * The output queue of one stream: places (slots) that each refer to a shared
 * buffer, with its framing or without, or to a private block that small
 * messages are copied into, one behind the other. A slot is one tagged
 * pointer, and the first ones stand in the queue itself: a broadcast to a
 * connection with nothing queued takes nothing from the allocator.
 *
 * Slots and blocks come from the loop's free lists; the loop's metrics count
 * what waits and what is out. One thread.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* A pointer; its lowest bits say to what. */
struct sl_outslot {
    uintptr_t tagged;
};

#define SL_OUTSLOTS_INLINE_BITS 1 /* two: a broadcast, and an answer beside */

struct sl_outq {
    struct sl_outslot *slots; /* `few`, or a block of its own */
    struct sl_outslot few[1 << SL_OUTSLOTS_INLINE_BITS];
    uint32_t head, count; /* slots */
    uint32_t sent;        /* bytes of the first slot that are out */
    uint8_t cap_bits;     /* there is room for 2 to this power of slots */
    bool tail_open;       /* the last slot is a block that may grow */
    size_t bytes;         /* waiting */
};

void sl_outq_init(struct sl_outq *out);

/* Drops all that waits; the queue is as after init. */
void sl_outq_clear(struct sl_outq *out, struct sl_loop *loop);

/* Appends the buffer with its framing, or the payload alone. Shares. The
 * bytes must not be none. */
void sl_outq_push_framed(struct sl_outq *out, struct sl_loop *loop,
                         struct sl_buf *buf);
void sl_outq_push_payload(struct sl_outq *out, struct sl_loop *loop,
                          struct sl_buf *buf);

/* Appends a copy of both slices, in one piece; at most one of them is empty. */
void sl_outq_push_copy(struct sl_outq *out, struct sl_loop *loop,
                       struct sl_slice head, struct sl_slice body);

/* The next copy begins a block: what is queued is being written. */
static inline void sl_outq_seal(struct sl_outq *out)
{
    out->tail_open = false;
}

/* The first slices, at most SL_WRITE_IOV_MAX; returns how many, and how many
 * bytes they have. They borrow until they are consumed. */
unsigned sl_outq_gather(const struct sl_outq *out, uv_buf_t *slices,
                        size_t *bytes);

/* So many bytes are out: frees what they were in. */
void sl_outq_consume(struct sl_outq *out, struct sl_loop *loop, size_t bytes);
