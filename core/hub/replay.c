// SPDX-License-Identifier: MIT
/*
 * Counting and keeping. All numbers are 64 bits wide and begin at 1: they do
 * not wrap in the life of a connection.
 */
#include "hub/replay.h"

#include "base/check.h"

#define KEPT_MAX (1u << 30) /* messages; bytes are bounded far below it */
#define PLACES_KEPT 64u     /* of an empty ring; a larger one is given back */

void sl_replay_init(struct sl_replay *replay)
{
    *replay = (struct sl_replay){ .received_next = 1 };
    sl_ring_init(&replay->kept, KEPT_MAX);
}

void sl_replay_release(struct sl_replay *replay)
{
    struct sl_buf *message;
    while ((message = sl_ring_pop(&replay->kept)) != NULL)
        sl_buf_unref(message);
    sl_ring_release(&replay->kept);
    replay->held = 0;
    replay->bytes = replay->held_bytes = 0;
}

/* ---- the server's messages ---- */

bool sl_replay_add(struct sl_replay *replay, struct sl_buf *message,
                   size_t limit)
{
    bool pushed = sl_ring_push(&replay->kept, sl_buf_ref(message));
    sl_assert(pushed);
    replay->numbered++;
    if (replay->held == 0 && replay->bytes <= limit) {
        replay->bytes += message->len;
        return true;
    }
    replay->held++;
    replay->held_bytes += message->len;
    return false;
}

int64_t sl_replay_first(const struct sl_replay *replay)
{
    return replay->numbered - replay->kept.count + 1;
}

unsigned sl_replay_count(const struct sl_replay *replay)
{
    return replay->kept.count - replay->held;
}

struct sl_buf *sl_replay_at(const struct sl_replay *replay, unsigned index)
{
    const struct sl_ring *kept = &replay->kept;
    sl_assert(index < kept->count);
    return kept->items[(kept->head + index) & (kept->cap - 1)];
}

void sl_replay_acknowledge(struct sl_replay *replay, int64_t number)
{
    while (sl_replay_count(replay) > 0 && sl_replay_first(replay) <= number) {
        struct sl_buf *message = sl_ring_pop(&replay->kept);
        sl_assert(replay->bytes >= message->len);
        replay->bytes -= message->len;
        sl_buf_unref(message);
    }
    if (replay->kept.count == 0 && replay->kept.cap > PLACES_KEPT)
        sl_ring_release(&replay->kept);
}

struct sl_buf *sl_replay_next_held(struct sl_replay *replay, size_t limit)
{
    if (replay->held == 0 || replay->bytes > limit)
        return NULL;
    struct sl_buf *message = sl_replay_at(replay, sl_replay_count(replay));
    replay->held--;
    replay->held_bytes -= message->len;
    replay->bytes += message->len;
    return message;
}

/* ---- the client's messages ---- */

bool sl_replay_receive(struct sl_replay *replay)
{
    int64_t number = replay->received_next++;
    if (number <= replay->received_most) {
        /* The acknowledgement was lost with its transport. */
        if (replay->acknowledged >= number)
            replay->acknowledged = number - 1;
        return false;
    }
    replay->received_most = number;
    return true;
}

bool sl_replay_sequence(struct sl_replay *replay, int64_t number)
{
    if (number > replay->received_next)
        return false;
    /* Nothing has a number below 1: that much less would not be told from 0,
     * and a count from far below must not overflow. */
    replay->received_next = number > 0 ? number : 0;
    return true;
}
