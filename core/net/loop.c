// SPDX-License-Identifier: MIT
/*
 * The turn: libuv calls back for what happened, and right before it sleeps
 * again `on_prepare` finishes the turn: what is due fires, the run queue is
 * drained, dirty streams are flushed. Work that is queued before the loop runs
 * at all is found there too, since prepare comes before the first sleep.
 *
 * The loop's own handles are unreferenced, so that libuv's count of referenced
 * handles is the number of other people's; only while sl_loop_run runs does
 * the async handle keep an otherwise empty loop going.
 */
#include "net/loop.h"

#include "base/check.h"
#include "base/limits.h"
#include "net/internal.h"
#include "net/stream.h"

static bool has_work(const struct sl_loop *loop)
{
    return !sl_list_empty(&loop->runq.tasks) || !sl_list_empty(&loop->dirty) ||
           !sl_list_empty(&loop->broken);
}

static void on_spin(uv_idle_t *idle)
{
    (void)idle; /* that it is active makes the poll return at once */
}

static void on_timer(uv_timer_t *timer)
{
    struct sl_loop *loop = timer->data;
    loop->timer_at_ms = UINT64_MAX;
    sl_loop_enter(loop);
    sl_wheel_advance(&loop->wheel, loop->wheel.now_ms);
}

static void set_timer(struct sl_loop *loop)
{
    uint64_t next = sl_wheel_next(&loop->wheel);
    if (next == loop->timer_at_ms)
        return;
    loop->timer_at_ms = next;
    if (next == UINT64_MAX) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t now = loop->wheel.now_ms;
    uv_timer_start(&loop->timer, on_timer, next > now ? next - now : 0, 0);
}

/* A flush may report ends and drained queues, whose owners queue more; after
 * a few rounds, or when the run queue used up its budget, sockets get their
 * turn first. */
static void finish_turn(struct sl_loop *loop)
{
    sl_loop_enter(loop);
    sl_wheel_advance(&loop->wheel, loop->wheel.now_ms);

    for (int round = 0; round < SL_TURN_ROUNDS && has_work(loop); round++) {
        bool more = sl_runq_drain(&loop->runq, SL_RUNQ_BUDGET);
        sl_stream_flush_all(loop);
        if (more)
            break;
    }
    if (has_work(loop))
        uv_idle_start(&loop->spin, on_spin);
    else
        uv_idle_stop(&loop->spin);
    set_timer(loop);
    atomic_store_explicit(&loop->heartbeat_ms, loop->wheel.now_ms,
                          memory_order_relaxed);
}

/* libuv's own time is from the begin of the turn and in milliseconds. */
static uint64_t precise_ns(const struct sl_loop *loop)
{
    return SL_LIKELY(loop->given_ms == NULL) ? uv_hrtime()
                                             : *loop->given_ms * 1000000;
}

void sl_loop_begin_turn(struct sl_loop *loop)
{
    loop->turn_began_ns = precise_ns(loop);
    atomic_store_explicit(&loop->awake_since_ms, loop->wheel.now_ms,
                          memory_order_relaxed);
}

static void end_turn(struct sl_loop *loop)
{
    loop->turn_began_ns = 0;
    atomic_store_explicit(&loop->awake_since_ms, 0, memory_order_relaxed);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct sl_loop *loop = prepare->data;
    finish_turn(loop);
    sl_metric_lag(loop->metrics,
                  (precise_ns(loop) - loop->turn_began_ns) / 1000);
    end_turn(loop);
}

static void deliver_letters(struct sl_loop *loop)
{
    size_t count = sl_mailbox_deliver(&loop->mailbox);
    sl_metric_add(loop->metrics, SL_M_LETTERS, (int64_t)count);
}

void sl_loop_catch_up(struct sl_loop *loop)
{
    if (SL_UNLIKELY(sl_mailbox_waiting(&loop->mailbox)) &&
        !loop->mailbox.delivering)
        deliver_letters(loop);
}

static void on_async(uv_async_t *async)
{
    struct sl_loop *loop = async->data;
    sl_loop_enter(loop);
    deliver_letters(loop);
    if (atomic_load(&loop->stop_wanted))
        uv_stop(&loop->uv);
}

static void on_wake(void *user)
{
    struct sl_loop *loop = user;
    uv_async_send(&loop->async);
}

/* libuv aborts or returns an error only when descriptors have run out. */
int sl_loop_init(struct sl_loop *loop, struct sl_metrics *metrics)
{
    *loop = (struct sl_loop){ .metrics = metrics, .timer_at_ms = UINT64_MAX };
    int err = uv_loop_init(&loop->uv);
    if (err < 0)
        return err;
    err = uv_async_init(&loop->uv, &loop->async, on_async);
    if (err < 0) {
        uv_loop_close(&loop->uv);
        return err;
    }
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_timer_init(&loop->uv, &loop->timer);
    uv_idle_init(&loop->uv, &loop->spin);
    loop->async.data = loop->prepare.data = loop->timer.data = loop;

    sl_wheel_init(&loop->wheel, uv_now(&loop->uv));
    sl_runq_init(&loop->runq);
    sl_mailbox_init(&loop->mailbox, on_wake, loop);
    sl_list_init(&loop->dirty);
    sl_list_init(&loop->broken);
    sl_stream_pools_init(loop);
    loop->read_buf = sl_alloc(SL_READ_BUF_SIZE);

    uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->async);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->timer);
    uv_unref((uv_handle_t *)&loop->spin);
    return 0;
}

void sl_loop_run(struct sl_loop *loop)
{
    uv_ref((uv_handle_t *)&loop->async);
    end_turn(loop); /* what was done before it ran is no turn */
    if (!atomic_load(&loop->stop_wanted))
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    atomic_store(&loop->stop_wanted, false);
    end_turn(loop);
    uv_unref((uv_handle_t *)&loop->async);
}

void sl_loop_stop(struct sl_loop *loop)
{
    atomic_store(&loop->stop_wanted, true);
    uv_async_send(&loop->async);
}

void sl_loop_release(struct sl_loop *loop)
{
    sl_loop_enter(loop);
    sl_mailbox_deliver(&loop->mailbox);
    do {
        finish_turn(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    } while (uv_loop_alive(&loop->uv) || has_work(loop));

    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->spin, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int err = uv_loop_close(&loop->uv);
    sl_assert(err == 0); /* a handle that nobody closed */

    sl_mailbox_release(&loop->mailbox);
    sl_stream_pools_release(loop);
    sl_free(loop->read_buf);
    loop->read_buf = NULL;
}
