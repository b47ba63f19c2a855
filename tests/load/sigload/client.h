// SPDX-License-Identifier: MIT
/*
 * The connections: sockets, negotiation, WebSocket upgrade, handshake, then
 * hub messages both ways, on one epoll set and one thread.  What is said over
 * them is the owner's business (load.h), which hears of it by three events.
 *
 *             connect          101            {}             owner
 *   DEAD ─► CONNECTING ─► [NEGOTIATING] ─► UPGRADING ─► HANDSHAKING ─► OPEN
 *    ▲                                                                  │
 *    │                     close frame of ours          mark_ready      ▼
 *    └───────────────────────────── CLOSING ◄───────────────────────── READY
 *
 * Any state may end in DEAD; every way but CLOSING ─► DEAD is a fault.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "../common/bytes.h"
#include "options.h"
#include "protocol.h"

/* Bytes taken from a socket at once; a frame must fit. */
#define SL_READ_SIZE ((size_t)1 << 19)
/* Bytes of unfinished hub messages a connection may keep. */
#define SL_PARTIAL_SIZE_MAX ((size_t)4 << 20)
/* Bytes of the sentence about the latest fault. */
#define SL_FAULT_TEXT_SIZE 200

enum sl_conn_state {
    SL_CONN_DEAD,
    SL_CONN_CONNECTING,
    SL_CONN_NEGOTIATING,
    SL_CONN_UPGRADING,
    SL_CONN_HANDSHAKING,
    SL_CONN_OPEN,  /* the owner may still prepare it */
    SL_CONN_READY, /* takes part in the load */
    SL_CONN_CLOSING,
};

struct sl_conn {
    int fd;
    uint32_t index;
    enum sl_conn_state state;
    uint8_t server; /* index into options->ports */
    bool wants_write;
    uint32_t out_sent;       /* bytes of `out` that are gone */
    uint64_t started_ns;     /* when the latest connect began */
    struct sl_bytes in;      /* the beginning of a frame */
    struct sl_bytes partial; /* the beginning of a hub message */
    struct sl_bytes out;
};

struct sl_client;

struct sl_client_events {
    /* The handshake is done; the owner calls sl_client_mark_ready, at once or
     * after what it has to prepare. */
    void (*on_open)(struct sl_client *client, struct sl_conn *conn);
    /* A hub message other than a ping; it borrows from the read buffer.  What
     * the owner sends goes out after the last message of this read. */
    void (*on_message)(struct sl_client *client, struct sl_conn *conn,
                       const struct sl_message *message, uint64_t now_ns);
    /* The connection is dead; it may be opened again, but not from here. */
    void (*on_closed)(struct sl_client *client, struct sl_conn *conn);
};

/* Counted since the start of the program. */
struct sl_traffic {
    uint64_t reads;
    uint64_t read_bytes;
    uint64_t sends;
};

struct sl_faults {
    uint64_t errors; /* refused calls, unreadable messages, closing servers */
    uint64_t closed; /* by the server, unasked */
    uint64_t failed; /* connections that never became ready, or broke */
    char last[SL_FAULT_TEXT_SIZE];
};

struct sl_client {
    const struct sl_options *options;
    const struct sl_protocol *protocol;
    const struct sl_client_events *events;
    void *owner;

    int epoll_fd;
    struct sl_conn *conns; /* options->conn_count of them */
    uint32_t opening_count;
    uint32_t ready_count;
    uint32_t next_source;
    struct sl_traffic traffic;
    struct sl_faults faults;
    uint8_t *read_buf;
    uint8_t *call_buf;
};

/* Borrows `options` until release. */
void sl_client_init(struct sl_client *client, const struct sl_options *options,
                    const struct sl_client_events *events, void *owner);
void sl_client_release(struct sl_client *client);

/* Begins to open a dead connection. */
void sl_client_open(struct sl_client *client, struct sl_conn *conn);

/* Says that an open connection takes part in the load from now on. */
void sl_client_mark_ready(struct sl_client *client, struct sl_conn *conn);

/* Encodes a call behind what already waits to be sent; flush sends it. */
void sl_client_call(struct sl_client *client, struct sl_conn *conn,
                    const struct sl_call *call);
void sl_client_ping(struct sl_client *client, struct sl_conn *conn);

/* Sends a close frame with the next flush; what then comes is ignored. */
void sl_client_close(struct sl_client *client, struct sl_conn *conn);

void sl_client_flush(struct sl_client *client, struct sl_conn *conn);

/* Handles what epoll_wait reported. */
void sl_client_on_event(struct sl_client *client,
                        const struct epoll_event *event);

/* Counts an error and keeps its sentence. */
void sl_client_fault(struct sl_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
