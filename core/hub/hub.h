// SPDX-License-Identifier: MIT
/*
 * A hub on one worker: its connections, groups and users. Registry, groups and
 * users belong to the hub's identity (its backplane name); several hub files
 * with one identity are entries of one hub, with options of their own.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "hub/options.h"
#include "hub/script.h"
#include "hub/world.h"

struct sl_hub {
    struct sl_world *world;
    struct sl_list node;  /* in world->hubs */
    char *name;           /* backplane name, owned */
    uint32_t index;       /* in the directory */
    struct sl_list conns; /* open ones: what "all" means here */
    unsigned conn_count;
    struct sl_map by_id;         /* open ones, and those whose on_disconnected
                                runs */
    struct sl_map groups, users; /* hub/members.h */
    struct sl_map debts;         /* hub/results.h: answers that connections of
                                    this worker owe */
    struct sl_map questions;     /* hub/results.h: of this worker, unanswered */
    uint64_t asked;              /* questions of this worker so far */
    struct sl_list entries;
};

/* A hub file. Lives as long as the world; its script and options are replaced
 * as one at a reload. One that was deleted waits for its return. */
struct sl_hub_entry {
    struct sl_list node; /* in hub->entries */
    struct sl_hub *hub;
    char *name, *path; /* owned */
    const struct sl_script_ops *ops;
    void *script;
    struct sl_hub_options options;
    unsigned conn_count; /* connections that are not freed */
    bool removed;        /* not served; its script is held while it has any */
};

/* Finds or makes the hub and adds the entry. Returns borrowed. */
struct sl_hub_entry *sl_hub_add_entry(struct sl_world *world,
                                      const struct sl_hub_def *def);

/* The entry of that name and identity, removed or not. NULL: none. */
struct sl_hub_entry *sl_hub_find_entry(struct sl_world *world,
                                       struct sl_slice name,
                                       struct sl_slice backplane_name);

/* A new load of the entry's file, or the file has come back: the script and the
 * options hold from the next invocation on, for open connections too. */
void sl_hub_entry_replace(struct sl_hub_entry *entry,
                          const struct sl_hub_def *def);

/* The file is gone: its connections are closed and told so. */
void sl_hub_entry_remove(struct sl_hub_entry *entry);

/* NULL: none. By entry name ("chat") or by backplane name. */
struct sl_hub *sl_hub_find(struct sl_world *world, struct sl_slice name);
