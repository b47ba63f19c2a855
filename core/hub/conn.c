// SPDX-License-Identifier: MIT
/*
 * The life of a connection (the picture of its states stands in conn.h).
 *
 * Closing has two halves. sl_conn_close, which may come from deep inside a
 * method of this very connection or from a broadcast that reached it, only
 * says goodbye, lets go of the outlet and queues the task. The task then tells
 * the script: running calls are cancelled, on_disconnected runs. So neither
 * the reader of messages nor a broadcast ever meets a connection that vanished
 * under it, and no script runs inside another.
 *
 * The same goes for a queue that is full: the send that fills it marks the
 * connection and drops what follows; the task closes it.
 */
#include "hub/conn.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "hub/error_text.h"
#include "hub/internal.h"
#include "hub/members.h"
#include "wire/handshake.h"

#define BIT(state) (1u << SL_CONN_##state)

static const unsigned allowed_moves[SL_CONN_STATE_COUNT] = {
    [SL_CONN_HANDSHAKE] = BIT(CONNECTING) | BIT(CLOSING),
    [SL_CONN_CONNECTING] = BIT(OPEN) | BIT(CLOSING),
    [SL_CONN_OPEN] = BIT(CLOSING),
    [SL_CONN_CLOSING] = BIT(LEAVING) | BIT(GONE),
    [SL_CONN_LEAVING] = BIT(GONE),
};

static void move(struct sl_conn *conn, enum sl_conn_state to)
{
    sl_assert((allowed_moves[conn->state] & (1u << to)) != 0);
    conn->state = (uint8_t)to;
}

struct sl_slice sl_conn_id(const struct sl_conn *conn)
{
    return sl_slice_of(conn->id, SL_ID_LEN);
}

struct sl_world *sl_conn_world(const struct sl_conn *conn)
{
    return conn->entry->hub->world;
}

void sl_conn_wake(struct sl_conn *conn)
{
    sl_runq_push(sl_conn_world(conn)->runq, &conn->task);
}

bool sl_conn_may_call(struct sl_conn *conn, struct sl_slice method,
                      const struct sl_rate *rate)
{
    struct sl_world *world = sl_conn_world(conn);
    if (rate->count == 0 ||
        sl_buckets_take(&conn->buckets, method, rate, world->wheel->now_ms))
        return true;
    sl_metric_add(world->metrics, SL_M_RATE_REFUSED, 1);
    return false;
}

/* ---- back-pressure ---- */

/* What changed may have stopped or resumed reading. */
static void follow(struct sl_conn *conn, bool was_reading)
{
    bool reads = sl_conn_reads(conn);
    if (reads == was_reading || conn->outlet == NULL)
        return;
    if (!reads) {
        sl_metric_add(sl_conn_world(conn)->metrics, SL_M_READING_PAUSED, 1);
        conn->outlet->ops->pause(conn->outlet, true);
        return;
    }
    /* The client's clock stood still. */
    conn->received_ms = sl_conn_world(conn)->wheel->now_ms;
    sl_keepalive_arm(conn);
    conn->outlet->ops->pause(conn->outlet, false);
    if (conn->partial.len > 0)
        sl_conn_wake(conn);
}

void sl_conn_pause(struct sl_conn *conn, unsigned cause)
{
    bool was_reading = sl_conn_reads(conn);
    conn->pauses |= (uint8_t)cause;
    follow(conn, was_reading);
}

void sl_conn_resume(struct sl_conn *conn, unsigned cause)
{
    sl_assert(!sl_conn_is_closing(conn));
    bool was_reading = sl_conn_reads(conn);
    conn->pauses &= (uint8_t)~cause;
    follow(conn, was_reading);
}

void sl_conn_owe(struct sl_conn *conn, bool owes)
{
    bool was_reading = sl_conn_reads(conn);
    sl_assert(owes || conn->owed > 0);
    conn->owed += owes ? 1 : UINT32_MAX;
    follow(conn, was_reading);
}

void sl_conn_watch_queue(struct sl_conn *conn)
{
    struct sl_outlet *outlet = conn->outlet;
    if (outlet == NULL || !sl_conn_reads(conn))
        return; /* a paused transport tells by itself */
    outlet->ops->pause(outlet, true);
    outlet->ops->pause(outlet, false);
}

void sl_conn_room(struct sl_conn *conn)
{
    if (sl_reconnect_holds(conn) || !sl_download_blocked(conn))
        return;
    conn->flows->drained = true;
    sl_conn_wake(conn);
}

void sl_conn_drained(struct sl_conn *conn)
{
    if (sl_conn_is_closing(conn) || conn->overflowed)
        return;
    sl_conn_resume(conn, SL_PAUSE_OUTBOUND);
    sl_conn_room(conn);
}

SL_COLD void sl_conn_overflow(struct sl_conn *conn, size_t queued)
{
    sl_log_warn("slow client closed", SL_F_STR("connection", conn->id),
                SL_F_STR("hub", conn->entry->name),
                SL_F_INT("queued", (int64_t)queued));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_SLOW_CLOSED, 1);
    conn->overflowed = true;
    sl_conn_wake(conn);
}

SL_COLD static void on_queue_long(struct sl_conn *conn, size_t queued)
{
    if (queued <= sl_conn_options(conn)->max_outbound)
        sl_conn_pause(conn, SL_PAUSE_OUTBOUND);
    else
        sl_conn_overflow(conn, queued);
}

static void check_queue(struct sl_conn *conn, size_t queued)
{
    if (SL_UNLIKELY(queued > sl_conn_options(conn)->max_outbound / 2))
        on_queue_long(conn, queued);
}

/* ---- sending ---- */

size_t sl_conn_send_uncounted(struct sl_conn *conn, struct sl_buf *message)
{
    struct sl_outlet *outlet = conn->outlet;
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_MESSAGES_OUT, 1);
    size_t queued = outlet->ops->send(outlet, message);
    check_queue(conn, queued);
    return queued;
}

size_t sl_conn_send_copy_uncounted(struct sl_conn *conn,
                                   struct sl_slice message)
{
    struct sl_outlet *outlet = conn->outlet;
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_MESSAGES_OUT, 1);
    size_t queued = outlet->ops->send_copy(outlet, message);
    check_queue(conn, queued);
    return queued;
}

void sl_conn_send(struct sl_conn *conn, struct sl_buf *message)
{
    if (conn->outlet == NULL || conn->overflowed)
        return;
    if (SL_UNLIKELY(conn->reconnect != NULL))
        sl_reconnect_send(conn, message);
    else
        sl_conn_send_uncounted(conn, message);
}

size_t sl_conn_send_copy(struct sl_conn *conn, struct sl_slice message)
{
    if (conn->outlet == NULL || conn->overflowed)
        return 0;
    if (SL_UNLIKELY(conn->reconnect != NULL))
        return sl_reconnect_send_copy(conn, message);
    return sl_conn_send_copy_uncounted(conn, message);
}

/* ---- closing ---- */

struct ending {
    enum sl_close_reason reason;
    struct sl_slice error; /* in the Close message; empty: none */
    bool allow_reconnect;
    bool silent; /* no Close message */
    bool failed; /* the transport ends with an error of the server's */
    bool drop;   /* what is queued is not sent */
};

static void say_goodbye(struct sl_conn *conn, const struct ending *ending)
{
    if (ending->silent || conn->outlet == NULL || conn->protocol == NULL)
        return;
    struct sl_str *out = &sl_conn_world(conn)->scratch;
    size_t start = out->len;
    conn->protocol->write_close(out, ending->error, ending->allow_reconnect);
    conn->outlet->ops->send_copy(
        conn->outlet, sl_slice_of(out->ptr + start, out->len - start));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_MESSAGES_OUT, 1);
    out->len = start;
}

/* Takes it off the list of open connections. */
static void set_apart(struct sl_conn *conn)
{
    struct sl_world *world = sl_conn_world(conn);
    struct sl_hub *hub = conn->entry->hub;
    if (conn->state == SL_CONN_CONNECTING || conn->state == SL_CONN_OPEN) {
        sl_assert(hub->conn_count > 0);
        hub->conn_count--;
        sl_metric_add(world->metrics, SL_M_CONNECTIONS, -1);
    }
    sl_list_remove(&conn->node);
    sl_list_push_back(&world->apart, &conn->node);
}

static void end(struct sl_conn *conn, const struct ending *ending)
{
    sl_assert(!sl_conn_is_closing(conn));
    struct sl_outlet *outlet = conn->outlet;
    say_goodbye(conn, ending);
    sl_log_debug("connection closes", SL_F_STR("connection", conn->id),
                 SL_F_STR("hub", conn->entry->name),
                 SL_F_STR("reason", sl_close_reason_name(ending->reason)));
    set_apart(conn);
    move(conn, SL_CONN_CLOSING);
    conn->reason = (uint8_t)ending->reason;
    conn->aborted = true;
    conn->outlet = NULL;
    sl_keepalive_stop(conn);
    sl_reconnect_forgo(conn);
    sl_str_release(&conn->partial);
    if (outlet != NULL)
        outlet->ops->close(outlet, ending->failed, ending->drop);
    sl_conn_wake(conn);
}

/* It closes already, or will in a moment. */
static bool ends(const struct sl_conn *conn)
{
    return sl_conn_is_closing(conn) || conn->overflowed;
}

static void set_end_error(struct sl_conn *conn, struct sl_slice error)
{
    if (conn->end_error == NULL && error.len > 0)
        conn->end_error = sl_slice_dup(error);
}

void sl_conn_close(struct sl_conn *conn, enum sl_close_reason reason,
                   struct sl_slice error, bool allow_reconnect)
{
    if (ends(conn))
        return;
    set_end_error(conn, error);
    end(conn, &(struct ending){
                  .reason = reason,
                  .error = error,
                  .allow_reconnect = allow_reconnect,
              });
}

void sl_conn_abort(struct sl_conn *conn, struct sl_slice error)
{
    sl_conn_close(conn, SL_CLOSE_ABORT, error, false);
}

void sl_conn_break(struct sl_conn *conn, enum sl_close_reason reason,
                   const char *kind, struct sl_slice text)
{
    sl_assert(!ends(conn));
    struct sl_str error = { 0 };
    bool shown = sl_conn_options(conn)->detailed_errors != 0;
    sl_error_closed(&error, shown ? kind : NULL, text);
    set_end_error(conn, text);
    end(conn, &(struct ending){
                  .reason = reason,
                  .error = sl_str_slice(&error),
                  .allow_reconnect = true,
              });
    sl_str_release(&error);
}

void sl_conn_refuse(struct sl_conn *conn, struct sl_slice response)
{
    sl_assert(conn->state == SL_CONN_HANDSHAKE);
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_HANDSHAKES_FAILED, 1);
    conn->outlet->ops->send_copy(conn->outlet, response);
    end(conn, &(struct ending){ .reason = SL_CLOSE_PROTOCOL, .silent = true });
}

static void end_overflowed(struct sl_conn *conn)
{
    if (sl_reconnect_given_up(conn)) {
        end(conn, &(struct ending){
                      .reason = SL_CLOSE_LOST, .silent = true, .drop = true });
        return;
    }
    set_end_error(conn, sl_error_slow);
    end(conn, &(struct ending){
                  .reason = SL_CLOSE_SLOW, .silent = true, .drop = true });
}

void sl_conn_lost(struct sl_conn *conn, enum sl_close_reason reason)
{
    if (sl_conn_is_closing(conn))
        return;
    conn->outlet = NULL;
    if (conn->overflowed) {
        end_overflowed(conn);
        return;
    }
    /* What was kept while reading was paused may be whole messages. */
    if (conn->partial.len > 0 && sl_conn_reads(conn))
        set_end_error(conn, sl_error_truncated);
    end(conn, &(struct ending){ .reason = reason, .silent = true });
}

/* ---- opening ---- */

static void on_task(struct sl_task *task);

/* An id that others could take for another one, or that no set may be named
 * by, is nobody's. */
static bool is_usable(struct sl_slice id)
{
    return id.len > 0 && id.len <= SL_USER_ID_MAX &&
           memchr(id.ptr, '\0', id.len) == NULL;
}

static char *keep_user_id(struct sl_slice id)
{
    if (is_usable(id))
        return sl_slice_dup(id);
    if (id.len > 0)
        sl_log_warn("user id not usable", SL_F_INT("bytes", (int64_t)id.len));
    return NULL;
}

bool sl_conn_is_of(const struct sl_conn *conn, struct sl_slice user_id)
{
    if (conn->user_id == NULL)
        return !is_usable(user_id);
    return sl_slice_eq(sl_slice_str(conn->user_id), user_id);
}

struct sl_conn *sl_conn_open(const struct sl_conn_setup *setup)
{
    struct sl_world *world = setup->entry->hub->world;
    sl_assert(setup->id.len == SL_ID_LEN);
    struct sl_conn *conn = sl_pool_get(&world->conn_pool);
    setup->entry->conn_count++;
    *conn = (struct sl_conn){
        .outlet = setup->outlet,
        .entry = setup->entry,
        .state = SL_CONN_HANDSHAKE,
        .transport = (uint8_t)setup->transport,
        .inherent_keep_alive = setup->inherent_keep_alive,
        .text_only = setup->text_only,
        .authenticated = setup->identity != NULL,
        .identity = sl_identity_ref(setup->identity),
        .script_ref = SL_SCRIPT_NOREF,
        .head = setup->head,
        .opened_ms = world->wheel->now_ms,
    };
    memcpy(conn->id, setup->id.ptr, SL_ID_LEN);
    if (setup->identity != NULL)
        conn->user_id = keep_user_id(setup->identity->user_id);
    if (setup->lifetime_ms > 0)
        conn->expires_ms = conn->opened_ms + setup->lifetime_ms;
    if (setup->stateful)
        sl_reconnect_offer(conn);
    sl_list_init(&conn->node);
    sl_list_init(&conn->running);
    sl_list_init(&conn->waiting);
    sl_list_init(&conn->memberships);
    sl_task_init(&conn->task, on_task);
    sl_list_push_back(&world->apart, &conn->node);
    conn->handle = sl_slots_add(&world->conns, conn);
    world->conn_count++;
    sl_keepalive_init(conn);
    return conn;
}

/* Joins the registry of this worker, the directory and its user's set. */
static int join(struct sl_conn *conn, enum sl_protocol_id protocol)
{
    struct sl_hub *hub = conn->entry->hub;
    struct sl_bus_port *port = hub->world->port;
    int err =
        sl_directory_add_conn(sl_bus_directory(port), hub->index,
                              sl_conn_id(conn), sl_bus_worker(port), protocol);
    if (err < 0)
        return err;
    conn->joined = true;
    conn->by_id.key = sl_conn_id(conn);
    sl_map_add(&hub->by_id, &conn->by_id);
    sl_list_remove(&conn->node);
    sl_list_push_back(&hub->conns, &conn->node);
    hub->conn_count++;
    if (conn->user_id != NULL)
        sl_members_add(hub, SL_SET_USER, sl_slice_str(conn->user_id), conn);
    sl_metric_add(hub->world->metrics, SL_M_CONNECTIONS, 1);
    sl_metric_add(hub->world->metrics, SL_M_CONNECTIONS_OPENED, 1);
    return 0;
}

void sl_conn_greet(struct sl_conn *conn, const struct sl_hub_protocol *protocol)
{
    struct sl_hub_entry *entry = conn->entry;
    uint64_t now_ms = sl_conn_world(conn)->wheel->now_ms;
    conn->outlet->binary = protocol->binary;
    conn->outlet->ops->send_copy(conn->outlet, sl_handshake_ok);
    int err = join(conn, protocol->id);
    if (err < 0) {
        sl_log_error(
            "connection cannot be registered", SL_F_STR("connection", conn->id),
            SL_F_STR("hub", entry->name), SL_F_STR("error", sl_err_text(err)));
        end(conn, &(struct ending){ .reason = SL_CLOSE_PROTOCOL,
                                    .silent = true,
                                    .failed = true });
        return;
    }
    conn->protocol = protocol;
    move(conn, SL_CONN_CONNECTING);
    conn->pinged_ms = conn->received_ms = now_ms;
    sl_keepalive_arm(conn);
    sl_log_debug("connection opened", SL_F_STR("connection", conn->id),
                 SL_F_STR("hub", entry->name));
    conn->greeting = true;
    entry->ops->connected(entry->script, conn);
}

static void end_ungreeted(struct sl_conn *conn, struct sl_slice detail,
                          bool hub_error)
{
    const char *kind = NULL;
    if (hub_error)
        kind = sl_error_hub;
    else if (sl_conn_options(conn)->detailed_errors != 0)
        kind = sl_error_operation;
    struct sl_str error = { 0 };
    sl_error_closed(&error, kind, detail);
    sl_conn_close(conn, SL_CLOSE_ABORT, sl_str_slice(&error), false);
    sl_str_release(&error);
}

void sl_conn_connected_done(struct sl_conn *conn, bool ok,
                            struct sl_slice detail, bool hub_error)
{
    sl_assert(conn->greeting);
    conn->greeting = false;
    conn->greeted = ok;
    if (sl_conn_is_closing(conn)) {
        sl_conn_wake(conn); /* it waited for this */
    } else if (ok) {
        move(conn, SL_CONN_OPEN);
        if (conn->waiting_count > 0)
            sl_conn_wake(conn);
    } else {
        end_ungreeted(conn, detail, hub_error);
    }
}

/* ---- leaving ---- */

/* Nobody finds it any more. */
static void depart(struct sl_conn *conn)
{
    struct sl_hub *hub = conn->entry->hub;
    struct sl_bus_port *port = hub->world->port;
    move(conn, SL_CONN_GONE);
    sl_members_remove_all(hub, conn);
    if (!conn->joined)
        return;
    conn->joined = false;
    sl_map_remove(&hub->by_id, &conn->by_id);
    sl_directory_remove_conn(sl_bus_directory(port), hub->index,
                             sl_conn_id(conn), sl_bus_worker(port),
                             conn->protocol->id);
}

void sl_conn_disconnected_done(struct sl_conn *conn)
{
    sl_assert(conn->state == SL_CONN_LEAVING);
    depart(conn);
    sl_conn_wake(conn);
}

static void free_conn(struct sl_conn *conn)
{
    struct sl_world *world = sl_conn_world(conn);
    sl_assert(conn->outlet == NULL && conn->partial.cap == 0);
    sl_assert(sl_list_empty(&conn->running) && sl_list_empty(&conn->waiting));
    conn->entry->ops->forget(conn->entry->script, conn);
    sl_hub_entry_forget_conn(conn->entry);
    sl_runq_cancel(&conn->task);
    sl_slots_remove(&world->conns, conn->handle);
    sl_list_remove(&conn->node);
    sl_flows_free(conn);
    sl_buckets_free(conn->buckets);
    sl_request_head_free(conn->head);
    sl_free(conn->user_id);
    sl_identity_unref(conn->identity);
    sl_free(conn->end_error);
    sl_assert(world->conn_count > 0);
    world->conn_count--;
    sl_pool_put(&world->conn_pool, conn);
}

/* on_connected still runs: the end waits for it, having told it once. */
static void hurry_greeting(struct sl_conn *conn)
{
    struct sl_hub_entry *entry = conn->entry;
    if (conn->cancelled || entry->ops->cancel_connected == NULL)
        return;
    conn->cancelled = true;
    entry->ops->cancel_connected(entry->script, conn);
}

/* The second half of closing. on_disconnected is owed to whom on_connected
 * went well, and comes after it. */
static void leave(struct sl_conn *conn)
{
    if (conn->state == SL_CONN_CLOSING) {
        struct sl_hub_entry *entry = conn->entry;
        sl_results_leave(conn);
        sl_upload_leave(conn);
        sl_invocation_leave(conn);
        if (conn->greeting) {
            hurry_greeting(conn);
            return; /* connected_done wakes us again */
        }
        if (conn->greeted) {
            move(conn, SL_CONN_LEAVING);
            entry->ops->disconnected(entry->script, conn,
                                     sl_slice_str(conn->end_error),
                                     (enum sl_close_reason)conn->reason);
            return;
        }
        depart(conn);
    }
    if (conn->state == SL_CONN_GONE)
        free_conn(conn);
}

static void on_task(struct sl_task *task)
{
    struct sl_conn *conn = SL_CONTAINER_OF(task, struct sl_conn, task);
    if (sl_conn_is_closing(conn)) {
        leave(conn);
    } else if (conn->overflowed) {
        end_overflowed(conn);
    } else {
        sl_invocation_start_waiting(conn);
        sl_download_resume(conn);
        sl_receive_resume(conn);
    }
}

/* ---- receiving ---- */

void sl_conn_received(struct sl_conn *conn, struct sl_slice bytes)
{
    sl_receive_bytes(conn, bytes);
}
