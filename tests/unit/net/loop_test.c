// SPDX-License-Identifier: MIT
/*
 * What a turn does, in real loops: work queued before the loop runs is done,
 * letters of other threads arrive, timers fire, a long run queue lets sockets
 * have their turn, stop ends a run and the next run goes on, and release ends
 * by itself.
 */
#include "net/loop.h"

#include "base/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct counter {
    struct sl_loop *loop;
    struct sl_task task;
    struct sl_wheel_entry entry;
    unsigned runs, runs_max; /* pushes itself again up to runs_max */
};

static struct sl_metrics metrics;

static void on_task(struct sl_task *task)
{
    struct counter *counter = SL_CONTAINER_OF(task, struct counter, task);
    if (++counter->runs < counter->runs_max)
        sl_loop_defer(counter->loop, task);
    else
        sl_loop_stop(counter->loop);
}

static void on_fire(struct sl_wheel_entry *entry)
{
    struct counter *counter = SL_CONTAINER_OF(entry, struct counter, entry);
    counter->runs++;
    sl_loop_stop(counter->loop);
}

static struct counter counter_of(struct sl_loop *loop, unsigned runs_max)
{
    struct counter counter = { .loop = loop, .runs_max = runs_max };
    return counter;
}

static void work_before_run(void **state)
{
    (void)state;
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    struct counter counter = counter_of(&loop, 3);
    sl_task_init(&counter.task, on_task);
    sl_loop_defer(&loop, &counter.task);
    sl_loop_run(&loop);
    assert_int_equal(counter.runs, 3);
    sl_loop_release(&loop);
}

static void stop_before_run_and_run_again(void **state)
{
    (void)state;
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    sl_loop_stop(&loop);
    sl_loop_run(&loop); /* returns */

    struct counter counter = counter_of(&loop, 1);
    sl_task_init(&counter.task, on_task);
    for (unsigned i = 1; i <= 3; i++) {
        sl_loop_defer(&loop, &counter.task);
        sl_loop_run(&loop);
        assert_int_equal(counter.runs, i);
    }
    sl_loop_release(&loop);
}

static void wheel_fires(void **state)
{
    (void)state;
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    struct counter counter = counter_of(&loop, 1);
    sl_wheel_entry_init(&counter.entry, on_fire);
    uint64_t start = sl_loop_now(&loop);
    sl_wheel_set(&loop.wheel, &counter.entry, start + 20);
    sl_loop_run(&loop);
    assert_int_equal(counter.runs, 1);
    assert_true(sl_loop_now(&loop) >= start + 20);

    /* An earlier entry moves the timer forward. */
    struct counter far = counter_of(&loop, 1), near = counter_of(&loop, 1);
    sl_wheel_entry_init(&far.entry, on_fire);
    sl_wheel_entry_init(&near.entry, on_fire);
    sl_wheel_set(&loop.wheel, &far.entry, sl_loop_now(&loop) + 60000);
    sl_wheel_set(&loop.wheel, &near.entry, sl_loop_now(&loop) + 5);
    sl_loop_run(&loop);
    assert_int_equal(near.runs, 1);
    assert_int_equal(far.runs, 0);
    sl_wheel_cancel(&loop.wheel, &far.entry);
    sl_loop_release(&loop);
}

/* A task that pushes itself for ever must not keep the wheel from firing. */
static void busy_run_queue_lets_others_in(void **state)
{
    (void)state;
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    struct counter busy = counter_of(&loop, UINT32_MAX);
    sl_task_init(&busy.task, on_task);
    sl_loop_defer(&loop, &busy.task);
    struct counter timer = counter_of(&loop, 1);
    sl_wheel_entry_init(&timer.entry, on_fire);
    sl_wheel_set(&loop.wheel, &timer.entry, sl_loop_now(&loop) + 10);
    sl_loop_run(&loop);
    assert_int_equal(timer.runs, 1);
    assert_true(busy.runs >= SL_RUNQ_BUDGET);
    sl_runq_cancel(&busy.task);
    sl_loop_release(&loop);
}

/* A piece of work during which the clock goes on. */
struct slow {
    struct sl_loop *loop;
    struct sl_task task;
    uint64_t *now_ms;
    uint64_t takes_ms;
    uint64_t awake_since_ms; /* as another thread saw it */
};

static void on_slow(struct sl_task *task)
{
    struct slow *slow = SL_CONTAINER_OF(task, struct slow, task);
    slow->awake_since_ms = atomic_load(&slow->loop->awake_since_ms);
    *slow->now_ms += slow->takes_ms;
    sl_loop_stop(slow->loop);
}

static int64_t turns_in(unsigned bucket)
{
    return atomic_load(&metrics.lag.turns[bucket]);
}

static void turns_are_timed(void **state)
{
    (void)state;
    struct sl_loop loop;
    metrics = (struct sl_metrics){ 0 };
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    uint64_t now_ms = 1000;
    loop.given_ms = &now_ms;
    sl_loop_enter(&loop); /* what is done before it runs is no turn */
    now_ms += 60000;
    struct slow slow = { .loop = &loop, .now_ms = &now_ms, .takes_ms = 30 };
    sl_task_init(&slow.task, on_slow);
    sl_loop_defer(&loop, &slow.task);
    sl_loop_run(&loop);
    assert_int_equal(slow.awake_since_ms, 61000);
    assert_int_equal(atomic_load(&loop.awake_since_ms), 0);
    assert_int_equal(turns_in(3), 1); /* 25 to 100 ms */
    slow.takes_ms = 20000;
    sl_loop_defer(&loop, &slow.task);
    sl_loop_run(&loop);
    assert_int_equal(slow.awake_since_ms, 61030);
    assert_int_equal(turns_in(SL_LAG_BOUND_COUNT), 1);
    for (unsigned i = 1; i < SL_LAG_BOUND_COUNT; i++)
        assert_int_equal(turns_in(i), i == 3);
    assert_int_equal(atomic_load(&metrics.lag.total_us), 20030000);
    loop.given_ms = NULL;
    sl_loop_release(&loop);
}

struct sender {
    struct sl_loop *loop;
    unsigned *received;
    unsigned count;
};

static void on_letter(void *context, void *item)
{
    struct sender *sender = item;
    (void)context;
    if (++*sender->received == sender->count)
        sl_loop_stop(sender->loop);
}

static void *send_letters(void *user)
{
    struct sender *sender = user;
    for (unsigned i = 0; i < sender->count; i++)
        sl_loop_post(sender->loop, (struct sl_letter){ .deliver = on_letter,
                                                       .item = sender });
    return NULL;
}

static void letters_of_another_thread(void **state)
{
    (void)state;
    struct sl_loop loop;
    metrics = (struct sl_metrics){ 0 };
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    unsigned received = 0;
    struct sender sender = { &loop, &received, 10000 };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_letters, &sender), 0);
    sl_loop_run(&loop);
    pthread_join(thread, NULL);
    assert_int_equal(received, 10000);
    assert_int_equal(sl_metric_get(&metrics, SL_M_LETTERS), 10000);
    assert_int_equal(atomic_load(&loop.awake_since_ms), 0);
    assert_true(atomic_load(&loop.heartbeat_ms) > 0);
    sl_loop_release(&loop);
}

static void release_delivers_letters(void **state)
{
    (void)state;
    struct sl_loop loop;
    assert_int_equal(sl_loop_init(&loop, &metrics), 0);
    unsigned received = 0;
    struct sender sender = { &loop, &received, 3 };
    send_letters(&sender);
    sl_loop_release(&loop);
    assert_int_equal(received, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_before_run),
        cmocka_unit_test(stop_before_run_and_run_again),
        cmocka_unit_test(wheel_fires),
        cmocka_unit_test(busy_run_queue_lets_others_in),
        cmocka_unit_test(turns_are_timed),
        cmocka_unit_test(letters_of_another_thread),
        cmocka_unit_test(release_delivers_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
