// SPDX-License-Identifier: MIT
/*
 * Sends. One loop serves each kind of audience (audience.h); it calls nothing
 * but outlets, which only queue, so no list changes under it. Connections that
 * are left out are marked before the loop and unmarked after it: the loop tests
 * one bit, however long the list of exceptions is.
 */
#include "hub/targets.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hub/audience.h"
#include "wire/ws_frame.h"

/* ---- local delivery ---- */

static void deliver_to(struct sl_conn *conn, const struct sl_envelope *envelope,
                       void *user)
{
    (void)user;
    /* Without a payload it joined after the message was encoded. */
    struct sl_buf *payload = envelope->payload[conn->protocol->id];
    if (payload != NULL)
        sl_conn_send(conn, payload);
}

void sl_hub_deliver(struct sl_hub *hub, const struct sl_envelope *envelope)
{
    sl_audience_visit(hub, envelope, deliver_to, NULL);
}

/* ---- encoding ---- */

/* Appends the message to the worker's scratch; *out gets it. The caller gives
 * the scratch back its length. */
static int encode(struct sl_world *world, const struct sl_send *send,
                  const struct sl_hub_protocol *protocol, struct sl_slice *out)
{
    struct sl_str *scratch = &world->scratch;
    size_t start = scratch->len;
    int err = protocol->write_invocation(scratch, (struct sl_slice){ 0 },
                                         send->target, send->arg_count,
                                         send->args, send->user);
    *out = sl_slice_of(scratch->ptr + start, scratch->len - start);
    return err;
}

static void give_back(struct sl_world *world, size_t len)
{
    world->scratch.len = len;
    if (len == 0)
        sl_str_trim(&world->scratch, SL_SCRATCH_KEEP_MAX);
}

/* Nobody listens, so that nothing is to be made; but what no protocol can
 * carry is told all the same, or it would be found out by the first client. */
static int encode_for_nobody(struct sl_world *world, const struct sl_send *send)
{
    size_t start = world->scratch.len;
    int err = SL_E_UNSUPPORTED;
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT && err != 0; i++) {
        const struct sl_hub_protocol *protocol =
            sl_hub_protocol_get((enum sl_protocol_id)i);
        struct sl_slice message;
        if (protocol != NULL)
            err = encode(world, send, protocol, &message);
        give_back(world, start);
    }
    return err;
}

/* Fills the payloads of the protocols that somebody on the pod speaks. */
static int encode_all(struct sl_hub *hub, const struct sl_send *send,
                      struct sl_envelope *envelope)
{
    struct sl_world *world = hub->world;
    struct sl_directory *directory = sl_bus_directory(world->port);
    size_t start = world->scratch.len;
    bool anybody = false;
    int err = 0;
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT && err == 0; i++) {
        enum sl_protocol_id id = (enum sl_protocol_id)i;
        if (sl_directory_protocol_count(directory, hub->index, id) == 0)
            continue;
        const struct sl_hub_protocol *protocol = sl_hub_protocol_get(id);
        struct sl_slice message;
        anybody = true;
        err = encode(world, send, protocol, &message);
        if (err == 0) {
            envelope->payload[i] = sl_buf_new(message);
            sl_ws_frame_buf(envelope->payload[i],
                            protocol->binary ? SL_WS_BINARY : SL_WS_TEXT);
        }
        give_back(world, start);
    }
    return anybody ? err : encode_for_nobody(world, send);
}

static void release_payloads(struct sl_envelope *envelope)
{
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++)
        sl_buf_unref(envelope->payload[i]);
}

/* ---- sending ---- */

bool sl_audience_is_good(const struct sl_envelope *whom)
{
    size_t most = SIZE_MAX;
    if (whom->audience == SL_TO_GROUPS)
        most = SL_GROUP_NAME_MAX;
    else if (whom->audience == SL_TO_USERS)
        most = SL_USER_ID_MAX;
    if (whom->name_count > SL_TARGET_NAMES_MAX ||
        whom->except_count > SL_TARGET_NAMES_MAX)
        return false;
    for (unsigned i = 0; i < whom->name_count; i++)
        if (whom->names[i].len == 0 || whom->names[i].len > most)
            return false;
    return true;
}

/* One local connection: no buffer is made, the transport copies. */
static int send_to_one(struct sl_conn *conn, const struct sl_send *send)
{
    struct sl_world *world = sl_conn_world(conn);
    size_t start = world->scratch.len;
    struct sl_slice message;
    int err = encode(world, send, conn->protocol, &message);
    if (err == 0)
        sl_conn_send_copy(conn, message);
    give_back(world, start);
    return err;
}

/* Connections of this worker are served, the bus is asked about the rest. */
static bool all_are_local(struct sl_hub *hub, const struct sl_send *send)
{
    if (send->audience != SL_TO_CLIENTS)
        return false;
    for (unsigned i = 0; i < send->name_count; i++)
        if (sl_hub_conn(hub, send->names[i]) == NULL)
            return false;
    return true;
}

int sl_hub_send(struct sl_hub *hub, const struct sl_send *send)
{
    struct sl_envelope envelope = {
        .hub = hub->index,
        .audience = send->audience,
        .names = send->names,
        .name_count = send->name_count,
        .except = send->except,
        .except_count = send->except_count,
    };
    if (!sl_audience_is_good(&envelope))
        return SL_E_VALUE;
    bool local = all_are_local(hub, send);
    if (local && send->name_count == 1 && send->except_count == 0)
        return send_to_one(sl_hub_conn(hub, send->names[0]), send);

    int err = encode_all(hub, send, &envelope);
    if (err == 0) {
        sl_hub_deliver(hub, &envelope);
        if (!local)
            sl_bus_publish(hub->world->port, &envelope);
    }
    release_payloads(&envelope);
    return err;
}

/* ---- groups ---- */

/* A change on its way to another worker and back. */
struct remote_change {
    struct sl_group_change change;
    sl_group_done_cb done;
    void *user;
};

static void free_change(struct remote_change *remote)
{
    sl_free(remote->change.conn_id);
    sl_free(remote->change.group);
    sl_free(remote);
}

static void on_change_done(struct sl_group_change *change)
{
    struct remote_change *remote =
        SL_CONTAINER_OF(change, struct remote_change, change);
    remote->done(remote->user, change->err);
    free_change(remote);
}

static void change_remotely(struct sl_hub *hub, bool add, struct sl_slice group,
                            struct sl_slice conn_id, sl_group_done_cb done,
                            void *user)
{
    struct remote_change *remote = sl_alloc(sizeof(*remote));
    *remote = (struct remote_change){
        .change = {
            .hub = hub->index,
            .add = add,
            .conn_id = sl_slice_dup(conn_id),
            .group = sl_slice_dup(group),
            .group_len = group.len,
            .done = on_change_done,
        },
        .done = done,
        .user = user,
    };
    if (!sl_bus_change_group(hub->world->port, &remote->change)) {
        free_change(remote);
        done(user, 0);
    }
}

void sl_hub_change_group(struct sl_hub *hub, bool add, struct sl_slice group,
                         struct sl_slice conn_id, sl_group_done_cb done,
                         void *user)
{
    if (group.len == 0 || group.len > SL_GROUP_NAME_MAX) {
        done(user, SL_E_VALUE);
        return;
    }
    struct sl_conn *conn = sl_hub_conn(hub, conn_id);
    if (conn == NULL) {
        /* No id of ours has another length (or a zero byte inside). */
        if (conn_id.len == SL_ID_LEN &&
            memchr(conn_id.ptr, '\0', conn_id.len) == NULL)
            change_remotely(hub, add, group, conn_id, done, user);
        else
            done(user, 0);
        return;
    }
    if (add)
        sl_members_add(hub, SL_SET_GROUP, group, conn);
    else
        sl_members_remove(hub, SL_SET_GROUP, group, conn);
    done(user, 0);
}
