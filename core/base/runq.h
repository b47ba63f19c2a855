// SPDX-License-Identifier: MIT
/*
 * A worker's run queue. Code never acts for someone else from deep inside a
 * callback: it pushes a task, and the queue is drained once per loop turn.
 * That gives batching and removes re-entrancy. One thread.
 */
#pragma once

#include "base/list.h"

#include <stdbool.h>

struct sl_task {
    struct sl_list node; /* detached when not queued */
    void (*run)(struct sl_task *task);
};

struct sl_runq {
    struct sl_list tasks;
};

void sl_runq_init(struct sl_runq *queue);
void sl_task_init(struct sl_task *task, void (*run)(struct sl_task *task));

/* Queues at the end; queued already: stays where it is. */
void sl_runq_push(struct sl_runq *queue, struct sl_task *task);
void sl_runq_cancel(struct sl_task *task);

/* Runs what is queued, including what that queues, up to `budget` tasks.
 * Returns whether something is left. The task is detached before it runs and
 * may be freed or pushed again inside. */
bool sl_runq_drain(struct sl_runq *queue, unsigned budget);
