// SPDX-License-Identifier: MIT
/*
 * One HTTP/1.1 connection.
 *
 *            first byte           whole request            answer
 *    IDLE ------------> READING ----------------> HANDLING -------> ANSWERED
 *     ^  \                 |                      |    |              |   |
 *     |   \                | malformed,           |    | peer left    |   |
 *     |    \               | late                 |    v              |   |
 *     |     \              |             upgrade  |   GONE -- answer  |   |
 *     |      \             v                      v           |       |   |
 *     |       +-------> ENDING <------------- HANDED_OVER     |       |   |
 *     |       |            |     (freed)                      |       |   |
 *     |       |            v                                  |       |   |
 *     |       +-------> CLOSED <------------------------------+       |   |
 *     |                    ^ from everywhere: failure, time-out       |   |
 *     +---------------------------------------------------------------+   |
 *                       ENDING: it was the last one <---------------------+
 *
 * Only while READING, HANDLING and ANSWERED it owns an exchange (parser,
 * strings, header table). Bytes that come while a request is being handled are
 * held, up to a bound, then reading pauses. ENDING flushes, sends the end and
 * waits for the peer's (net/stream.h, sl_stream_finish), bounded in time.
 *
 * An answer given inside the handler is acted upon when the handler has
 * returned; one that is given later by a task. So the exchange is never freed
 * under its handler.
 */
#include "base/check.h"
#include "http/internal.h"

#include <fcntl.h>

enum conn_state {
    CONN_IDLE,
    CONN_READING,
    CONN_HANDLING,
    CONN_ANSWERED,    /* held back while too much waits to be written */
    CONN_HANDED_OVER, /* freed by its task */
    CONN_GONE,        /* its handler still has the request */
    CONN_ENDING,
    CONN_CLOSED, /* freed when the stream is closed */
};

#define MOVE(state) (1u << (state))

static const unsigned moves[] = {
    [CONN_IDLE] = MOVE(CONN_READING) | MOVE(CONN_ENDING) | MOVE(CONN_CLOSED),
    [CONN_READING] =
        MOVE(CONN_HANDLING) | MOVE(CONN_ENDING) | MOVE(CONN_CLOSED),
    [CONN_HANDLING] = MOVE(CONN_ANSWERED) | MOVE(CONN_HANDED_OVER) |
                      MOVE(CONN_GONE) | MOVE(CONN_CLOSED),
    [CONN_ANSWERED] = MOVE(CONN_IDLE) | MOVE(CONN_ENDING) | MOVE(CONN_CLOSED),
    [CONN_HANDED_OVER] = 0,
    [CONN_GONE] = MOVE(CONN_CLOSED),
    [CONN_ENDING] = MOVE(CONN_CLOSED),
    [CONN_CLOSED] = 0,
};

struct sl_http_conn {
    struct sl_list node; /* in server->conns */
    struct sl_http_server *server;
    struct sl_stream *stream; /* NULL: closed, or another's */
    struct sl_http_exchange *exchange;
    struct sl_str held;   /* came too early; used up to held_used */
    size_t held_used;     /* bytes */
    struct sl_slice rest; /* after the request, while its handler runs */
    struct sl_task task;  /* goes on after an answer */
    struct sl_wheel_entry timer;
    size_t queued_before;     /* bytes that waited when the timer was set */
    struct sockaddr_in6 peer; /* or sockaddr_in: no more is kept of it */
    enum conn_state state;
    bool in_handler;
    bool in_body;    /* the time-out of the body runs */
    bool keep;       /* the answer given lets the connection live */
    bool peer_ended; /* the peer sent its end */
};

_Static_assert(sizeof(struct sockaddr_in6) >= sizeof(struct sockaddr_in),
               "both kinds of address fit");

static void move(struct sl_http_conn *conn, enum conn_state state)
{
    sl_assert((moves[conn->state] & MOVE(state)) != 0);
    conn->state = state;
}

/* ---- ends ---- */

static void free_when_last(struct sl_http_server *server)
{
    if (!server->closing || !sl_list_empty(&server->conns))
        return;
    sl_http_exchange_free_spare(server);
    sl_str_release(&server->scratch);
}

static void free_conn(struct sl_http_conn *conn)
{
    struct sl_http_server *server = conn->server;
    sl_assert(conn->stream == NULL);
    sl_list_remove(&conn->node);
    sl_runq_cancel(&conn->task);
    sl_wheel_cancel(&server->loop->wheel, &conn->timer);
    sl_http_exchange_free(server, conn->exchange);
    sl_str_release(&conn->held);
    sl_free(conn);
    free_when_last(server);
}

static void drop_exchange(struct sl_http_conn *conn)
{
    sl_http_exchange_free(conn->server, conn->exchange);
    conn->exchange = NULL;
}

static void set_timer(struct sl_http_conn *conn, uint64_t after_ms)
{
    conn->queued_before = sl_stream_queued(conn->stream);
    sl_wheel_set(&conn->server->loop->wheel, &conn->timer,
                 sl_loop_now(conn->server->loop) + after_ms);
}

static void stop_timer(struct sl_http_conn *conn)
{
    sl_wheel_cancel(&conn->server->loop->wheel, &conn->timer);
}

/* At once; what waits to be written is lost. */
static void abort_conn(struct sl_http_conn *conn)
{
    move(conn, CONN_CLOSED);
    stop_timer(conn);
    sl_stream_close(conn->stream);
}

/* After what is queued. */
static void end_conn(struct sl_http_conn *conn)
{
    move(conn, CONN_ENDING);
    drop_exchange(conn);
    sl_str_release(&conn->held);
    conn->held_used = 0;
    sl_stream_finish(conn->stream);
    set_timer(conn, SL_HTTP_LINGER_MS);
}

/* Answers what cannot be handled, and ends. */
static void refuse(struct sl_http_conn *conn, unsigned status)
{
    struct sl_str body = { 0 };
    sl_str_add_fmt(&body, "%u %s\n", status, sl_http_status_text(status));
    struct sl_http_answer answer = {
        .status = status,
        .content_type = SL_SLICE("text/plain; charset=utf-8"),
        .body = sl_str_slice(&body),
    };
    sl_metric_add(conn->server->loop->metrics, SL_M_HTTP_REFUSED, 1);
    sl_http_response_send(conn->server, conn->stream, &answer,
                          (struct sl_http_answer_form){ 0 });
    sl_str_release(&body);
    end_conn(conn);
}

/* ---- requests ---- */

static void begin_request(struct sl_http_conn *conn)
{
    move(conn, CONN_READING);
    conn->exchange = sl_http_exchange_new(conn->server);
    conn->exchange->conn = conn;
    conn->in_body = false;
    set_timer(conn, conn->server->limits.head_timeout_ms);
}

/* The request is not complete. */
static void await_more(struct sl_http_conn *conn)
{
    sl_assert(conn->exchange != NULL);
    struct sl_http_parser *parser = &conn->exchange->parser;
    if (parser->phase != SL_HTTP_IN_BODY)
        return;
    if (!conn->in_body) {
        conn->in_body = true;
        set_timer(conn, conn->server->limits.head_timeout_ms);
    }
    if (parser->wants_continue && parser->body.len == 0)
        sl_stream_send_copy(conn->stream,
                            SL_SLICE("HTTP/1.1 100 Continue\r\n\r\n"),
                            (struct sl_slice){ 0 });
    parser->wants_continue = false;
}

/* Hands the request to the handler, which may answer at once. */
static void handle_request(struct sl_http_conn *conn, struct sl_slice rest)
{
    struct sl_http_server *server = conn->server;
    struct sockaddr_storage peer = { 0 };
    memcpy(&peer, &conn->peer, sizeof(conn->peer));
    if (!sl_http_exchange_fill(conn->exchange, &peer)) {
        refuse(conn, 400);
        return;
    }
    sl_metric_add(server->loop->metrics, SL_M_HTTP_REQUESTS, 1);
    move(conn, CONN_HANDLING);
    stop_timer(conn);
    conn->rest = rest;
    conn->in_handler = true;
    server->handler(&conn->exchange->request, server->user);
    conn->in_handler = false;
    conn->rest = (struct sl_slice){ 0 };
}

/* After the answer: the next request, or the end. Stays ANSWERED while the
 * peer takes nothing of what it asked for. */
static void finish_request(struct sl_http_conn *conn)
{
    sl_assert(conn->state == CONN_ANSWERED);
    drop_exchange(conn);
    if (!conn->keep || conn->server->closing) {
        end_conn(conn);
    } else if (sl_stream_queued(conn->stream) > SL_HTTP_QUEUE_MAX) {
        sl_stream_notify_drained(conn->stream);
        set_timer(conn, conn->server->limits.idle_timeout_ms);
    } else {
        move(conn, CONN_IDLE);
        set_timer(conn, conn->server->limits.idle_timeout_ms);
    }
}

static bool takes_input(const struct sl_http_conn *conn)
{
    return conn->state == CONN_IDLE || conn->state == CONN_READING;
}

/* Reads and handles requests until the bytes are used up, or one of them must
 * be waited for. Returns how many bytes were used. */
static size_t feed(struct sl_http_conn *conn, struct sl_slice bytes)
{
    size_t used = 0;
    while (used < bytes.len && takes_input(conn)) {
        if (conn->state == CONN_IDLE)
            begin_request(conn);
        size_t taken;
        struct sl_slice more = sl_slice_of(bytes.ptr + used, bytes.len - used);
        switch (sl_http_parser_feed(&conn->exchange->parser, more, &taken)) {
        case SL_HTTP_PARSE_MORE: await_more(conn); break;
        case SL_HTTP_PARSE_REFUSED:
            refuse(conn, conn->exchange->parser.refused);
            break;
        case SL_HTTP_PARSE_DONE:
            handle_request(conn,
                           sl_slice_of(more.ptr + taken, more.len - taken));
            if (conn->state == CONN_ANSWERED) {
                sl_runq_cancel(&conn->task);
                finish_request(conn);
            }
            break;
        }
        used += taken;
    }
    return used;
}

static struct sl_slice held_bytes(const struct sl_http_conn *conn)
{
    return sl_slice_of(conn->held.ptr + conn->held_used,
                       conn->held.len - conn->held_used);
}

static bool keeps_bytes(const struct sl_http_conn *conn)
{
    return conn->state == CONN_HANDLING || conn->state == CONN_ANSWERED;
}

static void hold(struct sl_http_conn *conn, struct sl_slice bytes)
{
    sl_str_add_slice(&conn->held, bytes);
    if (conn->held.len - conn->held_used >= SL_HTTP_HELD_MAX)
        sl_stream_read_stop(conn->stream);
}

/* The connection can take requests again: first those that are held. */
static void go_on(struct sl_http_conn *conn)
{
    if (held_bytes(conn).len > 0) {
        size_t used = feed(conn, held_bytes(conn));
        if (takes_input(conn) || keeps_bytes(conn))
            conn->held_used += used;
    }
    if (!takes_input(conn))
        return;
    sl_assert(held_bytes(conn).len == 0);
    sl_str_release(&conn->held);
    conn->held_used = 0;
    if (conn->peer_ended)
        end_conn(conn);
    else
        sl_stream_read_start(conn->stream);
}

static void on_task(struct sl_task *task)
{
    struct sl_http_conn *conn =
        SL_CONTAINER_OF(task, struct sl_http_conn, task);
    switch (conn->state) {
    case CONN_ANSWERED:
        finish_request(conn);
        if (conn->state == CONN_IDLE)
            go_on(conn);
        break;
    case CONN_HANDED_OVER: free_conn(conn); break;
    case CONN_CLOSED: /* the last one to know has answered */
        if (conn->stream == NULL)
            free_conn(conn);
        break;
    default: sl_unreachable();
    }
}

/* ---- stream and time ---- */

static void on_data(struct sl_stream *stream, uint8_t *data, size_t len)
{
    struct sl_http_conn *conn = stream->user;
    struct sl_slice bytes = sl_slice_of(data, len);
    if (!takes_input(conn)) {
        if (keeps_bytes(conn))
            hold(conn, bytes);
        return;
    }
    size_t used = feed(conn, bytes);
    if (used < len && keeps_bytes(conn))
        hold(conn, sl_slice_of(bytes.ptr + used, len - used));
}

/* The peer left while its request was being handled. */
static void lose_peer(struct sl_http_conn *conn)
{
    struct sl_http_request *request = &conn->exchange->request;
    move(conn, CONN_GONE);
    stop_timer(conn);
    sl_stream_close(conn->stream);
    if (request->on_gone == NULL)
        return; /* the handler answers some day */
    request->on_gone(request);
    if (conn->state == CONN_GONE)
        move(conn, CONN_CLOSED);
}

static void on_end(struct sl_stream *stream, int err)
{
    struct sl_http_conn *conn = stream->user;
    conn->peer_ended = true;
    if (conn->state == CONN_HANDLING)
        lose_peer(conn);
    else if (conn->state == CONN_ANSWERED && err == 0)
        return; /* it half-closed: what it asked for is still answered */
    else if (conn->state == CONN_IDLE && err == 0)
        end_conn(conn);
    else if (conn->state != CONN_CLOSED && conn->state != CONN_GONE)
        abort_conn(conn);
}

static void on_drained(struct sl_stream *stream)
{
    struct sl_http_conn *conn = stream->user;
    /* Without exchange: it waits for this. With one: for its task. */
    if (conn->state != CONN_ANSWERED || conn->exchange != NULL)
        return;
    finish_request(conn);
    if (conn->state == CONN_IDLE)
        go_on(conn);
}

static void on_closed(struct sl_stream *stream)
{
    struct sl_http_conn *conn = stream->user;
    conn->stream = NULL;
    if (conn->state == CONN_GONE)
        return; /* freed with the answer */
    if (conn->state != CONN_CLOSED)
        move(conn, CONN_CLOSED);
    free_conn(conn);
}

static const struct sl_stream_ops stream_ops = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* A slow peer that takes something has time; one that takes nothing has not.
 * A connection on which nothing was ever asked closes without a word: browsers
 * open some in advance and would take a 408 for the answer to what they ask. */
static void on_timer(struct sl_wheel_entry *entry)
{
    struct sl_http_conn *conn =
        SL_CONTAINER_OF(entry, struct sl_http_conn, timer);
    size_t queued = sl_stream_queued(conn->stream);
    if (conn->state == CONN_READING) {
        refuse(conn, 408);
    } else if (queued > 0 && queued < conn->queued_before) {
        set_timer(conn, conn->state == CONN_ENDING
                            ? SL_HTTP_LINGER_MS
                            : conn->server->limits.idle_timeout_ms);
    } else {
        abort_conn(conn);
    }
}

/* ---- entry points ---- */

void sl_http_server_init(struct sl_http_server *server, struct sl_loop *loop,
                         const struct sl_http_limits *limits,
                         sl_http_handler handler, void *user)
{
    *server = (struct sl_http_server){
        .loop = loop,
        .limits = *limits,
        .handler = handler,
        .user = user,
    };
    sl_list_init(&server->conns);
    sl_list_init(&server->spare);
}

/* NULL: the socket is closed, or soon will be. */
static struct sl_http_conn *open_conn(struct sl_http_server *server, int fd,
                                      const struct sockaddr_storage *peer)
{
    struct sl_http_conn *conn = sl_zalloc(sizeof(*conn));
    conn->server = server;
    conn->stream = sl_stream_open(server->loop, fd, &stream_ops, conn);
    if (conn->stream == NULL) {
        sl_free(conn);
        return NULL;
    }
    memcpy(&conn->peer, peer, sizeof(conn->peer));
    sl_list_push_back(&server->conns, &conn->node);
    sl_task_init(&conn->task, on_task);
    sl_wheel_entry_init(&conn->timer, on_timer);
    if (server->closing) {
        abort_conn(conn);
        return NULL;
    }
    set_timer(conn, server->limits.head_timeout_ms);
    sl_stream_read_start(conn->stream);
    return conn;
}

void sl_http_accept(struct sl_http_server *server, int fd,
                    const struct sockaddr_storage *peer)
{
    open_conn(server, fd, peer);
}

void sl_http_adopt(struct sl_http_server *server, int fd,
                   const struct sockaddr_storage *peer, struct sl_slice bytes)
{
    struct sl_http_conn *conn = open_conn(server, fd, peer);
    if (conn == NULL)
        return;
    size_t used = feed(conn, bytes);
    if (used < bytes.len && keeps_bytes(conn))
        hold(conn, sl_slice_of(bytes.ptr + used, bytes.len - used));
}

void sl_http_server_close(struct sl_http_server *server)
{
    if (server->closing)
        return;
    server->closing = true;
    sl_http_exchange_free_spare(server);
    SL_LIST_FOREACH_SAFE(node, &server->conns) {
        struct sl_http_conn *conn =
            SL_CONTAINER_OF(node, struct sl_http_conn, node);
        if (conn->state != CONN_IDLE)
            continue;
        if (sl_stream_queued(conn->stream) > 0)
            end_conn(conn);
        else
            abort_conn(conn);
    }
    free_when_last(server);
}

void sl_http_server_abort(struct sl_http_server *server)
{
    sl_http_server_close(server);
    SL_LIST_FOREACH_SAFE(node, &server->conns) {
        struct sl_http_conn *conn =
            SL_CONTAINER_OF(node, struct sl_http_conn, node);
        if (conn->state == CONN_HANDLING)
            lose_peer(conn);
        else if (conn->stream != NULL && conn->state != CONN_CLOSED &&
                 conn->state != CONN_GONE)
            abort_conn(conn);
    }
}

void sl_http_answer(struct sl_http_request *request,
                    const struct sl_http_answer *answer)
{
    struct sl_http_exchange *exchange =
        SL_CONTAINER_OF(request, struct sl_http_exchange, request);
    struct sl_http_conn *conn = exchange->conn;
    struct sl_http_server *server = conn->server;
    if (conn->state == CONN_GONE) {
        move(conn, CONN_CLOSED);
        if (request->on_gone == NULL)
            sl_loop_defer(server->loop, &conn->task);
        return;
    }
    move(conn, CONN_ANSWERED);
    conn->keep =
        exchange->parser.keep_alive && !answer->close && !server->closing;
    sl_http_response_send(
        server, conn->stream, answer,
        (struct sl_http_answer_form){
            .added = request->added,
            .added_count = request->added_count,
            .head = exchange->parser.llhttp.method == HTTP_HEAD,
            .http10 = !request->http11,
            .keep = conn->keep,
        });
    sl_loop_defer(server->loop, &conn->task);
}

void sl_http_answer_text(struct sl_http_request *request, unsigned status,
                         struct sl_slice body)
{
    struct sl_http_answer answer = { .status = status, .body = body };
    if (body.len > 0)
        answer.content_type = SL_SLICE("text/plain; charset=utf-8");
    sl_http_answer(request, &answer);
}

struct sl_stream *sl_http_upgrade(struct sl_http_request *request,
                                  struct sl_slice *rest)
{
    struct sl_http_exchange *exchange =
        SL_CONTAINER_OF(request, struct sl_http_exchange, request);
    struct sl_http_conn *conn = exchange->conn;
    struct sl_stream *stream = conn->stream;
    if (conn->state == CONN_GONE) {
        sl_http_answer(request, NULL); /* frees it */
        *rest = (struct sl_slice){ 0 };
        return NULL;
    }
    move(conn, CONN_HANDED_OVER);
    *rest = conn->in_handler ? conn->rest : held_bytes(conn);
    conn->stream = NULL;
    sl_loop_defer(conn->server->loop, &conn->task);
    return stream;
}

struct sl_stream *sl_http_begin(struct sl_http_request *request,
                                const struct sl_http_answer *answer,
                                bool *chunked)
{
    struct sl_http_server *server =
        SL_CONTAINER_OF(request, struct sl_http_exchange, request)
            ->conn->server;
    struct sl_slice rest;
    sl_assert(answer->body.len == 0 && answer->body_buf == NULL);
    *chunked = request->http11;
    struct sl_http_answer_form form = {
        .added = request->added,
        .added_count = request->added_count,
        .chunked = *chunked,
        .streamed = true,
    };
    struct sl_stream *stream = sl_http_upgrade(request, &rest);
    if (stream != NULL)
        sl_http_response_send(server, stream, answer, form);
    return stream;
}

static void on_detached_closed(struct sl_stream *stream)
{
    (void)stream; /* it lives on under another number */
}

int sl_http_detach(struct sl_http_request *request, struct sl_str *bytes,
                   struct sockaddr_storage *peer)
{
    static const struct sl_stream_ops ops = { .on_closed = on_detached_closed };
    struct sl_http_conn *conn =
        SL_CONTAINER_OF(request, struct sl_http_exchange, request)->conn;
    if (conn->state == CONN_GONE)
        return -1;
    sl_stream_push(conn->stream);
    if (sl_stream_queued(conn->stream) > 0)
        return -1;
    int fd = fcntl(conn->stream->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct sl_slice rest;
    *peer = (struct sockaddr_storage){ 0 };
    memcpy(peer, &conn->peer, sizeof(conn->peer));
    struct sl_stream *stream = sl_http_upgrade(request, &rest);
    sl_assert(stream != NULL); /* only of one that is gone */
    sl_http_request_write(request, bytes);
    sl_str_add_slice(bytes, rest);
    stream->ops = &ops;
    sl_stream_close(stream);
    return fd;
}
