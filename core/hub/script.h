// SPDX-License-Identifier: MIT
/*
 * What a script engine provides. core defines this table and runs hub methods
 * through it; bindings implement it once, for Lua; a C hub in tests implements
 * it too. Everything here runs in the worker's thread.
 *
 * Two halves: sl_script_ops is what the hub layer calls for connections and
 * invocations; sl_engine_ops is what the host calls to make engines and load
 * scripts.
 */
#pragma once

#include "base/clock.h"
#include "base/report.h"
#include "base/slice.h"
#include "base/str.h"
#include "hub/options.h"
#include "wire/message.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sl_conn;
struct sl_http_request;
struct sl_identity;
struct sl_invocation;
struct sl_world;

enum sl_close_reason {
#define SL_CLOSE_REASON(id, name) SL_CLOSE_##id,
#include "hub/close_reason.def"
#undef SL_CLOSE_REASON
    SL_CLOSE_REASON_COUNT
};

const char *sl_close_reason_name(enum sl_close_reason reason);

enum sl_prepared {
    SL_PREPARED,        /* bound: the hub starts it when a slot is free */
    SL_PREPARE_UNKNOWN, /* no such method */
    SL_PREPARE_UNBOUND, /* the arguments do not bind: detail says why */
    SL_PREPARE_REFUSED, /* not now: detail is shown to the client */
};

/* The script's word on a request. refused: 0, or the status to answer with: 401
 * (say who you are), 403 (not you), 500, 503. identity: who it is, borrowed,
 * maybe not what the token said; NULL: anonymous. */
typedef void (*sl_decided_cb)(void *user, unsigned refused,
                              struct sl_identity *identity);

/* `script` is the engine's own object for one hub file (hub_entry->script).
 * Inside any of these the engine may call every function of conn.h, targets.h
 * and invocation.h: the hub layer defers what would re-enter the script. */
struct sl_script_ops {
    /* Looks the method up (any case) and binds the arguments: everything that
     * is needed of `message` is taken here, it is gone afterwards. On
     * SL_PREPARED the engine has set invocation->call, ->name (registered
     * spelling, valid as long as the invocation), ->method_is_stream and
     * ->stream_params. `detail` gets "InvalidDataException: ..." when
     * unbound. */
    enum sl_prepared (*prepare)(void *script, struct sl_invocation *invocation,
                                const struct sl_message *message,
                                struct sl_str *detail);

    /* Runs a prepared call. It ends, inside this call or later, by exactly one
     * of sl_invocation_result, sl_invocation_fail or, a stream,
     * sl_invocation_end. */
    void (*start)(struct sl_invocation *invocation);

    /* The connection of a started call is gone (invocation->conn is NULL), or
     * the client cancelled this stream: its waits are cancelled. The call
     * still ends, inside or later: a stream that was cancelled by
     * sl_invocation_end. */
    void (*cancel)(struct sl_invocation *invocation);

    /* The client took what was queued: a stream that got SL_E_FULL may go on.
     * May be NULL when no method streams. */
    void (*resume)(struct sl_invocation *invocation);

    /* An item for upload number `upload` of a started call: bound and queued
     * now, the value is gone afterwards. False: it does not bind, and nothing
     * was done; upload_end follows. Never more than the option stream_buffer
     * are given ahead of sl_invocation_upload_taken. The call may end inside.
     * This and the next may be NULL when no method has uploads. */
    bool (*upload_item)(struct sl_invocation *invocation, unsigned upload,
                        const struct sl_value *item);

    /* No more items come, once per upload unless the call ended before. What
     * is queued is read first. failed: reading then raises the error. The call
     * may end inside. */
    void (*upload_end)(struct sl_invocation *invocation, unsigned upload,
                       bool failed, struct sl_slice error);

    /* A prepared call that never starts: frees invocation->call. */
    void (*drop)(struct sl_invocation *invocation);

    /* The connection opened. Ends, inside or later, by exactly one
     * sl_conn_connected_done. */
    void (*connected)(void *script, struct sl_conn *conn);

    /* The connection ended while its on_connected runs: what that one waits
     * for is cancelled; it still ends by connected_done. May be NULL. */
    void (*cancel_connected)(void *script, struct sl_conn *conn);

    /* The connection ended (error empty: none). Ends, inside or later, by
     * exactly one sl_conn_disconnected_done. Not called when connected_done
     * reported a failure. */
    void (*disconnected)(void *script, struct sl_conn *conn,
                         struct sl_slice error, enum sl_close_reason reason);

    /* The connection object goes away: frees what hangs at script_ref. */
    void (*forget)(void *script, struct sl_conn *conn);

    /* Its hub is not served any more, but its last connections are told so:
     * the script stays until let_go, whatever is loaded meanwhile. Both or
     * neither are NULL. */
    void (*hold)(void *script);
    void (*let_go)(void *script);

    /* Decides on a request to a hub whose options say `guarded`; only those
     * need it. identity: of a good token, NULL: there is none. Both are
     * borrowed during the call; the request may be gone before the decision.
     * Ends, inside or later, by exactly one call of decided. */
    void (*authorize)(void *script, const struct sl_http_request *request,
                      struct sl_identity *identity, sl_decided_cb decided,
                      void *user);
};

/* ---- the host's side ---- */

struct sl_script_file {
    struct sl_slice name; /* "chat.lua", "lib/rooms.lua": '/' separated */
    struct sl_slice text;
};

/* One snapshot of the hubs folder; read-only once made and shared by workers.
 * Its maker keeps it until every engine that loaded it has let go of it: from
 * load until the last call of what was loaded has ended, an engine holds it. */
struct sl_script_set {
    const struct sl_script_file *files; /* sorted by name */
    unsigned file_count;
    char version[9];      /* short hash of names and contents */
    atomic_uint *holders; /* engines that hold it; NULL: nobody counts */
};

static inline void sl_script_set_hold(const struct sl_script_set *set)
{
    if (set->holders != NULL)
        atomic_fetch_add_explicit(set->holders, 1, memory_order_relaxed);
}

/* The set may be gone after it. */
static inline void sl_script_set_let_go(const struct sl_script_set *set)
{
    if (set->holders != NULL)
        atomic_fetch_sub_explicit(set->holders, 1, memory_order_release);
}

struct sl_setting_view {
    const char *name, *value; /* as text; secrets are not in it */
};

struct sl_activity;
struct sl_routines;
struct sl_store;

struct sl_engine_env {
    struct sl_world *world;
    struct sl_store *store;
    const struct sl_clock *clock; /* of signalua.now; NULL: the system's */
    const char *pod;
    unsigned worker;
    const struct sl_setting_view *settings; /* for signalua.config */
    unsigned setting_count;
    struct sl_activity *activity; /* of this worker; the engine writes it */
    struct sl_routines *routines; /* of all workers */
};

struct sl_engine;

/* One hub file that a set defines. Borrowed during the call. */
struct sl_hub_def {
    struct sl_slice name; /* "game/lobby" */
    struct sl_slice path; /* "/game/lobby" */
    struct sl_slice backplane_name;
    const struct sl_script_ops *ops;
    void *script; /* the engine's; valid until the engine is destroyed or the
                     set is replaced */
    struct sl_hub_options options;
};

typedef void (*sl_hub_def_cb)(void *user, const struct sl_hub_def *def);

typedef void (*sl_report_cb)(void *user, const struct sl_report *report);

struct sl_engine_ops {
    struct sl_engine *(*create)(const struct sl_engine_env *env);
    void (*destroy)(struct sl_engine *engine);

    /* Loads all files of a set in a fresh environment. 0, or negative after
     * on_error was called for each error found (file and line filled). After 0
     * each hub is told through on_hub. Timers and routes take effect at
     * commit. */
    int (*load)(struct sl_engine *engine, const struct sl_script_set *set,
                sl_hub_def_cb on_hub, sl_report_cb on_error, void *user);
    void (*commit)(struct sl_engine *engine);
    /* Instead of commit: what was loaded goes, what serves stays. */
    void (*drop)(struct sl_engine *engine);

    /* An HTTP request that no endpoint took: true when a route of a script
     * answers it (now or later). identity: of a good token, borrowed during
     * the call; NULL: there is none. */
    bool (*route)(struct sl_engine *engine, struct sl_http_request *request,
                  struct sl_identity *identity);

    /* The pod stops: no timer fires, no new coroutine starts; waits are
     * cancelled. */
    void (*stop)(struct sl_engine *engine);
};
