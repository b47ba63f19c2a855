// SPDX-License-Identifier: MIT
/*
 * Named sets of connections on one worker: groups and users. A set exists as
 * long as it has members; its first and last local member are told to the
 * directory. All memberships of a connection hang in one list and end with it.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "bus/directory.h"
#include "hub/hub.h"

struct sl_conn;

struct sl_members {
    struct sl_map_node node; /* in hub->groups or hub->users; key is name */
    struct sl_list members;  /* of sl_membership */
    unsigned count;
    enum sl_set_kind kind;
    char name[]; /* key bytes */
};

struct sl_membership {
    struct sl_list in_set;  /* in members->members */
    struct sl_list in_conn; /* in conn->memberships */
    struct sl_members *set;
    struct sl_conn *conn;
};

/* Adding twice counts once; removing what is not in is nothing. */
void sl_members_add(struct sl_hub *hub, enum sl_set_kind kind,
                    struct sl_slice name, struct sl_conn *conn);
void sl_members_remove(struct sl_hub *hub, enum sl_set_kind kind,
                       struct sl_slice name, struct sl_conn *conn);
void sl_members_remove_all(struct sl_hub *hub, struct sl_conn *conn);

struct sl_members *sl_members_find(struct sl_hub *hub, enum sl_set_kind kind,
                                   struct sl_slice name);
