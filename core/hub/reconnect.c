// SPDX-License-Identifier: MIT
/*
 * Stateful reconnect: a connection that outlives its transport. What is counted
 * and kept is replay.c's; here is when: acknowledgements, back-pressure, the
 * time without a transport, and its bounds.
 *
 * A connection whose transport was lost is `away`: it stays open, in its
 * groups and among the receivers of broadcasts, but what is sent to it is only
 * kept. A new transport gets all of that at once, behind the number that the
 * first of it has.
 *
 * Bounds: a connection holds messages over its limit up to max_outbound, and
 * for a time; those that are away share room, and the longest away goes first.
 * That one may be the very receiver of a broadcast that is being delivered, so
 * it gives its memory back at once and ends in its task, as a slow one does.
 */
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "hub/error_text.h"
#include "hub/internal.h"
#include "hub/replay.h"
#include "wire/ws_frame.h"

#define NEVER UINT64_MAX

struct sl_reconnect {
    struct sl_list node; /* in world->away while it is away */
    struct sl_conn *conn;
    struct sl_replay replay;
    uint64_t away_ms;  /* since when */
    uint64_t ack_ms;   /* when the client is told what came; NEVER */
    uint64_t stall_ms; /* until when what is held may wait; NEVER */
    bool given_up;     /* it ends in a moment */
};

static size_t limit_of(const struct sl_conn *conn)
{
    return (size_t)sl_conn_options(conn)->stateful_reconnect_buffer;
}

static uint64_t now_ms(const struct sl_conn *conn)
{
    return sl_conn_world(conn)->wheel->now_ms;
}

static bool is_away(const struct sl_reconnect *reconnect)
{
    return !sl_list_detached(&reconnect->node);
}

void sl_reconnect_offer(struct sl_conn *conn)
{
    struct sl_reconnect *reconnect = sl_alloc(sizeof(*reconnect));
    *reconnect = (struct sl_reconnect){
        .conn = conn,
        .ack_ms = NEVER,
        .stall_ms = NEVER,
    };
    sl_list_init(&reconnect->node);
    sl_replay_init(&reconnect->replay);
    conn->reconnect = reconnect;
}

/* ---- those that are away ---- */

static void add_away(struct sl_reconnect *reconnect)
{
    struct sl_world *world = sl_conn_world(reconnect->conn);
    size_t bytes = sl_replay_bytes(&reconnect->replay);
    sl_list_push_back(&world->away, &reconnect->node);
    world->away_count++;
    world->away_bytes += bytes;
    sl_metric_add(world->metrics, SL_M_AWAY, 1);
    sl_metric_add(world->metrics, SL_M_AWAY_BYTES, (int64_t)bytes);
}

static void remove_away(struct sl_reconnect *reconnect)
{
    struct sl_world *world = sl_conn_world(reconnect->conn);
    size_t bytes = sl_replay_bytes(&reconnect->replay);
    sl_assert(world->away_count > 0 && world->away_bytes >= bytes);
    sl_list_remove(&reconnect->node);
    world->away_count--;
    world->away_bytes -= bytes;
    sl_metric_add(world->metrics, SL_M_AWAY, -1);
    sl_metric_add(world->metrics, SL_M_AWAY_BYTES, -(int64_t)bytes);
}

/* Tells the stand-in, too: sl_conn_lost would not. */
static void give_up(struct sl_reconnect *reconnect)
{
    remove_away(reconnect);
    sl_replay_release(&reconnect->replay);
    reconnect->given_up = true;
    reconnect->conn->overflowed = true;
    sl_conn_wake(reconnect->conn);
}

static void expel(struct sl_reconnect *reconnect)
{
    struct sl_conn *conn = reconnect->conn;
    sl_log_warn(
        "lost connection given up, its room is needed",
        SL_F_STR("connection", conn->id), SL_F_STR("hub", conn->entry->name),
        SL_F_INT("bytes", (int64_t)sl_replay_bytes(&reconnect->replay)));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_AWAY_DROPPED, 1);
    give_up(reconnect);
}

/* The bounds are the pod's; each worker has its share. */
static void keep_bounds(struct sl_world *world)
{
    unsigned workers = sl_bus_worker_count(world->port);
    while (world->away_count > SL_AWAY_MAX / workers ||
           world->away_bytes > SL_AWAY_BYTES_MAX / workers)
        expel(SL_CONTAINER_OF(world->away.next, struct sl_reconnect, node));
}

static void keep_message(struct sl_reconnect *reconnect, size_t len)
{
    struct sl_conn *conn = reconnect->conn;
    struct sl_world *world = sl_conn_world(conn);
    world->away_bytes += len;
    sl_metric_add(world->metrics, SL_M_AWAY_BYTES, (int64_t)len);
    if (reconnect->replay.held_bytes > sl_conn_options(conn)->max_outbound)
        expel(reconnect);
    else
        keep_bounds(world);
}

bool sl_reconnect_given_up(const struct sl_conn *conn)
{
    return conn->reconnect != NULL && conn->reconnect->given_up;
}

void sl_reconnect_forgo(struct sl_conn *conn)
{
    struct sl_reconnect *reconnect = conn->reconnect;
    if (reconnect == NULL)
        return;
    conn->reconnect = NULL;
    if (is_away(reconnect))
        remove_away(reconnect);
    sl_replay_release(&reconnect->replay);
    sl_free(reconnect);
}

/* ---- sending ---- */

static void hold(struct sl_reconnect *reconnect)
{
    struct sl_conn *conn = reconnect->conn;
    size_t held = reconnect->replay.held_bytes;
    if (held > sl_conn_options(conn)->max_outbound) {
        sl_conn_overflow(conn, held);
    } else if (reconnect->stall_ms == NEVER) {
        reconnect->stall_ms = now_ms(conn) + SL_REPLAY_STALL_MS;
        sl_keepalive_arm(conn);
    }
}

size_t sl_reconnect_send(struct sl_conn *conn, struct sl_buf *message)
{
    struct sl_reconnect *reconnect = conn->reconnect;
    bool goes = sl_replay_add(&reconnect->replay, message, limit_of(conn));
    if (is_away(reconnect))
        keep_message(reconnect, message->len);
    else if (goes)
        return sl_conn_send_uncounted(conn, message);
    else
        hold(reconnect);
    return 0;
}

size_t sl_reconnect_send_copy(struct sl_conn *conn, struct sl_slice message)
{
    struct sl_buf *copy = sl_buf_new(message);
    sl_ws_frame_buf(copy, conn->protocol->binary ? SL_WS_BINARY : SL_WS_TEXT);
    size_t queued = sl_reconnect_send(conn, copy);
    sl_buf_unref(copy);
    return queued;
}

bool sl_reconnect_holds(const struct sl_conn *conn)
{
    return conn->reconnect != NULL && conn->reconnect->replay.held > 0;
}

/* ---- receiving ---- */

/* Held messages move up into the room that it made. */
static void on_ack(struct sl_reconnect *reconnect, int64_t number)
{
    struct sl_conn *conn = reconnect->conn;
    struct sl_replay *replay = &reconnect->replay;
    size_t before = replay->bytes;
    sl_replay_acknowledge(replay, number);
    if (replay->held == 0 || replay->bytes == before)
        return;
    struct sl_buf *message;
    while (!conn->overflowed &&
           (message = sl_replay_next_held(replay, limit_of(conn))) != NULL)
        sl_conn_send_uncounted(conn, message);
    reconnect->stall_ms =
        replay->held > 0 ? now_ms(conn) + SL_REPLAY_STALL_MS : NEVER;
    sl_conn_room(conn);
}

static void on_sequence(struct sl_conn *conn, int64_t number)
{
    if (sl_replay_sequence(&conn->reconnect->replay, number))
        return;
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_PROTOCOL_CLOSED, 1);
    sl_conn_break(conn, SL_CLOSE_PROTOCOL, sl_error_operation,
                  sl_error_sequence);
}

static bool receive_counted(struct sl_reconnect *reconnect)
{
    bool fresh = sl_replay_receive(&reconnect->replay);
    if (reconnect->ack_ms == NEVER) {
        reconnect->ack_ms = now_ms(reconnect->conn) + SL_ACK_PERIOD_MS;
        sl_keepalive_arm(reconnect->conn);
    }
    return fresh;
}

bool sl_reconnect_takes(struct sl_conn *conn, const struct sl_message *message)
{
    switch (message->type) {
    case SL_MSG_INVOCATION:
    case SL_MSG_STREAM_ITEM:
    case SL_MSG_COMPLETION:
    case SL_MSG_STREAM_INVOCATION:
    case SL_MSG_CANCEL_INVOCATION: return receive_counted(conn->reconnect);
    case SL_MSG_ACK: on_ack(conn->reconnect, message->sequence_id); break;
    case SL_MSG_SEQUENCE: on_sequence(conn, message->sequence_id); break;
    case SL_MSG_PING:
    case SL_MSG_CLOSE:
    case SL_MSG_UNKNOWN: return true;
    }
    return false;
}

/* ---- time ---- */

bool sl_reconnect_is_away(const struct sl_conn *conn)
{
    return conn->reconnect != NULL && is_away(conn->reconnect);
}

uint64_t sl_reconnect_due_ms(const struct sl_conn *conn)
{
    const struct sl_reconnect *reconnect = conn->reconnect;
    if (reconnect == NULL)
        return NEVER;
    if (is_away(reconnect))
        return reconnect->away_ms + sl_conn_options(conn)->disconnect_timeout;
    return reconnect->ack_ms < reconnect->stall_ms ? reconnect->ack_ms
                                                   : reconnect->stall_ms;
}

static void acknowledge(struct sl_reconnect *reconnect)
{
    struct sl_conn *conn = reconnect->conn;
    struct sl_replay *replay = &reconnect->replay;
    reconnect->ack_ms = NEVER;
    if (!sl_replay_owes(replay))
        return;
    replay->acknowledged = replay->received_most;
    struct sl_str *out = &sl_conn_world(conn)->scratch;
    size_t start = out->len;
    conn->protocol->write_ack(out, replay->acknowledged);
    sl_conn_send_copy_uncounted(
        conn, sl_slice_of(out->ptr + start, out->len - start));
    out->len = start;
}

void sl_reconnect_on_due(struct sl_conn *conn)
{
    struct sl_reconnect *reconnect = conn->reconnect;
    if (is_away(reconnect)) {
        give_up(reconnect);
    } else if (now_ms(conn) >= reconnect->stall_ms) {
        sl_metric_add(sl_conn_world(conn)->metrics, SL_M_SLOW_CLOSED, 1);
        sl_conn_break(conn, SL_CLOSE_SLOW, sl_error_operation, sl_error_slow);
    } else {
        acknowledge(reconnect);
    }
}

/* ---- losing a transport and finding another ---- */

bool sl_conn_may_attach(const struct sl_conn *conn)
{
    return conn->reconnect != NULL && !conn->overflowed;
}

/* What came through the old transport and was not parsed was not counted: the
 * client sends it again. */
static void let_go(struct sl_conn *conn)
{
    sl_assert(!conn->in_received);
    sl_str_release(&conn->partial);
    conn->pauses &= (uint8_t)~SL_PAUSE_OUTBOUND;
}

bool sl_conn_detach(struct sl_conn *conn, struct sl_outlet *stand_in)
{
    if (!sl_conn_may_attach(conn))
        return false;
    let_go(conn);
    conn->outlet = stand_in;
    conn->reconnect->away_ms = now_ms(conn);
    sl_log_debug("connection lost its transport",
                 SL_F_STR("connection", conn->id),
                 SL_F_STR("hub", conn->entry->name));
    add_away(conn->reconnect);
    keep_bounds(sl_conn_world(conn));
    if (conn->overflowed)
        return true; /* ends in a moment */
    sl_keepalive_arm(conn);
    sl_conn_room(conn);
    return true;
}

/* The bytes that wait then. */
static size_t send_again(struct sl_conn *conn)
{
    const struct sl_replay *replay = &conn->reconnect->replay;
    struct sl_outlet *outlet = conn->outlet;
    struct sl_str *out = &sl_conn_world(conn)->scratch;
    size_t start = out->len;
    conn->protocol->write_sequence(out, sl_replay_first(replay));
    size_t queued = outlet->ops->send_copy(
        outlet, sl_slice_of(out->ptr + start, out->len - start));
    out->len = start;
    for (unsigned i = 0; i < sl_replay_count(replay); i++)
        queued = outlet->ops->send(outlet, sl_replay_at(replay, i));
    return queued;
}

void sl_conn_attach(struct sl_conn *conn, struct sl_outlet *outlet)
{
    struct sl_reconnect *reconnect = conn->reconnect;
    sl_assert(sl_conn_may_attach(conn));
    if (is_away(reconnect))
        remove_away(reconnect);
    let_go(conn);
    conn->outlet = outlet;
    conn->received_ms = now_ms(conn);
    if (!sl_conn_reads(conn))
        outlet->ops->pause(outlet, true);
    sl_log_debug("connection has a new transport",
                 SL_F_STR("connection", conn->id),
                 SL_F_STR("hub", conn->entry->name));
    sl_metric_add(sl_conn_world(conn)->metrics, SL_M_RECONNECTS, 1);
    if (conn->protocol != NULL) {
        outlet->binary = conn->protocol->binary;
        if (send_again(conn) > sl_conn_options(conn)->max_outbound / 2)
            sl_conn_pause(conn, SL_PAUSE_OUTBOUND);
        if (sl_replay_owes(&reconnect->replay) && reconnect->ack_ms == NEVER)
            reconnect->ack_ms = now_ms(conn) + SL_ACK_PERIOD_MS;
        if (reconnect->replay.held > 0)
            reconnect->stall_ms = now_ms(conn) + SL_REPLAY_STALL_MS;
    }
    sl_conn_room(conn);
    sl_keepalive_arm(conn);
}
