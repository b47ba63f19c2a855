// SPDX-License-Identifier: MIT
/*
 * The floor's connections, and how bytes reach them: one send() for what a
 * read caused, one send() per connection for a broadcast.  What a socket does
 * not take at once waits in `out` until epoll says that it is writable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/bytes.h"

/* Descriptors this server can hold; sockets with higher ones are refused. */
#define SL_FLOOR_FD_MAX 65536

enum sl_floor_state {
    SL_FLOOR_HTTP,
    SL_FLOOR_HANDSHAKE,
    SL_FLOOR_OPEN,
};

struct sl_floor_conn {
    int fd;
    enum sl_floor_state state;
    bool wants_write;
    bool is_closing;     /* the close frame is in `out` */
    uint32_t list_index; /* its place among the open ones */
    uint32_t out_sent;
    struct sl_bytes in; /* the beginning of a frame */
    struct sl_bytes out;
};

/* When a broadcast goes out. */
enum sl_floor_mode {
    SL_FLOOR_SEND,  /* at once */
    SL_FLOOR_BATCH, /* with all others of the loop turn */
};

struct sl_floor {
    enum sl_floor_mode mode;
    int epoll_fd;
    struct sl_floor_conn *by_fd[SL_FLOOR_FD_MAX];
    struct sl_floor_conn *list[SL_FLOOR_FD_MAX];
    uint32_t conn_count;
    struct sl_bytes frame; /* room for the broadcast being made */
    struct sl_bytes turn;  /* batch: the frames of this loop turn */
    uint64_t broadcast_count;
    uint64_t send_count;
    uint64_t turn_count;
};

/* Takes the socket over.  NULL: too many; the socket is closed. */
struct sl_floor_conn *sl_floor_conn_new(struct sl_floor *floor, int fd);
void sl_floor_conn_free(struct sl_floor *floor, struct sl_floor_conn *conn);

/* Sends what waits in `out`.  False: the connection is gone. */
bool sl_floor_conn_flush(struct sl_floor *floor, struct sl_floor_conn *conn);

/* Sends one frame to every open connection, at once or at the turn's end. */
void sl_floor_broadcast(struct sl_floor *floor, const uint8_t *frame,
                        size_t size);
void sl_floor_end_turn(struct sl_floor *floor);
