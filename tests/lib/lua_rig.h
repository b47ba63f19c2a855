// SPDX-License-Identifier: MIT
/*
 * The Lua engine over the in-memory cluster: scripts as texts, clients as
 * peers (tests/lib/peer.h), a fake clock, and the log read back as JSON lines.
 * Each worker of the one pod has an engine of its own.
 */
#pragma once

#include "bindings/engine.h"
#include "hub/activity.h"
#include "hub/routines.h"
#include "store/store.h"
#include "tests/lib/expect.h"

#define LUA_RIG_FILES_MAX 16
#define LUA_RIG_WORKERS_MAX 4

struct lua_rig {
    struct cluster cluster;
    struct cluster_worker *worker; /* the first */
    struct sl_engine *engine;      /* its engine */
    struct sl_engine *engines[LUA_RIG_WORKERS_MAX];
    unsigned worker_count;
    struct sl_activity activities[LUA_RIG_WORKERS_MAX];
    struct sl_routines *routines;
    struct sl_store *store;
    struct sl_hub_entry *entry; /* of "chat", else of the first hub */
    struct sl_script_file files[LUA_RIG_FILES_MAX];
    struct sl_script_set set;
    struct sl_str errors;   /* of the last load: "file:line: text\n" each */
    struct sl_str log;      /* what lua_rig_logged returned */
    struct sl_slice claims; /* of those that join as somebody */
    struct peer a, b;
    int log_fd;
    unsigned hubs_told;
};

/* Makes the engines. Nothing is loaded. */
void lua_rig_init(struct lua_rig *rig, unsigned worker_count);

/* Another file of the set. Names and texts are borrowed. */
void lua_rig_file(struct lua_rig *rig, const char *name, const char *text);

/* Loads the files into every engine and, when that went well, commits and
 * serves. Returns what load returned. */
int lua_rig_load(struct lua_rig *rig);

/* The usual beginning: one worker, one hub `chat.lua`, which must load; peer a
 * has joined. */
void lua_rig_chat(struct lua_rig *rig, const char *text);

/* Joins with a request head: path /chat, query and headers as they stand. */
void lua_rig_join(struct lua_rig *rig, struct peer *peer, unsigned worker,
                  const char *name, const char *user);

/* Calls and gives back what is heard once all rests; borrowed. */
const char *lua_rig_call(struct lua_rig *rig, const char *target,
                         const char *args);

/* The log lines since the last call. */
const char *lua_rig_logged(struct lua_rig *rig);

void lua_rig_release(struct lua_rig *rig);

#define expect_logged(rig, part) \
    assert_non_null(strstr(lua_rig_logged(rig), (part)))
