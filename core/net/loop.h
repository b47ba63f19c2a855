// SPDX-License-Identifier: MIT
/*
 * A thread's event loop: libuv, a timer wheel, a run queue, a mailbox for
 * other threads, and the list of streams that have something to write.
 *
 * One turn: libuv's callbacks (reads, accepts, letters of other threads, the
 * wheel) do their work and push tasks; before the loop sleeps again the run
 * queue is drained and every dirty stream is flushed once, with one vectored
 * write. So all that one turn produced for a connection leaves in one system
 * call.
 *
 * One thread, but for sl_loop_post and sl_loop_stop.
 */
#pragma once

#include "base/clock.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/runq.h"
#include "base/wheel.h"

#include <stdatomic.h>
#include <uv.h>

struct sl_loop {
    uv_loop_t uv;
    struct sl_wheel wheel; /* its now_ms is this loop's time */
    struct sl_runq runq;
    struct sl_mailbox mailbox;
    struct sl_list dirty;  /* streams to flush (net/stream.h) */
    struct sl_list broken; /* streams whose write failed: on_end follows */
    struct sl_pool streams, writes; /* of net/stream.c */
    struct sl_pool slots, blocks;   /* of net/outq.c */
    struct sl_metrics *metrics;     /* borrowed: the thread's */
    char *read_buf;       /* SL_READ_BUF_SIZE bytes; every read lands here */
    uv_prepare_t prepare; /* the end of a turn */
    uv_async_t async;
    uv_timer_t timer;
    uint64_t timer_at_ms; /* what the timer is set to; UINT64_MAX: not set */
    uv_idle_t spin;       /* on while the run queue has work left */
    atomic_bool stop_wanted;
    const uint64_t *given_ms; /* borrowed: a test's time; NULL: libuv's */
    uint64_t turn_began_ns;   /* 0 between turns */
    /* Any thread may read these. An idle loop turns rarely, so a watchdog
     * looks at how long one has been awake. libuv's clock (uv_hrtime). */
    _Atomic uint64_t heartbeat_ms;   /* when the loop last turned */
    _Atomic uint64_t awake_since_ms; /* since this turn began; 0: it sleeps */
};

/* Negative: libuv could not make its descriptors (nothing is left open). */
int sl_loop_init(struct sl_loop *loop, struct sl_metrics *metrics) SL_MUST_USE;

/* Runs until sl_loop_stop; at once when that was called before. The loop may
 * be run again after it. */
void sl_loop_run(struct sl_loop *loop);

/* Any thread. */
void sl_loop_stop(struct sl_loop *loop);

/* Delivers the letters that wait and runs until no handle but the loop's own is
 * open, then closes those. Every owner must have begun to close its handles,
 * and no thread may post any more. */
void sl_loop_release(struct sl_loop *loop);

/* Milliseconds, monotonic; fresh in each libuv callback. */
static inline uint64_t sl_loop_now(const struct sl_loop *loop)
{
    return loop->wheel.now_ms;
}

void sl_loop_begin_turn(struct sl_loop *loop); /* for sl_loop_enter alone */

/* First line of each libuv callback: brings now_ms up to date. */
static inline void sl_loop_enter(struct sl_loop *loop)
{
    loop->wheel.now_ms =
        SL_LIKELY(loop->given_ms == NULL) ? uv_now(&loop->uv) : *loop->given_ms;
    if (loop->turn_began_ns == 0)
        sl_loop_begin_turn(loop);
}

static inline void sl_loop_defer(struct sl_loop *loop, struct sl_task *task)
{
    sl_runq_push(&loop->runq, task);
}

/* Any thread: the letter is delivered in the loop's thread. */
static inline void sl_loop_post(struct sl_loop *loop, struct sl_letter letter)
{
    sl_mailbox_post(&loop->mailbox, letter);
}

/* Delivers the letters that wait, unless a delivery is on its way. For whoever
 * just read from outside: the bytes may be an answer to what another thread
 * said after it posted a letter here, so the letter comes first. */
void sl_loop_catch_up(struct sl_loop *loop);
