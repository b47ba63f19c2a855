// SPDX-License-Identifier: MIT
/*
 * Sends to all, groups, users and connections: encodes once per protocol that
 * somebody on the pod needs, serves the local receivers at once, and gives the
 * rest to the bus.
 */
#pragma once

#include "bus/envelope.h"
#include "hub/hub.h"
#include "wire/writer.h"

struct sl_send {
    enum sl_audience audience;
    const struct sl_slice *names; /* borrowed, as all here */
    unsigned name_count;
    const struct sl_slice *except; /* connection ids */
    unsigned except_count;
    struct sl_slice target; /* the client's method */
    size_t arg_count;
    sl_write_cb args; /* appends arg_count values; may be called
                                     once per protocol, or not at all */
    void *user;
};

/* 0, or the error of `args` (nothing was sent then). Nobody listening is no
 * error. Empty or too long names: SL_E_VALUE. */
int sl_hub_send(struct sl_hub *hub, const struct sl_send *send) SL_MUST_USE;

/* Adds or removes a connection. `done` is called exactly once, inside or
 * later, with 0 once every later send to the group reaches (or misses) it;
 * unknown connections succeed at once. */
typedef void (*sl_group_done_cb)(void *user, int err);
void sl_hub_change_group(struct sl_hub *hub, bool add, struct sl_slice group,
                         struct sl_slice conn_id, sl_group_done_cb done,
                         void *user);

/* Local delivery of an envelope (also what the bus port calls). */
void sl_hub_deliver(struct sl_hub *hub, const struct sl_envelope *envelope);
