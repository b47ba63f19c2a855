// SPDX-License-Identifier: MIT
/* The floor's connections, and how bytes reach them. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/alloc.h"

/* Bytes an emptied buffer may keep; a larger one is given back. */
#define IDLE_CAP_MAX 4096

static void watch(struct sl_floor *floor, struct sl_floor_conn *conn,
                  int change)
{
    struct epoll_event event = {
        .events = EPOLLIN | (conn->wants_write ? EPOLLOUT : 0),
        .data.fd = conn->fd,
    };
    epoll_ctl(floor->epoll_fd, change, conn->fd, &event);
}

static void want_write(struct sl_floor *floor, struct sl_floor_conn *conn,
                       bool wants)
{
    if (conn->wants_write == wants)
        return;
    conn->wants_write = wants;
    watch(floor, conn, EPOLL_CTL_MOD);
}

struct sl_floor_conn *sl_floor_conn_new(struct sl_floor *floor, int fd)
{
    if (fd >= SL_FLOOR_FD_MAX) {
        close(fd);
        return NULL;
    }
    struct sl_floor_conn *conn = sl_allocate(1, sizeof *conn);
    conn->fd = fd;
    conn->list_index = floor->conn_count++;
    floor->list[conn->list_index] = conn;
    floor->by_fd[fd] = conn;
    watch(floor, conn, EPOLL_CTL_ADD);
    return conn;
}

/* The last one of the list takes the freed place. */
void sl_floor_conn_free(struct sl_floor *floor, struct sl_floor_conn *conn)
{
    struct sl_floor_conn *last = floor->list[--floor->conn_count];
    floor->list[conn->list_index] = last;
    last->list_index = conn->list_index;
    floor->by_fd[conn->fd] = NULL;
    close(conn->fd);
    sl_bytes_release(&conn->in);
    sl_bytes_release(&conn->out);
    free(conn);
}

/* Bytes the socket took; -1: it is broken. */
static ptrdiff_t send_some(struct sl_floor *floor, struct sl_floor_conn *conn,
                           const uint8_t *data, size_t size)
{
    const ssize_t sent = send(conn->fd, data, size, MSG_NOSIGNAL);
    floor->send_count++;
    if (sent >= 0)
        return sent;
    return errno == EAGAIN ? 0 : -1;
}

bool sl_floor_conn_flush(struct sl_floor *floor, struct sl_floor_conn *conn)
{
    const size_t size = conn->out.size - conn->out_sent;
    if (size == 0)
        return true;
    const ptrdiff_t sent =
        send_some(floor, conn, conn->out.data + conn->out_sent, size);
    if (sent < 0) {
        sl_floor_conn_free(floor, conn);
        return false;
    }
    conn->out_sent += (uint32_t)sent;
    const bool all = conn->out_sent == conn->out.size;
    if (all) {
        conn->out_sent = conn->out.size = 0;
        if (conn->out.cap > IDLE_CAP_MAX)
            sl_bytes_release(&conn->out);
    }
    want_write(floor, conn, !all);
    return true;
}

static void deliver(struct sl_floor *floor, struct sl_floor_conn *conn,
                    const uint8_t *data, size_t size)
{
    if (conn->out.size > conn->out_sent) { /* behind what waits */
        sl_bytes_append(&conn->out, data, size);
        if (!conn->wants_write)
            sl_floor_conn_flush(floor, conn);
        return;
    }
    const ptrdiff_t sent = send_some(floor, conn, data, size);
    if (sent < 0) {
        sl_floor_conn_free(floor, conn);
        return;
    }
    if ((size_t)sent < size) {
        sl_bytes_append(&conn->out, data + sent, size - (size_t)sent);
        want_write(floor, conn, true);
    }
}

/* Backwards, because a broken connection hands its place to the last one. */
static void deliver_to_all(struct sl_floor *floor, const uint8_t *data,
                           size_t size)
{
    for (uint32_t i = floor->conn_count; i-- > 0;)
        if (floor->list[i]->state == SL_FLOOR_OPEN)
            deliver(floor, floor->list[i], data, size);
}

void sl_floor_broadcast(struct sl_floor *floor, const uint8_t *frame,
                        size_t size)
{
    floor->broadcast_count++;
    if (floor->mode == SL_FLOOR_SEND)
        deliver_to_all(floor, frame, size);
    else
        sl_bytes_append(&floor->turn, frame, size);
}

void sl_floor_end_turn(struct sl_floor *floor)
{
    floor->turn_count++;
    if (floor->turn.size == 0)
        return;
    deliver_to_all(floor, floor->turn.data, floor->turn.size);
    floor->turn.size = 0;
}
