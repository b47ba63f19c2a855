// SPDX-License-Identifier: MIT
/*
 * The modes in which one connection's call reaches many: broadcast and
 * backplane (everybody is one group) and group.  The first member of a group
 * sends; in closed loop a new broadcast goes out when an old one has reached
 * every member, in open loop when its time has come, and its latency counts
 * from that time on, however late it went.
 *
 * A group's sequence numbers grow by one, and so must those a member receives.
 */
#include "modes.h"

#include <stdio.h>
#include <stdlib.h>

#include "../common/alloc.h"
#include "clock.h"

/* Broadcasts in flight in open loop before new ones are left out: at first
 * the whole load of one group, then that of each of many. */
#define RING_SIZE_ONE_GROUP 16384u
#define RING_SIZE_OPEN_LOOP 256u
/* Bytes of a group's name. */
#define GROUP_NAME_SIZE 16

/* One broadcast on its way. */
struct flight {
    uint64_t stamp_ns;
    uint32_t remaining; /* members it has not reached */
};

struct group {
    uint32_t seq; /* of the next broadcast */
    uint32_t in_flight;
    uint32_t first;
    uint32_t member_count;
    struct flight *ring; /* by sequence number */
};

struct groups {
    struct group *list;
    uint32_t count;
    uint32_t size; /* members of each but the last */
    uint32_t ring_mask;
    uint32_t *next_seqs; /* expected next, per connection */
    uint64_t first_due_ns;
    uint64_t due_count; /* broadcasts that have become due */
};

static bool is_open_loop(const struct sl_load *load)
{
    return load->options->rate > 0;
}

static struct group *group_of(struct sl_load *load, const struct sl_conn *conn)
{
    struct groups *groups = load->mode_state;
    return &groups->list[conn->index / groups->size];
}

static void name_group(char name[GROUP_NAME_SIZE], struct sl_load *load,
                       const struct group *group)
{
    const struct groups *groups = load->mode_state;
    snprintf(name, GROUP_NAME_SIZE, "g%u", (unsigned)(group - groups->list));
}

/* ---- preparation ---- */

static uint32_t pick_ring_size(const struct sl_options *options,
                               uint32_t group_count)
{
    uint32_t least = options->window;
    if (options->rate > 0)
        least = group_count == 1 ? RING_SIZE_ONE_GROUP : RING_SIZE_OPEN_LOOP;
    uint32_t size = 1;
    while (size < least)
        size *= 2;
    return size;
}

static void prepare(struct sl_load *load)
{
    const struct sl_options *options = load->options;
    const uint32_t conn_count = options->conn_count;
    struct groups *groups = sl_allocate(1, sizeof *groups);
    groups->size = options->group_size > 0 && options->group_size < conn_count
                       ? options->group_size
                       : conn_count;
    groups->count = (conn_count + groups->size - 1) / groups->size;
    groups->list = sl_allocate(groups->count, sizeof(struct group));
    groups->next_seqs = sl_allocate(conn_count, sizeof(uint32_t));
    const uint32_t ring_size = pick_ring_size(options, groups->count);
    groups->ring_mask = ring_size - 1;
    for (uint32_t i = 0; i < groups->count; i++) {
        const uint32_t first = i * groups->size;
        const uint32_t rest = conn_count - first;
        groups->list[i] = (struct group){
            .first = first,
            .member_count = rest < groups->size ? rest : groups->size,
            .ring = sl_allocate(ring_size, sizeof(struct flight)),
        };
    }
    load->mode_state = groups;
}

static void release(struct sl_load *load)
{
    struct groups *groups = load->mode_state;
    for (uint32_t i = 0; i < groups->count; i++)
        free(groups->list[i].ring);
    free(groups->list);
    free(groups->next_seqs);
    free(groups);
    load->mode_state = NULL;
}

static void on_open(struct sl_load *load, struct sl_conn *conn)
{
    if (load->options->group_size == 0) {
        sl_client_mark_ready(&load->client, conn);
        return;
    }
    char name[GROUP_NAME_SIZE];
    name_group(name, load, group_of(load, conn));
    sl_client_call(&load->client, conn,
                   &(struct sl_call){
                       .type = SL_MESSAGE_INVOCATION,
                       .id = 0,
                       .target = "JoinGroup",
                       .name = name,
                   });
}

/* ---- sending ---- */

static void send_broadcast(struct sl_load *load, struct group *group,
                           uint64_t stamp_ns)
{
    const struct groups *groups = load->mode_state;
    struct sl_conn *sender = &load->client.conns[group->first];
    struct flight *flight = &group->ring[group->seq & groups->ring_mask];
    if (flight->remaining > 0 || sender->state != SL_CONN_READY) {
        load->tally.overload++;
        return;
    }
    *flight = (struct flight){ stamp_ns, group->member_count };
    sl_payload_stamp(&load->payload,
                     (struct sl_stamp){ stamp_ns, group->seq++ });
    group->in_flight++;
    load->tally.broadcasts++;

    char name[GROUP_NAME_SIZE];
    name_group(name, load, group);
    const bool everybody = load->options->group_size == 0;
    sl_client_call(
        &load->client, sender,
        &(struct sl_call){
            .type = SL_MESSAGE_INVOCATION,
            .id = load->options->no_invocation_id ? SL_CALL_NO_ID : 0,
            .target = everybody ? "SendAll" : "SendGroup",
            .name = everybody ? NULL : name,
            .payload = { load->payload.text, load->payload.size },
        });
    sl_client_flush(&load->client, sender);
}

static uint32_t count_active(const struct sl_load *load)
{
    const struct groups *groups = load->mode_state;
    const uint32_t wanted = load->options->groups_active;
    return wanted > 0 && wanted < groups->count ? wanted : groups->count;
}

static void begin(struct sl_load *load)
{
    struct groups *groups = load->mode_state;
    groups->first_due_ns = sl_clock_now_ns();
    if (is_open_loop(load))
        return;
    const uint32_t active = count_active(load);
    for (uint32_t i = 0; i < active; i++)
        for (uint32_t j = 0; j < load->options->window; j++)
            send_broadcast(load, &groups->list[i], sl_clock_now_ns());
}

static uint64_t on_turn(struct sl_load *load, uint64_t now_ns)
{
    struct groups *groups = load->mode_state;
    if (!is_open_loop(load) || load->phase >= SL_PHASE_DRAINING)
        return SL_TURN_NS_MAX;
    const uint32_t active = count_active(load);
    for (;;) {
        const double after_s = (double)groups->due_count / load->options->rate;
        const uint64_t due_ns = groups->first_due_ns + sl_clock_ns(after_s);
        if (due_ns > now_ns)
            return due_ns - now_ns;
        send_broadcast(load, &groups->list[groups->due_count++ % active],
                       due_ns);
    }
}

/* ---- receiving ---- */

/* The flight that a delivery belongs to; NULL, and counted, when it is wrong
 * in itself or comes a second time. */
static struct flight *take_delivery(struct sl_load *load, struct sl_conn *conn,
                                    const struct sl_message *message)
{
    struct groups *groups = load->mode_state;
    struct group *group = group_of(load, conn);
    uint32_t *next_seq = &groups->next_seqs[conn->index];
    struct sl_stamp stamp;
    if (message->text.data == NULL ||
        !sl_payload_read(&load->payload, message->text.data, message->text.size,
                         &stamp)) {
        load->tally.damaged++;
        return NULL;
    }
    const int32_t ahead = (int32_t)(stamp.seq - *next_seq);
    if (ahead < 0) {
        load->tally.repeated++;
        return NULL;
    }
    struct flight *flight = &group->ring[stamp.seq & groups->ring_mask];
    if ((int32_t)(stamp.seq - group->seq) >= 0 || flight->remaining == 0 ||
        flight->stamp_ns != stamp.time_ns) {
        load->tally.damaged++; /* nobody sent this */
        return NULL;
    }
    if (ahead > 0) {
        load->tally.gaps++;
        load->tally.lost += (uint64_t)ahead;
    }
    *next_seq = stamp.seq + 1;
    return flight;
}

static void on_delivery(struct sl_load *load, struct sl_conn *conn,
                        const struct sl_message *message, uint64_t now_ns)
{
    struct flight *flight = take_delivery(load, conn, message);
    if (flight == NULL)
        return;
    /* Another's message may be younger than this read. */
    const uint64_t age_ns =
        now_ns > flight->stamp_ns ? now_ns - flight->stamp_ns : 0;
    sl_load_count(load, age_ns);
    if (--flight->remaining > 0)
        return;
    struct group *group = group_of(load, conn);
    group->in_flight--;
    if (!is_open_loop(load) && load->phase < SL_PHASE_DRAINING)
        send_broadcast(load, group, sl_clock_now_ns());
}

static void on_message(struct sl_load *load, struct sl_conn *conn,
                       const struct sl_message *message, uint64_t now_ns)
{
    if (message->type == SL_MESSAGE_INVOCATION) {
        on_delivery(load, conn, message, now_ns);
        return;
    }
    if (message->error.data != NULL)
        sl_client_fault(&load->client, "completion with an error: %.*s",
                        (int)message->error.size, message->error.data);
    if (conn->state == SL_CONN_OPEN) /* the answer to JoinGroup */
        sl_client_mark_ready(&load->client, conn);
}

/* ---- the end ---- */

static bool is_idle(const struct sl_load *load)
{
    const struct groups *groups = load->mode_state;
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->list[i].in_flight > 0)
            return false;
    return true;
}

static void settle(struct sl_load *load)
{
    const struct groups *groups = load->mode_state;
    for (uint32_t i = 0; i < load->options->conn_count; i++) {
        const struct group *group = &groups->list[i / groups->size];
        load->tally.lost += (uint32_t)(group->seq - groups->next_seqs[i]);
    }
}

const struct sl_mode sl_mode_broadcast = {
    .unit = "deliveries",
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .on_turn = on_turn,
    .is_idle = is_idle,
    .settle = settle,
    .on_open = on_open,
    .on_message = on_message,
};
