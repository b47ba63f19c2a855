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

/* Stops or resumes reading; cause is one of SL_PAUSE_. */
void sl_conn_pause(struct sl_conn *conn, unsigned cause);
void sl_conn_resume(struct sl_conn *conn, unsigned cause);

/* ---- receive.c ---- */

void sl_receive_bytes(struct sl_conn *conn, struct sl_slice bytes);

/* Parses on from what came while reading was paused. */
void sl_receive_resume(struct sl_conn *conn);

/* ---- dispatch.c ---- */

/* Acts on one message of `size` bytes. The connection may be closing then. */
void sl_dispatch(struct sl_conn *conn, const struct sl_message *message,
                 size_t size);

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

/* ---- keepalive.c ---- */

/* Before the handshake and at each change of what is due. */
void sl_keepalive_init(struct sl_conn *conn);
void sl_keepalive_arm(struct sl_conn *conn);
void sl_keepalive_stop(struct sl_conn *conn);

/* ---- hub.c ---- */

struct sl_hub *sl_hub_at(struct sl_world *world, uint32_t index);
void sl_hub_free(struct sl_hub *hub); /* no connection may be left */
