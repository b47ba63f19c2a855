// SPDX-License-Identifier: MIT
/*
 * Questions about connections wherever they are on the pod: how many, which,
 * and their end. One letter goes to each other worker that may have some; what
 * they answer is put together with the asker.
 *
 * A connection that is meant by two names counts once; one that closes does
 * not count any more.
 */
#pragma once

#include "bus/envelope.h"
#include "hub/hub.h"

enum sl_query_kind {
    SL_QUERY_COUNT,
    SL_QUERY_IDS,
    SL_QUERY_CLOSE, /* ends them without allowReconnect, reason kicked */
};

struct sl_query {
    enum sl_query_kind kind;
    enum sl_audience audience;
    const struct sl_slice *names; /* borrowed, as all here */
    unsigned name_count;
    const struct sl_slice *except; /* connection ids */
    unsigned except_count;
    struct sl_slice text; /* CLOSE: what the clients and on_disconnected are
                             told; empty: nothing */
};

/* err 0: count of the connections and, for SL_QUERY_IDS, their ids one after
 * another, SL_ID_LEN bytes each, in no order, borrowed until it returns.
 * SL_E_VALUE: a name is empty or too long, or there are too many. */
typedef void (*sl_query_cb)(void *user, int err, uint64_t count,
                            struct sl_slice ids);

/* Asks. The callback comes exactly once, inside or later, in this thread. */
void sl_hub_query(struct sl_hub *hub, const struct sl_query *query,
                  sl_query_cb done, void *user);
