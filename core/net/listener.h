// SPDX-License-Identifier: MIT
/*
 * A listening socket: accepts in bounded turns and hands descriptors on. When
 * descriptors run out (EMFILE, ENFILE) it rests and tries again, and the
 * process goes on serving those it has.
 */
#pragma once

#include "base/report.h"
#include "base/slice.h"
#include "net/loop.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

struct sl_listener;

/* Takes the descriptor. */
typedef void (*sl_accept_cb)(struct sl_listener *listener, int fd,
                             const struct sockaddr_storage *peer, void *user);

/* Returns owned; NULL: the report says why. Port 0 takes a free one; an empty
 * host means all IPv4 addresses. SO_REUSEADDR is set, SO_REUSEPORT is not. */
struct sl_listener *sl_listener_open(struct sl_loop *loop,
                                     struct sl_slice address, /* HOST:PORT */
                                     unsigned backlog, sl_accept_cb on_accept,
                                     void *user, struct sl_report *report);

/* The port that was bound (port 0 takes a free one). */
unsigned sl_listener_port(const struct sl_listener *listener);

/* Stops and resumes accepting; waiting connections stay in the backlog. */
void sl_listener_pause(struct sl_listener *listener);
void sl_listener_resume(struct sl_listener *listener);

/* Frees itself once its handles are closed. */
void sl_listener_close(struct sl_listener *listener);

/* Parses "127.0.0.1:8080", "[::1]:8080", ":8080", "localhost:8080"; names are
 * looked up (blocking). SL_E_CONFIG with a report. */
int sl_address_parse(struct sl_slice text, struct sockaddr_storage *address,
                     struct sl_report *report);

/* "127.0.0.1" or "::1", no port; writes a zero-ended text. */
#define SL_ADDRESS_TEXT_MAX 46
void sl_address_text(const struct sockaddr_storage *address,
                     char out[SL_ADDRESS_TEXT_MAX]);
