// SPDX-License-Identifier: MIT
/*
 * A body goes to the connection as it is. While reading is paused the requests
 * wait, and with them their clients: that is this transport's back-pressure.
 */
#include "transport/post.h"

#include "base/check.h"
#include "base/limits.h"
#include "hub/conn.h"
#include "wire/identity.h"

#define TEXT_GONE SL_SLICE("No Connection with that ID")
#define TEXT_EARLY_FULL SL_SLICE("Too much was sent before the connect.")

struct post {
    struct sl_list node;
    struct sl_http_request *request;
};

struct early {
    struct sl_link link;
    struct sl_wheel_entry timer;
    struct sl_identity *identity; /* shared; may be NULL */
    struct sl_str bytes;
};

/* ---- for a connection ---- */

static void deliver(struct sl_inbox *inbox, struct sl_http_request *request)
{
    if (inbox->conn == NULL) {
        sl_answer_plain(request, 404, TEXT_GONE);
        return;
    }
    sl_conn_received(inbox->conn, request->body);
    sl_answer_plain(request, 200, (struct sl_slice){ 0 });
}

static struct sl_http_request *pop(struct sl_inbox *inbox)
{
    struct sl_list *node = sl_list_pop_front(&inbox->waiting);
    if (node == NULL)
        return NULL;
    struct post *post = SL_CONTAINER_OF(node, struct post, node);
    struct sl_http_request *request = post->request;
    request->tag = NULL;
    request->on_gone = NULL;
    sl_free(post);
    return request;
}

static void on_task(struct sl_task *task)
{
    struct sl_inbox *inbox = SL_CONTAINER_OF(task, struct sl_inbox, task);
    struct sl_http_request *request;
    while (!inbox->paused && (request = pop(inbox)) != NULL)
        deliver(inbox, request);
}

void sl_inbox_init(struct sl_inbox *inbox, struct sl_transport *transport)
{
    *inbox = (struct sl_inbox){ .transport = transport };
    sl_list_init(&inbox->waiting);
    sl_task_init(&inbox->task, on_task);
}

void sl_inbox_close(struct sl_inbox *inbox)
{
    struct sl_http_request *request;
    inbox->conn = NULL;
    inbox->paused = false;
    sl_runq_cancel(&inbox->task);
    while ((request = pop(inbox)) != NULL)
        deliver(inbox, request);
}

void sl_inbox_pause(struct sl_inbox *inbox, bool paused)
{
    inbox->paused = paused;
    if (!paused && !sl_list_empty(&inbox->waiting))
        sl_loop_defer(inbox->transport->loop, &inbox->task);
}

static void on_post_gone(struct sl_http_request *request)
{
    struct post *post = request->tag;
    sl_list_remove(&post->node);
    sl_free(post);
}

void sl_inbox_post(struct sl_inbox *inbox, struct sl_http_request *request)
{
    if (!inbox->paused && sl_list_empty(&inbox->waiting)) {
        deliver(inbox, request);
        return;
    }
    struct post *post = sl_alloc(sizeof(*post));
    post->request = request;
    sl_list_push_back(&inbox->waiting, &post->node);
    request->tag = post;
    request->on_gone = on_post_gone;
}

/* ---- before the connection ---- */

static void free_early(struct early *early)
{
    struct sl_transport *transport = early->link.transport;
    sl_wheel_cancel(&transport->loop->wheel, &early->timer);
    sl_list_remove(&early->link.list);
    transport->early_bytes -= early->bytes.len;
    sl_str_release(&early->bytes);
    sl_identity_unref(early->identity);
    sl_free(early);
}

static void early_abort(struct sl_link *link)
{
    sl_link_drop(link);
    free_early(SL_CONTAINER_OF(link, struct early, link));
}

static void on_early_timer(struct sl_wheel_entry *entry)
{
    early_abort(&SL_CONTAINER_OF(entry, struct early, timer)->link);
}

struct sl_link *sl_early_open(struct sl_transport *transport,
                              struct sl_slice token,
                              struct sl_identity *identity, uint64_t timeout_ms)
{
    struct early *early = sl_zalloc(sizeof(*early));
    early->identity = sl_identity_ref(identity);
    sl_link_init(&early->link, transport, SL_LINK_EARLY, token);
    early->link.abort = early_abort;
    sl_list_push_back(&transport->links, &early->link.list);
    sl_wheel_entry_init(&early->timer, on_early_timer);
    sl_wheel_set(&transport->loop->wheel, &early->timer,
                 sl_loop_now(transport->loop) + timeout_ms);
    return &early->link;
}

struct sl_identity *sl_early_identity(const struct sl_link *link)
{
    sl_assert(link->kind == SL_LINK_EARLY);
    return SL_CONTAINER_OF(link, const struct early, link)->identity;
}

void sl_early_post(struct sl_link *link, struct sl_http_request *request)
{
    struct early *early = SL_CONTAINER_OF(link, struct early, link);
    size_t *total = &link->transport->early_bytes;
    size_t len = request->body.len;
    if (len > SL_EARLY_BYTES_MAX - early->bytes.len ||
        len > SL_EARLY_TOTAL_MAX - *total) {
        sl_answer_plain(request, 413, TEXT_EARLY_FULL);
        return;
    }
    sl_str_add_slice(&early->bytes, request->body);
    *total += len;
    sl_answer_plain(request, 200, (struct sl_slice){ 0 });
}

void sl_early_take(struct sl_link *link, struct sl_str *bytes)
{
    struct early *early = SL_CONTAINER_OF(link, struct early, link);
    sl_assert(link->kind == SL_LINK_EARLY);
    sl_str_add_slice(bytes, sl_str_slice(&early->bytes));
    sl_link_remove(link);
    free_early(early);
}
