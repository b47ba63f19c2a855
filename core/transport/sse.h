// SPDX-License-Identifier: MIT
/*
 * Server-Sent Events: a stream of events from the server, text only; the
 * client sends by POST. An idle one owns no buffer.
 */
#pragma once

#include "transport/websocket.h"

/* Answers 200 and runs the connection; the request is used up. Borrows the
 * setup. */
void sl_sse_accept(struct sl_http_request *request,
                   const struct sl_websocket_setup *setup);

/* NULL: it is over. */
struct sl_conn *sl_sse_conn(const struct sl_link *link);

/* A POST for it. */
void sl_sse_post(struct sl_link *link, struct sl_http_request *request);
