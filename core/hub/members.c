// SPDX-License-Identifier: MIT
/*
 * Sets and memberships. Whether a connection is in a set is found by walking
 * its memberships and the set's members side by side until one of the two
 * ends: as cheap as the shorter of them, and no third index to keep.
 */
#include "hub/members.h"

#include "base/check.h"
#include "base/mem.h"
#include "hub/conn.h"

static struct sl_map *map_of(struct sl_hub *hub, enum sl_set_kind kind)
{
    return kind == SL_SET_GROUP ? &hub->groups : &hub->users;
}

struct sl_members *sl_members_find(struct sl_hub *hub, enum sl_set_kind kind,
                                   struct sl_slice name)
{
    struct sl_map_node *node = sl_map_find(map_of(hub, kind), name);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct sl_members, node);
}

static struct sl_membership *find_membership(struct sl_members *set,
                                             struct sl_conn *conn)
{
    struct sl_list *in_set = set->members.next;
    struct sl_list *in_conn = conn->memberships.next;
    while (in_set != &set->members && in_conn != &conn->memberships) {
        struct sl_membership *of_set =
            SL_CONTAINER_OF(in_set, struct sl_membership, in_set);
        struct sl_membership *of_conn =
            SL_CONTAINER_OF(in_conn, struct sl_membership, in_conn);
        if (of_set->conn == conn)
            return of_set;
        if (of_conn->set == set)
            return of_conn;
        in_set = in_set->next;
        in_conn = in_conn->next;
    }
    return NULL;
}

static struct sl_members *make_set(struct sl_hub *hub, enum sl_set_kind kind,
                                   struct sl_slice name)
{
    sl_assert(name.len > 0);
    struct sl_members *set = sl_alloc(sizeof(*set) + name.len);
    sl_list_init(&set->members);
    set->count = 0;
    set->kind = kind;
    memcpy(set->name, name.ptr, name.len);
    set->node.key = sl_slice_of(set->name, name.len);
    sl_map_add(map_of(hub, kind), &set->node);
    sl_directory_join(sl_bus_directory(hub->world->port), kind, hub->index,
                      name, sl_bus_worker(hub->world->port));
    return set;
}

static void free_set(struct sl_hub *hub, struct sl_members *set)
{
    sl_assert(sl_list_empty(&set->members));
    sl_directory_leave(sl_bus_directory(hub->world->port), set->kind,
                       hub->index, set->node.key,
                       sl_bus_worker(hub->world->port));
    sl_map_remove(map_of(hub, set->kind), &set->node);
    sl_free(set);
}

void sl_members_add(struct sl_hub *hub, enum sl_set_kind kind,
                    struct sl_slice name, struct sl_conn *conn)
{
    struct sl_members *set = sl_members_find(hub, kind, name);
    if (set == NULL)
        set = make_set(hub, kind, name);
    else if (find_membership(set, conn) != NULL)
        return;

    struct sl_membership *membership = sl_alloc(sizeof(*membership));
    membership->set = set;
    membership->conn = conn;
    sl_list_push_back(&set->members, &membership->in_set);
    sl_list_push_back(&conn->memberships, &membership->in_conn);
    set->count++;
}

static void drop(struct sl_hub *hub, struct sl_membership *membership)
{
    struct sl_members *set = membership->set;
    sl_list_remove(&membership->in_set);
    sl_list_remove(&membership->in_conn);
    sl_free(membership);
    sl_assert(set->count > 0);
    if (--set->count == 0)
        free_set(hub, set);
}

void sl_members_remove(struct sl_hub *hub, enum sl_set_kind kind,
                       struct sl_slice name, struct sl_conn *conn)
{
    struct sl_members *set = sl_members_find(hub, kind, name);
    if (set == NULL)
        return;
    struct sl_membership *membership = find_membership(set, conn);
    if (membership != NULL)
        drop(hub, membership);
}

void sl_members_remove_all(struct sl_hub *hub, struct sl_conn *conn)
{
    SL_LIST_FOREACH_SAFE(node, &conn->memberships)
        drop(hub, SL_CONTAINER_OF(node, struct sl_membership, in_conn));
    sl_assert(sl_list_empty(&conn->memberships));
}
