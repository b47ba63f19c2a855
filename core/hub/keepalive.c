// SPDX-License-Identifier: MIT
/*
 * One timer per connection, set to the earliest of what may become due. What
 * arrives only writes a time stamp; a timer that fires early looks at the
 * stamps and sets itself again. So a message costs no timer operation, and the
 * pings of the server keep the timer turning anyway.
 *
 * As in the reference: pings go out whatever else is sent; the client time-out
 * counts from the client's first ping on, and its clock stands still while
 * reading is paused.
 */
#include "base/check.h"
#include "hub/error_text.h"
#include "hub/internal.h"
#include "wire/handshake.h"

static bool watches_client(const struct sl_conn *conn)
{
    return conn->client_pings && sl_conn_reads(conn);
}

static bool has_expired(const struct sl_conn *conn, uint64_t now_ms)
{
    return conn->expires_ms != 0 && now_ms >= conn->expires_ms;
}

/* All but the end of its lifetime; UINT64_MAX: nothing. */
static uint64_t due_of_state_ms(const struct sl_conn *conn)
{
    const struct sl_hub_options *options = sl_conn_options(conn);
    if (conn->state == SL_CONN_HANDSHAKE)
        return conn->opened_ms + options->handshake_timeout;
    if (conn->inherent_keep_alive)
        return UINT64_MAX;
    uint64_t due = conn->pinged_ms + options->keep_alive;
    if (watches_client(conn) &&
        conn->received_ms + options->client_timeout < due)
        due = conn->received_ms + options->client_timeout;
    uint64_t reconnect_ms = sl_reconnect_due_ms(conn);
    if (sl_reconnect_is_away(conn) || reconnect_ms < due)
        due = reconnect_ms;
    return due;
}

static uint64_t due_ms(const struct sl_conn *conn)
{
    uint64_t due = due_of_state_ms(conn);
    return conn->expires_ms != 0 && conn->expires_ms < due ? conn->expires_ms
                                                           : due;
}

static void refuse_late(struct sl_conn *conn)
{
    struct sl_str response = { 0 };
    sl_handshake_write_error(&response, sl_handshake_canceled);
    sl_conn_refuse(conn, sl_str_slice(&response));
    sl_str_release(&response);
}

static void on_due(struct sl_wheel_entry *entry)
{
    struct sl_conn *conn = SL_CONTAINER_OF(entry, struct sl_conn, timer);
    struct sl_world *world = sl_conn_world(conn);
    const struct sl_hub_options *options = sl_conn_options(conn);
    uint64_t now_ms = world->wheel->now_ms;
    sl_assert(!sl_conn_is_closing(conn));
    if (conn->overflowed)
        return; /* closes in a moment */

    if (has_expired(conn, now_ms)) {
        /* As the reference: the client may come back with a new token. */
        sl_conn_close(conn, SL_CLOSE_EXPIRED, (struct sl_slice){ 0 }, true);
    } else if (conn->state == SL_CONN_HANDSHAKE) {
        if (now_ms >= due_ms(conn))
            refuse_late(conn);
    } else if (conn->inherent_keep_alive) {
        /* Its lifetime has moved. */
    } else if (now_ms >= sl_reconnect_due_ms(conn)) {
        sl_reconnect_on_due(conn);
    } else if (sl_reconnect_is_away(conn)) {
        /* Neither pings nor time-outs before it is back. */
    } else if (watches_client(conn) &&
               now_ms >= conn->received_ms + options->client_timeout) {
        sl_metric_add(world->metrics, SL_M_CLIENT_TIMEOUTS, 1);
        sl_conn_break(conn, SL_CLOSE_TIMEOUT, "OperationCanceledException",
                      sl_error_client_timeout);
    } else if (now_ms >= conn->pinged_ms + options->keep_alive) {
        conn->pinged_ms = now_ms;
        sl_conn_send_uncounted(conn, world->ping[conn->protocol->id]);
    }
    if (!sl_conn_is_closing(conn))
        sl_keepalive_arm(conn);
}

void sl_keepalive_init(struct sl_conn *conn)
{
    sl_wheel_entry_init(&conn->timer, on_due);
    sl_keepalive_arm(conn);
}

void sl_keepalive_arm(struct sl_conn *conn)
{
    struct sl_wheel *wheel = sl_conn_world(conn)->wheel;
    sl_assert(!sl_conn_is_closing(conn));
    uint64_t due = due_ms(conn);
    if (due == UINT64_MAX)
        sl_wheel_cancel(wheel, &conn->timer);
    else
        sl_wheel_set(wheel, &conn->timer, due);
}

void sl_conn_set_lifetime(struct sl_conn *conn, uint64_t lifetime_ms)
{
    bool endless = lifetime_ms == 0 && conn->expires_ms == 0;
    if (sl_conn_is_closing(conn) || endless)
        return;
    uint64_t now_ms = sl_conn_world(conn)->wheel->now_ms;
    conn->expires_ms = lifetime_ms == 0 ? 0 : now_ms + lifetime_ms;
    sl_keepalive_arm(conn);
}

void sl_keepalive_stop(struct sl_conn *conn)
{
    sl_wheel_cancel(sl_conn_world(conn)->wheel, &conn->timer);
}
