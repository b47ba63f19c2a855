// SPDX-License-Identifier: MIT
/*
 * What the transports of one worker share.
 */
#pragma once

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "bus/claims.h"
#include "hub/hub.h"
#include "net/loop.h"
#include "transport/token.h"

struct sl_jwt;
struct wslay_frame_context;

struct sl_transport {
    struct sl_loop *loop; /* borrowed, as all up to jwt */
    struct sl_world *world;
    struct sl_claims *claims;
    const struct sl_token_keys *keys; /* read-only, shared by workers */
    const struct sl_clock *clock;
    struct sl_relay *relay; /* NULL: there is no other worker */
    struct sl_jwt *jwt;     /* NULL: no token is good */
    unsigned worker;
    struct sl_map by_token; /* connections whose token is claimed here */
    struct sl_list links;   /* those that are no WebSockets */
    size_t early_bytes;     /* came before the transport they are for */
    struct sl_list sockets; /* open WebSockets */
    unsigned socket_count;
    struct sl_pool socket_pool;
    struct sl_slice input; /* what the frame reader reads from just now */
    struct wslay_frame_context *spare; /* a reader between two messages */
    unsigned reader_count; /* readers that wait for the rest of a frame */
};

/* The owner has set the borrowed fields and `worker`. */
void sl_transport_init(struct sl_transport *transport);

/* Ends every socket at once, without a word. Connections are told "shutdown"
 * if they do not know yet. */
void sl_transport_abort(struct sl_transport *transport);

/* No socket may be open. */
void sl_transport_release(struct sl_transport *transport);
