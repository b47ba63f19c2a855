// SPDX-License-Identifier: MIT
/*
 * One call of a hub method by a client: order, parallel limit, completion, and
 * the streams in both directions that belong to it. An invocation is prepared
 * (arguments bound) when its message is read, waits for a slot of its
 * connection if there is none, and is started in order. It outlives its
 * connection when the method is still running then.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "hub/script.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_conn;
struct sl_upload;

struct sl_invocation {
    struct sl_list node;  /* in conn->running or conn->waiting */
    struct sl_conn *conn; /* NULL: the connection is gone */
    struct sl_hub_entry *entry;
    void *call;           /* the engine's */
    struct sl_slice name; /* the method, registered spelling */
    char *id;             /* owned; NULL: nobody waits for the answer */
    uint32_t id_len;
    uint32_t size; /* bytes of its message, for the bound */
    struct sl_map_node running_stream; /* in flows->downloads */
    struct sl_list blocked;            /* in flows->blocked */
    struct sl_upload *uploads; /* owned, stream_ids of them; NULL: none */
    unsigned stream_params; /* upload streams that the method expects */
    unsigned stream_ids;    /* that the client sent */
    bool method_is_stream;
    bool wants_stream; /* a StreamInvocation */
    bool takes_slot;
    bool beside; /* runs without a slot: counted in conn->beside_count */
    bool started;
    bool streaming; /* set by the script before its first item */
    bool cancelled; /* the client cancelled the stream */
    bool listed;    /* it is in flows->downloads */
};

/* What ended a call badly. */
enum sl_fault {
    SL_FAULT_HUB_ERROR, /* hub_error: the text reaches the client */
    SL_FAULT_ERROR,     /* any other: only with detailed_errors */
    /* Known only by what the method returned; the text is not looked at. */
    SL_FAULT_IS_STREAM,  /* a plain call got a stream */
    SL_FAULT_NOT_STREAM, /* a stream call got a plain value */
    SL_FAULT_NO_STREAM,  /* ... of a method that is said to stream */
    SL_FAULT_UNAUTHORIZED, /* the method is not for this user */
};

/* Both end the invocation and free it: it must not be touched afterwards.
 *
 * result: `write` appends one value; NULL: null. When the value cannot be
 * encoded the invocation lives on and the error is returned: the engine then
 * ends it by sl_invocation_fail. */
int sl_invocation_result(struct sl_invocation *invocation, sl_write_cb write,
                         void *user) SL_MUST_USE;
void sl_invocation_fail(struct sl_invocation *invocation, enum sl_fault fault,
                        struct sl_slice text);

/* ---- a stream to the client ---- */

/* Queues one item; `write` appends it, NULL: null. 0: the next may follow.
 * SL_E_FULL: queued, but the client is behind: the next waits for the script's
 * `resume`. SL_E_CANCELLED: nothing was queued, the client cancelled or is
 * gone: the call should end. Anything else: the item cannot be encoded. */
int sl_invocation_item(struct sl_invocation *invocation, sl_write_cb write,
                       void *user) SL_MUST_USE;

/* The stream ended well, or as the client wished: completion without a
 * result. Frees. A stream that has begun to stream and fails ends by
 * sl_invocation_fail, whose text says so. */
void sl_invocation_end(struct sl_invocation *invocation);

/* ---- streams from the client ---- */

/* The script took an item out of its queue for the upload (counted from 0):
 * there is room for another. Also inside upload_item. */
void sl_invocation_upload_taken(struct sl_invocation *invocation,
                                unsigned index);

/* ---- client results ---- */

/* The call waits for a client's answer: its slot is free for good, so that the
 * client can call meanwhile. Without a slot nothing happens, nor when as many
 * calls as the option max_streams allows run without one already. */
void sl_invocation_release_slot(struct sl_invocation *invocation);
