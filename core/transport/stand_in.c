// SPDX-License-Identifier: MIT
/*
 * An outlet that leads nowhere, with a link. What is sent to the connection
 * meanwhile is kept by the hub, which counts it; nothing waits here.
 */
#include "transport/stand_in.h"

#include "base/check.h"
#include "hub/conn.h"
#include "hub/outlet.h"

struct stand_in {
    struct sl_link link;
    struct sl_outlet outlet;
};

static void destroy(struct stand_in *stand_in)
{
    sl_assert(stand_in->link.conn == NULL);
    sl_link_drop(&stand_in->link);
    sl_list_remove(&stand_in->link.list);
    sl_free(stand_in);
}

/* ---- the outlet ---- */

static size_t outlet_send(struct sl_outlet *outlet, struct sl_buf *message)
{
    (void)outlet;
    (void)message;
    return 0;
}

static size_t outlet_send_copy(struct sl_outlet *outlet,
                               struct sl_slice message)
{
    (void)outlet;
    (void)message;
    return 0;
}

static void outlet_pause(struct sl_outlet *outlet, bool paused)
{
    (void)outlet;
    (void)paused;
}

static void outlet_close(struct sl_outlet *outlet, bool failed, bool drop)
{
    (void)failed;
    (void)drop;
    struct stand_in *stand_in =
        SL_CONTAINER_OF(outlet, struct stand_in, outlet);
    stand_in->link.conn = NULL;
    destroy(stand_in);
}

static const struct sl_outlet_ops outlet_ops = {
    .send = outlet_send,
    .send_copy = outlet_send_copy,
    .pause = outlet_pause,
    .close = outlet_close,
};

/* ---- the link ---- */

static void stand_in_abort(struct sl_link *link)
{
    struct stand_in *stand_in = SL_CONTAINER_OF(link, struct stand_in, link);
    struct sl_conn *conn = link->conn;
    link->conn = NULL;
    sl_conn_lost(conn, SL_CLOSE_SHUTDOWN);
    destroy(stand_in);
}

static void stand_in_retire(struct sl_link *link)
{
    destroy(SL_CONTAINER_OF(link, struct stand_in, link));
}

bool sl_stand_in_take(struct sl_link *lost)
{
    struct sl_conn *conn = lost->conn;
    if (conn == NULL || !sl_conn_may_attach(conn))
        return false;
    struct stand_in *stand_in = sl_alloc(sizeof(*stand_in));
    stand_in->outlet = (struct sl_outlet){ .ops = &outlet_ops };
    sl_link_inherit(&stand_in->link, lost);
    stand_in->link.abort = stand_in_abort;
    stand_in->link.retire = stand_in_retire;
    sl_list_push_back(&lost->transport->links, &stand_in->link.list);
    bool kept = sl_conn_detach(conn, &stand_in->outlet);
    sl_assert(kept); /* it may attach */
    return true;
}
