// SPDX-License-Identifier: MIT
/*
 * A hub in C: implements hub/script.h as an engine does, which proves that the
 * hub layer needs no Lua. Methods (any case; arguments are strings and whole
 * numbers; `send` means: the client's method Hear gets the text):
 *
 *   Echo(x)                 its argument, at once
 *   Add(a, b)               strict about both, the sum
 *   Slow(x)                 ends when the test says so (c_hub_finish), with x
 *   SendAll(t) SendOthers(t) SendCaller(t) SendClient(id, t) SendUser(u, t)
 *   SendGroup(g, t) SendGroups(g, g2, t) SendAllExcept(id, t)
 *   JoinGroup(g) LeaveGroup(g)      the caller
 *   AddTo(g, id) RemoveFrom(g, id)  any connection; ends when that is done
 *   Abort()  AbortWith(t)   ends the connection, then returns "late"
 *   Throw(t) ThrowHub(t)    the two kinds of failure
 *   Unwritable()            a result that cannot be encoded
 *   Stream()                declared as a stream; answers as a plain one
 *   Upload()                expects one upload stream
 *   Count(n)                a stream: 0 to n - 1, as fast as the client takes
 *   Hang()                  a stream of one item that ends when cancelled
 *   Break(t)                a stream of one item that fails with a hub error
 *   Sum()                   adds the numbers of one upload stream
 *   Hold()                  as Sum, but leaves the items in its queue
 *   Ask(id, x)              asks a client's method What(x), returns its answer
 */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "hub/invocation.h"
#include "hub/script.h"

#define C_HUB_ARGS_MAX 4

enum c_hub_event_mode {
    C_HUB_AT_ONCE, /* the event ends inside */
    C_HUB_HELD,    /* ends by c_hub_connected_end, c_hub_disconnected_end */
    C_HUB_FAILS,
    C_HUB_FAILS_HUB_ERROR,
};

struct c_hub {
    struct sl_world *world;
    enum c_hub_event_mode on_connected, on_disconnected;
    const char *greeting; /* sent to the caller by on_connected; NULL: none */
    struct sl_str log;    /* what happened, one line per event */
    struct sl_list held;  /* Slow calls, oldest first */
    unsigned live_calls;  /* prepared and neither ended nor dropped */
    unsigned started, most_running, running;
};

extern const struct sl_script_ops c_hub_ops;

void c_hub_init(struct c_hub *hub, struct sl_world *world);

/* Finishes what is held. */
void c_hub_release(struct c_hub *hub);

/* Ends the oldest Slow call. False: none is held. */
bool c_hub_finish(struct c_hub *hub);

void c_hub_connected_end(struct sl_conn *conn, bool ok);

/* The log since the last call; borrowed until the next event. */
const char *c_hub_log(struct c_hub *hub);
