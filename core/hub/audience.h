// SPDX-License-Identifier: MIT
/*
 * Who is meant by an audience, on one worker: the walk that sends and queries
 * share. Visitors must not change a list that is walked (nothing joins, leaves
 * or closes inside). Inlined into its few users, so that a broadcast pays no
 * call per receiver.
 */
#pragma once

#include "bus/envelope.h"
#include "hub/conn.h"
#include "hub/internal.h"
#include "hub/members.h"

/* Once per connection and name that means it; those left out are skipped.
 * Connections whose on_disconnected runs come along: they are in their groups
 * until it has ended. */
typedef void (*sl_visit_cb)(struct sl_conn *conn,
                            const struct sl_envelope *whom, void *user);

/* Whether the names can mean anybody at all: none empty or too long, and not
 * too many. */
bool sl_audience_is_good(const struct sl_envelope *whom);

static inline void sl_audience_leave_out(struct sl_hub *hub,
                                         const struct sl_envelope *whom,
                                         bool left_out)
{
    for (unsigned i = 0; i < whom->except_count; i++) {
        struct sl_conn *conn = sl_hub_conn(hub, whom->except[i]);
        if (conn != NULL)
            conn->left_out = left_out;
    }
}

static inline void sl_audience_meet(struct sl_conn *conn,
                                    const struct sl_envelope *whom,
                                    sl_visit_cb visit, void *user)
{
    if (!conn->left_out)
        visit(conn, whom, user);
}

static inline void sl_audience_visit_set(struct sl_hub *hub,
                                         struct sl_slice name,
                                         const struct sl_envelope *whom,
                                         sl_visit_cb visit, void *user)
{
    struct sl_members *set = sl_members_find(
        hub, whom->audience == SL_TO_GROUPS ? SL_SET_GROUP : SL_SET_USER, name);
    if (set == NULL)
        return;
    SL_LIST_FOREACH(node, &set->members)
        sl_audience_meet(
            SL_CONTAINER_OF(node, struct sl_membership, in_set)->conn, whom,
            visit, user);
}

static inline void sl_audience_visit_client(struct sl_hub *hub,
                                            struct sl_slice id,
                                            const struct sl_envelope *whom,
                                            sl_visit_cb visit, void *user)
{
    struct sl_conn *conn = sl_hub_conn(hub, id);
    if (conn != NULL)
        sl_audience_meet(conn, whom, visit, user);
}

static inline __attribute__((always_inline)) void sl_audience_visit(
    struct sl_hub *hub, const struct sl_envelope *whom, sl_visit_cb visit,
    void *user)
{
    sl_audience_leave_out(hub, whom, true);
    switch (whom->audience) {
    case SL_TO_ALL:
        SL_LIST_FOREACH(node, &hub->conns)
            sl_audience_meet(SL_CONTAINER_OF(node, struct sl_conn, node), whom,
                             visit, user);
        break;
    case SL_TO_CLIENTS:
        for (unsigned i = 0; i < whom->name_count; i++)
            sl_audience_visit_client(hub, whom->names[i], whom, visit, user);
        break;
    case SL_TO_GROUPS:
    case SL_TO_USERS:
        for (unsigned i = 0; i < whom->name_count; i++)
            sl_audience_visit_set(hub, whom->names[i], whom, visit, user);
        break;
    }
    sl_audience_leave_out(hub, whom, false);
}
