// SPDX-License-Identifier: MIT
/*
 * A client made of bytes: what a test says goes straight into sl_conn_received,
 * what the server writes is collected. It is the transport, too: its outlet
 * can stop reading, so that the server's queue grows.
 *
 * To keep tests readable ' stands for " and a line feed for the record
 * separator, in both directions. A peer that joined in MessagePack hears the
 * same text (tests/lib/peer_msgpack.h); a message in the other protocol ends
 * the test.
 */
#pragma once

#include "hub/conn.h"

struct cluster_worker;

struct peer {
    struct sl_outlet outlet;
    struct cluster_worker *worker;
    struct sl_conn *conn; /* NULL: the server closed it, or peer_leave did */
    char id[SL_ID_LEN + 1];
    struct sl_str heard; /* since the last peer_heard */
    struct sl_str text;  /* what peer_heard returned */
    size_t queued;       /* bytes the server holds for us */
    unsigned shared;     /* messages that came as shared buffers */
    unsigned pauses;     /* times reading was paused */
    bool stuck;          /* we read nothing: the queue grows */
    bool paused;         /* the server does not read */
    bool closed, failed, dropped;
    bool cut; /* the transport is lost: what comes is not heard */
};

/* Opens a connection on a worker; the id is `name`, filled up with '-'.
 * user NULL: none. */
void peer_open(struct peer *peer, struct cluster_worker *worker,
               const char *name, const char *user);

/* The same with more to say; entry, id and outlet are filled in. */
void peer_open_as(struct peer *peer, struct cluster_worker *worker,
                  const char *name, struct sl_conn_setup setup);

/* Opens, shakes hands and hears "{}". */
void peer_join(struct peer *peer, struct cluster_worker *worker,
               const char *name, const char *user);

/* The same in MessagePack. It says peer_invoke only, with strings. */
void peer_join_msgpack(struct peer *peer, struct cluster_worker *worker,
                       const char *name, const char *user);

/* As it stands, without a separator. */
void peer_say_raw(struct peer *peer, const char *text);
void peer_say_bytes(struct peer *peer, struct sl_slice bytes);

/* One message: the separator is added. */
void peer_say(struct peer *peer, const char *text);

/* {"type":1,"invocationId":id,"target":target,"arguments":args}; id NULL: none;
 * args with its brackets. */
void peer_invoke(struct peer *peer, const char *id, const char *target,
                 const char *args);

/* What the server wrote since the last call; borrowed until the next one. */
const char *peer_heard(struct peer *peer);

/* Reads what is queued: a stuck peer is so no more. */
void peer_read(struct peer *peer);

/* The transport ends without a word from the server. */
void peer_leave(struct peer *peer, enum sl_close_reason reason);

/* Joins with stateful reconnect granted, in version 2 of the protocol. */
void peer_join_stateful(struct peer *peer, struct cluster_worker *worker,
                        const char *name);

/* The transport is lost without a goodbye. False: that was the end. */
bool peer_cut(struct peer *peer);

/* A new transport, whether the old one was cut or not. False: refused. */
bool peer_return(struct peer *peer);

void peer_release(struct peer *peer);
