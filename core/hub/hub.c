// SPDX-License-Identifier: MIT
/*
 * Hubs and their entries. A worker serves a handful of hubs, at most
 * SL_HUBS_MAX: lists are searched.
 */
#include "hub/hub.h"

#include "base/check.h"
#include "base/mem.h"
#include "hub/conn.h"
#include "hub/internal.h"

struct sl_hub *sl_hub_at(struct sl_world *world, uint32_t index)
{
    SL_LIST_FOREACH(node, &world->hubs) {
        struct sl_hub *hub = SL_CONTAINER_OF(node, struct sl_hub, node);
        if (hub->index == index)
            return hub;
    }
    return NULL;
}

struct sl_conn *sl_hub_conn(struct sl_hub *hub, struct sl_slice id)
{
    struct sl_map_node *node = sl_map_find(&hub->by_id, id);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct sl_conn, by_id);
}

static struct sl_hub *make_hub(struct sl_world *world, uint32_t index,
                               struct sl_slice name)
{
    struct sl_hub *hub = sl_zalloc(sizeof(*hub));
    hub->world = world;
    hub->name = sl_slice_dup(name);
    hub->index = index;
    sl_list_init(&hub->conns);
    sl_list_init(&hub->entries);
    sl_map_init(&hub->by_id);
    sl_map_init(&hub->groups);
    sl_map_init(&hub->users);
    sl_map_init(&hub->debts);
    sl_map_init(&hub->questions);
    sl_list_push_back(&world->hubs, &hub->node);
    return hub;
}

struct sl_hub_entry *sl_hub_add_entry(struct sl_world *world,
                                      const struct sl_hub_def *def)
{
    sl_assert(world->port != NULL);
    uint32_t index =
        sl_directory_hub(sl_bus_directory(world->port), def->backplane_name);
    struct sl_hub *hub = sl_hub_at(world, index);
    if (hub == NULL)
        hub = make_hub(world, index, def->backplane_name);

    struct sl_hub_entry *entry = sl_zalloc(sizeof(*entry));
    entry->hub = hub;
    entry->name = sl_slice_dup(def->name);
    entry->path = sl_slice_dup(def->path);
    entry->ops = def->ops;
    entry->script = def->script;
    entry->options = def->options;
    sl_list_push_back(&hub->entries, &entry->node);
    return entry;
}

/* Nothing of a removed entry needs its script any more. */
static void let_go(struct sl_hub_entry *entry)
{
    if (entry->removed && entry->script != NULL && entry->ops->let_go != NULL)
        entry->ops->let_go(entry->script);
    entry->script = NULL;
}

void sl_hub_entry_forget_conn(struct sl_hub_entry *entry)
{
    sl_assert(entry->conn_count > 0);
    if (--entry->conn_count == 0 && entry->removed)
        let_go(entry);
}

struct sl_hub_entry *sl_hub_find_entry(struct sl_world *world,
                                       struct sl_slice name,
                                       struct sl_slice backplane_name)
{
    SL_LIST_FOREACH(hub_node, &world->hubs) {
        struct sl_hub *hub = SL_CONTAINER_OF(hub_node, struct sl_hub, node);
        if (!sl_slice_eq(sl_slice_str(hub->name), backplane_name))
            continue;
        SL_LIST_FOREACH(node, &hub->entries) {
            struct sl_hub_entry *entry =
                SL_CONTAINER_OF(node, struct sl_hub_entry, node);
            if (sl_slice_eq(sl_slice_str(entry->name), name))
                return entry;
        }
    }
    return NULL;
}

void sl_hub_entry_replace(struct sl_hub_entry *entry,
                          const struct sl_hub_def *def)
{
    if (entry->removed)
        let_go(entry);
    entry->removed = false;
    sl_free(entry->path);
    entry->path = sl_slice_dup(def->path);
    entry->ops = def->ops;
    entry->script = def->script;
    entry->options = def->options;
}

static void close_of(struct sl_list *conns, const struct sl_hub_entry *entry)
{
    /* Closing only moves the connection itself to another list. */
    SL_LIST_FOREACH_SAFE(node, conns) {
        struct sl_conn *conn = SL_CONTAINER_OF(node, struct sl_conn, node);
        if (conn->entry == entry)
            sl_conn_close(conn, SL_CLOSE_REMOVED,
                          SL_SLICE("The hub is not served any more."), false);
    }
}

void sl_hub_entry_remove(struct sl_hub_entry *entry)
{
    if (entry->removed)
        return;
    if (entry->ops->hold != NULL)
        entry->ops->hold(entry->script);
    entry->removed = true;
    close_of(&entry->hub->world->apart, entry);
    close_of(&entry->hub->conns, entry);
    if (entry->conn_count == 0)
        let_go(entry);
}

static void free_entry(struct sl_hub_entry *entry)
{
    sl_list_remove(&entry->node);
    sl_free(entry->name);
    sl_free(entry->path);
    sl_free(entry);
}

void sl_hub_free(struct sl_hub *hub)
{
    sl_assert(hub->conn_count == 0 && hub->by_id.count == 0);
    SL_LIST_FOREACH_SAFE(node, &hub->entries)
        free_entry(SL_CONTAINER_OF(node, struct sl_hub_entry, node));
    sl_list_remove(&hub->node);
    sl_map_release(&hub->by_id);
    sl_map_release(&hub->groups);
    sl_map_release(&hub->users);
    sl_assert(hub->debts.count == 0);
    sl_map_release(&hub->debts);
    sl_assert(hub->questions.count == 0);
    sl_map_release(&hub->questions);
    sl_free(hub->name);
    sl_free(hub);
}

static bool has_entry(const struct sl_hub *hub, struct sl_slice name)
{
    SL_LIST_FOREACH(node, &hub->entries) {
        struct sl_hub_entry *entry =
            SL_CONTAINER_OF(node, struct sl_hub_entry, node);
        if (!entry->removed && sl_slice_eq(sl_slice_str(entry->name), name))
            return true;
    }
    return false;
}

struct sl_hub *sl_hub_find(struct sl_world *world, struct sl_slice name)
{
    struct sl_hub *by_identity = NULL;
    SL_LIST_FOREACH(node, &world->hubs) {
        struct sl_hub *hub = SL_CONTAINER_OF(node, struct sl_hub, node);
        if (has_entry(hub, name))
            return hub;
        if (sl_slice_eq(sl_slice_str(hub->name), name))
            by_identity = hub;
    }
    return by_identity;
}
