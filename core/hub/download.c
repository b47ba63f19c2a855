// SPDX-License-Identifier: MIT
/*
 * Streams to the client. An item is encoded into the worker's scratch and
 * copied to the outlet; many of one turn leave in one write.
 *
 * A stream waits when a quarter of max_outbound is queued, long before reading
 * pauses at the half: else a fast stream would keep the client's own cancel
 * from being read. Those that wait go on in turns once the queue is empty.
 */
#include "base/check.h"
#include "base/err.h"
#include "hub/internal.h"

static struct sl_slice id_of(const struct sl_invocation *invocation)
{
    return sl_slice_of(invocation->id, invocation->id_len);
}

bool sl_download_add(struct sl_invocation *invocation)
{
    if (invocation->id == NULL)
        return true;
    struct sl_flows *flows = sl_flows_of(invocation->conn);
    if (sl_map_find(&flows->downloads, id_of(invocation)) != NULL)
        return false;
    invocation->running_stream.key = id_of(invocation);
    sl_map_add(&flows->downloads, &invocation->running_stream);
    invocation->listed = true;
    return true;
}

void sl_download_remove(struct sl_invocation *invocation)
{
    sl_list_remove(&invocation->blocked);
    if (!invocation->listed)
        return;
    invocation->listed = false;
    sl_map_remove(&invocation->conn->flows->downloads,
                  &invocation->running_stream);
}

static bool is_over(const struct sl_invocation *invocation)
{
    const struct sl_conn *conn = invocation->conn;
    return invocation->cancelled || conn == NULL || conn->overflowed ||
           sl_conn_is_closing(conn);
}

/* The client is behind: the stream waits for the queue's end. */
static void block(struct sl_invocation *invocation)
{
    struct sl_conn *conn = invocation->conn;
    struct sl_flows *flows = sl_flows_of(conn);
    sl_list_remove(&invocation->blocked);
    sl_list_push_back(&flows->blocked, &invocation->blocked);
    sl_conn_watch_queue(conn);
}

int sl_invocation_item(struct sl_invocation *invocation, sl_write_cb write,
                       void *user)
{
    sl_assert(invocation->started && invocation->wants_stream);
    struct sl_conn *conn = invocation->conn;
    if (is_over(invocation))
        return SL_E_CANCELLED;
    struct sl_str *out = &sl_conn_world(conn)->scratch;
    size_t start = out->len;
    int err = conn->protocol->write_item(out, id_of(invocation), write, user);
    if (err < 0)
        return err;
    size_t queued = sl_conn_send_copy(
        conn, sl_slice_of(out->ptr + start, out->len - start));
    out->len = start;
    if (start == 0)
        sl_str_trim(out, SL_SCRATCH_KEEP_MAX);
    if (SL_LIKELY(queued <= sl_conn_options(conn)->max_outbound / 4) &&
        !sl_reconnect_holds(conn))
        return 0;
    block(invocation);
    return SL_E_FULL;
}

bool sl_download_blocked(const struct sl_conn *conn)
{
    return conn->flows != NULL && !sl_list_empty(&conn->flows->blocked);
}

/* One turn each: who fills the queue again stands at the end. */
void sl_download_resume(struct sl_conn *conn)
{
    if (conn->flows == NULL || !conn->flows->drained)
        return;
    struct sl_flows *flows = conn->flows;
    struct sl_list turn, *node;
    flows->drained = false;
    sl_list_init(&turn);
    sl_list_splice_back(&turn, &flows->blocked);
    while (sl_list_empty(&flows->blocked) &&
           (node = sl_list_pop_front(&turn)) != NULL) {
        struct sl_invocation *invocation =
            SL_CONTAINER_OF(node, struct sl_invocation, blocked);
        invocation->entry->ops->resume(invocation);
    }
    sl_list_splice_back(&turn, &flows->blocked);
    sl_list_splice_back(&flows->blocked, &turn);
}

/* A stream that still waits for on_connected never runs (invocation.c). */
void sl_download_cancel(struct sl_conn *conn, struct sl_slice id)
{
    SL_LIST_FOREACH(node, &conn->waiting) {
        struct sl_invocation *waiting =
            SL_CONTAINER_OF(node, struct sl_invocation, node);
        if (waiting->wants_stream && sl_slice_eq(id_of(waiting), id)) {
            waiting->cancelled = true;
            return;
        }
    }
    if (conn->flows == NULL)
        return;
    struct sl_map_node *found = sl_map_find(&conn->flows->downloads, id);
    if (found == NULL)
        return;
    struct sl_invocation *invocation =
        SL_CONTAINER_OF(found, struct sl_invocation, running_stream);
    if (invocation->cancelled)
        return;
    invocation->cancelled = true;
    sl_list_remove(&invocation->blocked);
    invocation->entry->ops->cancel(invocation);
}
