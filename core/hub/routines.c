// SPDX-License-Identifier: MIT
/*
 * An array of pointers that only grows, up to its bound, and a map of names
 * behind a lock. Names are looked up while scripts are loaded, not while they
 * run. Readers of the array take no lock: a slot is written before the count
 * that includes it.
 */
#include "hub/routines.h"

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>

struct entry {
    struct sl_routine routine;
    struct sl_map_node node; /* key: hub, a zero byte, method */
    char text[];             /* the key */
};

struct sl_routines {
    pthread_mutex_t lock; /* of the map */
    struct sl_map map;
    struct entry *other; /* what has no room */
    unsigned most;
    _Atomic unsigned count;
    struct entry *entries[];
};

static struct entry *entry_new(struct sl_slice hub, struct sl_slice method)
{
    struct entry *entry =
        sl_zalloc(sizeof(*entry) + hub.len + 1 + method.len + 1);
    char *second = entry->text + hub.len + 1;
    if (hub.len > 0)
        memcpy(entry->text, hub.ptr, hub.len);
    if (method.len > 0)
        memcpy(second, method.ptr, method.len);
    entry->routine.hub = sl_slice_of(entry->text, hub.len);
    entry->routine.method = sl_slice_of(second, method.len);
    entry->node.key = sl_slice_of(entry->text, hub.len + 1 + method.len);
    return entry;
}

struct sl_routines *sl_routines_new(unsigned most)
{
    struct sl_routines *routines =
        sl_zalloc(sizeof(*routines) + most * sizeof(struct entry *));
    pthread_mutex_init(&routines->lock, NULL);
    sl_map_init(&routines->map);
    routines->other = entry_new(SL_SLICE(""), SL_SLICE("other"));
    routines->most = most;
    return routines;
}

void sl_routines_free(struct sl_routines *routines)
{
    if (routines == NULL)
        return;
    for (unsigned i = 0; i < routines->count; i++) {
        sl_map_remove(&routines->map, &routines->entries[i]->node);
        sl_free(routines->entries[i]);
    }
    sl_map_release(&routines->map);
    sl_free(routines->other);
    pthread_mutex_destroy(&routines->lock);
    sl_free(routines);
}

static struct entry *find(struct sl_routines *routines, struct sl_slice hub,
                          struct sl_slice method)
{
    struct entry *made = entry_new(hub, method);
    struct sl_map_node *node = sl_map_find(&routines->map, made->node.key);
    unsigned count = routines->count;
    if (node == NULL && count < routines->most) {
        sl_map_add(&routines->map, &made->node);
        routines->entries[count] = made;
        atomic_store_explicit(&routines->count, count + 1,
                              memory_order_release);
        return made;
    }
    sl_free(made);
    return node == NULL ? routines->other
                        : SL_CONTAINER_OF(node, struct entry, node);
}

struct sl_routine *sl_routines_get(struct sl_routines *routines,
                                   struct sl_slice hub, struct sl_slice method)
{
    pthread_mutex_lock(&routines->lock);
    struct entry *entry = find(routines, hub, method);
    pthread_mutex_unlock(&routines->lock);
    return &entry->routine;
}

void sl_routines_each(const struct sl_routines *routines, sl_routine_cb visit,
                      void *user)
{
    unsigned count = atomic_load_explicit(
        &((struct sl_routines *)(uintptr_t)routines)->count,
        memory_order_acquire);
    for (unsigned i = 0; i < count; i++)
        visit(user, &routines->entries[i]->routine);
    visit(user, &routines->other->routine);
}
