// SPDX-License-Identifier: MIT
/*
 * The connections.  The story starts at the bottom, at on_event.  One read per
 * readiness, one send per read: what a turn's messages cause goes out together.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/alloc.h"
#include "../common/fatal.h"
#include "clock.h"
#include "http.h"
#include "internal.h"

/* Bytes an emptied buffer may keep; a larger one is given back. */
#define IDLE_CAP_MAX 4096
/* Close status 1000 (normal). */
static const uint8_t close_normal[] = { 0x03, 0xe8 };

/* ---- faults and closing ---- */

static void keep_sentence(struct sl_client *client, const char *format,
                          va_list args)
{
    char *const last = client->faults.last;
    vsnprintf(last, SL_FAULT_TEXT_SIZE, format, args);
    for (char *c = last; *c != '\0'; c++) /* it goes into a JSON text */
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
            *c = ' ';
}

void sl_client_fault(struct sl_client *client, const char *format, ...)
{
    client->faults.errors++;
    va_list args;
    va_start(args, format);
    keep_sentence(client, format, args);
    va_end(args);
}

void sl_client_end(struct sl_client *client, struct sl_conn *conn)
{
    close(conn->fd);
    conn->state = SL_CONN_DEAD;
    conn->wants_write = false;
    conn->out_sent = 0;
    conn->in.size = conn->partial.size = conn->out.size = 0;
    client->events->on_closed(client, conn);
}

void sl_client_break(struct sl_client *client, struct sl_conn *conn,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep_sentence(client, format, args);
    va_end(args);
    if (conn->state == SL_CONN_READY) {
        client->ready_count--;
        client->faults.failed++;
    } else if (conn->state != SL_CONN_CLOSING) {
        client->opening_count--;
        client->faults.failed++;
    }
    sl_client_end(client, conn);
}

/* ---- sending ---- */

static void watch(struct sl_client *client, struct sl_conn *conn, int change)
{
    struct epoll_event event = {
        .events = EPOLLIN | (conn->wants_write ? EPOLLOUT : 0),
        .data.ptr = conn,
    };
    if (epoll_ctl(client->epoll_fd, change, conn->fd, &event) != 0)
        sl_fatal("epoll_ctl: %s", strerror(errno));
}

static void want_write(struct sl_client *client, struct sl_conn *conn,
                       bool wants)
{
    if (conn->wants_write == wants)
        return;
    conn->wants_write = wants;
    watch(client, conn, EPOLL_CTL_MOD);
}

void sl_client_flush(struct sl_client *client, struct sl_conn *conn)
{
    if (conn->state <= SL_CONN_CONNECTING || conn->out.size == conn->out_sent)
        return;
    const ssize_t sent = send(conn->fd, conn->out.data + conn->out_sent,
                              conn->out.size - conn->out_sent, MSG_NOSIGNAL);
    client->traffic.sends++;
    if (sent < 0 && errno != EAGAIN) {
        sl_client_break(client, conn, "send: %s", strerror(errno));
        return;
    }
    if (sent > 0)
        conn->out_sent += (uint32_t)sent;
    const bool all = conn->out_sent == conn->out.size;
    if (all) {
        conn->out_sent = conn->out.size = 0;
        if (conn->state < SL_CONN_READY)
            sl_bytes_release(&conn->out);
    }
    want_write(client, conn, !all);
}

void sl_client_call(struct sl_client *client, struct sl_conn *conn,
                    const struct sl_call *call)
{
    const size_t size = client->protocol->encode(call, client->call_buf);
    sl_frame_append(&conn->out, client->protocol->opcode, client->call_buf,
                    size);
}

void sl_client_ping(struct sl_client *client, struct sl_conn *conn)
{
    const struct sl_protocol *protocol = client->protocol;
    sl_frame_append(&conn->out, protocol->opcode, protocol->ping.data,
                    protocol->ping.size);
    sl_client_flush(client, conn);
}

void sl_client_close(struct sl_client *client, struct sl_conn *conn)
{
    sl_frame_append(&conn->out, SL_OPCODE_CLOSE, close_normal,
                    sizeof close_normal);
    if (conn->state == SL_CONN_READY)
        client->ready_count--;
    else
        client->opening_count--;
    conn->state = SL_CONN_CLOSING;
}

void sl_client_mark_ready(struct sl_client *client, struct sl_conn *conn)
{
    conn->state = SL_CONN_READY;
    client->opening_count--;
    client->ready_count++;
}

/* ---- opening ---- */

static void begin_upgrade(struct sl_client *client, struct sl_conn *conn,
                          struct sl_text token)
{
    const struct sl_options *options = client->options;
    sl_http_append_upgrade(&conn->out, options, options->ports[conn->server],
                           token);
    conn->state = SL_CONN_UPGRADING;
}

/* Both return the bytes taken from the front of `data`. */
static size_t handle_negotiate(struct sl_client *client, struct sl_conn *conn,
                               const uint8_t *data, size_t size)
{
    struct sl_text token;
    switch (sl_http_read_negotiate(data, size, &token)) {
    case SL_HTTP_INCOMPLETE: return 0;
    case SL_HTTP_REFUSED:
        client->faults.errors++;
        sl_client_break(client, conn, "negotiate refused: %.*s", 40,
                        (const char *)data);
        return size;
    case SL_HTTP_DONE: break;
    }
    begin_upgrade(client, conn, token);
    return size;
}

static size_t handle_upgrade(struct sl_client *client, struct sl_conn *conn,
                             const uint8_t *data, size_t size)
{
    size_t used;
    switch (sl_http_read_upgrade(data, size, &used)) {
    case SL_HTTP_INCOMPLETE: return 0;
    case SL_HTTP_REFUSED:
        client->faults.errors++;
        sl_client_break(client, conn, "upgrade refused: %.*s", 40,
                        (const char *)data);
        return size;
    case SL_HTTP_DONE: break;
    }
    conn->state = SL_CONN_HANDSHAKING;
    const struct sl_text handshake = client->protocol->handshake;
    sl_frame_append(&conn->out, SL_OPCODE_TEXT, handshake.data, handshake.size);
    return used;
}

static void on_connected(struct sl_client *client, struct sl_conn *conn)
{
    const struct sl_options *options = client->options;
    if (options->negotiate) {
        sl_http_append_negotiate(&conn->out, options,
                                 options->ports[conn->server]);
        conn->state = SL_CONN_NEGOTIATING;
    } else {
        begin_upgrade(client, conn, (struct sl_text){ 0 });
    }
    sl_client_flush(client, conn);
}

static void bind_source(struct sl_client *client, int fd)
{
    const uint32_t count = client->options->source_count;
    if (count == 0)
        return;
    /* The kernel then picks the port at connect, so that each source address
     * has all of them for each server. */
    const int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr =
            htonl(INADDR_LOOPBACK + 1 + client->next_source++ % count),
    };
    if (bind(fd, (const struct sockaddr *)&source, sizeof source) != 0)
        sl_fatal("bind to a source address: %s (-S 0 takes any)",
                 strerror(errno));
}

void sl_client_open(struct sl_client *client, struct sl_conn *conn)
{
    const struct sl_options *options = client->options;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        sl_fatal("socket: %s (see ulimit -n)", strerror(errno));
    const int on = 1;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bind_source(client, conn->fd);
    struct sockaddr_in server = {
        .sin_family = AF_INET,
        .sin_port = htons(options->ports[conn->server]),
    };
    if (inet_pton(AF_INET, options->host, &server.sin_addr) != 1)
        sl_fatal("-a %s: an IPv4 address is needed", options->host);

    conn->started_ns = sl_clock_now_ns();
    conn->state = SL_CONN_CONNECTING;
    client->opening_count++;
    const int status =
        connect(conn->fd, (const struct sockaddr *)&server, sizeof server);
    if (status != 0 && errno != EINPROGRESS) {
        sl_client_break(client, conn, "connect: %s", strerror(errno));
        return;
    }
    conn->wants_write = status != 0;
    watch(client, conn, EPOLL_CTL_ADD);
    if (status == 0)
        on_connected(client, conn);
}

/* ---- events ---- */

static void on_connect_event(struct sl_client *client, struct sl_conn *conn,
                             uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        sl_client_break(client, conn, "connect: %s", strerror(error));
        return;
    }
    if ((events & EPOLLOUT) != 0)
        on_connected(client, conn);
}

static void on_end(struct sl_client *client, struct sl_conn *conn,
                   const char *reason)
{
    if (conn->state == SL_CONN_CLOSING) {
        sl_client_end(client, conn);
        return;
    }
    client->faults.closed++;
    sl_client_break(client, conn, "closed by the server in state %d: %s",
                    (int)conn->state, reason);
}

/* Puts what was left over and what is new into the read buffer.  Returns the
 * bytes there, 0 when nothing is new or the connection ended. */
static size_t receive(struct sl_client *client, struct sl_conn *conn)
{
    const size_t kept = conn->in.size;
    if (kept > 0)
        memcpy(client->read_buf, conn->in.data, kept);
    const ssize_t got =
        recv(conn->fd, client->read_buf + kept, SL_READ_SIZE - kept, 0);
    client->traffic.reads++;
    if (got > 0) {
        conn->in.size = 0;
        client->traffic.read_bytes += (uint64_t)got;
        return kept + (size_t)got;
    }
    if (got == 0)
        on_end(client, conn, "end of stream");
    else if (errno != EAGAIN)
        on_end(client, conn, strerror(errno));
    return 0;
}

static void on_readable(struct sl_client *client, struct sl_conn *conn)
{
    const size_t size = receive(client, conn);
    if (size == 0)
        return;
    const uint64_t now_ns = sl_clock_now_ns();
    const uint8_t *const data = client->read_buf;
    size_t used = 0;
    if (conn->state == SL_CONN_NEGOTIATING)
        used = handle_negotiate(client, conn, data, size);
    else if (conn->state == SL_CONN_UPGRADING)
        used = handle_upgrade(client, conn, data, size);
    if (conn->state >= SL_CONN_HANDSHAKING)
        used += sl_client_handle_frames(client, conn, data + used, size - used,
                                        now_ns);
    if (conn->state == SL_CONN_DEAD)
        return;
    if (used < size)
        sl_bytes_append(&conn->in, data + used, size - used);
    else if (conn->in.cap > IDLE_CAP_MAX || conn->state < SL_CONN_READY)
        sl_bytes_release(&conn->in);
    sl_client_flush(client, conn);
}

void sl_client_on_event(struct sl_client *client,
                        const struct epoll_event *event)
{
    struct sl_conn *conn = event->data.ptr;
    if (conn->state == SL_CONN_DEAD)
        return;
    if (conn->state == SL_CONN_CONNECTING) {
        on_connect_event(client, conn, event->events);
        return;
    }
    if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        on_readable(client, conn);
    if ((event->events & EPOLLOUT) != 0)
        sl_client_flush(client, conn);
}

/* ---- life ---- */

void sl_client_init(struct sl_client *client, const struct sl_options *options,
                    const struct sl_client_events *events, void *owner)
{
    *client = (struct sl_client){
        .options = options,
        .protocol = sl_protocol_find(options->protocol_name),
        .events = events,
        .owner = owner,
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .conns = sl_allocate(options->conn_count, sizeof(struct sl_conn)),
        .read_buf = sl_allocate(1, SL_READ_SIZE),
        .call_buf =
            sl_allocate(1, SL_CALL_OVERHEAD_MAX + options->payload_size),
    };
    if (client->protocol == NULL)
        sl_fatal("-P %s: json or msgpack is needed", options->protocol_name);
    if (client->epoll_fd < 0)
        sl_fatal("epoll_create1: %s", strerror(errno));
    for (uint32_t i = 0; i < options->conn_count; i++) {
        client->conns[i].index = i;
        client->conns[i].server = (uint8_t)(i % options->port_count);
    }
}

void sl_client_release(struct sl_client *client)
{
    for (uint32_t i = 0; i < client->options->conn_count; i++) {
        struct sl_conn *conn = &client->conns[i];
        if (conn->state != SL_CONN_DEAD)
            close(conn->fd);
        sl_bytes_release(&conn->in);
        sl_bytes_release(&conn->partial);
        sl_bytes_release(&conn->out);
    }
    close(client->epoll_fd);
    free(client->conns);
    free(client->read_buf);
    free(client->call_buf);
    *client = (struct sl_client){ 0 };
}
