// SPDX-License-Identifier: MIT
/*
 * What the files of this folder share and nobody else includes.
 */
#pragma once

#include "hub/conn.h"
#include "hub/invocation.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- conn.c ---- */

static inline bool sl_conn_is_closing(const struct sl_conn *conn)
{
    return conn->state >= SL_CONN_CLOSING;
}

static inline const struct sl_hub_options *sl_conn_options(
    const struct sl_conn *conn)
{
    return &conn->entry->options;
}

/* Invocations running and waiting are looked at in a moment. */
void sl_conn_wake(struct sl_conn *conn);

/* Closes by the general sentence and allowReconnect; the client sees kind and
 * text with detailed errors only, the script sees text. Not while it ends. */
void sl_conn_break(struct sl_conn *conn, enum sl_close_reason reason,
                   const char *kind, struct sl_slice text);

/* The handshake failed: sends the whole response, then ends. */
void sl_conn_refuse(struct sl_conn *conn, struct sl_slice response);

/* The handshake was read: answers it, joins the registry, greets. */
void sl_conn_greet(struct sl_conn *conn,
                   const struct sl_hub_protocol *protocol);

/* Reading goes on: nothing pauses it, or an answer is awaited, which may
 * stand behind anything. */
static inline bool sl_conn_reads(const struct sl_conn *conn)
{
    return conn->pauses == 0 || conn->owed > 0;
}

/* One answer more, or one less, is awaited. */
void sl_conn_owe(struct sl_conn *conn, bool owes);

/* sl_conn_drained is due once the queue is empty, though reading goes on. */
void sl_conn_watch_queue(struct sl_conn *conn);

/* More waits for the client than it may: it closes in a moment, and what is
 * sent meanwhile is dropped. */
void sl_conn_overflow(struct sl_conn *conn, size_t queued);

/* The client may have room for streams again. */
void sl_conn_room(struct sl_conn *conn);

/* Queue what stateful reconnect does not count: pings, acknowledgements; and
 * what it has counted already. Return the bytes that wait. */
size_t sl_conn_send_uncounted(struct sl_conn *conn, struct sl_buf *message);
size_t sl_conn_send_copy_uncounted(struct sl_conn *conn,
                                   struct sl_slice message);

/* Stops or resumes reading; cause is one of SL_PAUSE_. */
void sl_conn_pause(struct sl_conn *conn, unsigned cause);
void sl_conn_resume(struct sl_conn *conn, unsigned cause);

/* ---- receive.c ---- */

void sl_receive_bytes(struct sl_conn *conn, struct sl_slice bytes);

/* Parses on from what came while reading was paused. */
void sl_receive_resume(struct sl_conn *conn);

/* ---- dispatch.c ---- */

/* Acts on one message of `size` bytes; payload is it without its framing. The
 * connection may be closing then. */
void sl_dispatch(struct sl_conn *conn, const struct sl_message *message,
                 struct sl_slice payload, size_t size);

/* ---- invocation.c ---- */

/* Takes a prepared invocation: starts it or lets it wait. */
void sl_invocation_submit(struct sl_invocation *invocation);

/* Answers with an error and frees; for calls that were not started. */
void sl_invocation_refuse(struct sl_invocation *invocation,
                          struct sl_slice error);

/* Starts what waits and may run. */
void sl_invocation_start_waiting(struct sl_conn *conn);

/* The connection ends: running calls are cancelled, waiting ones dropped. */
void sl_invocation_leave(struct sl_conn *conn);

/* ---- flows.c ---- */

/* What a connection has once it streams or is asked. */
struct sl_flows {
    struct sl_map downloads; /* running streams to the client, by id */
    struct sl_list blocked;  /* those that wait for the client */
    struct sl_map uploads;   /* open streams from the client, by id */
    struct sl_list orphans;  /* open ones whose id another took over */
    struct sl_list debts;    /* results.c: what the client is to answer */
    unsigned full;           /* uploads whose buffer is full */
    bool drained;            /* blocked ones may go on */
};

struct sl_flows *sl_flows_of(struct sl_conn *conn); /* made when missing */
void sl_flows_free(struct sl_conn *conn);

/* ---- download.c ---- */

/* A started stream can be found by its id from here on. False: another one
 * runs under that id. */
bool sl_download_add(struct sl_invocation *invocation);
void sl_download_remove(struct sl_invocation *invocation);
bool sl_download_blocked(const struct sl_conn *conn);
void sl_download_resume(struct sl_conn *conn);
void sl_download_cancel(struct sl_conn *conn, struct sl_slice id);

/* ---- upload.c ---- */

struct sl_upload {
    struct sl_map_node by_id; /* in flows->uploads */
    struct sl_list node;      /* in flows->orphans, or on its way out */
    struct sl_invocation *invocation;
    unsigned index, queued;
    bool listed; /* it is in the map */
    bool full;   /* counted in flows->full */
};

/* The ids are copied; registered by sl_upload_open. */
void sl_upload_take_ids(struct sl_invocation *invocation,
                        const struct sl_message *message);
void sl_upload_open(struct sl_invocation *invocation);
void sl_upload_free(struct sl_invocation *invocation);
/* False: no open upload has that id. */
bool sl_upload_item(struct sl_conn *conn, const struct sl_message *message);
bool sl_upload_complete(struct sl_conn *conn, const struct sl_message *message);
void sl_upload_leave(struct sl_conn *conn); /* every open one fails */

/* ---- results.c ---- */

/* A completion that ends no upload. */
void sl_results_answer(struct sl_conn *conn, const struct sl_message *message,
                       struct sl_slice payload);
void sl_results_leave(struct sl_conn *conn);
void sl_results_release(struct sl_world *world);

/* ---- keepalive.c ---- */

/* Before the handshake and at each change of what is due. */
void sl_keepalive_init(struct sl_conn *conn);
void sl_keepalive_arm(struct sl_conn *conn);
void sl_keepalive_stop(struct sl_conn *conn);

/* ---- reconnect.c: conn->reconnect is not NULL but where it says so ---- */

/* At the open: a lost transport will not be the end. */
void sl_reconnect_offer(struct sl_conn *conn);

/* It will be, from here on. Frees what is kept. NULL is fine. */
void sl_reconnect_forgo(struct sl_conn *conn);

/* Counted messages of the server. Return the bytes that wait in the outlet. */
size_t sl_reconnect_send(struct sl_conn *conn, struct sl_buf *message);
size_t sl_reconnect_send_copy(struct sl_conn *conn, struct sl_slice message);

/* A message of the client, whatever it is. False: nothing more is to be done;
 * the connection may be closing then. */
bool sl_reconnect_takes(struct sl_conn *conn, const struct sl_message *message);

/* Without a transport just now. NULL is fine, here and below. */
bool sl_reconnect_is_away(const struct sl_conn *conn);

/* It was away for too long, or its room was needed. */
bool sl_reconnect_given_up(const struct sl_conn *conn);

/* Messages wait for an acknowledgement of others before they are sent. */
bool sl_reconnect_holds(const struct sl_conn *conn);

/* When sl_reconnect_on_due is to be called, which may close; UINT64_MAX:
 * nothing waits. */
uint64_t sl_reconnect_due_ms(const struct sl_conn *conn);
void sl_reconnect_on_due(struct sl_conn *conn);

/* ---- hub.c ---- */

/* A connection of the entry is being freed. */
void sl_hub_entry_forget_conn(struct sl_hub_entry *entry);

struct sl_hub *sl_hub_at(struct sl_world *world, uint32_t index);

/* NULL: no connection of that id on this worker. It may be closing. */
struct sl_conn *sl_hub_conn(struct sl_hub *hub, struct sl_slice id);

void sl_hub_free(struct sl_hub *hub); /* no connection may be left */
