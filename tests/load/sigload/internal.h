// SPDX-License-Identifier: MIT
/* What client.c and client_frames.c share. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* The end of a connection that was asked to close. */
void sl_client_end(struct sl_client *client, struct sl_conn *conn);

/* The end of one that was not: it breaks off, for the reason given. */
void sl_client_break(struct sl_client *client, struct sl_conn *conn,
                     const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Handles all whole frames; returns the bytes they took.  The connection may
 * be dead afterwards. */
size_t sl_client_handle_frames(struct sl_client *client, struct sl_conn *conn,
                               const uint8_t *data, size_t size,
                               uint64_t now_ns);
