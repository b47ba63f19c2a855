// SPDX-License-Identifier: MIT
/*
 * The hub layer's state on one worker, and what arrives from other workers.
 */
#include "hub/world.h"

#include "base/check.h"
#include "base/limits.h"
#include "hub/internal.h"
#include "hub/members.h"
#include "hub/targets.h"
#include "wire/ws_frame.h"

#define CONN_POOL_KEEP 256       /* freed connections kept for the next ones */
#define INVOCATION_POOL_KEEP 256 /* the same for invocations */

/* One ping serves every connection of a protocol, for ever. */
static struct sl_buf *make_ping(enum sl_protocol_id id)
{
    const struct sl_hub_protocol *protocol = sl_hub_protocol_get(id);
    if (protocol == NULL)
        return NULL;
    struct sl_str text = { 0 };
    protocol->write_ping(&text);
    struct sl_buf *ping = sl_buf_new(sl_str_slice(&text));
    sl_ws_frame_buf(ping, protocol->binary ? SL_WS_BINARY : SL_WS_TEXT);
    sl_str_release(&text);
    return ping;
}

void sl_world_init(struct sl_world *world, struct sl_wheel *wheel,
                   struct sl_runq *runq, struct sl_metrics *metrics)
{
    *world = (struct sl_world){
        .wheel = wheel,
        .runq = runq,
        .metrics = metrics,
    };
    sl_hub_reader_init(&world->reader);
    sl_slots_init(&world->conns);
    sl_slots_init(&world->questions);
    sl_list_init(&world->asking);
    sl_list_init(&world->hubs);
    sl_list_init(&world->apart);
    sl_list_init(&world->away);
    sl_pool_init(&world->conn_pool, sizeof(struct sl_conn), CONN_POOL_KEEP);
    sl_pool_init(&world->invocation_pool, sizeof(struct sl_invocation),
                 INVOCATION_POOL_KEEP);
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++)
        world->ping[i] = make_ping((enum sl_protocol_id)i);
}

void sl_world_release(struct sl_world *world)
{
    sl_assert(world->conn_count == 0 && sl_list_empty(&world->apart));
    sl_assert(world->away_count == 0 && world->away_bytes == 0);
    sl_results_release(world);
    SL_LIST_FOREACH_SAFE(node, &world->hubs)
        sl_hub_free(SL_CONTAINER_OF(node, struct sl_hub, node));
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++)
        sl_buf_unref(world->ping[i]);
    sl_hub_reader_release(&world->reader);
    sl_str_release(&world->scratch);
    sl_slots_release(&world->conns);
    sl_pool_release(&world->conn_pool);
    sl_pool_release(&world->invocation_pool);
}

/* ---- the bus's side ---- */

static void on_envelope(void *user, const struct sl_envelope *envelope)
{
    struct sl_hub *hub = sl_hub_at(user, envelope->hub);
    if (hub != NULL)
        sl_hub_deliver(hub, envelope);
}

static void on_group_change(void *user, struct sl_group_change *change)
{
    struct sl_hub *hub = sl_hub_at(user, change->hub);
    if (hub == NULL)
        return;
    struct sl_conn *conn = sl_hub_conn(hub, sl_slice_str(change->conn_id));
    if (conn == NULL)
        return; /* it left meanwhile, and its groups with it */
    struct sl_slice group = sl_slice_of(change->group, change->group_len);
    if (change->add)
        sl_members_add(hub, SL_SET_GROUP, group, conn);
    else
        sl_members_remove(hub, SL_SET_GROUP, group, conn);
}

void sl_world_attach(struct sl_world *world, struct sl_bus *bus,
                     unsigned worker, struct sl_mailbox *mailbox)
{
    static const struct sl_bus_receiver receiver = {
        .deliver = on_envelope,
        .change_group = on_group_change,
    };
    sl_assert(world->port == NULL);
    world->port = sl_bus_attach(bus, worker, mailbox, &receiver, world);
}

/* ---- connections ---- */

struct sl_conn *sl_world_conn(struct sl_world *world, sl_slot_id handle)
{
    return sl_slots_get(&world->conns, handle);
}

static void close_list(struct sl_list *conns, enum sl_close_reason reason)
{
    /* Closing only moves the connection itself to another list. */
    SL_LIST_FOREACH_SAFE(node, conns)
        sl_conn_close(SL_CONTAINER_OF(node, struct sl_conn, node), reason,
                      (struct sl_slice){ 0 }, true);
}

void sl_world_close_all(struct sl_world *world, enum sl_close_reason reason)
{
    close_list(&world->apart, reason); /* handshakes */
    SL_LIST_FOREACH(node, &world->hubs)
        close_list(&SL_CONTAINER_OF(node, struct sl_hub, node)->conns, reason);
}

unsigned sl_world_conn_count(const struct sl_world *world)
{
    return world->conn_count;
}
