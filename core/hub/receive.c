// SPDX-License-Identifier: MIT
/*
 * Bytes to messages. They are parsed where the transport has them; only what
 * is left of an incomplete message is kept, and while reading is paused all
 * that still comes. An idle connection keeps no memory here.
 *
 * In a text protocol a message is complete exactly when its separator is there.
 * So a piece without one is kept unseen: a large message that comes in many
 * pieces is searched once, not once per piece.
 *
 * The size limit is the reference's: with more than the limit at hand, a
 * message must end within the limit.
 */
#include "base/limits.h"
#include "base/log.h"
#include "hub/error_text.h"
#include "hub/internal.h"
#include "wire/handshake.h"

static size_t limit_of(const struct sl_conn *conn)
{
    return (size_t)sl_conn_options(conn)->max_message_size;
}

/* The bytes that a message may be found in. */
static struct sl_slice window_of(const struct sl_conn *conn,
                                 struct sl_slice bytes)
{
    size_t limit = limit_of(conn);
    return sl_slice_of(bytes.ptr, bytes.len < limit ? bytes.len : limit);
}

static void skip(struct sl_slice *bytes, size_t count)
{
    bytes->ptr += count;
    bytes->len -= count;
}

/* ---- ends ---- */

static void end_too_large(struct sl_conn *conn, size_t size)
{
    struct sl_str text = { 0 };
    sl_log_warn("message over the size limit", SL_F_STR("connection", conn->id),
                SL_F_STR("hub", conn->entry->name),
                SL_F_INT("limit", (int64_t)limit_of(conn)),
                SL_F_INT("size", (int64_t)size));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_TOO_LARGE_CLOSED, 1);
    sl_error_too_large(&text, limit_of(conn));
    sl_conn_break(conn, SL_CLOSE_TOO_LARGE, sl_error_data, sl_str_slice(&text));
    sl_str_release(&text);
}

static void end_breach(struct sl_conn *conn, const struct sl_hub_error *error)
{
    sl_log_info("breach of the hub protocol", SL_F_STR("connection", conn->id),
                SL_F_STR("hub", conn->entry->name),
                SL_F_STR("kind", error->kind), SL_F_STR("error", error->text));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_PROTOCOL_CLOSED, 1);
    sl_conn_break(conn, SL_CLOSE_PROTOCOL, error->kind,
                  sl_slice_str(error->text));
}

/* ---- one step; each says whether to go on ---- */

static bool read_handshake(struct sl_conn *conn, struct sl_slice *bytes)
{
    struct sl_handshake handshake = { 0 };
    struct sl_str response = { 0 };
    ssize_t taken = sl_handshake_read(
        &sl_conn_world(conn)->reader, window_of(conn, *bytes), conn->text_only,
        sl_conn_options(conn)->detailed_errors != 0, &handshake, &response);
    bool canceled = taken == 0 && bytes->len > limit_of(conn);
    if (canceled)
        sl_handshake_write_error(&response, sl_handshake_canceled);
    if (taken < 0 || canceled) {
        sl_conn_refuse(conn, sl_str_slice(&response));
    } else if (taken > 0) {
        skip(bytes, (size_t)taken);
        if (handshake.version < SL_HUB_PROTOCOL_VERSION_STATEFUL)
            sl_reconnect_forgo(conn);
        sl_conn_greet(conn, handshake.protocol);
    }
    sl_str_release(&response);
    return taken > 0;
}

static bool read_message(struct sl_conn *conn, struct sl_slice *bytes)
{
    struct sl_world *world = sl_conn_world(conn);
    struct sl_hub_error error;
    struct sl_slice payload;
    ssize_t taken =
        conn->protocol->split(window_of(conn, *bytes), &payload, &error);
    if (taken == 0) {
        if (bytes->len > limit_of(conn))
            end_too_large(conn, bytes->len);
        return false;
    }
    struct sl_message message;
    if (taken < 0 ||
        conn->protocol->parse(&world->reader, payload, &message, &error) < 0) {
        end_breach(conn, &error);
        return false;
    }
    skip(bytes, (size_t)taken);
    conn->received_ms = world->wheel->now_ms;
    sl_metric_add(world->metrics, SL_M_MESSAGES_IN, 1);
    sl_dispatch(conn, &message, payload, (size_t)taken);
    return true;
}

/* ---- the loop ---- */

static bool goes_on(const struct sl_conn *conn, struct sl_slice bytes)
{
    return bytes.len > 0 && sl_conn_reads(conn) && !sl_conn_is_closing(conn) &&
           !conn->overflowed;
}

/* Takes as many messages as there are off the front of `bytes`. */
static void parse(struct sl_conn *conn, struct sl_slice *bytes)
{
    bool more = true;
    while (more && goes_on(conn, *bytes))
        more = conn->state == SL_CONN_HANDSHAKE ? read_handshake(conn, bytes)
                                                : read_message(conn, bytes);
}

/* Parses what is kept, and what is added to it meanwhile. */
static void parse_kept(struct sl_conn *conn)
{
    struct sl_str kept = conn->partial;
    conn->partial = (struct sl_str){ 0 };
    struct sl_slice rest = sl_str_slice(&kept);
    parse(conn, &rest);
    if (sl_conn_is_closing(conn) || rest.len == 0) {
        sl_str_release(&kept);
        return;
    }
    if (rest.ptr != kept.ptr)
        memmove(kept.ptr, rest.ptr, rest.len);
    kept.len = rest.len;
    conn->partial = kept;
}

/* Whether `bytes` may complete what is kept. */
static bool may_complete(const struct sl_conn *conn, struct sl_slice bytes)
{
    if (conn->protocol != NULL && conn->protocol->binary)
        return true;
    return conn->partial.len + bytes.len > limit_of(conn) ||
           memchr(bytes.ptr, SL_RECORD_SEPARATOR, bytes.len) != NULL;
}

static void take(struct sl_conn *conn, struct sl_slice bytes)
{
    if (conn->partial.len == 0) {
        parse(conn, &bytes);
        if (!sl_conn_is_closing(conn))
            sl_str_add_slice(&conn->partial, bytes);
        return;
    }
    bool parses = sl_conn_reads(conn) && may_complete(conn, bytes);
    sl_str_add_slice(&conn->partial, bytes);
    if (parses)
        parse_kept(conn);
}

void sl_receive_bytes(struct sl_conn *conn, struct sl_slice bytes)
{
    if (sl_conn_is_closing(conn) || bytes.len == 0)
        return;
    sl_assert(!conn->in_received);
    conn->in_received = true;
    take(conn, bytes);
    conn->in_received = false;
}

void sl_receive_resume(struct sl_conn *conn)
{
    sl_assert(!conn->in_received);
    conn->in_received = true;
    if (conn->partial.len > 0 && sl_conn_reads(conn) &&
        !sl_conn_is_closing(conn))
        parse_kept(conn);
    conn->in_received = false;
}
