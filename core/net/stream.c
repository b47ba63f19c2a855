// SPDX-License-Identifier: MIT
/*
 * Writing. What a turn queues is written once, at its end, straight to the
 * socket. What the kernel does not take then is handed to libuv as one write,
 * which ends when all of it is out; whatever is queued meanwhile stays in the
 * queue and leaves with the next vectored write. The slots of that one write
 * stay in the queue too: they hold its bytes alive.
 *
 * A write that fails marks the stream broken, and the owner hears of it after
 * the flush: the flush runs through a list that the owner may change.
 */
#include "net/stream.h"

#include "base/check.h"
#include "base/limits.h"
#include "net/internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct sl_write {
    uv_write_t req;
    size_t bytes;
};

/* libuv promises this layout, so that one array serves both writers. */
_Static_assert(sizeof(uv_buf_t) == sizeof(struct iovec), "uv_buf_t");

void sl_stream_pools_init(struct sl_loop *loop)
{
    sl_pool_init(&loop->streams, sizeof(struct sl_stream), SL_NET_KEEP_MAX);
    sl_pool_init(&loop->writes, sizeof(struct sl_write), SL_NET_KEEP_MAX);
    sl_outq_pools_init(loop);
}

void sl_stream_pools_release(struct sl_loop *loop)
{
    sl_pool_release(&loop->streams);
    sl_pool_release(&loop->writes);
    sl_outq_pools_release(loop);
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

void sl_stream_send_framed(struct sl_stream *stream, struct sl_buf *buf)
{
    if (SL_UNLIKELY(!takes_bytes(stream) || buf->len + buf->head_len == 0))
        return;
    sl_outq_push_framed(&stream->out, stream->loop, buf);
    mark_dirty(stream);
}

void sl_stream_send_payload(struct sl_stream *stream, struct sl_buf *buf)
{
    if (SL_UNLIKELY(!takes_bytes(stream) || buf->len == 0))
        return;
    sl_outq_push_payload(&stream->out, stream->loop, buf);
    mark_dirty(stream);
}

void sl_stream_send_copy(struct sl_stream *stream, struct sl_slice head,
                         struct sl_slice body)
{
    if (!takes_bytes(stream) || head.len + body.len == 0)
        return;
    sl_outq_push_copy(&stream->out, stream->loop, head, body);
    mark_dirty(stream);
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
        sl_loop_catch_up(stream->loop); /* which may close this stream */
        if (!stream->finishing && !stream->closing)
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
    sl_outq_clear(&stream->out, stream->loop);
    sl_list_remove(&stream->dirty);
    sl_list_push_back(&stream->loop->broken, &stream->dirty);
}

/* All is out. */
static void drained(struct sl_stream *stream)
{
    if (stream->finishing) {
        if (stream->ended || stream->parting ||
            shutdown(stream->fd, SHUT_WR) != 0)
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
    sl_outq_consume(&stream->out, stream->loop, bytes);
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
    unsigned count = sl_outq_gather(&stream->out, slices, &write->bytes);
    write->req.data = stream;
    stream->write = write;
    stream->notify = true;
    sl_outq_seal(&stream->out);
    int err = uv_write(&write->req, (uv_stream_t *)&stream->tcp, slices, count,
                       on_written);
    if (err == 0)
        return;
    stream->write = NULL;
    sl_pool_put(&stream->loop->writes, write);
    break_stream(stream, err);
}

/* Straight to the socket: uv_try_write does the same with write(2), which
 * cannot be told to spare us SIGPIPE. */
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
        unsigned count = sl_outq_gather(&stream->out, slices, &bytes);
        ssize_t sent = send_slices(stream->fd, slices, count);
        if (sent < 0 && sent != -EAGAIN) {
            break_stream(stream, (int)sent);
            return;
        }
        if (sent > 0)
            sl_outq_consume(&stream->out, stream->loop, (size_t)sent);
        if (sent < 0 || (size_t)sent < bytes) {
            wait_for_room(stream);
            return;
        }
    }
    drained(stream);
}

/* What goes wrong here goes wrong again in the flush at the end of the turn,
 * which tells the owner. */
void sl_stream_push(struct sl_stream *stream)
{
    while (takes_bytes(stream) && stream->write == NULL &&
           stream->out.count > 0) {
        uv_buf_t slices[SL_WRITE_IOV_MAX];
        size_t bytes;
        unsigned count = sl_outq_gather(&stream->out, slices, &bytes);
        ssize_t sent = send_slices(stream->fd, slices, count);
        if (sent > 0)
            sl_outq_consume(&stream->out, stream->loop, (size_t)sent);
        if (sent < 0 || (size_t)sent < bytes)
            return;
    }
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
    sl_outq_init(&stream->out);
    uv_tcp_init(&loop->uv, &stream->tcp);
    stream->tcp.data = stream;

    if (uv_tcp_open(&stream->tcp, fd) < 0) {
        close(fd);
        uv_close((uv_handle_t *)&stream->tcp, on_unopened_closed);
        return NULL;
    }
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

void sl_stream_part(struct sl_stream *stream)
{
    stream->parting = true;
    sl_stream_finish(stream);
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct sl_stream *stream = handle->data;
    struct sl_loop *loop = stream->loop;
    sl_loop_enter(loop);
    sl_assert(stream->write == NULL);
    sl_outq_clear(&stream->out, loop);
    sl_metric_add(loop->metrics, SL_M_SOCKETS, -1);
    stream->ops->on_closed(stream);
    sl_pool_put(&loop->streams, stream);
}

/* libuv closes by a bare system call, which the thread sanitizer does not see:
 * it would take the next owner of the number, in whichever thread, for one
 * more user of this socket. So it is told, and kept from seeing how libuv takes
 * the number from epoll after that. */
static void close_handle(struct sl_stream *stream)
{
#ifdef __SANITIZE_THREAD__
    void __sanitizer_syscall_pre_impl_close(long fd);
    void __tsan_ignore_thread_begin(void);
    void __tsan_ignore_thread_end(void);
    __sanitizer_syscall_pre_impl_close(stream->fd);
    __tsan_ignore_thread_begin();
    uv_close((uv_handle_t *)&stream->tcp, on_stream_closed);
    __tsan_ignore_thread_end();
#else
    uv_close((uv_handle_t *)&stream->tcp, on_stream_closed);
#endif
}

void sl_stream_close(struct sl_stream *stream)
{
    if (stream->closing)
        return;
    stream->closing = true;
    sl_list_remove(&stream->dirty);
    close_handle(stream);
}
