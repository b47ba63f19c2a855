// SPDX-License-Identifier: MIT
/*
 * What the files of transport share.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "http/http.h"
#include "transport/transport.h"

#include <stddef.h>

extern const size_t sl_websocket_size; /* bytes of a pool block */

/* node: of a socket in transport->sockets. Ends it at once; it leaves the
 * list when its stream is closed. */
void sl_websocket_abort(struct sl_list *node);

/* ---- tokens in use on this worker ---- */

#define SL_LINK_EARLY SL_TRANSPORT_COUNT /* a POST came, no transport yet */

/* Embedded in what a claimed token stands for. */
struct sl_link {
    struct sl_map_node node; /* in transport->by_token */
    struct sl_list list;     /* in transport->links; detached: a WebSocket */
    struct sl_transport *transport;
    void (*abort)(struct sl_link *link); /* ends it at once; may free it */
    /* Of WebSockets and of what stands in for one: */
    struct sl_conn *conn;                 /* NULL: it is over */
    void (*retire)(struct sl_link *link); /* another socket has its
                                             connection now; may free it */
    unsigned kind;                /* enum sl_transport_kind, SL_LINK_EARLY */
    char token[SL_TOKEN_LEN + 1]; /* claimed; "": none (any more) */
};

/* token empty: found by nobody. */
void sl_link_init(struct sl_link *link, struct sl_transport *transport,
                  unsigned kind, struct sl_slice token);

/* NULL: none here. */
struct sl_link *sl_link_find(const struct sl_transport *transport,
                             struct sl_slice token);

/* What it carries; NULL: nothing yet, or it is over. */
struct sl_conn *sl_link_conn(const struct sl_link *link);

/* Nobody finds it any more; the claim stays, for a successor. */
void sl_link_remove(struct sl_link *link);

/* Initialises a link that takes token and connection from another. */
void sl_link_inherit(struct sl_link *link, struct sl_link *from);

/* The connection is over: its token counts as used. May be repeated. */
void sl_link_drop(struct sl_link *link);

void sl_link_abort_all(struct sl_transport *transport);

/* ---- answers ---- */

/* As the reference: text/plain also where there is no text. */
void sl_answer_plain(struct sl_http_request *request, unsigned status,
                     struct sl_slice body);

/* The same, not to be cached: for what polls. type empty: text/plain. */
void sl_answer_poll(struct sl_http_request *request, unsigned status,
                    struct sl_slice type, struct sl_slice body);

/* 200 with a body that other answers have too. Shares. */
void sl_answer_poll_shared(struct sl_http_request *request,
                           struct sl_slice type, struct sl_buf *body);
