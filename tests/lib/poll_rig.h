// SPDX-License-Identifier: MIT
/*
 * Requests of the transports that send by POST, on top of ws_rig.
 */
#pragma once

#include "tests/lib/ws_rig.h"

/* Negotiates; target gets "/chat?id=TOKEN". */
void poll_negotiate(struct ws_rig *rig, char target[64]);

/* One request on a socket of its own; ' stands for " and a line feed for the
 * separator in both directions. Fails unless status and body are these. */
void poll_ask(struct ws_rig *rig, const char *method, const char *target,
              const char *body, unsigned status, const char *text);

/* Sends the request and does not wait. headers may be "". */
void poll_send(struct ws_client *client, const char *method, const char *target,
               const char *headers, const char *body);

/* Waits for an answer and checks it. */
void poll_hears(struct ws_client *client, unsigned status, const char *text);

/* First poll and handshake. */
void poll_join(struct ws_rig *rig, const char *target);
