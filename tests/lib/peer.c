// SPDX-License-Identifier: MIT
/*
 * The outlet's four functions, and the way of a test's text into bytes.
 */
#include "tests/lib/peer.h"

#include "base/check.h"
#include "tests/lib/cluster.h"
#include "tests/lib/peer_msgpack.h"
#include "wire/ws_frame.h"

static struct peer *peer_of(struct sl_outlet *outlet)
{
    return SL_CONTAINER_OF(outlet, struct peer, outlet);
}

static size_t hear(struct peer *peer, struct sl_slice message)
{
    sl_assert(!peer->closed);
    if (peer->cut)
        return 0;
    sl_str_add_slice(&peer->heard, message);
    if (peer->stuck)
        peer->queued += message.len;
    return peer->queued;
}

static size_t on_send(struct sl_outlet *outlet, struct sl_buf *message)
{
    /* Framed before anybody got it, and for this protocol. */
    sl_assert(message->head_len > 0);
    sl_assert((sl_buf_framed(message).ptr[0] & 0xf) ==
              (outlet->binary ? SL_WS_BINARY : SL_WS_TEXT));
    peer_of(outlet)->shared++;
    return hear(peer_of(outlet), sl_buf_payload(message));
}

static size_t on_send_copy(struct sl_outlet *outlet, struct sl_slice message)
{
    return hear(peer_of(outlet), message);
}

static void on_pause(struct sl_outlet *outlet, bool paused)
{
    struct peer *peer = peer_of(outlet);
    if (peer->cut)
        return;
    sl_assert(peer->paused != paused);
    peer->paused = paused;
    peer->pauses += paused;
}

static void on_close(struct sl_outlet *outlet, bool failed, bool drop)
{
    struct peer *peer = peer_of(outlet);
    sl_assert(!peer->closed);
    peer->closed = true;
    peer->failed = failed;
    peer->dropped = drop;
    peer->conn = NULL;
}

static const struct sl_outlet_ops ops = {
    .send = on_send,
    .send_copy = on_send_copy,
    .pause = on_pause,
    .close = on_close,
};

void peer_open_as(struct peer *peer, struct cluster_worker *worker,
                  const char *name, struct sl_conn_setup setup)
{
    *peer = (struct peer){ .outlet.ops = &ops, .worker = worker };
    size_t len = strlen(name);
    sl_assert(len <= SL_ID_LEN);
    memset(peer->id, '-', SL_ID_LEN);
    memcpy(peer->id, name, len);
    setup.entry = worker->entry;
    setup.outlet = &peer->outlet;
    setup.id = sl_slice_of(peer->id, SL_ID_LEN);
    peer->conn = sl_conn_open(&setup);
}

void peer_open(struct peer *peer, struct cluster_worker *worker,
               const char *name, const char *user)
{
    struct sl_identity *identity =
        user == NULL
            ? NULL
            : sl_identity_new(sl_slice_str(user), (struct sl_slice){ 0 }, 0);
    peer_open_as(peer, worker, name,
                 (struct sl_conn_setup){ .identity = identity });
    sl_identity_unref(identity);
}

void peer_join(struct peer *peer, struct cluster_worker *worker,
               const char *name, const char *user)
{
    peer_open(peer, worker, name, user);
    peer_say(peer, "{'protocol':'json','version':1}");
    sl_assert(strcmp(peer_heard(peer), "{}\n") == 0);
}

void peer_join_msgpack(struct peer *peer, struct cluster_worker *worker,
                       const char *name, const char *user)
{
    peer_open(peer, worker, name, user);
    peer_say(peer, "{'protocol':'messagepack','version':1}");
    sl_assert(peer->outlet.binary);
    /* The answer is JSON in either protocol. */
    sl_assert(sl_slice_eq(sl_str_slice(&peer->heard), SL_SLICE("{}\x1e")));
    sl_str_clear(&peer->heard);
}

void peer_say_bytes(struct peer *peer, struct sl_slice bytes)
{
    if (peer->conn != NULL)
        sl_conn_received(peer->conn, bytes);
}

static void to_wire(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            text[i] = '"';
        else if (text[i] == '\n')
            text[i] = '\x1e';
    }
}

void peer_say_raw(struct peer *peer, const char *text)
{
    char *bytes = sl_strdup(text);
    size_t len = strlen(bytes);
    to_wire(bytes, len);
    peer_say_bytes(peer, sl_slice_of(bytes, len));
    sl_free(bytes);
}

void peer_say(struct peer *peer, const char *text)
{
    struct sl_str line = { 0 };
    sl_str_add_fmt(&line, "%s\n", text);
    peer_say_raw(peer, sl_str_cstr(&line));
    sl_str_release(&line);
}

void peer_invoke(struct peer *peer, const char *id, const char *target,
                 const char *args)
{
    struct sl_str line = { 0 };
    if (peer->outlet.binary) {
        peer_msgpack_invoke(&line, id, target, args);
        peer_say_bytes(peer, sl_str_slice(&line));
        sl_str_release(&line);
        return;
    }
    sl_str_add_lit(&line, "{'type':1,");
    if (id != NULL)
        sl_str_add_fmt(&line, "'invocationId':'%s',", id);
    sl_str_add_fmt(&line, "'target':'%s','arguments':%s}", target, args);
    peer_say(peer, sl_str_cstr(&line));
    sl_str_release(&line);
}

const char *peer_heard(struct peer *peer)
{
    sl_str_clear(&peer->text);
    if (peer->outlet.binary)
        peer_msgpack_read(sl_str_slice(&peer->heard), &peer->text);
    else
        sl_str_add_slice(&peer->text, sl_str_slice(&peer->heard));
    sl_str_clear(&peer->heard);
    for (size_t i = 0; i < peer->text.len; i++) {
        if (peer->text.ptr[i] == '"')
            peer->text.ptr[i] = '\'';
        else if (peer->text.ptr[i] == '\x1e')
            peer->text.ptr[i] = '\n';
    }
    return sl_str_cstr(&peer->text);
}

void peer_read(struct peer *peer)
{
    peer->stuck = false;
    peer->queued = 0;
    if (peer->conn != NULL)
        sl_conn_drained(peer->conn);
}

void peer_leave(struct peer *peer, enum sl_close_reason reason)
{
    if (peer->conn == NULL)
        return;
    sl_conn_lost(peer->conn, reason);
    peer->conn = NULL;
    peer->closed = true;
}

void peer_join_stateful(struct peer *peer, struct cluster_worker *worker,
                        const char *name)
{
    peer_open_as(peer, worker, name,
                 (struct sl_conn_setup){ .stateful = true });
    peer_say(peer, "{'protocol':'json','version':2}");
    sl_assert(strcmp(peer_heard(peer), "{}\n") == 0);
}

bool peer_cut(struct peer *peer)
{
    peer->cut = true;
    peer->queued = 0;
    if (sl_conn_detach(peer->conn, &peer->outlet))
        return true;
    peer_leave(peer, SL_CLOSE_LOST);
    return false;
}

bool peer_return(struct peer *peer)
{
    if (peer->conn == NULL || !sl_conn_may_attach(peer->conn))
        return false;
    peer->cut = peer->paused = false;
    peer->queued = 0;
    sl_conn_attach(peer->conn, &peer->outlet);
    return true;
}

void peer_release(struct peer *peer)
{
    peer_leave(peer, SL_CLOSE_LOST);
    sl_str_release(&peer->heard);
    sl_str_release(&peer->text);
}
