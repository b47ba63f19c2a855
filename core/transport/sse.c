// SPDX-License-Identifier: MIT
/*
 * An event is `data: `, the message, and an empty line; over HTTP/1.1 it stands
 * in a chunk of its own. A message that others get too is referred to, small
 * ones are copied: that is cheaper than three slices.
 */
#include "transport/sse.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/str.h"
#include "hub/conn.h"
#include "transport/post.h"

#define COPIED_MAX 512 /* bytes of a shared message that is copied */
#define PREFIX "data: "
#define EVENT_END "\r\n\r\n"

struct sl_sse {
    struct sl_link link;
    struct sl_outlet outlet;
    struct sl_inbox inbox; /* its conn is ours */
    struct sl_stream *stream;
    struct sl_wheel_entry timer; /* of the closing */
    bool chunked;
};

/* ---- writing ---- */

static void send_text(struct sl_sse *sse, const char *prefix,
                      struct sl_buf *shared, struct sl_slice text)
{
    struct sl_slice none = { 0 };
    char head[40];
    size_t len = strlen(prefix) + text.len + sizeof(EVENT_END) - 1;
    int head_len = sse->chunked
                       ? snprintf(head, sizeof(head), "%zx\r\n%s", len, prefix)
                       : snprintf(head, sizeof(head), "%s", prefix);
    struct sl_slice before = sl_slice_of(head, (size_t)head_len);
    if (shared != NULL && text.len > COPIED_MAX) {
        sl_stream_send_copy(sse->stream, before, none);
        sl_stream_send_payload(sse->stream, shared);
    } else {
        sl_stream_send_copy(sse->stream, before, text);
    }
    sl_stream_send_copy(
        sse->stream,
        sse->chunked ? SL_SLICE(EVENT_END "\r\n") : SL_SLICE(EVENT_END), none);
}

/* A line feed inside would end the line: each line is marked, and the client
 * joins them again. */
static void send_lines(struct sl_sse *sse, struct sl_slice text)
{
    struct sl_str lines = { 0 };
    for (;;) {
        const char *feed = memchr(text.ptr, '\n', text.len);
        size_t len = feed == NULL ? text.len : (size_t)(feed - text.ptr);
        bool returns = feed != NULL && len > 0 && text.ptr[len - 1] == '\r';
        sl_str_add_lit(&lines, PREFIX);
        sl_str_add(&lines, text.ptr, returns ? len - 1 : len);
        if (feed == NULL)
            break;
        sl_str_add_lit(&lines, "\r\n");
        text = sl_slice_of(feed + 1, text.len - len - 1);
    }
    send_text(sse, "", NULL, sl_str_slice(&lines));
    sl_str_release(&lines);
}

static void send_event(struct sl_sse *sse, struct sl_buf *shared,
                       struct sl_slice text)
{
    if (text.len > 0 && memchr(text.ptr, '\n', text.len) != NULL)
        send_lines(sse, text);
    else
        send_text(sse, PREFIX, shared, text);
}

/* ---- the outlet ---- */

static struct sl_sse *of_outlet(struct sl_outlet *outlet)
{
    return SL_CONTAINER_OF(outlet, struct sl_sse, outlet);
}

static size_t queued(struct sl_sse *sse)
{
    if (sl_stream_queued(sse->stream) > SL_PUSH_BYTES)
        sl_stream_push(sse->stream);
    if (sse->inbox.paused)
        sl_stream_notify_drained(sse->stream);
    return sl_stream_queued(sse->stream);
}

static size_t outlet_send(struct sl_outlet *outlet, struct sl_buf *message)
{
    struct sl_sse *sse = of_outlet(outlet);
    send_event(sse, message, sl_buf_payload(message));
    return queued(sse);
}

static size_t outlet_send_copy(struct sl_outlet *outlet,
                               struct sl_slice message)
{
    struct sl_sse *sse = of_outlet(outlet);
    send_event(sse, NULL, message);
    return queued(sse);
}

static void outlet_pause(struct sl_outlet *outlet, bool paused)
{
    struct sl_sse *sse = of_outlet(outlet);
    sl_inbox_pause(&sse->inbox, paused);
    queued(sse); /* the pause may be because of what is queued already */
}

static void finish(struct sl_sse *sse)
{
    struct sl_loop *loop = sse->link.transport->loop;
    sl_wheel_set(&loop->wheel, &sse->timer,
                 sl_loop_now(loop) + SL_CLOSE_TIMEOUT_MS);
    sl_stream_finish(sse->stream);
}

static void outlet_close(struct sl_outlet *outlet, bool failed, bool drop)
{
    struct sl_sse *sse = of_outlet(outlet);
    (void)failed; /* an event stream just ends */
    sl_link_drop(&sse->link);
    sl_inbox_close(&sse->inbox);
    if (drop) {
        sl_stream_close(sse->stream);
        return;
    }
    if (sse->chunked)
        sl_stream_send_copy(sse->stream, SL_SLICE("0\r\n\r\n"),
                            (struct sl_slice){ 0 });
    finish(sse);
}

static const struct sl_outlet_ops outlet_ops = {
    .send = outlet_send,
    .send_copy = outlet_send_copy,
    .pause = outlet_pause,
    .close = outlet_close,
};

/* ---- the stream ---- */

static void lose(struct sl_sse *sse, enum sl_close_reason reason)
{
    struct sl_conn *conn = sse->inbox.conn;
    sl_link_drop(&sse->link);
    sl_inbox_close(&sse->inbox);
    if (conn != NULL)
        sl_conn_lost(conn, reason);
}

/* Nothing is expected: what comes is dropped. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type of the callback */
static void on_stream_data(struct sl_stream *stream, uint8_t *data, size_t len)
{
    (void)stream;
    (void)data;
    (void)len;
}

static void on_stream_end(struct sl_stream *stream, int err)
{
    (void)err;
    lose(stream->user, SL_CLOSE_LOST);
    sl_stream_close(stream);
}

static void on_stream_drained(struct sl_stream *stream)
{
    struct sl_sse *sse = stream->user;
    if (sse->inbox.conn != NULL)
        sl_conn_drained(sse->inbox.conn);
}

static void on_stream_closed(struct sl_stream *stream)
{
    struct sl_sse *sse = stream->user;
    struct sl_transport *transport = sse->link.transport;
    sl_assert(sse->inbox.conn == NULL);
    sl_wheel_cancel(&transport->loop->wheel, &sse->timer);
    sl_list_remove(&sse->link.list);
    transport->socket_count--;
    sl_free(sse);
}

static const struct sl_stream_ops stream_ops = {
    .on_data = on_stream_data,
    .on_end = on_stream_end,
    .on_drained = on_stream_drained,
    .on_closed = on_stream_closed,
};

static void on_timer(struct sl_wheel_entry *entry)
{
    sl_stream_close(SL_CONTAINER_OF(entry, struct sl_sse, timer)->stream);
}

static void sse_abort(struct sl_link *link)
{
    struct sl_sse *sse = SL_CONTAINER_OF(link, struct sl_sse, link);
    lose(sse, SL_CLOSE_SHUTDOWN);
    sl_stream_close(sse->stream);
}

/* ---- entry points ---- */

/* The comment behind the head makes proxies and browsers see the stream. */
static struct sl_stream *answer(struct sl_http_request *request, bool *chunked)
{
    const struct sl_header headers[] = {
        { SL_SLICE("Cache-Control"), SL_SLICE("no-cache,no-store") },
        { SL_SLICE("Pragma"), SL_SLICE("no-cache") },
        { SL_SLICE("Content-Encoding"), SL_SLICE("identity") },
        { SL_SLICE("X-Accel-Buffering"), SL_SLICE("no") },
    };
    struct sl_stream *stream =
        sl_http_begin(request,
                      &(struct sl_http_answer){
                          .status = 200,
                          .headers = headers,
                          .header_count = SL_COUNT(headers),
                          .content_type = SL_SLICE("text/event-stream"),
                      },
                      chunked);
    sl_assert(stream != NULL); /* we are inside the handler */
    sl_stream_send_copy(
        stream, *chunked ? SL_SLICE("3\r\n:\r\n\r\n") : SL_SLICE(":\r\n"),
        (struct sl_slice){ 0 });
    return stream;
}

void sl_sse_accept(struct sl_http_request *request,
                   const struct sl_websocket_setup *setup)
{
    struct sl_transport *transport = setup->transport;
    struct sl_request_head *head =
        sl_request_head_new(&request->url, sl_slice_str(request->remote),
                            request->headers, request->header_count);
    struct sl_sse *sse = sl_zalloc(sizeof(*sse));
    sl_link_init(&sse->link, transport, SL_TRANSPORT_SSE, setup->token);
    sse->link.abort = sse_abort;
    sl_list_push_back(&transport->links, &sse->link.list);
    transport->socket_count++;
    sse->outlet.ops = &outlet_ops;
    sl_inbox_init(&sse->inbox, transport);
    sl_wheel_entry_init(&sse->timer, on_timer);
    sse->stream = answer(request, &sse->chunked);
    sse->stream->ops = &stream_ops;
    sse->stream->user = sse;
    sse->inbox.conn = sl_conn_open(&(struct sl_conn_setup){
        .entry = setup->entry,
        .outlet = &sse->outlet,
        .id = setup->conn_id,
        .head = head,
        .identity = setup->identity,
        .lifetime_ms = setup->lifetime_ms,
        .transport = SL_TRANSPORT_SSE,
        .text_only = true,
    });
    sl_stream_read_start(sse->stream);
    if (setup->early.len > 0)
        sl_conn_received(sse->inbox.conn, setup->early);
}

struct sl_conn *sl_sse_conn(const struct sl_link *link)
{
    return SL_CONTAINER_OF(link, const struct sl_sse, link)->inbox.conn;
}

void sl_sse_post(struct sl_link *link, struct sl_http_request *request)
{
    sl_inbox_post(&SL_CONTAINER_OF(link, struct sl_sse, link)->inbox, request);
}
