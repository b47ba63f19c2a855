// SPDX-License-Identifier: MIT
/*
 * WebSockets.
 *
 * Reading. wslay's frame reader takes bytes, checks and unmasks, and hands out
 * pieces of at most 4 KiB; what the frames mean (fragments, control frames,
 * UTF-8, close codes) is decided here. Hub messages are framed over the byte
 * stream, so pieces go to the connection as they come and no WebSocket message
 * is ever assembled. We use the frame reader and not wslay's event layer: that
 * one holds 8.8 KB, copies queued messages, and checks UTF-8 a byte at a time.
 *
 * A reader that stands between two frames holds nothing, so one spare reader
 * serves all sockets of a worker; only a socket in mid-frame keeps its own.
 * Those are bounded in number, and a begun frame has a deadline, so
 * drip-feeding buys no memory.
 *
 *   OPEN ──► CLOSING ──► DONE        CLOSING: our Close frame is out, the
 *     └───────────────────┘          peer's is awaited. DONE: flush, then end.
 */
#include "transport/websocket.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/wheel.h"
#include "hub/conn.h"
#include "hub/outlet.h"
#include "transport/internal.h"
#include "transport/stand_in.h"
#include "wire/ws_frame.h"

#include <wslay/wslay.h>

#define CODE_NORMAL 1000u
#define CODE_PROTOCOL 1002u
#define CODE_TEXT 1007u
#define CODE_POLICY 1008u
#define CODE_FAILED 1011u
#define CODE_NONE 0u /* a Close frame without payload */

#define KEY_LEN 24 /* characters of a Sec-WebSocket-Key */

enum state { OPEN, CLOSING, DONE };

struct sl_websocket {
    struct sl_outlet outlet;
    struct sl_list node; /* in transport->sockets */
    struct sl_transport *transport;
    struct sl_stream *stream;
    wslay_frame_context_ptr reader; /* in mid-frame only */
    struct sl_wheel_entry timer;    /* of a begun frame, or of the closing */
    struct sl_str control;          /* a control frame that came in pieces */
    uint64_t frame_left; /* payload bytes of the frame still to come */
    uint32_t unread;     /* bytes given to the reader, not handed out yet */
    uint32_t utf8;       /* of the text message being read */
    uint8_t state;
    uint8_t opcode;  /* of the frame being read */
    uint8_t message; /* opcode of the message being read; 0: none */
    struct sl_link link;
};

const size_t sl_websocket_size = sizeof(struct sl_websocket);

/* ---- writing ---- */

static void send_frame(struct sl_websocket *ws, enum sl_ws_opcode opcode,
                       struct sl_slice payload)
{
    uint8_t header[SL_WS_HEADER_MAX];
    size_t len = sl_ws_frame_header(header, opcode, payload.len);
    sl_stream_send_copy(ws->stream, sl_slice_of(header, len), payload);
}

static void send_close(struct sl_websocket *ws, unsigned code)
{
    uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };
    send_frame(ws, SL_WS_CLOSE,
               sl_slice_of(payload, code == CODE_NONE ? 0 : sizeof(payload)));
}

static void set_timer(struct sl_websocket *ws, uint64_t in_ms)
{
    struct sl_loop *loop = ws->transport->loop;
    sl_wheel_set(&loop->wheel, &ws->timer, sl_loop_now(loop) + in_ms);
}

static void drop_reader(struct sl_websocket *ws)
{
    if (ws->reader == NULL)
        return;
    wslay_frame_context_free(ws->reader);
    ws->reader = NULL;
    ws->transport->reader_count--;
}

/* Sends what is queued, then ends; bounded by the closing time-out. */
static void finish(struct sl_websocket *ws, void (*end)(struct sl_stream *))
{
    if (ws->state == DONE)
        return;
    ws->state = DONE;
    drop_reader(ws);
    set_timer(ws, SL_CLOSE_TIMEOUT_MS);
    end(ws->stream);
}

/* The connection is over: its token counts as used. */
static struct sl_conn *give_up(struct sl_websocket *ws)
{
    struct sl_conn *conn = ws->link.conn;
    ws->link.conn = NULL;
    sl_link_drop(&ws->link);
    return conn;
}

static void lose(struct sl_websocket *ws, enum sl_close_reason reason)
{
    struct sl_conn *conn = give_up(ws);
    if (conn != NULL)
        sl_conn_lost(conn, reason);
}

static void drop(struct sl_websocket *ws)
{
    ws->state = DONE;
    sl_stream_close(ws->stream);
}

/* The peer broke the protocol. */
static void fail(struct sl_websocket *ws, unsigned code)
{
    if (ws->state == DONE)
        return;
    sl_metric_add(ws->transport->loop->metrics, SL_M_PROTOCOL_CLOSED, 1);
    lose(ws, SL_CLOSE_PROTOCOL);
    if (ws->state == OPEN)
        send_close(ws, code);
    finish(ws, sl_stream_finish);
}

/* ---- the outlet ---- */

static struct sl_websocket *of_outlet(struct sl_outlet *outlet)
{
    return SL_CONTAINER_OF(outlet, struct sl_websocket, outlet);
}

/* What waits now. A method that sends much in one turn must not fill its
 * client's queue before the socket had a chance. A connection whose reading is
 * paused may wait for the end of the queue, which a flush that writes all of it
 * at once tells only if asked. */
static size_t queued(struct sl_websocket *ws)
{
    if (sl_stream_queued(ws->stream) > SL_PUSH_BYTES)
        sl_stream_push(ws->stream);
    if (!ws->stream->reading)
        sl_stream_notify_drained(ws->stream);
    return sl_stream_queued(ws->stream);
}

static size_t outlet_send(struct sl_outlet *outlet, struct sl_buf *message)
{
    struct sl_websocket *ws = of_outlet(outlet);
    sl_stream_send_framed(ws->stream, message);
    return queued(ws);
}

static size_t outlet_send_copy(struct sl_outlet *outlet,
                               struct sl_slice message)
{
    struct sl_websocket *ws = of_outlet(outlet);
    send_frame(ws, outlet->binary ? SL_WS_BINARY : SL_WS_TEXT, message);
    return queued(ws);
}

static void outlet_pause(struct sl_outlet *outlet, bool paused)
{
    struct sl_websocket *ws = of_outlet(outlet);
    if (paused)
        sl_stream_read_stop(ws->stream);
    else
        sl_stream_read_start(ws->stream);
    queued(ws); /* the pause may be because of what is queued already */
}

static void outlet_close(struct sl_outlet *outlet, bool failed, bool at_once)
{
    struct sl_websocket *ws = of_outlet(outlet);
    give_up(ws);
    if (at_once) {
        drop(ws);
        return;
    }
    if (ws->state != OPEN)
        return;
    send_close(ws, failed ? CODE_FAILED : CODE_NORMAL);
    ws->state = CLOSING;
    set_timer(ws, SL_CLOSE_TIMEOUT_MS);
    sl_stream_read_start(ws->stream); /* the peer's Close must be seen */
}

static const struct sl_outlet_ops outlet_ops = {
    .send = outlet_send,
    .send_copy = outlet_send_copy,
    .pause = outlet_pause,
    .close = outlet_close,
};

/* ---- reading ---- */

/* wslay asks for bytes: what of the current read is left. */
static ssize_t on_reader_wants(uint8_t *out, size_t len, int flags, void *user)
{
    (void)flags;
    struct sl_transport *transport = user;
    struct sl_slice *input = &transport->input;
    if (input->len == 0)
        return -1;
    len = len < input->len ? len : input->len;
    memcpy(out, input->ptr, len);
    input->ptr += len;
    input->len -= len;
    return (ssize_t)len;
}

static void on_peer_close(struct sl_websocket *ws, struct sl_slice payload)
{
    if (payload.len == 1)
        return fail(ws, CODE_PROTOCOL);
    if (payload.len >= 2) {
        unsigned code =
            (unsigned)(uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1];
        struct sl_slice reason = sl_slice_of(payload.ptr + 2, payload.len - 2);
        if (!sl_ws_close_code_valid(code) || !sl_utf8_valid(reason))
            return fail(ws, CODE_PROTOCOL);
    }
    lose(ws, SL_CLOSE_CLIENT);
    if (ws->state == OPEN)
        send_close(ws, CODE_NORMAL);
    finish(ws, sl_stream_part); /* its Close was its last frame */
}

static void on_ping(struct sl_websocket *ws, struct sl_slice payload)
{
    if (ws->state != OPEN)
        return;
    /* A peer that pings and never reads must not fill our memory. */
    const struct sl_hub_entry *entry = ws->link.conn->entry;
    if (sl_stream_queued(ws->stream) > entry->options.max_outbound) {
        lose(ws, SL_CLOSE_SLOW);
        drop(ws);
        return;
    }
    send_frame(ws, SL_WS_PONG, payload);
}

static void on_control(struct sl_websocket *ws, struct sl_slice payload)
{
    if (ws->opcode == SL_WS_CLOSE)
        on_peer_close(ws, payload);
    else if (ws->opcode == SL_WS_PING)
        on_ping(ws, payload);
}

static void on_control_piece(struct sl_websocket *ws, struct sl_slice piece)
{
    bool ends = ws->frame_left == 0;
    if (ends && ws->control.len == 0)
        return on_control(ws, piece);
    sl_str_add_slice(&ws->control, piece);
    if (!ends)
        return;
    struct sl_str whole = ws->control;
    ws->control = (struct sl_str){ 0 };
    on_control(ws, sl_str_slice(&whole));
    sl_str_release(&whole);
}

static void on_data_piece(struct sl_websocket *ws, struct sl_slice piece,
                          bool ends)
{
    bool text = ws->message == SL_WS_TEXT;
    if (text)
        ws->utf8 = sl_utf8_check(ws->utf8, piece);
    if (ends) {
        ws->message = 0;
        if (text && ws->utf8 != SL_UTF8_ACCEPT)
            return fail(ws, CODE_TEXT);
    } else if (text && ws->utf8 == SL_UTF8_REJECT) {
        return fail(ws, CODE_TEXT);
    }
    if (ws->link.conn != NULL && piece.len > 0)
        sl_conn_received(ws->link.conn, piece);
}

static bool opcode_known(unsigned opcode)
{
    return opcode <= SL_WS_BINARY ||
           (opcode >= SL_WS_CLOSE && opcode <= SL_WS_PONG);
}

/* The header of a new frame. False: not allowed here. */
static bool begin_frame(struct sl_websocket *ws,
                        const struct wslay_frame_iocb *frame)
{
    if (!frame->mask || frame->rsv != 0 || !opcode_known(frame->opcode))
        return false;
    uint64_t len = frame->payload_length;
    uint32_t header = 6 + (len < 126 ? 0 : len < 65536 ? 2 : 8);
    sl_assert(ws->unread >= header);
    ws->unread -= header;
    ws->frame_left = len;
    ws->opcode = frame->opcode;
    if (wslay_is_ctrl_frame(frame->opcode))
        return true;
    bool continues = frame->opcode == SL_WS_CONTINUATION;
    if (continues != (ws->message != 0))
        return false;
    if (!continues) {
        ws->message = frame->opcode;
        ws->utf8 = SL_UTF8_ACCEPT;
    }
    return true;
}

static void on_piece(struct sl_websocket *ws,
                     const struct wslay_frame_iocb *frame)
{
    if (ws->frame_left == 0 && !begin_frame(ws, frame))
        return fail(ws, CODE_PROTOCOL);
    ws->frame_left -= frame->data_length;
    ws->unread -= (uint32_t)frame->data_length;
    struct sl_slice piece = sl_slice_of(frame->data, frame->data_length);
    if (wslay_is_ctrl_frame(frame->opcode))
        on_control_piece(ws, piece);
    else
        on_data_piece(ws, piece, frame->fin && ws->frame_left == 0);
}

/* NULL: too many frames are begun and not ended. */
static wslay_frame_context_ptr take_reader(struct sl_websocket *ws)
{
    struct sl_transport *transport = ws->transport;
    wslay_frame_context_ptr reader = ws->reader;
    if (reader != NULL) {
        ws->reader = NULL;
        transport->reader_count--;
        return reader;
    }
    if (transport->spare != NULL) {
        reader = transport->spare;
        transport->spare = NULL;
        return reader;
    }
    static const struct wslay_frame_callbacks callbacks = {
        .recv_callback = on_reader_wants,
    };
    if (transport->reader_count >= SL_FRAME_READERS_MAX ||
        wslay_frame_context_init(&reader, &callbacks, transport) != 0)
        return NULL;
    return reader;
}

/* The reader goes back to the worker, or stays with a socket in mid-frame. */
static void put_reader(struct sl_websocket *ws, wslay_frame_context_ptr reader)
{
    struct sl_transport *transport = ws->transport;
    bool clean = ws->unread == 0 && ws->frame_left == 0;
    if (ws->state == DONE || (clean && transport->spare != NULL)) {
        wslay_frame_context_free(reader);
    } else if (clean) {
        transport->spare = reader;
    } else {
        ws->reader = reader;
        transport->reader_count++;
    }
    if (ws->state != OPEN)
        return;
    if (ws->reader == NULL)
        sl_wheel_cancel(&transport->loop->wheel, &ws->timer);
    else if (!sl_wheel_is_set(&ws->timer))
        set_timer(ws, SL_FRAME_TIMEOUT_MS +
                          ws->frame_left / SL_FRAME_RATE_MIN * 1000);
}

static void receive(struct sl_websocket *ws, struct sl_slice bytes)
{
    if (ws->state == DONE)
        return;
    struct sl_transport *transport = ws->transport;
    wslay_frame_context_ptr reader = take_reader(ws);
    if (reader == NULL)
        return fail(ws, CODE_POLICY);
    transport->input = bytes;
    ws->unread += (uint32_t)bytes.len;
    while (ws->state != DONE) {
        struct wslay_frame_iocb frame;
        ssize_t got = wslay_frame_recv(reader, &frame);
        if (got == WSLAY_ERR_WANT_READ)
            break;
        if (got < 0)
            fail(ws, CODE_PROTOCOL);
        else
            on_piece(ws, &frame);
    }
    transport->input = (struct sl_slice){ 0 };
    put_reader(ws, reader);
}

/* ---- the stream ---- */

static void on_stream_data(struct sl_stream *stream, uint8_t *data, size_t len)
{
    receive(stream->user, sl_slice_of(data, len));
}

static void on_stream_end(struct sl_stream *stream, int err)
{
    struct sl_websocket *ws = stream->user;
    if (sl_stand_in_take(&ws->link)) {
        drop(ws);
        return;
    }
    lose(ws, SL_CLOSE_LOST);
    if (err == 0)
        finish(ws, sl_stream_finish);
    else
        sl_stream_close(stream);
    ws->state = DONE;
}

static void on_stream_drained(struct sl_stream *stream)
{
    struct sl_websocket *ws = stream->user;
    if (ws->link.conn != NULL)
        sl_conn_drained(ws->link.conn);
}

static void on_stream_closed(struct sl_stream *stream)
{
    struct sl_websocket *ws = stream->user;
    struct sl_transport *transport = ws->transport;
    sl_assert(ws->link.conn == NULL);
    sl_wheel_cancel(&transport->loop->wheel, &ws->timer);
    sl_list_remove(&ws->node);
    drop_reader(ws);
    sl_str_release(&ws->control);
    transport->socket_count--;
    sl_pool_put(&transport->socket_pool, ws);
}

static const struct sl_stream_ops stream_ops = {
    .on_data = on_stream_data,
    .on_end = on_stream_end,
    .on_drained = on_stream_drained,
    .on_closed = on_stream_closed,
};

/* A begun frame took too long, or the closing did. */
static void on_timer(struct sl_wheel_entry *entry)
{
    struct sl_websocket *ws =
        SL_CONTAINER_OF(entry, struct sl_websocket, timer);
    if (ws->state == OPEN)
        fail(ws, CODE_POLICY);
    else
        sl_stream_close(ws->stream);
}

void sl_websocket_abort(struct sl_list *node)
{
    struct sl_websocket *ws = SL_CONTAINER_OF(node, struct sl_websocket, node);
    lose(ws, SL_CLOSE_SHUTDOWN);
    drop(ws);
}

/* ---- the upgrade ---- */

bool sl_websocket_wanted(const struct sl_http_request *request)
{
    struct sl_slice version =
        sl_http_header(request, SL_SLICE("sec-websocket-version"));
    struct sl_slice key =
        sl_http_header(request, SL_SLICE("sec-websocket-key"));
    return request->upgrade && sl_slice_eq(request->method, SL_SLICE("GET")) &&
           sl_http_header_has(request, SL_SLICE("upgrade"),
                              SL_SLICE("websocket")) &&
           sl_slice_eq(version, SL_SLICE("13")) && key.len == KEY_LEN;
}

static void answer_switching(struct sl_stream *stream, struct sl_slice key)
{
    char accept[SL_WS_ACCEPT_LEN + 1];
    sl_ws_accept_key(key, accept);
    struct sl_str head = { 0 };
    sl_str_add_lit(&head, "HTTP/1.1 101 Switching Protocols\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: ");
    sl_str_add(&head, accept, SL_WS_ACCEPT_LEN);
    sl_str_add_lit(&head, "\r\n\r\n");
    sl_stream_send_copy(stream, sl_str_slice(&head), (struct sl_slice){ 0 });
    sl_str_release(&head);
}

static void retire(struct sl_link *link)
{
    drop(SL_CONTAINER_OF(link, struct sl_websocket, link));
}

/* Takes the socket of the request. The link is still to be made. */
static struct sl_websocket *socket_new(struct sl_transport *transport,
                                       struct sl_http_request *request,
                                       struct sl_slice *rest)
{
    struct sl_slice key =
        sl_http_header(request, SL_SLICE("sec-websocket-key"));
    struct sl_stream *stream = sl_http_upgrade(request, rest);
    struct sl_websocket *ws = sl_pool_get(&transport->socket_pool);
    *ws = (struct sl_websocket){
        .outlet.ops = &outlet_ops,
        .transport = transport,
        .stream = stream,
    };
    sl_list_push_back(&transport->sockets, &ws->node);
    transport->socket_count++;
    sl_wheel_entry_init(&ws->timer, on_timer);
    stream->ops = &stream_ops;
    stream->user = ws;
    answer_switching(stream, key);
    return ws;
}

void sl_websocket_accept(struct sl_http_request *request,
                         const struct sl_websocket_setup *setup)
{
    struct sl_request_head *head =
        sl_request_head_new(&request->url, sl_slice_str(request->remote),
                            request->headers, request->header_count);
    struct sl_slice rest;
    struct sl_websocket *ws = socket_new(setup->transport, request, &rest);
    sl_link_init(&ws->link, ws->transport, SL_TRANSPORT_WEBSOCKETS,
                 setup->token);
    ws->link.retire = retire;
    ws->link.conn = sl_conn_open(&(struct sl_conn_setup){
        .entry = setup->entry,
        .outlet = &ws->outlet,
        .id = setup->conn_id,
        .head = head,
        .identity = setup->identity,
        .lifetime_ms = setup->lifetime_ms,
        .transport = SL_TRANSPORT_WEBSOCKETS,
        .stateful = setup->stateful,
    });
    sl_stream_read_start(ws->stream);
    if (setup->early.len > 0)
        sl_conn_received(ws->link.conn, setup->early);
    if (rest.len > 0)
        receive(ws, rest);
}

void sl_websocket_resume(struct sl_http_request *request, struct sl_link *link)
{
    struct sl_slice rest;
    struct sl_websocket *ws = socket_new(link->transport, request, &rest);
    sl_link_inherit(&ws->link, link);
    ws->link.retire = retire;
    sl_stream_read_start(ws->stream);
    sl_conn_attach(ws->link.conn, &ws->outlet);
    link->retire(link);
    if (rest.len > 0)
        receive(ws, rest);
}
