// SPDX-License-Identifier: MIT
/*
 * One call of a hub method by a client: order, parallel limit, completion. An
 * invocation is prepared (arguments bound) when its message is read, waits for
 * a slot of its connection if there is none, and is started in order. It
 * outlives its connection when the method is still running then.
 */
#pragma once

#include "base/list.h"
#include "base/slice.h"
#include "hub/script.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_conn;

struct sl_invocation {
    struct sl_list node;  /* in conn->running or conn->waiting */
    struct sl_conn *conn; /* NULL: the connection is gone */
    struct sl_hub_entry *entry;
    void *call;           /* the engine's */
    struct sl_slice name; /* the method, registered spelling */
    char *id;             /* owned; NULL: nobody waits for the answer */
    uint32_t id_len;
    uint32_t size;          /* bytes of its message, for the bound */
    unsigned stream_params; /* upload streams that the method expects */
    unsigned stream_ids;    /* that the client sent */
    bool method_is_stream;
    bool wants_stream; /* a StreamInvocation */
    bool takes_slot;
    bool started;
};

/* What ended a call badly. */
enum sl_fault {
    SL_FAULT_HUB_ERROR, /* hub_error: the text reaches the client */
    SL_FAULT_ERROR,     /* any other: only with detailed_errors */
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
