// SPDX-License-Identifier: MIT
/*
 * Streams from the client. They are open from the moment their call is read
 * until it ends; before on_connected has ended, reading pauses behind such a
 * call. A full buffer pauses reading, too, unless the client owes an answer:
 * then the upload fails, since the answer may stand behind the next item.
 */
#include "base/check.h"
#include "base/mem.h"
#include "hub/error_text.h"
#include "hub/internal.h"

void sl_upload_take_ids(struct sl_invocation *invocation,
                        const struct sl_message *message)
{
    unsigned count = message->stream_id_count;
    if (count == 0)
        return;
    size_t size = count * sizeof(struct sl_upload);
    for (unsigned i = 0; i < count; i++)
        size += message->stream_ids[i].len;
    invocation->uploads = sl_alloc(size);
    char *bytes = (char *)(invocation->uploads + count);
    for (unsigned i = 0; i < count; i++) {
        struct sl_slice id = message->stream_ids[i];
        struct sl_upload *upload = &invocation->uploads[i];
        *upload = (struct sl_upload){ .invocation = invocation, .index = i };
        sl_list_init(&upload->node);
        if (id.len > 0)
            memcpy(bytes, id.ptr, id.len);
        upload->by_id.key = sl_slice_of(bytes, id.len);
        bytes += id.len;
    }
}

/* Nothing of it reaches the method any more. */
static void shut(struct sl_upload *upload)
{
    struct sl_conn *conn = upload->invocation->conn;
    sl_list_remove(&upload->node);
    if (upload->listed)
        sl_map_remove(&conn->flows->uploads, &upload->by_id);
    upload->listed = false;
    if (!upload->full)
        return;
    upload->full = false;
    if (--conn->flows->full == 0 && !sl_conn_is_closing(conn))
        sl_conn_resume(conn, SL_PAUSE_UPLOAD);
}

static struct sl_upload *find(const struct sl_conn *conn, struct sl_slice id)
{
    if (conn->flows == NULL)
        return NULL;
    struct sl_map_node *node = sl_map_find(&conn->flows->uploads, id);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct sl_upload, by_id);
}

/* Of one id the last upload counts, as in the reference; the other one stays
 * open and hears nothing. */
void sl_upload_open(struct sl_invocation *invocation)
{
    struct sl_conn *conn = invocation->conn;
    struct sl_flows *flows = sl_flows_of(conn);
    for (unsigned i = 0; i < invocation->stream_ids; i++) {
        struct sl_upload *upload = &invocation->uploads[i];
        struct sl_upload *other = find(conn, upload->by_id.key);
        if (other != NULL) {
            shut(other);
            sl_list_push_back(&flows->orphans, &other->node);
        }
        sl_map_add(&flows->uploads, &upload->by_id);
        upload->listed = true;
    }
}

void sl_upload_free(struct sl_invocation *invocation)
{
    if (invocation->uploads == NULL)
        return;
    for (unsigned i = 0; i < invocation->stream_ids; i++)
        shut(&invocation->uploads[i]);
    sl_free(invocation->uploads);
    invocation->uploads = NULL;
}

/* The call may end inside. */
static void finish(struct sl_upload *upload, bool failed, struct sl_slice error)
{
    struct sl_invocation *invocation = upload->invocation;
    shut(upload);
    if (!invocation->started) {
        invocation->cancelled = true; /* it lost items: it never runs */
        return;
    }
    invocation->entry->ops->upload_end(invocation, upload->index, failed,
                                       error);
}

static void fail(struct sl_upload *upload, struct sl_slice error)
{
    finish(upload, true, error);
}

static void give(struct sl_conn *conn, struct sl_upload *upload,
                 const struct sl_value *item)
{
    struct sl_invocation *invocation = upload->invocation;
    if (++upload->queued >= sl_conn_options(conn)->stream_buffer) {
        upload->full = true;
        conn->flows->full++;
        sl_conn_pause(conn, SL_PAUSE_UPLOAD);
    }
    if (!invocation->entry->ops->upload_item(invocation, upload->index, item))
        fail(upload, sl_error_item_unbound);
}

bool sl_upload_item(struct sl_conn *conn, const struct sl_message *message)
{
    struct sl_upload *upload = find(conn, message->invocation_id);
    if (upload == NULL)
        return false;
    if (upload->full || !upload->invocation->started)
        fail(upload, sl_error_upload_full);
    else if (message->value_bad)
        fail(upload, sl_error_item_unbound);
    else
        give(conn, upload, &message->value);
    return true;
}

bool sl_upload_complete(struct sl_conn *conn, const struct sl_message *message)
{
    struct sl_upload *upload = find(conn, message->invocation_id);
    if (upload == NULL)
        return false;
    finish(upload, message->has_error, message->error);
    return true;
}

void sl_invocation_upload_taken(struct sl_invocation *invocation,
                                unsigned index)
{
    if (invocation->conn == NULL)
        return; /* its uploads ended with the connection */
    sl_assert(index < invocation->stream_ids);
    struct sl_upload *upload = &invocation->uploads[index];
    sl_assert(upload->queued > 0);
    upload->queued--;
    if (!upload->full)
        return;
    struct sl_conn *conn = invocation->conn;
    upload->full = false;
    if (--conn->flows->full == 0 && !sl_conn_is_closing(conn))
        sl_conn_resume(conn, SL_PAUSE_UPLOAD);
}

static void on_leaving(struct sl_map_node *node, void *user)
{
    struct sl_conn *conn = user;
    struct sl_upload *upload = SL_CONTAINER_OF(node, struct sl_upload, by_id);
    shut(upload);
    sl_list_push_back(&conn->flows->orphans, &upload->node);
}

/* A call that ends inside upload_end takes its other uploads off the list. */
void sl_upload_leave(struct sl_conn *conn)
{
    struct sl_flows *flows = conn->flows;
    if (flows == NULL)
        return;
    sl_map_foreach(&flows->uploads, on_leaving, conn);
    while (!sl_list_empty(&flows->orphans))
        fail(SL_CONTAINER_OF(flows->orphans.next, struct sl_upload, node),
             sl_error_upload_cut);
}
