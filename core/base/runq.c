// SPDX-License-Identifier: MIT
/*
 * The run queue. The budget bounds one drain, so that tasks which push each
 * other for ever slow the loop down but never keep it from its sockets.
 */
#include "base/runq.h"

#include "base/check.h"

void sl_runq_init(struct sl_runq *queue)
{
    sl_list_init(&queue->tasks);
}

void sl_task_init(struct sl_task *task, void (*run)(struct sl_task *task))
{
    sl_assert(run != NULL);
    sl_list_init(&task->node);
    task->run = run;
}

void sl_runq_push(struct sl_runq *queue, struct sl_task *task)
{
    if (sl_list_detached(&task->node))
        sl_list_push_back(&queue->tasks, &task->node);
}

void sl_runq_cancel(struct sl_task *task)
{
    sl_list_remove(&task->node);
}

bool sl_runq_drain(struct sl_runq *queue, unsigned budget)
{
    for (unsigned i = 0; i < budget; i++) {
        struct sl_list *node = sl_list_pop_front(&queue->tasks);
        if (node == NULL)
            return false;
        struct sl_task *task = SL_CONTAINER_OF(node, struct sl_task, node);
        task->run(task);
    }
    return !sl_list_empty(&queue->tasks);
}
