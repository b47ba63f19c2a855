// SPDX-License-Identifier: MIT
/*
 * Three tables per hub (connections, groups, users), each a map behind a
 * mutex of its own; what every send asks (which workers, which protocols) is
 * kept beside them in atomics that need no lock.
 *
 * Hubs lie in blocks that double in size and never move, so that an index is
 * looked up without a lock: whoever has an index got it, directly or through a
 * letter, from the call of sl_directory_hub that made the block.
 */
#include "bus/directory.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

#define FIRST_BLOCK 16u /* hubs */
#define BLOCKS_MAX 24u  /* over 200 million hubs: more than an index can be */

enum { TABLE_CONNS, TABLE_GROUPS, TABLE_USERS, TABLE_COUNT };

struct table {
    pthread_mutex_t lock;
    struct sl_map map; /* of struct entry */
};

/* A connection, group or user; `workers` of a connection has one bit. */
struct entry {
    struct sl_map_node node;
    uint64_t workers;
    char name[];
};

struct hub {
    struct table tables[TABLE_COUNT];
    uint32_t worker_conns[SL_WORKERS_MAX]; /* under the lock of TABLE_CONNS */
    _Atomic uint64_t workers;
    _Atomic uint32_t protocol_counts[SL_PROTOCOL_COUNT];
    char *name; /* owned */
};

struct sl_directory {
    pthread_mutex_t lock; /* guards making hubs */
    uint32_t hub_count;
    struct hub *blocks[BLOCKS_MAX];
};

/* ---- hubs ---- */

static struct hub *hub_at(const struct sl_directory *directory, uint32_t index)
{
    uint32_t block = 31u - (uint32_t)__builtin_clz(index / FIRST_BLOCK + 1);
    uint32_t first = FIRST_BLOCK * ((1u << block) - 1);
    sl_assert(block < BLOCKS_MAX && directory->blocks[block] != NULL);
    return &directory->blocks[block][index - first];
}

static void make_hub(struct sl_directory *directory, uint32_t index,
                     struct sl_slice name)
{
    uint32_t block = 31u - (uint32_t)__builtin_clz(index / FIRST_BLOCK + 1);
    sl_assert(block < BLOCKS_MAX);
    if (directory->blocks[block] == NULL)
        directory->blocks[block] =
            sl_zalloc(((size_t)FIRST_BLOCK << block) * sizeof(struct hub));

    struct hub *hub = hub_at(directory, index);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        int err = pthread_mutex_init(&hub->tables[i].lock, NULL);
        sl_assert(err == 0);
        sl_map_init(&hub->tables[i].map);
    }
    hub->name = sl_slice_dup(name);
}

static void free_entry(struct sl_map_node *node, void *user)
{
    sl_map_remove(user, node);
    sl_free(SL_CONTAINER_OF(node, struct entry, node));
}

static void release_hub(struct hub *hub)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        struct table *table = &hub->tables[i];
        sl_map_foreach(&table->map, free_entry, &table->map);
        sl_map_release(&table->map);
        pthread_mutex_destroy(&table->lock);
    }
    sl_free(hub->name);
}

struct sl_directory *sl_directory_new(void)
{
    struct sl_directory *directory = sl_zalloc(sizeof(*directory));
    int err = pthread_mutex_init(&directory->lock, NULL);
    sl_assert(err == 0);
    return directory;
}

void sl_directory_free(struct sl_directory *directory)
{
    if (directory == NULL)
        return;
    for (uint32_t i = 0; i < directory->hub_count; i++)
        release_hub(hub_at(directory, i));
    for (unsigned i = 0; i < BLOCKS_MAX; i++)
        sl_free(directory->blocks[i]);
    pthread_mutex_destroy(&directory->lock);
    sl_free(directory);
}

uint32_t sl_directory_hub(struct sl_directory *directory, struct sl_slice name)
{
    pthread_mutex_lock(&directory->lock);
    uint32_t index = 0;
    while (index < directory->hub_count &&
           !sl_slice_eq(sl_slice_str(hub_at(directory, index)->name), name))
        index++;
    if (index == directory->hub_count) {
        make_hub(directory, index, name);
        directory->hub_count++;
    }
    pthread_mutex_unlock(&directory->lock);
    return index;
}

/* ---- entries; the table's lock is held ---- */

static struct entry *find_entry(struct table *table, struct sl_slice name)
{
    struct sl_map_node *node = sl_map_find(&table->map, name);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct entry, node);
}

static struct entry *add_entry(struct table *table, struct sl_slice name)
{
    struct entry *entry = sl_alloc(sizeof(*entry) + name.len);
    if (name.len > 0)
        memcpy(entry->name, name.ptr, name.len);
    entry->workers = 0;
    entry->node.key = sl_slice_of(entry->name, name.len);
    sl_map_add(&table->map, &entry->node);
    return entry;
}

static void remove_entry(struct table *table, struct entry *entry)
{
    sl_map_remove(&table->map, &entry->node);
    sl_free(entry);
}

/* ---- connections ---- */

static uint64_t worker_bit(unsigned worker)
{
    sl_assert(worker < SL_WORKERS_MAX);
    return UINT64_C(1) << worker;
}

int sl_directory_add_conn(struct sl_directory *directory, uint32_t hub,
                          struct sl_slice id, unsigned worker,
                          enum sl_protocol_id protocol)
{
    uint64_t bit = worker_bit(worker);
    struct hub *record = hub_at(directory, hub);
    struct table *table = &record->tables[TABLE_CONNS];
    pthread_mutex_lock(&table->lock);
    bool exists = find_entry(table, id) != NULL;
    if (!exists) {
        add_entry(table, id)->workers = bit;
        if (record->worker_conns[worker]++ == 0)
            atomic_fetch_or(&record->workers, bit);
        atomic_fetch_add(&record->protocol_counts[protocol], 1);
    }
    pthread_mutex_unlock(&table->lock);
    return exists ? SL_E_EXISTS : 0;
}

void sl_directory_remove_conn(struct sl_directory *directory, uint32_t hub,
                              struct sl_slice id, unsigned worker,
                              enum sl_protocol_id protocol)
{
    uint64_t bit = worker_bit(worker);
    struct hub *record = hub_at(directory, hub);
    struct table *table = &record->tables[TABLE_CONNS];
    pthread_mutex_lock(&table->lock);
    struct entry *entry = find_entry(table, id);
    if (entry != NULL && entry->workers == bit) {
        remove_entry(table, entry);
        sl_assert(record->worker_conns[worker] > 0);
        if (--record->worker_conns[worker] == 0)
            atomic_fetch_and(&record->workers, ~bit);
        uint32_t before =
            atomic_fetch_sub(&record->protocol_counts[protocol], 1);
        sl_assert(before > 0);
    }
    pthread_mutex_unlock(&table->lock);
}

int sl_directory_find_conn(struct sl_directory *directory, uint32_t hub,
                           struct sl_slice id)
{
    struct table *table = &hub_at(directory, hub)->tables[TABLE_CONNS];
    pthread_mutex_lock(&table->lock);
    struct entry *entry = find_entry(table, id);
    int worker = entry == NULL ? -1 : __builtin_ctzll(entry->workers);
    pthread_mutex_unlock(&table->lock);
    return worker;
}

uint64_t sl_directory_hub_workers(struct sl_directory *directory, uint32_t hub)
{
    return atomic_load(&hub_at(directory, hub)->workers);
}

uint32_t sl_directory_protocol_count(struct sl_directory *directory,
                                     uint32_t hub, enum sl_protocol_id protocol)
{
    return atomic_load(&hub_at(directory, hub)->protocol_counts[protocol]);
}

/* ---- groups and users ---- */

static struct table *set_table(struct sl_directory *directory,
                               enum sl_set_kind kind, uint32_t hub)
{
    struct hub *record = hub_at(directory, hub);
    return &record->tables[kind == SL_SET_GROUP ? TABLE_GROUPS : TABLE_USERS];
}

void sl_directory_join(struct sl_directory *directory, enum sl_set_kind kind,
                       uint32_t hub, struct sl_slice name, unsigned worker)
{
    uint64_t bit = worker_bit(worker);
    struct table *table = set_table(directory, kind, hub);
    pthread_mutex_lock(&table->lock);
    struct entry *entry = find_entry(table, name);
    if (entry == NULL)
        entry = add_entry(table, name);
    entry->workers |= bit;
    pthread_mutex_unlock(&table->lock);
}

void sl_directory_leave(struct sl_directory *directory, enum sl_set_kind kind,
                        uint32_t hub, struct sl_slice name, unsigned worker)
{
    uint64_t bit = worker_bit(worker);
    struct table *table = set_table(directory, kind, hub);
    pthread_mutex_lock(&table->lock);
    struct entry *entry = find_entry(table, name);
    if (entry != NULL) {
        entry->workers &= ~bit;
        if (entry->workers == 0)
            remove_entry(table, entry);
    }
    pthread_mutex_unlock(&table->lock);
}

uint64_t sl_directory_set_workers(struct sl_directory *directory,
                                  enum sl_set_kind kind, uint32_t hub,
                                  struct sl_slice name)
{
    struct table *table = set_table(directory, kind, hub);
    pthread_mutex_lock(&table->lock);
    struct entry *entry = find_entry(table, name);
    uint64_t workers = entry == NULL ? 0 : entry->workers;
    pthread_mutex_unlock(&table->lock);
    return workers;
}
