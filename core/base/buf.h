// SPDX-License-Identifier: MIT
/*
 * A counted block of bytes, immutable once made. One broadcast is encoded
 * once, sealed into one buffer, and every receiver's queue holds a reference:
 * no copy and no allocation per connection.
 *
 * Layout: [ header | head room | payload ]. The head room takes the WebSocket
 * frame header (written by wire/ws_frame before anybody sends the buffer), so
 * that header and payload leave in one piece. Transports that frame
 * differently send the payload alone.
 *
 * Counting: `refs` is a plain integer that belongs to one thread. To hand a
 * buffer to another thread the owner calls sl_buf_share once per receiving
 * thread (the only atomic operation) and the receiver calls sl_buf_adopt, which
 * gives it a small view with a plain count of its own.
 */
#pragma once

#include "base/base.h"
#include "base/check.h"
#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

#define SL_BUF_HEAD 16 /* bytes of head room: the longest frame header is 14 */

struct sl_buf {
    unsigned refs;         /* holders in the owning thread */
    atomic_uint shares;    /* threads that hold it; the origin's is used */
    struct sl_buf *origin; /* of a view: whose bytes these are; else NULL */
    uint8_t *data;         /* the payload */
    uint32_t len;          /* bytes of payload */
    uint32_t head_len;     /* bytes of framing that stand right before it */
};

/* Returns owned (one reference): a copy of the payload. Payloads are bounded
 * by the callers' limits, all far below 4 GiB. */
struct sl_buf *sl_buf_new(struct sl_slice payload) SL_MUST_USE;

/* Returns owned: room for `cap` bytes of payload, len 0; the maker writes to
 * data and sets len before anybody else sees the buffer. */
struct sl_buf *sl_buf_new_empty(size_t cap) SL_MUST_USE;

/* Writes framing right before the payload. Once, before the first send. */
void sl_buf_set_head(struct sl_buf *buf, const void *head, size_t len);

void sl_buf_destroy(struct sl_buf *buf); /* only called by unref */

static inline struct sl_buf *sl_buf_ref(struct sl_buf *buf)
{
    buf->refs++;
    return buf;
}

/* NULL is fine. */
static inline void sl_buf_unref(struct sl_buf *buf)
{
    if (buf == NULL)
        return;
    sl_assert(buf->refs > 0);
    if (--buf->refs == 0)
        sl_buf_destroy(buf);
}

/* Owning thread: one more thread may adopt it. Returns what the other thread
 * gives to sl_buf_adopt (or to sl_buf_disown if it will not adopt). */
struct sl_buf *sl_buf_share(struct sl_buf *buf) SL_MUST_USE;

/* Receiving thread: takes the share, returns owned with a plain count. */
struct sl_buf *sl_buf_adopt(struct sl_buf *shared) SL_MUST_USE;
void sl_buf_disown(struct sl_buf *shared);

static inline struct sl_slice sl_buf_payload(const struct sl_buf *buf)
{
    return sl_slice_of(buf->data, buf->len);
}

/* Framing and payload in one piece. */
static inline struct sl_slice sl_buf_framed(const struct sl_buf *buf)
{
    return sl_slice_of(buf->data - buf->head_len, buf->len + buf->head_len);
}
