// SPDX-License-Identifier: MIT
/*
 * What is sent gathers in one string, answered to the poll that waits at the
 * end of the turn, or to the next one. A message that others get too and that
 * is alone there is not copied: the answers of all refer to it. After the
 * connection's end the object stays until a poll was told (204) or none came
 * in time.
 */
#include "transport/long_polling.h"

#include "base/check.h"
#include "base/str.h"
#include "hub/conn.h"
#include "transport/post.h"

#define BINARY SL_SLICE("application/octet-stream")
#define COPIED_MAX 512 /* bytes of a shared message that is copied */

struct long_polling {
    struct sl_link link;
    struct sl_outlet outlet;
    struct sl_inbox inbox;        /* its conn is ours */
    struct sl_http_request *poll; /* the one that waits, or NULL */
    struct sl_buf *shared;        /* for the next poll, instead of out */
    struct sl_str out;            /* for the next poll */
    struct sl_task task;          /* answers at the end of the turn */
    struct sl_wheel_entry timer;  /* how long the poll waits, or we for one */
    struct sl_hub_entry *entry;
};

static const struct sl_slice none = { 0 };

static void set_timer(struct long_polling *lp)
{
    const struct sl_hub_options *options = &lp->entry->options;
    struct sl_loop *loop = lp->link.transport->loop;
    uint64_t in_ms =
        lp->poll != NULL ? options->poll_timeout : options->disconnect_timeout;
    sl_wheel_set(&loop->wheel, &lp->timer, sl_loop_now(loop) + in_ms);
}

static void count_queued(struct long_polling *lp, int64_t bytes)
{
    sl_metric_add(lp->link.transport->loop->metrics, SL_M_QUEUED_BYTES, bytes);
}

/* Bytes that wait for a poll. */
static size_t queued(const struct long_polling *lp)
{
    return lp->shared != NULL ? lp->shared->len : lp->out.len;
}

static void clear_out(struct long_polling *lp)
{
    count_queued(lp, -(int64_t)queued(lp));
    sl_buf_unref(lp->shared);
    lp->shared = NULL;
    sl_str_release(&lp->out);
}

static struct sl_http_request *take_poll(struct long_polling *lp)
{
    struct sl_http_request *request = lp->poll;
    lp->poll = NULL;
    request->tag = NULL;
    request->on_gone = NULL;
    return request;
}

static void answer_empty(struct long_polling *lp, unsigned status)
{
    sl_answer_poll(take_poll(lp), status, none, none);
}

static void destroy(struct long_polling *lp)
{
    sl_assert(lp->inbox.conn == NULL);
    if (lp->poll != NULL)
        answer_empty(lp, 204);
    sl_link_drop(&lp->link);
    sl_list_remove(&lp->link.list);
    sl_wheel_cancel(&lp->link.transport->loop->wheel, &lp->timer);
    sl_runq_cancel(&lp->task);
    clear_out(lp);
    sl_free(lp);
}

static void lose(struct long_polling *lp, enum sl_close_reason reason)
{
    struct sl_conn *conn = lp->inbox.conn;
    sl_inbox_close(&lp->inbox);
    if (conn != NULL)
        sl_conn_lost(conn, reason);
    destroy(lp);
}

/* Gives the poll that waits what there is. It may free lp. */
static void flush(struct long_polling *lp)
{
    if (lp->poll == NULL)
        return;
    if (queued(lp) > 0) {
        if (lp->shared != NULL)
            sl_answer_poll_shared(take_poll(lp), BINARY, lp->shared);
        else
            sl_answer_poll(take_poll(lp), 200, BINARY, sl_str_slice(&lp->out));
        clear_out(lp);
        set_timer(lp);
        if (lp->inbox.conn != NULL)
            sl_conn_drained(lp->inbox.conn);
    } else if (lp->inbox.conn == NULL) {
        destroy(lp);
    }
}

/* ---- the outlet ---- */

static struct long_polling *of_outlet(struct sl_outlet *outlet)
{
    return SL_CONTAINER_OF(outlet, struct long_polling, outlet);
}

static size_t added(struct long_polling *lp, size_t len)
{
    count_queued(lp, (int64_t)len);
    if (lp->poll != NULL)
        sl_loop_defer(lp->link.transport->loop, &lp->task);
    return queued(lp);
}

static size_t outlet_send_copy(struct sl_outlet *outlet,
                               struct sl_slice message)
{
    struct long_polling *lp = of_outlet(outlet);
    if (lp->shared != NULL) { /* not alone any more */
        sl_str_add_slice(&lp->out, sl_buf_payload(lp->shared));
        sl_buf_unref(lp->shared);
        lp->shared = NULL;
    }
    sl_str_add_slice(&lp->out, message);
    return added(lp, message.len);
}

static size_t outlet_send(struct sl_outlet *outlet, struct sl_buf *message)
{
    struct long_polling *lp = of_outlet(outlet);
    if (message->len <= COPIED_MAX || queued(lp) > 0)
        return outlet_send_copy(outlet, sl_buf_payload(message));
    lp->shared = sl_buf_ref(message);
    return added(lp, message->len);
}

static void outlet_pause(struct sl_outlet *outlet, bool paused)
{
    sl_inbox_pause(&of_outlet(outlet)->inbox, paused);
}

static void outlet_close(struct sl_outlet *outlet, bool failed, bool drop)
{
    struct long_polling *lp = of_outlet(outlet);
    (void)failed; /* polls end alike */
    sl_inbox_close(&lp->inbox);
    if (drop)
        clear_out(lp);
    if (lp->poll != NULL)
        sl_loop_defer(lp->link.transport->loop, &lp->task);
}

static const struct sl_outlet_ops outlet_ops = {
    .send = outlet_send,
    .send_copy = outlet_send_copy,
    .pause = outlet_pause,
    .close = outlet_close,
};

/* ---- time and clients ---- */

static void on_task(struct sl_task *task)
{
    flush(SL_CONTAINER_OF(task, struct long_polling, task));
}

static void on_timer(struct sl_wheel_entry *entry)
{
    struct long_polling *lp =
        SL_CONTAINER_OF(entry, struct long_polling, timer);
    if (lp->poll == NULL) {
        lose(lp, SL_CLOSE_LOST);
        return;
    }
    answer_empty(lp, 200);
    set_timer(lp);
}

/* As between two polls. */
static void on_poll_gone(struct sl_http_request *request)
{
    struct long_polling *lp = request->tag;
    lp->poll = NULL;
    set_timer(lp);
}

static void lp_abort(struct sl_link *link)
{
    lose(SL_CONTAINER_OF(link, struct long_polling, link), SL_CLOSE_SHUTDOWN);
}

/* ---- entry points ---- */

void sl_long_polling_open(struct sl_http_request *request,
                          const struct sl_websocket_setup *setup)
{
    struct sl_transport *transport = setup->transport;
    struct sl_request_head *head =
        sl_request_head_new(&request->url, sl_slice_str(request->remote),
                            request->headers, request->header_count);
    struct long_polling *lp = sl_zalloc(sizeof(*lp));
    sl_link_init(&lp->link, transport, SL_TRANSPORT_LONG_POLLING, setup->token);
    lp->link.abort = lp_abort;
    sl_list_push_back(&transport->links, &lp->link.list);
    lp->entry = setup->entry;
    lp->outlet.ops = &outlet_ops;
    sl_inbox_init(&lp->inbox, transport);
    sl_task_init(&lp->task, on_task);
    sl_wheel_entry_init(&lp->timer, on_timer);
    lp->inbox.conn = sl_conn_open(&(struct sl_conn_setup){
        .entry = setup->entry,
        .outlet = &lp->outlet,
        .id = setup->conn_id,
        .head = head,
        .identity = setup->identity,
        .lifetime_ms = setup->lifetime_ms,
        .transport = SL_TRANSPORT_LONG_POLLING,
        .inherent_keep_alive = true,
    });
    set_timer(lp);
    sl_answer_poll(request, 200, BINARY, none);
    if (setup->early.len > 0)
        sl_conn_received(lp->inbox.conn, setup->early);
}

struct sl_conn *sl_long_polling_conn(const struct sl_link *link)
{
    return SL_CONTAINER_OF(link, const struct long_polling, link)->inbox.conn;
}

void sl_long_polling_poll(struct sl_link *link, struct sl_http_request *request)
{
    struct long_polling *lp = SL_CONTAINER_OF(link, struct long_polling, link);
    if (lp->poll != NULL)
        answer_empty(lp, 204);
    lp->poll = request;
    request->tag = lp;
    request->on_gone = on_poll_gone;
    set_timer(lp);
    flush(lp);
}

void sl_long_polling_post(struct sl_link *link, struct sl_http_request *request)
{
    sl_inbox_post(&SL_CONTAINER_OF(link, struct long_polling, link)->inbox,
                  request);
}

void sl_long_polling_delete(struct sl_link *link,
                            struct sl_http_request *request)
{
    lose(SL_CONTAINER_OF(link, struct long_polling, link), SL_CLOSE_CLIENT);
    sl_answer_plain(request, 202, none);
}
