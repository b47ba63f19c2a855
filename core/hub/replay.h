// SPDX-License-Identifier: MIT
/*
 * What stateful reconnect remembers of one connection: the numbers of both
 * directions and the counted messages that the client has not acknowledged
 * (spec: stateful-reconnect, sections 2 to 5). No clock, no outlet: what is to
 * be done about it stands in reconnect.c.
 *
 * Messages of types 1 to 5 are counted, from 1 on, in each direction. Numbers
 * are never inside of messages, so both ends must count alike.
 *
 *   acknowledged | sent, kept for replay | held
 *                ^ first                 ^ first + count - held
 *
 * Once more than the limit is kept, further messages are held: numbered, in
 * order, not sent before an acknowledgement makes room. So the limit can be
 * overshot by one message, as in the reference. Buffers are shared with other
 * connections and counted in full with each.
 */
#pragma once

#include "base/buf.h"
#include "base/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_replay {
    struct sl_ring kept;   /* struct sl_buf, oldest first; the last `held`
                               of them have not been sent */
    unsigned held;         /* messages */
    size_t bytes;          /* of what was sent and is kept */
    size_t held_bytes;     /* of what is held */
    int64_t numbered;      /* the number of the newest, held ones included */
    int64_t received_next; /* the number of the next message to come */
    int64_t received_most; /* the highest one that was acted on; 0: none */
    int64_t acknowledged;  /* what the client was told of it */
};

void sl_replay_init(struct sl_replay *replay);
void sl_replay_release(struct sl_replay *replay);

/* ---- the server's messages ---- */

/* Numbers a message and keeps it (shares). True: it is to be sent now; false:
 * it is held. */
bool sl_replay_add(struct sl_replay *replay, struct sl_buf *message,
                   size_t limit) SL_MUST_USE;

/* The client has everything up to `number`: those are forgotten. A number that
 * was never sent counts as all that was. */
void sl_replay_acknowledge(struct sl_replay *replay, int64_t number);

/* The oldest held message, if there is room for it; it counts as sent from
 * here on. Borrowed. NULL: none, or no room. */
struct sl_buf *sl_replay_next_held(struct sl_replay *replay, size_t limit);

/* What a new transport is told first: the number of the first message that
 * follows. */
int64_t sl_replay_first(const struct sl_replay *replay);

/* Messages that were sent and are kept, and one of them, oldest first.
 * Borrowed. */
unsigned sl_replay_count(const struct sl_replay *replay);
struct sl_buf *sl_replay_at(const struct sl_replay *replay, unsigned index);

static inline size_t sl_replay_bytes(const struct sl_replay *replay)
{
    return replay->bytes + replay->held_bytes;
}

/* ---- the client's messages ---- */

/* A counted message came. False: it was acted on before; the client, which
 * does not know, is owed an acknowledgement again. */
bool sl_replay_receive(struct sl_replay *replay) SL_MUST_USE;

/* The client says the number of its next message. False: it leaves out some
 * that never came. */
bool sl_replay_sequence(struct sl_replay *replay, int64_t number) SL_MUST_USE;

/* Whether the client is owed an acknowledgement. */
static inline bool sl_replay_owes(const struct sl_replay *replay)
{
    return replay->acknowledged < replay->received_most;
}
