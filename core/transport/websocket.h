// SPDX-License-Identifier: MIT
/*
 * WebSockets (RFC 6455): the upgrade, reading by wslay's frame reader, control
 * frames, and the outlet of a connection. Data goes out in frames that are
 * already made (shared buffers) or are copied behind a header; control frames
 * go between them through the same queue, whole frames at a time.
 */
#pragma once

#include "http/http.h"
#include "transport/transport.h"

struct sl_identity;
struct sl_link;

/* Whether the request asks for a WebSocket of a version that we speak. */
bool sl_websocket_wanted(const struct sl_http_request *request);

/* Of any transport. */
struct sl_websocket_setup {
    struct sl_transport *transport;
    struct sl_hub_entry *entry;
    struct sl_slice conn_id;
    struct sl_slice token; /* claimed by the caller; empty: none */
    struct sl_slice early; /* bytes that came by POST before */
    struct sl_identity *identity; /* who asks; NULL: anonymous */
    uint64_t lifetime_ms;         /* of the connection; 0: no end */
    bool stateful;                /* WebSockets: negotiate granted it */
};

/* Answers 101 and runs the connection; the request is used up. Borrows the
 * setup. The claim is dropped when the connection ends. */
void sl_websocket_accept(struct sl_http_request *request,
                         const struct sl_websocket_setup *setup);

/* Answers 101 and goes on with the connection of the link, which may take a
 * new transport (sl_conn_may_attach) and gives it up; its socket, if it still
 * has one, is closed without a word. The request is used up. */
void sl_websocket_resume(struct sl_http_request *request, struct sl_link *link);
