// SPDX-License-Identifier: MIT
/*
 * One logical connection: handshake, open, closing; identity and items. It
 * gets raw bytes in order from its transport (hub messages may be split and
 * joined at will) and writes whole messages to its outlet.
 *
 *   HANDSHAKE ──► CONNECTING ──► OPEN ──► CLOSING ──► LEAVING ──► GONE
 *       └──────────────┴──────────────────▲  └─────────────────────▲
 *
 *   CONNECTING: handshake answered, the script's on_connected runs; messages
 *   are read, invocations wait. CLOSING: the outlet is gone; waits until
 *   on_connected has ended. LEAVING: on_disconnected runs; the connection is
 *   still in its groups, writes are dropped. GONE: freed in a moment.
 *
 * The transport owns nothing of it: it calls sl_conn_open, _received, _drained
 * and _lost, and is told through the outlet when to end. The object frees
 * itself, always from the run queue: no call below frees it before it returns,
 * and no function of the script is called from inside sl_conn_close.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "base/runq.h"
#include "base/slot.h"
#include "base/str.h"
#include "base/wheel.h"
#include "hub/hub.h"
#include "hub/outlet.h"
#include "wire/identity.h"
#include "wire/request_head.h"

enum sl_conn_state {
    SL_CONN_HANDSHAKE,
    SL_CONN_CONNECTING,
    SL_CONN_OPEN,
    SL_CONN_CLOSING,
    SL_CONN_LEAVING,
    SL_CONN_GONE,
    SL_CONN_STATE_COUNT
};

/* Why reading is paused; bits of conn->pauses. */
#define SL_PAUSE_CALLS 1u    /* too many invocations wait */
#define SL_PAUSE_OUTBOUND 2u /* half of max_outbound is queued */
#define SL_PAUSE_UPLOAD 4u   /* an upload is ahead of its reader */

struct sl_flows;

/* Fields are for the hub layer, which alone writes them; scripts and
 * transports may read those of identity (entry to id). What a broadcast looks
 * at stands first, in one cache line. */
struct sl_conn {
    struct sl_list node;      /* in hub->conns while open, else in
                                     world->apart */
    struct sl_outlet *outlet; /* NULL once closing */
    struct sl_hub_entry *entry;
    const struct sl_hub_protocol *protocol; /* NULL before the handshake */
    struct sl_reconnect *reconnect; /* owned; NULL: a lost transport is its
                                       end */
    uint8_t state;                  /* enum sl_conn_state */
    uint8_t transport;              /* enum sl_transport_kind */
    uint8_t reason;                 /* enum sl_close_reason, once closing */
    uint8_t pauses;                 /* SL_PAUSE_..., 0: reading goes on */
    bool left_out : 1;              /* of the broadcast being delivered */
    bool overflowed : 1;            /* its queue was full: closes in a moment */
    bool client_pings : 1;          /* arms the client time-out */
    bool aborted : 1;               /* it ends or has ended */
    bool inherent_keep_alive : 1;   /* no pings, no client time-out */
    bool text_only : 1;
    bool authenticated : 1;
    bool in_received : 1; /* guards against re-entry */
    bool greeting : 1;    /* on_connected has not ended */
    bool cancelled : 1;   /* ... and was told to */
    bool greeted : 1;     /* it ended well: on_disconnected is due */
    bool joined : 1;      /* it is in hub->by_id and the directory */
    uint32_t waiting_count, waiting_bytes, running_count;
    uint32_t beside_count;  /* running calls without a slot: streams, and
                               those that wait for an answer */
    uint32_t owed;          /* answers to the server: reading never pauses */
    struct sl_flows *flows; /* owned; NULL: never had a stream */
    int script_ref;         /* the engine's; SL_SCRIPT_NOREF: none */
    char id[SL_ID_LEN + 1];
    struct sl_map_node by_id;     /* in hub->by_id from the handshake until
                                     GONE; key is id */
    struct sl_wheel_entry timer;  /* its next deadline, whatever it is */
    struct sl_task task;          /* what must not happen inside a callback */
    struct sl_str partial;        /* bytes not parsed yet: an incomplete
                                     message, or what came while paused;
                                     usually none and then without memory */
    struct sl_list running;       /* invocations */
    struct sl_list waiting;       /* prepared invocations without a slot */
    struct sl_list memberships;   /* hub/members.h: groups, and the user */
    struct sl_request_head *head; /* owned, may be NULL */
    struct sl_identity *identity; /* shared; NULL: anonymous */
    char *user_id;                /* owned, NULL: none */
    char *end_error;              /* owned: what on_disconnected is told */
    sl_slot_id handle;            /* names it in world->conns */
    uint64_t opened_ms, received_ms, pinged_ms; /* loop time */
    uint64_t rate_full_ns;     /* the bucket of options->rate */
    struct sl_bucket *buckets; /* owned: those of methods, by name */
    uint64_t expires_ms;       /* loop time; 0: it does not */
};

#define SL_SCRIPT_NOREF (-2)

struct sl_conn_setup {
    struct sl_hub_entry *entry;
    struct sl_outlet *outlet;
    struct sl_slice id; /* SL_ID_LEN bytes */
    /* Shares; NULL: anonymous. A user id that is too long or has a zero byte is
     * left out. */
    struct sl_identity *identity;
    uint64_t lifetime_ms;         /* until it closes as expired; 0: no end */
    struct sl_request_head *head; /* takes */
    enum sl_transport_kind transport;
    bool inherent_keep_alive;
    bool text_only;
    bool stateful; /* negotiate granted stateful reconnect, and the transport
                      is a WebSocket */
};

/* ---- for transports ---- */

/* Begins with the handshake time-out running. */
struct sl_conn *sl_conn_open(const struct sl_conn_setup *setup);

/* Bytes from the client, any cut. The outlet may be closed after the call. What
 * comes while reading is paused is kept: the transport should stop soon. */
void sl_conn_received(struct sl_conn *conn, struct sl_slice bytes);

/* The outlet's queue is empty again: reading that was paused because of it
 * goes on. */
void sl_conn_drained(struct sl_conn *conn);

/* The transport ended by itself (client: it said goodbye on the transport's
 * level, as a WebSocket close frame does; else lost). The outlet is not called
 * any more. */
void sl_conn_lost(struct sl_conn *conn, enum sl_close_reason reason);

/* The transport was lost without a goodbye. True: the connection stays open
 * without one for disconnect_timeout; it tells its end, if that comes first,
 * to the stand-in, whose other functions are called and do nothing. False: it
 * is not stateful (any more), and sl_conn_lost is to be called. */
bool sl_conn_detach(struct sl_conn *conn,
                    struct sl_outlet *stand_in) SL_MUST_USE;

/* Whether it takes a new transport, now. */
bool sl_conn_may_attach(const struct sl_conn *conn);

/* Whether the id, as a transport gives it, is its user's; both may be none. */
bool sl_conn_is_of(const struct sl_conn *conn, struct sl_slice user_id);

/* A later request of the client brought a token of its own: the lifetime counts
 * anew from now on; 0: no end. */
void sl_conn_set_lifetime(struct sl_conn *conn, uint64_t lifetime_ms);

/* A new transport, whether the old one is lost or alive; the old outlet is not
 * called any more. What the client has not acknowledged is sent again. */
void sl_conn_attach(struct sl_conn *conn, struct sl_outlet *outlet);

/* Ends the connection: Close message, then the outlet's end. The client and
 * on_disconnected are told the error (empty: none). The first reason counts. */
void sl_conn_close(struct sl_conn *conn, enum sl_close_reason reason,
                   struct sl_slice error, bool allow_reconnect);

/* ---- for scripts ---- */

struct sl_slice sl_conn_id(const struct sl_conn *conn);
struct sl_world *sl_conn_world(const struct sl_conn *conn);

/* Context.Abort: closes without allowReconnect. error: shown to the client and
 * to on_disconnected, empty: none. Running calls go on; writes are dropped
 * from here on. */
void sl_conn_abort(struct sl_conn *conn, struct sl_slice error);

/* Whether the connection may call the method now, by a rate of that method's
 * own; counts the call. */
bool sl_conn_may_call(struct sl_conn *conn, struct sl_slice method,
                      const struct sl_rate *rate);

/* on_connected ended. Failed: the connection closes with an error; detail (the
 * bare text) is shown when it is a hub error or with detailed_errors. */
void sl_conn_connected_done(struct sl_conn *conn, bool ok,
                            struct sl_slice detail, bool hub_error);
void sl_conn_disconnected_done(struct sl_conn *conn);

/* ---- inside the hub layer ---- */

/* Queues a message for this connection; dropped when closing. */
void sl_conn_send(struct sl_conn *conn, struct sl_buf *message);
/* Returns the bytes that wait in the outlet's queue. */
size_t sl_conn_send_copy(struct sl_conn *conn, struct sl_slice message);
