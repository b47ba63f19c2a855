// SPDX-License-Identifier: MIT
/*
 * The modes in which every connection has calls of its own outstanding: echo
 * (each answered call is followed by the next), stream (each finished stream
 * by the next) and churn (connect, one echo, close, again).
 *
 * The invocation id of a call is the index of its slot, so an answer finds its
 * call without a search, and an answer to a free slot is one too many.
 */
#include "modes.h"

#include <stdlib.h>

#include "../common/alloc.h"
#include "../common/fatal.h"
#include "clock.h"

/* Churn stops reopening after so many broken connections. */
#define CHURN_FAILURES_MAX 1000

struct slot {
    uint64_t sent_ns;
    uint32_t seq; /* echo: of the payload; stream: the next item */
    bool busy;
};

struct calls {
    struct slot *slots; /* options->window per connection */
    uint64_t outstanding;
    uint32_t next_seq; /* over all connections: no two payloads are alike */
    struct sl_conn **closed; /* churn: to be opened again */
    uint32_t closed_count;
};

static struct slot *slots_of(struct sl_load *load, const struct sl_conn *conn)
{
    const struct calls *calls = load->mode_state;
    return &calls->slots[(size_t)conn->index * load->options->window];
}

static void prepare(struct sl_load *load)
{
    const size_t conn_count = load->options->conn_count;
    struct calls *calls = sl_allocate(1, sizeof *calls);
    calls->slots =
        sl_allocate(conn_count * load->options->window, sizeof(struct slot));
    calls->closed = sl_allocate(conn_count, sizeof(struct sl_conn *));
    load->mode_state = calls;
}

static void release(struct sl_load *load)
{
    struct calls *calls = load->mode_state;
    free(calls->slots);
    free(calls->closed);
    free(calls);
    load->mode_state = NULL;
}

static bool is_idle(const struct sl_load *load)
{
    const struct calls *calls = load->mode_state;
    return calls->outstanding == 0;
}

static void settle(struct sl_load *load)
{
    const struct calls *calls = load->mode_state;
    load->tally.lost += calls->outstanding;
}

/* Calls of a connection that broke will not be answered. */
static void on_closed(struct sl_load *load, struct sl_conn *conn)
{
    struct calls *calls = load->mode_state;
    struct slot *slots = slots_of(load, conn);
    for (uint32_t i = 0; i < load->options->window; i++) {
        if (!slots[i].busy)
            continue;
        slots[i].busy = false;
        calls->outstanding--;
        load->tally.lost++;
    }
}

static bool is_sending(const struct sl_load *load)
{
    return load->phase < SL_PHASE_DRAINING;
}

/* The slot that the message answers; NULL, and counted, when there is none. */
static struct slot *find_slot(struct sl_load *load, struct sl_conn *conn,
                              const struct sl_message *message)
{
    if (message->id < 0 || (uint32_t)message->id >= load->options->window ||
        !slots_of(load, conn)[message->id].busy) {
        load->tally.repeated++;
        return NULL;
    }
    return &slots_of(load, conn)[message->id];
}

static void end_call(struct sl_load *load, struct slot *slot)
{
    struct calls *calls = load->mode_state;
    slot->busy = false;
    calls->outstanding--;
}

/* Counts a completion that carries an error; such a call is not repeated. */
static bool is_refused(struct sl_load *load, const struct sl_message *message)
{
    if (message->error.data == NULL)
        return false;
    sl_client_fault(&load->client, "completion with an error: %.*s",
                    (int)message->error.size, message->error.data);
    return true;
}

static struct slot *begin_call(struct sl_load *load, struct sl_conn *conn,
                               uint32_t id, uint64_t now_ns)
{
    struct calls *calls = load->mode_state;
    struct slot *slot = &slots_of(load, conn)[id];
    *slot = (struct slot){ .sent_ns = now_ns, .busy = true };
    calls->outstanding++;
    return slot;
}

/* ---- echo ---- */

static void send_echo(struct sl_load *load, struct sl_conn *conn, uint32_t id,
                      uint64_t now_ns)
{
    struct calls *calls = load->mode_state;
    struct slot *slot = begin_call(load, conn, id, now_ns);
    slot->seq = calls->next_seq++;
    sl_payload_stamp(&load->payload, (struct sl_stamp){ now_ns, slot->seq });
    sl_client_call(&load->client, conn,
                   &(struct sl_call){
                       .type = SL_MESSAGE_INVOCATION,
                       .id = (int)id,
                       .target = "Echo",
                       .payload = { load->payload.text, load->payload.size },
                   });
}

static bool is_echo_right(struct sl_load *load, const struct slot *slot,
                          const struct sl_message *message)
{
    struct sl_stamp stamp;
    return message->text.data != NULL &&
           sl_payload_read(&load->payload, message->text.data,
                           message->text.size, &stamp) &&
           stamp.seq == slot->seq && stamp.time_ns == slot->sent_ns;
}

/* Judges an answer and frees its slot.  False: no good answer. */
static bool take_echo(struct sl_load *load, struct sl_conn *conn,
                      const struct sl_message *message)
{
    if (message->type != SL_MESSAGE_COMPLETION) {
        sl_client_fault(&load->client, "a message of type %d as an answer",
                        message->type);
        return false;
    }
    struct slot *slot = find_slot(load, conn, message);
    if (slot == NULL)
        return false;
    end_call(load, slot);
    if (is_refused(load, message))
        return false;
    if (!is_echo_right(load, slot, message))
        load->tally.damaged++;
    return true;
}

static void begin_calls(struct sl_load *load,
                        void (*send)(struct sl_load *, struct sl_conn *,
                                     uint32_t, uint64_t))
{
    const uint64_t now_ns = sl_clock_now_ns();
    for (uint32_t i = 0; i < load->options->conn_count; i++) {
        struct sl_conn *conn = &load->client.conns[i];
        if (conn->state != SL_CONN_READY)
            continue;
        for (uint32_t id = 0; id < load->options->window; id++)
            send(load, conn, id, now_ns);
        sl_client_flush(&load->client, conn);
    }
}

static void begin_echo(struct sl_load *load)
{
    begin_calls(load, send_echo);
}

static void on_echo_message(struct sl_load *load, struct sl_conn *conn,
                            const struct sl_message *message, uint64_t now_ns)
{
    if (!take_echo(load, conn, message))
        return;
    const uint32_t id = (uint32_t)message->id;
    sl_load_count(load, now_ns - slots_of(load, conn)[id].sent_ns);
    if (is_sending(load))
        send_echo(load, conn, id, now_ns);
}

const struct sl_mode sl_mode_echo = {
    .unit = "invocations",
    .prepare = prepare,
    .release = release,
    .begin = begin_echo,
    .is_idle = is_idle,
    .settle = settle,
    .on_open = sl_mode_open_ready,
    .on_message = on_echo_message,
    .on_closed = on_closed,
};

/* ---- stream ---- */

static void send_stream(struct sl_load *load, struct sl_conn *conn, uint32_t id,
                        uint64_t now_ns)
{
    begin_call(load, conn, id, now_ns);
    sl_client_call(&load->client, conn,
                   &(struct sl_call){
                       .type = SL_MESSAGE_STREAM_INVOCATION,
                       .id = (int)id,
                       .target = "Counter",
                       .has_numbers = true,
                       .numbers = { load->options->stream_items, 0 },
                   });
}

static void begin_stream(struct sl_load *load)
{
    begin_calls(load, send_stream);
}

static void on_item(struct sl_load *load, struct slot *slot,
                    const struct sl_message *message)
{
    if (!message->has_number)
        load->tally.damaged++;
    else if (message->number < slot->seq)
        load->tally.repeated++;
    else if (message->number > slot->seq)
        load->tally.gaps++;
    slot->seq = (uint32_t)message->number + 1;
    if (load->phase == SL_PHASE_MEASURING)
        load->tally.count++;
}

/* `count` counts items; the latency is that of whole streams. */
static void on_stream_message(struct sl_load *load, struct sl_conn *conn,
                              const struct sl_message *message, uint64_t now_ns)
{
    struct slot *slot = find_slot(load, conn, message);
    if (slot == NULL)
        return;
    if (message->type == SL_MESSAGE_STREAM_ITEM) {
        on_item(load, slot, message);
        return;
    }
    end_call(load, slot);
    if (is_refused(load, message))
        return;
    if (slot->seq != load->options->stream_items)
        load->tally.lost++;
    if (load->phase == SL_PHASE_MEASURING)
        sl_histogram_add(&load->latency, now_ns - slot->sent_ns);
    if (is_sending(load))
        send_stream(load, conn, (uint32_t)message->id, now_ns);
}

const struct sl_mode sl_mode_stream = {
    .unit = "items",
    .prepare = prepare,
    .release = release,
    .begin = begin_stream,
    .is_idle = is_idle,
    .settle = settle,
    .on_open = sl_mode_open_ready,
    .on_message = on_stream_message,
    .on_closed = on_closed,
};

/* ---- churn ---- */

static void on_churn_open(struct sl_load *load, struct sl_conn *conn)
{
    sl_client_mark_ready(&load->client, conn);
    if (is_sending(load))
        send_echo(load, conn, 0, sl_clock_now_ns());
    else
        sl_client_close(&load->client, conn);
}

/* The cycle counts from the connect to the answer. */
static void on_churn_message(struct sl_load *load, struct sl_conn *conn,
                             const struct sl_message *message, uint64_t now_ns)
{
    if (take_echo(load, conn, message))
        sl_load_count(load, now_ns - conn->started_ns);
    if (conn->state == SL_CONN_READY)
        sl_client_close(&load->client, conn);
}

static void on_churn_closed(struct sl_load *load, struct sl_conn *conn)
{
    struct calls *calls = load->mode_state;
    on_closed(load, conn);
    calls->closed[calls->closed_count++] = conn;
}

/* Opening again waits for the end of the turn: the closed connection may still
 * be on somebody's stack. */
static uint64_t on_churn_turn(struct sl_load *load, uint64_t now_ns)
{
    struct calls *calls = load->mode_state;
    (void)now_ns;
    if (!is_sending(load))
        return SL_TURN_NS_MAX;
    if (load->client.faults.failed > CHURN_FAILURES_MAX)
        sl_fatal("too many broken connections: %s", load->client.faults.last);
    for (uint32_t count = calls->closed_count; count > 0; count--) {
        struct sl_conn *conn = calls->closed[--calls->closed_count];
        sl_client_open(&load->client, conn);
    }
    return SL_TURN_NS_MAX;
}

const struct sl_mode sl_mode_churn = {
    .unit = "connections",
    .starts_at_once = true,
    .prepare = prepare,
    .release = release,
    .on_turn = on_churn_turn,
    .is_idle = is_idle,
    .settle = settle,
    .on_open = on_churn_open,
    .on_message = on_churn_message,
    .on_closed = on_churn_closed,
};
