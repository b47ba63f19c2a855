// SPDX-License-Identifier: MIT
/*
 * Writing. What a turn queues is written once, at its end, straight to the
 * socket. What the kernel does not take then is handed to libuv as one write,
 * which ends when all of it is out; whatever is queued meanwhile stays in the
 * queue and leaves with the next vectored write. The slots of that one write
 * stay in the queue too: they hold its bytes alive.
 *
 * A slot is a tagged pointer, and its bytes follow from it: a shared buffer
 * with its framing, a shared buffer without, or a private block. The first
 * slots stand in the stream itself, so a broadcast to an idle connection takes
 * nothing from the allocator.
 *
 * A write that fails marks the stream broken, and the owner hears of it after
 * the flush: the flush runs through a list that the owner may change.
 */
#include "net/stream.h"

#include "base/check.h"
#include "base/limits.h"
#include "net/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum slot_kind {
    SLOT_FRAMED = 0,
    SLOT_PAYLOAD = 1,
    SLOT_BLOCK = 2,
    SLOT_KIND_MASK = 3,
};

#define SLOTS_POOLED 16 /* slots of a pooled block; beyond: the allocator */

/* Private bytes of a queue. */
struct out_block {
    uint32_t len, cap; /* bytes */
    uint8_t bytes[];
};

#define BLOCK_CAP_POOLED ((uint32_t)(SL_TAIL_BLOCK - sizeof(struct out_block)))

struct sl_write {
    uv_write_t req;
    size_t bytes;
};

/* libuv promises this layout, so that one array serves both writers. */
_Static_assert(sizeof(uv_buf_t) == sizeof(struct iovec), "uv_buf_t");

void sl_stream_pools_init(struct sl_loop *loop)
{
    sl_pool_init(&loop->streams, sizeof(struct sl_stream), SL_NET_KEEP_MAX);
    sl_pool_init(&loop->slots, SLOTS_POOLED * sizeof(struct sl_outslot),
                 SL_NET_KEEP_MAX);
    sl_pool_init(&loop->blocks, SL_TAIL_BLOCK, SL_NET_KEEP_MAX);
    sl_pool_init(&loop->writes, sizeof(struct sl_write), SL_NET_KEEP_MAX);
}

void sl_stream_pools_release(struct sl_loop *loop)
{
    sl_pool_release(&loop->streams);
    sl_pool_release(&loop->slots);
    sl_pool_release(&loop->blocks);
    sl_pool_release(&loop->writes);
}

/* ---- slots ---- */

static enum slot_kind slot_kind(struct sl_outslot slot)
{
    return (enum slot_kind)(slot.tagged & SLOT_KIND_MASK);
}

static void *slot_ptr(struct sl_outslot slot)
{
    return (void *)(slot.tagged & ~(uintptr_t)SLOT_KIND_MASK);
}

static struct sl_slice slot_bytes(struct sl_outslot slot)
{
    switch (slot_kind(slot)) {
    case SLOT_FRAMED: return sl_buf_framed(slot_ptr(slot));
    case SLOT_PAYLOAD: return sl_buf_payload(slot_ptr(slot));
    default: {
        const struct out_block *block = slot_ptr(slot);
        return sl_slice_of(block->bytes, block->len);
    }
    }
}

static void slot_release(struct sl_loop *loop, struct sl_outslot slot)
{
    if (slot_kind(slot) != SLOT_BLOCK) {
        sl_buf_unref(slot_ptr(slot));
        return;
    }
    struct out_block *block = slot_ptr(slot);
    if (block->cap == BLOCK_CAP_POOLED)
        sl_pool_put(&loop->blocks, block);
    else
        sl_free(block);
}

/* ---- the queue ---- */

static void outq_init(struct sl_outq *out)
{
    out->slots = out->few;
    out->head = out->count = out->sent = 0;
    out->cap = SL_OUTSLOTS_INLINE;
    out->bytes = 0;
}

static void outq_free_slots(struct sl_loop *loop, struct sl_outq *out)
{
    if (out->cap == SLOTS_POOLED)
        sl_pool_put(&loop->slots, out->slots);
    else if (out->slots != out->few)
        sl_free(out->slots);
}

/* Makes room behind the last slot: moves them to the front when half of the
 * array lies before the first, else takes a larger array. */
static void outq_grow(struct sl_loop *loop, struct sl_outq *out)
{
    struct sl_outslot *from = out->slots + out->head;
    size_t size = out->count * sizeof(*from);
    if (out->head > 0 && out->head >= out->cap / 2) {
        memmove(out->slots, from, size);
        out->head = 0;
        return;
    }
    uint32_t cap = out->cap < SLOTS_POOLED ? SLOTS_POOLED : out->cap * 2;
    struct sl_outslot *slots = cap == SLOTS_POOLED
                                   ? sl_pool_get(&loop->slots)
                                   : sl_alloc(cap * sizeof(*slots));
    memcpy(slots, from, size);
    outq_free_slots(loop, out);
    out->slots = slots;
    out->cap = cap;
    out->head = 0;
}

/* Drops all slots and the array. */
static void outq_clear(struct sl_loop *loop, struct sl_outq *out)
{
    for (uint32_t i = 0; i < out->count; i++)
        slot_release(loop, out->slots[out->head + i]);
    outq_free_slots(loop, out);
    sl_metric_add(loop->metrics, SL_M_QUEUED_BYTES, -(int64_t)out->bytes);
    outq_init(out);
}

/* `bytes` left: drops the slots that are out. */
static void outq_consume(struct sl_loop *loop, struct sl_outq *out,
                         size_t bytes)
{
    sl_assert(bytes <= out->bytes);
    out->bytes -= bytes;
    sl_metric_add(loop->metrics, SL_M_BYTES_OUT, (int64_t)bytes);
    sl_metric_add(loop->metrics, SL_M_QUEUED_BYTES, -(int64_t)bytes);

    bytes += out->sent;
    while (out->count > 0) {
        struct sl_outslot slot = out->slots[out->head];
        size_t len = slot_bytes(slot).len;
        if (bytes < len)
            break;
        bytes -= len;
        slot_release(loop, slot);
        out->head++;
        out->count--;
    }
    out->sent = (uint32_t)bytes;
    if (out->count == 0) {
        outq_free_slots(loop, out);
        outq_init(out);
    }
}

/* The first slices of the queue; returns how many. */
static unsigned outq_gather(const struct sl_outq *out,
                            uv_buf_t slices[SL_WRITE_IOV_MAX], size_t *bytes)
{
    unsigned count =
        out->count < SL_WRITE_IOV_MAX ? out->count : SL_WRITE_IOV_MAX;
    size_t skip = out->sent;
    *bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        struct sl_slice slice = slot_bytes(out->slots[out->head + i]);
        slices[i].base = (char *)(uintptr_t)slice.ptr + skip;
        slices[i].len = slice.len - skip;
        *bytes += slices[i].len;
        skip = 0;
    }
    return count;
}

/* ---- queueing ---- */

static bool takes_bytes(const struct sl_stream *stream)
{
    return !stream->closing && !stream->finishing && stream->error == 0;
}

static void mark_dirty(struct sl_stream *stream)
{
    /* While a write waits for room, its end looks at the queue again. */
    if (stream->write == NULL && sl_list_detached(&stream->dirty))
        sl_list_push_back(&stream->loop->dirty, &stream->dirty);
}

static void add_bytes(struct sl_stream *stream, size_t len)
{
    stream->out.bytes += len;
    sl_metric_add(stream->loop->metrics, SL_M_QUEUED_BYTES, (int64_t)len);
    mark_dirty(stream);
}

static void push_slot(struct sl_stream *stream, void *ptr, enum slot_kind kind)
{
    struct sl_outq *out = &stream->out;
    if (SL_UNLIKELY(out->head + out->count == out->cap))
        outq_grow(stream->loop, out);
    out->slots[out->head + out->count++].tagged =
        (uintptr_t)ptr | (uintptr_t)kind;
}

void sl_stream_send_framed(struct sl_stream *stream, struct sl_buf *buf)
{
    if (SL_UNLIKELY(!takes_bytes(stream) || buf->len + buf->head_len == 0))
        return;
    push_slot(stream, sl_buf_ref(buf), SLOT_FRAMED);
    stream->tail_open = false;
    add_bytes(stream, (size_t)buf->len + buf->head_len);
}

void sl_stream_send_payload(struct sl_stream *stream, struct sl_buf *buf)
{
    if (SL_UNLIKELY(!takes_bytes(stream) || buf->len == 0))
        return;
    push_slot(stream, sl_buf_ref(buf), SLOT_PAYLOAD);
    stream->tail_open = false;
    add_bytes(stream, buf->len);
}

/* Blocks double while one turn goes on copying: few slices, little waste. */
static struct out_block *new_block(struct sl_loop *loop, uint32_t last_cap,
                                   size_t len)
{
    size_t cap = BLOCK_CAP_POOLED;
    if (last_cap > 0)
        cap = last_cap >= SL_TAIL_BLOCK_MAX / 2 ? SL_TAIL_BLOCK_MAX
                                                : last_cap * 2;
    if (cap < len)
        cap = len;
    sl_assert(cap <= UINT32_MAX);
    struct out_block *block = cap == BLOCK_CAP_POOLED
                                  ? sl_pool_get(&loop->blocks)
                                  : sl_alloc(sizeof(*block) + cap);
    block->len = 0;
    block->cap = (uint32_t)cap;
    return block;
}

static struct out_block *open_block(struct sl_stream *stream, size_t len)
{
    struct sl_outq *out = &stream->out;
    uint32_t last_cap = 0;
    if (stream->tail_open && out->count > 0) {
        struct out_block *last =
            slot_ptr(out->slots[out->head + out->count - 1]);
        if (last->cap - last->len >= len)
            return last;
        last_cap = last->cap;
    }
    struct out_block *block = new_block(stream->loop, last_cap, len);
    push_slot(stream, block, SLOT_BLOCK);
    stream->tail_open = true;
    return block;
}

void sl_stream_send_copy(struct sl_stream *stream, struct sl_slice head,
                         struct sl_slice body)
{
    size_t len = head.len + body.len;
    if (!takes_bytes(stream) || len == 0)
        return;
    struct out_block *block = open_block(stream, len);
    uint8_t *to = block->bytes + block->len;
    if (head.len > 0)
        memcpy(to, head.ptr, head.len);
    if (body.len > 0)
        memcpy(to + head.len, body.ptr, body.len);
    block->len += (uint32_t)len;
    add_bytes(stream, len);
}

void sl_stream_notify_drained(struct sl_stream *stream)
{
    if (stream->closing || stream->error != 0)
        return;
    stream->notify = true;
    mark_dirty(stream);
}

/* ---- reading ---- */

static void end_stream(struct sl_stream *stream, int err)
{
    uv_read_stop((uv_stream_t *)&stream->tcp);
    stream->reading = false;
    if (stream->ended)
        return;
    stream->ended = true;
    if (stream->finishing)
        return;
    stream->ops->on_end(stream, err);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct sl_stream *stream = handle->data;
    buf->base = stream->loop->read_buf;
    buf->len = SL_READ_BUF_SIZE;
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buf)
{
    struct sl_stream *stream = tcp->data;
    if (len == 0)
        return; /* nothing there after all */
    sl_loop_enter(stream->loop);

    if (len > 0) {
        sl_metric_add(stream->loop->metrics, SL_M_BYTES_IN, len);
        if (!stream->finishing)
            stream->ops->on_data(stream, (uint8_t *)buf->base, (size_t)len);
        return;
    }
    int err = len == UV_EOF ? 0 : (int)len;
    /* Nothing waits to be written: that was the end of the lingering. */
    if (stream->finishing && (err < 0 || stream->out.count == 0))
        sl_stream_close(stream);
    else
        end_stream(stream, err);
}

void sl_stream_read_start(struct sl_stream *stream)
{
    if (stream->ended || stream->closing || stream->reading)
        return;
    stream->reading = true;
    int err = uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read);
    sl_assert(err == 0);
}

void sl_stream_read_stop(struct sl_stream *stream)
{
    if (stream->closing || stream->finishing || !stream->reading)
        return;
    stream->reading = false;
    uv_read_stop((uv_stream_t *)&stream->tcp);
}

/* ---- flushing ---- */

/* The socket failed while writing: what waits will never be sent. */
static void break_stream(struct sl_stream *stream, int err)
{
    stream->error = err;
    stream->tail_open = false;
    outq_clear(stream->loop, &stream->out);
    sl_list_remove(&stream->dirty);
    sl_list_push_back(&stream->loop->broken, &stream->dirty);
}

/* All is out. */
static void drained(struct sl_stream *stream)
{
    if (stream->finishing) {
        if (stream->ended || shutdown(stream->fd, SHUT_WR) != 0)
            sl_stream_close(stream);
        else
            sl_stream_read_start(stream);
        return;
    }
    if (!stream->notify)
        return;
    stream->notify = false;
    if (stream->ops->on_drained != NULL)
        stream->ops->on_drained(stream);
}

static void on_written(uv_write_t *req, int status)
{
    struct sl_stream *stream = req->data;
    struct sl_write *write = stream->write;
    size_t bytes = write->bytes;
    sl_loop_enter(stream->loop);
    sl_pool_put(&stream->loop->writes, write);
    stream->write = NULL;

    if (stream->closing)
        return; /* cancelled by the close */
    if (status < 0) {
        break_stream(stream, status);
        return;
    }
    outq_consume(stream->loop, &stream->out, bytes);
    if (stream->out.count > 0)
        mark_dirty(stream);
    else
        drained(stream);
}

/* libuv waits for room and writes what is first in the queue now. */
static void wait_for_room(struct sl_stream *stream)
{
    uv_buf_t slices[SL_WRITE_IOV_MAX];
    struct sl_write *write = sl_pool_get(&stream->loop->writes);
    unsigned count = outq_gather(&stream->out, slices, &write->bytes);
    write->req.data = stream;
    stream->write = write;
    stream->notify = true;
    /* The block's bytes are being sent: what comes goes into another one. */
    stream->tail_open = false;
    int err = uv_write(&write->req, (uv_stream_t *)&stream->tcp, slices, count,
                       on_written);
    if (err == 0)
        return;
    stream->write = NULL;
    sl_pool_put(&stream->loop->writes, write);
    break_stream(stream, err);
}

/* Straight to the socket rather than by uv_try_write: that one cannot be told
 * to spare us SIGPIPE, and costs more. */
static ssize_t send_slices(int fd, uv_buf_t *slices, unsigned count)
{
    ssize_t sent;
    do {
        if (count == 1) {
            sent = send(fd, slices->base, slices->len,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
        } else {
            struct msghdr message = {
                .msg_iov = (struct iovec *)(void *)slices,
                .msg_iovlen = count,
            };
            sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static void flush_stream(struct sl_stream *stream)
{
    while (stream->out.count > 0) {
        uv_buf_t slices[SL_WRITE_IOV_MAX];
        size_t bytes;
        unsigned count = outq_gather(&stream->out, slices, &bytes);
        ssize_t sent = send_slices(stream->fd, slices, count);
        if (sent < 0 && sent != -EAGAIN) {
            break_stream(stream, (int)sent);
            return;
        }
        if (sent > 0)
            outq_consume(stream->loop, &stream->out, (size_t)sent);
        if (sent < 0 || (size_t)sent < bytes) {
            wait_for_room(stream);
            return;
        }
    }
    stream->tail_open = false;
    drained(stream);
}

static void report_broken(struct sl_loop *loop)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&loop->broken)) != NULL) {
        struct sl_stream *stream =
            SL_CONTAINER_OF(node, struct sl_stream, dirty);
        if (stream->finishing)
            sl_stream_close(stream);
        else
            end_stream(stream, stream->error);
    }
}

void sl_stream_flush_all(struct sl_loop *loop)
{
    /* Streams that become dirty meanwhile are a matter of the next round. */
    struct sl_list batch;
    sl_list_init(&batch);
    sl_list_splice_back(&batch, &loop->dirty);

    struct sl_list *node;
    while ((node = sl_list_pop_front(&batch)) != NULL)
        flush_stream(SL_CONTAINER_OF(node, struct sl_stream, dirty));
    report_broken(loop);
}

/* ---- life ---- */

/* Of a handle that never got its descriptor. */
static void on_unopened_closed(uv_handle_t *handle)
{
    struct sl_stream *stream = handle->data;
    sl_pool_put(&stream->loop->streams, stream);
}

struct sl_stream *sl_stream_open(struct sl_loop *loop, int fd,
                                 const struct sl_stream_ops *ops, void *user)
{
    struct sl_stream *stream = sl_pool_get(&loop->streams);
    *stream =
        (struct sl_stream){ .loop = loop, .ops = ops, .user = user, .fd = fd };
    sl_list_init(&stream->dirty);
    outq_init(&stream->out);
    uv_tcp_init(&loop->uv, &stream->tcp);
    stream->tcp.data = stream;

    if (uv_tcp_open(&stream->tcp, fd) < 0) {
        close(fd);
        uv_close((uv_handle_t *)&stream->tcp, on_unopened_closed);
        return NULL;
    }
    /* Not every socket has it (tests use local ones). */
    uv_tcp_nodelay(&stream->tcp, 1);
    sl_metric_add(loop->metrics, SL_M_SOCKETS, 1);
    return stream;
}

void sl_stream_finish(struct sl_stream *stream)
{
    if (stream->closing || stream->finishing)
        return;
    stream->finishing = true;
    if (stream->error == 0)
        mark_dirty(stream); /* an empty queue is found drained by the flush */
    else if (sl_list_detached(&stream->dirty))
        sl_stream_close(stream); /* broken, and on_end was called */
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct sl_stream *stream = handle->data;
    struct sl_loop *loop = stream->loop;
    sl_loop_enter(loop);
    sl_assert(stream->write == NULL);
    outq_clear(loop, &stream->out);
    sl_metric_add(loop->metrics, SL_M_SOCKETS, -1);
    stream->ops->on_closed(stream);
    sl_pool_put(&loop->streams, stream);
}

void sl_stream_close(struct sl_stream *stream)
{
    if (stream->closing)
        return;
    stream->closing = true;
    sl_list_remove(&stream->dirty);
    uv_close((uv_handle_t *)&stream->tcp, on_stream_closed);
}

void sl_stream_set_user_timeout(struct sl_stream *stream, unsigned timeout_ms)
{
    if (stream->closing)
        return;
    /* Probes at a third and two thirds; the time-out itself ends it. Failures
     * only mean that it takes the system's own time-outs. */
    int on = 1;
    int seconds = (int)(timeout_ms / 3000);
    if (seconds < 1)
        seconds = 1;
    int ms = (int)timeout_ms;
    setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds,
               sizeof(seconds));
    setsockopt(stream->fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds,
               sizeof(seconds));
    setsockopt(stream->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}
