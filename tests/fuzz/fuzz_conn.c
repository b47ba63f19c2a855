// SPDX-License-Identifier: MIT
/*
 * Any bytes in any cut, given to a connection whose hub is the one in C. The
 * first byte chooses circumstances, the second cuts the rest into pieces; then
 * time passes, held calls end, and nothing may be left.
 */
#include "base/check.h"
#include "base/log.h"
#include "tests/lib/cluster.h"
#include "tests/lib/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SHAKEN 1u    /* the handshake is done already */
#define HELD 2u      /* on_connected takes its time */
#define DETAILED 4u  /* detailed errors */
#define STUCK 8u     /* the client reads nothing */
#define SECOND 16u   /* somebody else is there, on another worker */
#define STATEFUL 32u /* the transport is lost between pieces, now and then */

static void tune(struct sl_hub_options *options)
{
    options->max_message_size = 256;
    options->max_outbound = 2048;
    options->stateful_reconnect_buffer = 256;
}

static void lose(struct cluster *cluster, struct peer *peer)
{
    if (peer->conn == NULL || !sl_conn_may_attach(peer->conn) ||
        !peer_cut(peer))
        return;
    cluster_advance(cluster, 2000);
    (void)peer_return(peer);
}

/* Pieces of 1 to 64 bytes by a small generator; 0: one piece. */
static void say(struct cluster *cluster, struct peer *peer, uint8_t cut,
                bool stateful, struct sl_slice bytes)
{
    unsigned state = cut;
    while (bytes.len > 0) {
        state = state * 1103515245u + 12345u;
        size_t piece = cut == 0 ? bytes.len : 1 + (state >> 16) % 64;
        if (piece > bytes.len)
            piece = bytes.len;
        peer_say_bytes(peer, sl_slice_of(bytes.ptr, piece));
        bytes.ptr += piece;
        bytes.len -= piece;
        if (stateful && (state >> 24) % 4 == 0)
            lose(cluster, peer);
        if (cut % 2 == 1)
            cluster_settle(cluster);
    }
}

static void finish(struct cluster *cluster, struct peer *peer)
{
    struct cluster_worker *worker = peer->worker;
    cluster_settle(cluster);
    if (worker->hub.on_connected == C_HUB_HELD && peer->conn != NULL &&
        peer->conn->greeting)
        c_hub_connected_end(peer->conn, true);
    while (c_hub_finish(&worker->hub))
        cluster_settle(cluster);
    peer_read(peer);
    cluster_advance(cluster, 16000);
    cluster_advance(cluster, 16000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct cluster cluster;
    struct peer peer, other;
    if (len < 2)
        return 0;
    uint8_t how = bytes[0];
    sl_log_setup(2, SL_LOG_OFF, SL_LOG_TEXT);
    cluster_init(&cluster,
                 (struct cluster_options){ .worker_count = 2, .tune = tune });
    struct cluster_worker *worker = cluster_worker(&cluster, 0, 0);
    worker->entry->options.detailed_errors = (how & DETAILED) != 0;
    /* A held on_connected of a connection that is gone has nobody to end it. */
    if ((how & (HELD | SHAKEN | STATEFUL)) == (HELD | SHAKEN))
        worker->hub.on_connected = C_HUB_HELD;
    if ((how & SECOND) != 0)
        peer_join(&other, cluster_worker(&cluster, 0, 1), "b", "ann");
    bool stateful = (how & STATEFUL) != 0;
    if (stateful && (how & SHAKEN) != 0)
        peer_join_stateful(&peer, worker, "a");
    else if (stateful)
        peer_open_as(&peer, worker, "a",
                     (struct sl_conn_setup){ .stateful = true });
    else if ((how & SHAKEN) != 0)
        peer_join(&peer, worker, "a", "ann");
    else
        peer_open(&peer, worker, "a", "ann");
    peer.stuck = (how & STUCK) != 0;
    struct sl_conn *conn = peer.conn;

    say(&cluster, &peer, bytes[1], stateful, sl_slice_of(bytes + 2, len - 2));
    if (worker->hub.on_connected == C_HUB_HELD && peer.conn == NULL)
        c_hub_connected_end(conn, true);
    finish(&cluster, &peer);
    sl_assert(peer.conn == NULL || peer.paused ||
              peer.conn->partial.len <= 256);
    sl_assert(sl_world_conn_count(&worker->world) == (peer.conn != NULL));

    peer_release(&peer);
    if ((how & SECOND) != 0)
        peer_release(&other);
    cluster_release(&cluster);
    return 0;
}
