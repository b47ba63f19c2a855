// SPDX-License-Identifier: MIT
/*
 * From worker to worker: a request of a connection that another worker owns
 * goes there with its socket, which stays there. The client's later requests
 * over that socket are then at home. Nothing is copied back and forth, and
 * WebSockets, event streams and polls are all alike.
 */
#pragma once

#include "http/http.h"

struct sl_relay;

struct sl_relay *sl_relay_new(unsigned worker_count);
void sl_relay_free(struct sl_relay *relay);

/* Before any worker runs. Borrows both until no worker runs any more. */
void sl_relay_attach(struct sl_relay *relay, unsigned worker,
                     struct sl_http_server *server, struct sl_loop *loop);

/* Any worker's thread. False: the request stays, unanswered
 * (sl_http_detach). */
bool sl_relay_move(struct sl_relay *relay, unsigned worker,
                   struct sl_http_request *request);
