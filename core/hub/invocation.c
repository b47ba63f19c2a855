// SPDX-License-Identifier: MIT
/*
 * Slots: at most max_parallel_invocations plain calls of a connection run; the
 * rest waits in order. A call that comes while a slot is free and nobody waits
 * starts at once, inside the reading of its message; waiting ones are started
 * from the run queue, so that a chain of calls that end at once is a loop, not
 * a recursion, and no method starts inside the end of another.
 *
 * Streams and calls with upload streams take no slot (spec/hub-semantics.md,
 * section 3); before on_connected has ended they wait like the others. So that
 * their number has a bound, too, they are counted with the calls that gave
 * their slot back.
 */
#include "hub/invocation.h"

#include "base/check.h"
#include "base/limits.h"
#include "hub/error_text.h"
#include "hub/internal.h"

static struct sl_world *world_of(const struct sl_invocation *invocation)
{
    return invocation->entry->hub->world;
}

static void free_invocation(struct sl_invocation *invocation)
{
    struct sl_world *world = world_of(invocation);
    sl_download_remove(invocation);
    sl_upload_free(invocation);
    sl_list_remove(&invocation->node);
    sl_free(invocation->id);
    sl_pool_put(&world->invocation_pool, invocation);
}

/* ---- answers ---- */

static bool wants_answer(const struct sl_invocation *invocation)
{
    return invocation->id != NULL && invocation->conn != NULL &&
           !sl_conn_is_closing(invocation->conn);
}

static void answer_error(struct sl_invocation *invocation,
                         struct sl_slice error)
{
    struct sl_world *world = world_of(invocation);
    sl_metric_add(world->metrics, SL_M_INVOCATIONS_FAILED, 1);
    if (!wants_answer(invocation))
        return;
    struct sl_conn *conn = invocation->conn;
    struct sl_str *out = &world->scratch;
    size_t start = out->len;
    conn->protocol->write_error(
        out, sl_slice_of(invocation->id, invocation->id_len), error);
    sl_conn_send_copy(conn, sl_slice_of(out->ptr + start, out->len - start));
    out->len = start;
}

static void free_slot(struct sl_conn *conn)
{
    sl_assert(conn->running_count > 0);
    conn->running_count--;
    if (conn->waiting_count > 0)
        sl_conn_wake(conn);
}

/* Ends a started invocation; its slot is free from here on. */
static void end(struct sl_invocation *invocation)
{
    struct sl_conn *conn = invocation->conn;
    sl_assert(invocation->started);
    if (conn != NULL && invocation->takes_slot)
        free_slot(conn);
    if (conn != NULL && invocation->beside) {
        sl_assert(conn->beside_count > 0);
        conn->beside_count--;
    }
    free_invocation(invocation);
}

int sl_invocation_result(struct sl_invocation *invocation, sl_write_cb write,
                         void *user)
{
    if (wants_answer(invocation)) {
        struct sl_conn *conn = invocation->conn;
        struct sl_str *out = &world_of(invocation)->scratch;
        size_t start = out->len;
        int err = conn->protocol->write_result(
            out, sl_slice_of(invocation->id, invocation->id_len), write, user);
        if (err < 0)
            return err;
        sl_conn_send_copy(conn,
                          sl_slice_of(out->ptr + start, out->len - start));
        out->len = start;
        if (start == 0)
            sl_str_trim(out, SL_SCRATCH_KEEP_MAX);
    }
    end(invocation);
    return 0;
}

/* The sentence for what a call ended by. */
static void add_fault(struct sl_str *out,
                      const struct sl_invocation *invocation,
                      enum sl_fault fault, struct sl_slice text)
{
    const char *kind = NULL;
    switch (fault) {
    case SL_FAULT_IS_STREAM: sl_error_is_stream(out, invocation->name); return;
    case SL_FAULT_NOT_STREAM:
        sl_error_not_stream(out, invocation->name);
        return;
    case SL_FAULT_NO_STREAM: sl_error_no_stream(out, invocation->name); return;
    case SL_FAULT_UNAUTHORIZED:
        sl_error_unauthorized(out, invocation->name);
        return;
    case SL_FAULT_HUB_ERROR: kind = sl_error_hub; break;
    case SL_FAULT_ERROR:
        if (invocation->entry->options.detailed_errors)
            kind = sl_error_operation;
        break;
    }
    if (invocation->streaming)
        sl_error_streaming(out, kind, text);
    else
        sl_error_invoking(out, invocation->name, kind, text);
}

void sl_invocation_fail(struct sl_invocation *invocation, enum sl_fault fault,
                        struct sl_slice text)
{
    struct sl_str error = { 0 };
    add_fault(&error, invocation, fault, text);
    answer_error(invocation, sl_str_slice(&error));
    sl_str_release(&error);
    end(invocation);
}

/* Completion without a result. */
static void answer_end(struct sl_invocation *invocation)
{
    if (!wants_answer(invocation))
        return;
    struct sl_conn *conn = invocation->conn;
    struct sl_str *out = &world_of(invocation)->scratch;
    size_t start = out->len;
    conn->protocol->write_end(out,
                              sl_slice_of(invocation->id, invocation->id_len));
    sl_conn_send_copy(conn, sl_slice_of(out->ptr + start, out->len - start));
    out->len = start;
}

void sl_invocation_end(struct sl_invocation *invocation)
{
    answer_end(invocation);
    end(invocation);
}

static bool beside_full(const struct sl_conn *conn)
{
    return conn->beside_count >= sl_conn_options(conn)->max_streams;
}

void sl_invocation_release_slot(struct sl_invocation *invocation)
{
    struct sl_conn *conn = invocation->conn;
    if (conn == NULL || !invocation->takes_slot || beside_full(conn))
        return;
    invocation->takes_slot = false;
    invocation->beside = true;
    conn->beside_count++;
    free_slot(conn);
}

void sl_invocation_refuse(struct sl_invocation *invocation,
                          struct sl_slice error)
{
    sl_assert(!invocation->started);
    answer_error(invocation, error);
    free_invocation(invocation);
}

/* ---- start ---- */

static void drop(struct sl_invocation *invocation)
{
    sl_assert(!invocation->started);
    invocation->entry->ops->drop(invocation);
    free_invocation(invocation);
}

static void refuse_stream(struct sl_invocation *invocation,
                          struct sl_str *error)
{
    sl_metric_add(world_of(invocation)->metrics, SL_M_STREAMS_REFUSED, 1);
    sl_error_invoking(error, invocation->name, sl_error_hub,
                      SL_SLICE("Too many streams run for this connection."));
}

/* What is looked at once the call has its slot: mode, then streams. Appends
 * the error and says false. */
static bool may_start(struct sl_invocation *invocation, struct sl_str *error)
{
    if (invocation->method_is_stream && !invocation->wants_stream)
        sl_error_is_stream(error, invocation->name);
    else if (!invocation->method_is_stream && invocation->wants_stream)
        sl_error_not_stream(error, invocation->name);
    else if (invocation->stream_ids != invocation->stream_params)
        sl_error_stream_count(error, invocation->name, invocation->stream_ids,
                              invocation->stream_params);
    else if (!invocation->takes_slot && beside_full(invocation->conn))
        refuse_stream(invocation, error);
    else if (invocation->wants_stream && !sl_download_add(invocation))
        sl_error_id_in_use(error,
                           sl_slice_of(invocation->id, invocation->id_len));
    else
        return true;
    return false;
}

/* What happened to it while it waited for on_connected. */
static void give_up(struct sl_invocation *invocation)
{
    if (invocation->wants_stream)
        answer_end(invocation);
    else
        answer_error(invocation, sl_error_upload_full);
    drop(invocation);
}

static void start(struct sl_invocation *invocation)
{
    struct sl_conn *conn = invocation->conn;
    struct sl_str error = { 0 };
    if (invocation->cancelled) {
        give_up(invocation);
        return;
    }
    if (!may_start(invocation, &error)) {
        answer_error(invocation, sl_str_slice(&error));
        sl_str_release(&error);
        drop(invocation);
        return;
    }
    invocation->started = true;
    sl_list_push_back(&conn->running, &invocation->node);
    invocation->beside = !invocation->takes_slot;
    if (invocation->takes_slot)
        conn->running_count++;
    else
        conn->beside_count++;
    invocation->entry->ops->start(invocation);
}

static bool slot_free(const struct sl_conn *conn)
{
    return conn->running_count <
           sl_conn_options(conn)->max_parallel_invocations;
}

/* ---- waiting ---- */

static bool is_crowded(const struct sl_conn *conn)
{
    return conn->waiting_count >= SL_WAITING_CALLS_MAX ||
           conn->waiting_bytes >= SL_WAITING_BYTES_MAX;
}

static void wait_add(struct sl_conn *conn, struct sl_invocation *invocation)
{
    sl_list_push_back(&conn->waiting, &invocation->node);
    conn->waiting_count++;
    conn->waiting_bytes += invocation->size;
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_INVOCATIONS_WAITING, 1);
    if (is_crowded(conn))
        sl_conn_pause(conn, SL_PAUSE_CALLS);
}

static void wait_remove(struct sl_conn *conn, struct sl_invocation *invocation)
{
    sl_list_remove(&invocation->node);
    sl_assert(conn->waiting_count > 0);
    conn->waiting_count--;
    conn->waiting_bytes -= invocation->size;
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_INVOCATIONS_WAITING, -1);
}

/* As many wait as may, and reading cannot pause. */
static void refuse_many(struct sl_invocation *invocation)
{
    struct sl_str error = { 0 };
    sl_error_invoking(&error, invocation->name, sl_error_hub,
                      SL_SLICE("Too many calls wait for this connection."));
    answer_error(invocation, sl_str_slice(&error));
    sl_str_release(&error);
    drop(invocation);
}

/* What follows such a call may be items of its uploads. */
static void open_uploads(struct sl_invocation *invocation)
{
    if (invocation->stream_params == 0 ||
        invocation->stream_ids != invocation->stream_params ||
        invocation->entry->ops->upload_item == NULL)
        return;
    sl_upload_open(invocation);
    if (invocation->conn->state != SL_CONN_OPEN)
        sl_conn_pause(invocation->conn, SL_PAUSE_UPLOAD);
}

void sl_invocation_submit(struct sl_invocation *invocation)
{
    struct sl_conn *conn = invocation->conn;
    sl_assert(!sl_conn_is_closing(conn));
    open_uploads(invocation);
    bool starts = conn->state == SL_CONN_OPEN;
    if (invocation->takes_slot)
        starts = starts && conn->waiting_count == 0 && slot_free(conn);
    if (starts)
        start(invocation);
    else if (is_crowded(conn) && conn->owed > 0)
        refuse_many(invocation);
    else
        wait_add(conn, invocation);
}

/* The first that may run. Without a free slot it is the first that needs
 * none: such calls only wait until on_connected has ended. */
static struct sl_invocation *next_waiting(const struct sl_conn *conn)
{
    if (conn->state != SL_CONN_OPEN)
        return NULL;
    bool slot = slot_free(conn);
    SL_LIST_FOREACH(node, &conn->waiting) {
        struct sl_invocation *invocation =
            SL_CONTAINER_OF(node, struct sl_invocation, node);
        if (slot || !invocation->takes_slot)
            return invocation;
    }
    return NULL;
}

void sl_invocation_start_waiting(struct sl_conn *conn)
{
    struct sl_invocation *next;
    while ((next = next_waiting(conn)) != NULL) {
        wait_remove(conn, next);
        start(next);
    }
    if (conn->state == SL_CONN_OPEN &&
        (conn->flows == NULL || conn->flows->full == 0))
        sl_conn_resume(conn, SL_PAUSE_UPLOAD);
    if (conn->waiting_count < SL_WAITING_CALLS_MAX / 2 &&
        conn->waiting_bytes < SL_WAITING_BYTES_MAX / 2 &&
        !sl_conn_is_closing(conn))
        sl_conn_resume(conn, SL_PAUSE_CALLS);
}

void sl_invocation_leave(struct sl_conn *conn)
{
    struct sl_list *node;
    while ((node = conn->waiting.next) != &conn->waiting) {
        struct sl_invocation *invocation =
            SL_CONTAINER_OF(node, struct sl_invocation, node);
        wait_remove(conn, invocation);
        drop(invocation);
    }
    /* A cancelled call may end inside cancel, and others with it. */
    while ((node = sl_list_pop_front(&conn->running)) != NULL) {
        struct sl_invocation *invocation =
            SL_CONTAINER_OF(node, struct sl_invocation, node);
        sl_download_remove(invocation);
        sl_upload_free(invocation);
        invocation->conn = NULL;
        invocation->entry->ops->cancel(invocation);
    }
    conn->running_count = conn->beside_count = 0;
}
