// SPDX-License-Identifier: MIT
/*
 * What the hub layer has on one worker: time, run queue, bus port, memory that
 * is reused from message to message, and the hubs. No socket, no clock of its
 * own: bytes come in through sl_conn_received, time through the wheel.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/runq.h"
#include "base/slot.h"
#include "base/str.h"
#include "base/wheel.h"
#include "bus/bus.h"
#include "hub/script.h"
#include "wire/hub_protocol.h"

struct sl_conn;

struct sl_world {
    struct sl_wheel *wheel; /* borrowed, as the next three */
    struct sl_runq *runq;
    struct sl_metrics *metrics;
    struct sl_bus_port *port; /* set by sl_world_attach */
    struct sl_hub_reader reader;
    struct sl_str scratch;     /* a message being written */
    struct sl_slots conns;     /* handles of connections, for scripts */
    struct sl_slots questions; /* hub/results.h: what awaits an answer */
    struct sl_list asking;     /* the same */
    struct sl_list hubs;
    struct sl_list apart; /* connections that are not open: in the
                                   handshake, or closing */
    unsigned conn_count;  /* connections that are not gone */
    struct sl_list away;  /* open ones without a transport (reconnect.c),
                                   the longest away first */
    unsigned away_count;
    size_t away_bytes; /* of messages kept for those */
    struct sl_pool conn_pool, invocation_pool;
    struct sl_buf *ping[SL_PROTOCOL_COUNT]; /* sealed and framed; NULL: no
                                               such protocol */
};

void sl_world_init(struct sl_world *world, struct sl_wheel *wheel,
                   struct sl_runq *runq, struct sl_metrics *metrics);

/* Before the worker runs: joins the bus as worker number `worker`. */
void sl_world_attach(struct sl_world *world, struct sl_bus *bus,
                     unsigned worker, struct sl_mailbox *mailbox);

/* Every connection must be gone. */
void sl_world_release(struct sl_world *world);

/* NULL: that connection is gone. */
struct sl_conn *sl_world_conn(struct sl_world *world, sl_slot_id handle);

/* Closes every connection with allowReconnect and the reason (shutdown). */
void sl_world_close_all(struct sl_world *world, enum sl_close_reason reason);

/* Connections that are not gone yet, closing ones included. */
unsigned sl_world_conn_count(const struct sl_world *world);
