// SPDX-License-Identifier: MIT
/*
 * Long Polling: the client asks again and again, and each answer carries all
 * that has gathered. The client sends by POST and ends by DELETE.
 */
#pragma once

#include "transport/websocket.h"

/* The first poll: answered at once, empty; the connection begins. Borrows the
 * setup. */
void sl_long_polling_open(struct sl_http_request *request,
                          const struct sl_websocket_setup *setup);

/* NULL: it is over. */
struct sl_conn *sl_long_polling_conn(const struct sl_link *link);

/* A later poll: ends one that waits. */
void sl_long_polling_poll(struct sl_link *link,
                          struct sl_http_request *request);

void sl_long_polling_post(struct sl_link *link,
                          struct sl_http_request *request);

/* DELETE: the client says goodbye. */
void sl_long_polling_delete(struct sl_link *link,
                            struct sl_http_request *request);
