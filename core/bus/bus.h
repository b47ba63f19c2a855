// SPDX-License-Identifier: MIT
/*
 * The bus of a pod: envelopes and commands between its workers (and, with a
 * backplane, between pods). Each worker has one port. Letters from one worker
 * to another arrive in the order they were sent, so messages of one sender to
 * one receiver do too.
 *
 * The bus knows no socket: a port is a mailbox and a table of functions.
 */
#pragma once

#include "base/mailbox.h"
#include "bus/directory.h"
#include "bus/envelope.h"

#include <stdbool.h>

struct sl_bus;
struct sl_bus_port;

/* A change of a group on behalf of a connection that another worker owns. The
 * asker owns the object again when `done` is called (in the asker's thread);
 * it embeds it or frees it there. */
struct sl_group_change {
    uint32_t hub;
    bool add;
    char *conn_id; /* owned, zero-ended */
    char *group;   /* owned */
    size_t group_len;
    int err; /* the outcome */
    void (*done)(struct sl_group_change *change);
    void *user;
    unsigned asker; /* worker */
};

/* What a worker does with what arrives; all run in its thread. */
struct sl_bus_receiver {
    void (*deliver)(void *user, const struct sl_envelope *envelope);
    /* Carries the change out (err) at once. */
    void (*change_group)(void *user, struct sl_group_change *change);
};

struct sl_bus *sl_bus_new(struct sl_directory *directory,
                          unsigned worker_count);
void sl_bus_free(struct sl_bus *bus);

/* Before any worker runs. The mailbox is the worker's; borrowed. */
struct sl_bus_port *sl_bus_attach(struct sl_bus *bus, unsigned worker,
                                  struct sl_mailbox *mailbox,
                                  const struct sl_bus_receiver *receiver,
                                  void *user);

struct sl_directory *sl_bus_directory(struct sl_bus_port *port);
unsigned sl_bus_worker(const struct sl_bus_port *port);

/* The workers that may have receivers for it, this one included: a mask as of
 * the directory. */
uint64_t sl_bus_receivers(struct sl_bus_port *port,
                          const struct sl_envelope *envelope);

/* Sends the envelope to every other worker that has receivers for it. Local
 * delivery is the caller's and comes first. */
void sl_bus_publish(struct sl_bus_port *port,
                    const struct sl_envelope *envelope);

/* Runs `deliver` in the thread of another worker, with what that one gave as
 * `user` and with the item, which the letter takes. */
void sl_bus_post(struct sl_bus_port *port, unsigned worker,
                 sl_letter_cb deliver, void *item);
unsigned sl_bus_worker_count(const struct sl_bus_port *port);

/* Sends the change to the connection's worker; done comes later. False: that
 * connection is not on this pod (nothing was sent, done is not called). */
bool sl_bus_change_group(struct sl_bus_port *port,
                         struct sl_group_change *change);
