// SPDX-License-Identifier: MIT
/*
 * Small shared state with the names of the Redis commands, for scripts: in the
 * memory of the pod by default. One store per pod; any thread.
 *
 * A command is a list of byte strings; its reply is shaped as RESP2 gives it.
 * The in-memory store answers before the call returns; one that asks a server
 * answers later, in the caller's thread.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_reply_kind {
    SL_REPLY_NIL,
    SL_REPLY_STATUS, /* "OK" */
    SL_REPLY_STRING,
    SL_REPLY_INTEGER,
    SL_REPLY_ARRAY, /* of strings and nils */
    SL_REPLY_ERROR, /* "ERR ...", "WRONGTYPE ...", "OOM ..." as Redis says */
};

struct sl_reply {
    enum sl_reply_kind kind;
    int64_t integer;
    struct sl_slice text;         /* status, string, error */
    const struct sl_slice *items; /* ptr NULL: nil */
    unsigned item_count;
};

/* The reply borrows for the length of the call. */
typedef void (*sl_reply_cb)(void *user, const struct sl_reply *reply);

struct sl_store;

struct sl_store_ops {
    void (*command)(struct sl_store *store, const struct sl_slice *argv,
                    unsigned argc, sl_reply_cb on_reply, void *user);
    void (*free)(struct sl_store *store);
};

struct sl_store {
    const struct sl_store_ops *ops;
};

static inline void sl_store_command(struct sl_store *store,
                                    const struct sl_slice *argv, unsigned argc,
                                    sl_reply_cb on_reply, void *user)
{
    store->ops->command(store, argv, argc, on_reply, user);
}

static inline void sl_store_free(struct sl_store *store)
{
    if (store != NULL)
        store->ops->free(store);
}
