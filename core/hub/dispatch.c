// SPDX-License-Identifier: MIT
/*
 * An incoming message to its action. Start reading here: above is how bytes
 * became a message (receive.c), below what runs methods (invocation.c, and the
 * script behind hub/script.h).
 *
 * Order of checks of a call, as in the reference: the method exists, the
 * arguments bind, a slot is free, the mode fits (stream or not), the number of
 * upload streams fits. The first two are answered at once, without a slot, so
 * that such an error overtakes the result of an earlier call.
 */
#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "hub/error_text.h"
#include "hub/internal.h"

/* Every binding comes with a slot in the message; the message's bytes are gone
 * when a waiting call starts, so its id is copied. */
static struct sl_invocation *make_invocation(struct sl_conn *conn,
                                             const struct sl_message *message,
                                             size_t size)
{
    struct sl_invocation *invocation =
        sl_pool_get(&sl_conn_world(conn)->invocation_pool);
    *invocation = (struct sl_invocation){
        .conn = conn,
        .entry = conn->entry,
        .size = (uint32_t)size,
        .stream_ids = message->stream_id_count,
        .wants_stream = message->type == SL_MSG_STREAM_INVOCATION,
    };
    sl_list_init(&invocation->node);
    sl_list_init(&invocation->blocked);
    sl_upload_take_ids(invocation, message);
    if (message->invocation_id.len > 0) {
        invocation->id = sl_slice_dup(message->invocation_id);
        invocation->id_len = (uint32_t)message->invocation_id.len;
    }
    return invocation;
}

static void refuse_unbound(struct sl_conn *conn,
                           struct sl_invocation *invocation,
                           struct sl_slice target, const struct sl_str *detail)
{
    bool shown = sl_conn_options(conn)->detailed_errors != 0;
    struct sl_str error = { 0 };
    sl_error_unbound(&error, target,
                     shown ? sl_str_slice(detail) : (struct sl_slice){ 0 });
    sl_log_debug("arguments do not bind", SL_F_STR("connection", conn->id),
                 SL_F_STR("hub", conn->entry->name),
                 SL_F_SLICE("target", target),
                 SL_F_SLICE("detail", sl_str_slice(detail)));
    sl_invocation_refuse(invocation, sl_str_slice(&error));
    sl_str_release(&error);
}

static void refuse_unknown(struct sl_conn *conn,
                           struct sl_invocation *invocation,
                           struct sl_slice target)
{
    struct sl_str error = { 0 };
    sl_error_unknown_method(&error, target);
    sl_log_debug("unknown method", SL_F_STR("connection", conn->id),
                 SL_F_STR("hub", conn->entry->name),
                 SL_F_SLICE("target", target));
    sl_invocation_refuse(invocation, sl_str_slice(&error));
    sl_str_release(&error);
}

static void refuse_for_now(struct sl_invocation *invocation,
                           struct sl_slice target, const struct sl_str *detail)
{
    struct sl_str error = { 0 };
    sl_error_invoking(&error, target, sl_error_hub, sl_str_slice(detail));
    sl_invocation_refuse(invocation, sl_str_slice(&error));
    sl_str_release(&error);
}

static void on_invocation(struct sl_conn *conn,
                          const struct sl_message *message, size_t size)
{
    struct sl_hub_entry *entry = conn->entry;
    struct sl_invocation *invocation = make_invocation(conn, message, size);
    struct sl_str detail = { 0 };
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_INVOCATIONS, 1);

    switch (entry->ops->prepare(entry->script, invocation, message, &detail)) {
    case SL_PREPARED:
        invocation->takes_slot =
            !invocation->wants_stream && invocation->stream_params == 0;
        sl_invocation_submit(invocation);
        break;
    case SL_PREPARE_UNKNOWN:
        refuse_unknown(conn, invocation, message->target);
        break;
    case SL_PREPARE_UNBOUND:
        refuse_unbound(conn, invocation, message->target, &detail);
        break;
    case SL_PREPARE_REFUSED:
        refuse_for_now(invocation, message->target, &detail);
        break;
    }
    sl_str_release(&detail);
}

static void on_ping(struct sl_conn *conn)
{
    if (conn->client_pings)
        return;
    conn->client_pings = true;
    sl_keepalive_arm(conn);
}

/* The answer is Close without an error, as the reference's. */
static void on_close(struct sl_conn *conn, const struct sl_message *message)
{
    if (message->has_error && message->error.len > 0)
        conn->end_error = sl_slice_dup(message->error);
    sl_conn_close(conn, SL_CLOSE_CLIENT, (struct sl_slice){ 0 }, false);
}

/* What keeps the connection alive is not counted. */
static bool has_rate(enum sl_message_type type)
{
    return type != SL_MSG_PING && type != SL_MSG_CLOSE && type != SL_MSG_ACK &&
           type != SL_MSG_SEQUENCE;
}

/* Shown whatever detailed_errors says, and a client that reconnects by itself
 * is told not to: it would go on. */
SL_COLD static void end_too_many(struct sl_conn *conn)
{
    struct sl_str text = { 0 }, error = { 0 };
    sl_error_too_many(&text, "messages", &sl_conn_options(conn)->rate);
    sl_error_closed(&error, sl_error_hub, sl_str_slice(&text));
    sl_log_info("more messages than the rate", SL_F_STR("connection", conn->id),
                SL_F_STR("hub", conn->entry->name));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_RATE_CLOSED, 1);
    sl_conn_close(conn, SL_CLOSE_PROTOCOL, sl_str_slice(&error), false);
    sl_str_release(&text);
    sl_str_release(&error);
}

void sl_dispatch(struct sl_conn *conn, const struct sl_message *message,
                 struct sl_slice payload, size_t size)
{
    sl_assert(!sl_conn_is_closing(conn));
    if (conn->reconnect != NULL && !sl_reconnect_takes(conn, message))
        return;
    if (has_rate(message->type) &&
        !sl_rate_take(&sl_conn_options(conn)->rate, &conn->rate_full_ns,
                      sl_conn_world(conn)->wheel->now_ms)) {
        end_too_many(conn);
        return;
    }
    switch (message->type) {
    case SL_MSG_INVOCATION:
    case SL_MSG_STREAM_INVOCATION: on_invocation(conn, message, size); break;
    case SL_MSG_PING: on_ping(conn); break;
    case SL_MSG_CLOSE: on_close(conn, message); break;
    /* Of no stream and no question that is open: ignored, as there. */
    case SL_MSG_STREAM_ITEM: sl_upload_item(conn, message); break;
    case SL_MSG_COMPLETION:
        if (!sl_upload_complete(conn, message))
            sl_results_answer(conn, message, payload);
        break;
    case SL_MSG_CANCEL_INVOCATION:
        sl_download_cancel(conn, message->invocation_id);
        break;
    case SL_MSG_ACK:
    case SL_MSG_SEQUENCE:
    case SL_MSG_UNKNOWN: break;
    }
}
