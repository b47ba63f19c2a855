// SPDX-License-Identifier: MIT
/*
 * What comes by POST: raw hub bytes in any cut, for a connection whose
 * transport carries the other direction only. One thread.
 */
#pragma once

#include "transport/internal.h"

struct sl_identity;

struct sl_inbox {
    struct sl_transport *transport;
    struct sl_conn *conn;   /* NULL: it is over */
    struct sl_list waiting; /* requests, in the order of arrival */
    struct sl_task task;    /* goes on after a pause */
    bool paused;
};

void sl_inbox_init(struct sl_inbox *inbox, struct sl_transport *transport);

/* The connection is over: those that wait are answered 404. */
void sl_inbox_close(struct sl_inbox *inbox);

/* Reading from the client stops and goes on. */
void sl_inbox_pause(struct sl_inbox *inbox, bool paused);

/* Answers once the connection has taken the body: at once, unless reading is
 * paused. */
void sl_inbox_post(struct sl_inbox *inbox, struct sl_http_request *request);

/* A POST before the first request of a transport: keeps the bytes, for the
 * time given. The token was claimed for it. Shares the identity. */
struct sl_link *sl_early_open(struct sl_transport *transport,
                              struct sl_slice token,
                              struct sl_identity *identity,
                              uint64_t timeout_ms);

/* Whose bytes they are; NULL: nobody's in particular. Borrowed. */
struct sl_identity *sl_early_identity(const struct sl_link *link);
void sl_early_post(struct sl_link *link, struct sl_http_request *request);

/* Ends it, the claim stays. Appends what came. */
void sl_early_take(struct sl_link *link, struct sl_str *bytes);
