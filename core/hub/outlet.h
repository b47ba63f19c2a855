// SPDX-License-Identifier: MIT
/*
 * What a transport provides to a connection. Whole hub messages go in, in
 * order; the transport frames and queues them and never blocks. None of these
 * functions calls back into the hub layer: what a transport has to tell
 * (received, drained, lost) comes from its own events.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct sl_outlet;

struct sl_outlet_ops {
    /* Queues a shared message (sealed, WebSocket framing already in its head
     * room). Shares. Returns the bytes that now wait. */
    size_t (*send)(struct sl_outlet *outlet, struct sl_buf *message);

    /* Queues a message for this connection alone; copies. Returns the bytes
     * that now wait. */
    size_t (*send_copy)(struct sl_outlet *outlet, struct sl_slice message);

    /* Stops and resumes reading from the client. */
    void (*pause)(struct sl_outlet *outlet, bool paused);

    /* The connection is over: what is queued is sent, then the transport ends
     * (failed: the WebSocket close code is 1011 instead of 1000). drop: do not
     * even send what is queued. The connection object must not be called any
     * more from here on. */
    void (*close)(struct sl_outlet *outlet, bool failed, bool drop);
};

struct sl_outlet {
    const struct sl_outlet_ops *ops;
    bool binary; /* set by the connection: copies are framed as binary */
};
