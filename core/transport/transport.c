// SPDX-License-Identifier: MIT
/*
 * What the transports of one worker share: made before the worker runs, and
 * the way to end every socket when it stops.
 */
#include "transport/transport.h"

#include "transport/internal.h"

#include <wslay/wslay.h>

/* Freed sockets kept for the next connections. */
#define SOCKETS_KEPT 1024

void sl_transport_init(struct sl_transport *transport)
{
    sl_list_init(&transport->sockets);
    sl_list_init(&transport->links);
    sl_map_init(&transport->by_token);
    sl_pool_init(&transport->socket_pool, sl_websocket_size, SOCKETS_KEPT);
}

void sl_transport_abort(struct sl_transport *transport)
{
    struct sl_list sockets;
    sl_list_init(&sockets);
    sl_list_splice_back(&sockets, &transport->sockets);
    struct sl_list *node;
    while ((node = sl_list_pop_front(&sockets)) != NULL) {
        sl_list_push_back(&transport->sockets, node);
        sl_websocket_abort(node);
    }
    sl_link_abort_all(transport);
}

void sl_transport_release(struct sl_transport *transport)
{
    sl_assert(transport->socket_count == 0);
    sl_assert(sl_list_empty(&transport->links));
    sl_map_release(&transport->by_token);
    wslay_frame_context_free(transport->spare);
    sl_pool_release(&transport->socket_pool);
}
