// SPDX-License-Identifier: MIT
/*
 * The run queue: order, budget, pushing twice, and what a task may do while it
 * runs: push itself or others, cancel others, free itself.
 */
#include "base/runq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

struct job {
    struct sl_task task;
    int id;
    int again; /* times it pushes itself */
    struct job *pushes, *cancels;
};

static struct sl_runq queue;
static int ran[100];
static int ran_count;

static void run_job(struct sl_task *task)
{
    struct job *job = SL_CONTAINER_OF(task, struct job, task);
    assert_true(sl_list_detached(&task->node));
    ran[ran_count++] = job->id;
    if (job->again > 0) {
        job->again--;
        sl_runq_push(&queue, task);
    }
    if (job->pushes != NULL)
        sl_runq_push(&queue, &job->pushes->task);
    if (job->cancels != NULL)
        sl_runq_cancel(&job->cancels->task);
}

static void job_init(struct job *job, int id)
{
    *job = (struct job){ .id = id };
    sl_task_init(&job->task, run_job);
}

static int setup(void **state)
{
    (void)state;
    sl_runq_init(&queue);
    ran_count = 0;
    return 0;
}

static void runs_in_order_once(void **state)
{
    (void)state;
    struct job a, b;
    job_init(&a, 1);
    job_init(&b, 2);
    sl_runq_push(&queue, &b.task);
    sl_runq_push(&queue, &a.task);
    sl_runq_push(&queue, &b.task);
    assert_false(sl_runq_drain(&queue, 10));
    assert_int_equal(ran_count, 2);
    assert_int_equal(ran[0], 2);
    assert_int_equal(ran[1], 1);
    assert_false(sl_runq_drain(&queue, 10));
    assert_int_equal(ran_count, 2);
}

static void runs_what_tasks_push(void **state)
{
    (void)state;
    struct job a, b;
    job_init(&a, 1);
    job_init(&b, 2);
    a.pushes = &b;
    sl_runq_push(&queue, &a.task);
    assert_false(sl_runq_drain(&queue, 10));
    assert_int_equal(ran_count, 2);
}

static void budget_bounds_a_drain(void **state)
{
    (void)state;
    struct job forever, other;
    job_init(&forever, 1);
    job_init(&other, 2);
    forever.again = 10;
    sl_runq_push(&queue, &forever.task);
    sl_runq_push(&queue, &other.task);
    assert_true(sl_runq_drain(&queue, 4));
    assert_int_equal(ran_count, 4);
    assert_int_equal(ran[1], 2); /* the other one got its turn */
    assert_true(sl_runq_drain(&queue, 0));
    assert_int_equal(ran_count, 4);
    assert_false(sl_runq_drain(&queue, 8)); /* exactly what is left */
    assert_int_equal(ran_count, 12);
}

static void cancelled_task_does_not_run(void **state)
{
    (void)state;
    struct job a, b;
    job_init(&a, 1);
    job_init(&b, 2);
    a.cancels = &b;
    sl_runq_push(&queue, &a.task);
    sl_runq_push(&queue, &b.task);
    assert_false(sl_runq_drain(&queue, 10));
    assert_int_equal(ran_count, 1);
    sl_runq_cancel(&b.task); /* not queued: nothing happens */
}

static void free_self(struct sl_task *task)
{
    ran_count++;
    sl_free(task);
}

static void task_may_free_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct sl_task *task = sl_alloc(sizeof(*task));
        sl_task_init(task, free_self);
        sl_runq_push(&queue, task);
    }
    assert_false(sl_runq_drain(&queue, 10));
    assert_int_equal(ran_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(runs_in_order_once, setup),
        cmocka_unit_test_setup(runs_what_tasks_push, setup),
        cmocka_unit_test_setup(budget_bounds_a_drain, setup),
        cmocka_unit_test_setup(cancelled_task_does_not_run, setup),
        cmocka_unit_test_setup(task_may_free_itself, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
