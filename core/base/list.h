// SPDX-License-Identifier: MIT
/*
 * Intrusive circular list. A detached node points to itself, so removal is
 * idempotent and needs no test. The head is a node of its own.
 */
#pragma once

#include "base/base.h"

#include <stdbool.h>

struct sl_list {
    struct sl_list *next, *prev;
};

static inline void sl_list_init(struct sl_list *node)
{
    node->next = node->prev = node;
}

static inline bool sl_list_empty(const struct sl_list *head)
{
    return head->next == head;
}

/* A node that is in no list. */
static inline bool sl_list_detached(const struct sl_list *node)
{
    return node->next == node;
}

static inline void sl_list_insert_before(struct sl_list *at,
                                         struct sl_list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

static inline void sl_list_push_back(struct sl_list *head, struct sl_list *node)
{
    sl_list_insert_before(head, node);
}

static inline void sl_list_push_front(struct sl_list *head,
                                      struct sl_list *node)
{
    sl_list_insert_before(head->next, node);
}

static inline void sl_list_remove(struct sl_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    sl_list_init(node);
}

/* The first node, detached; NULL when empty. */
static inline struct sl_list *sl_list_pop_front(struct sl_list *head)
{
    struct sl_list *node = head->next;
    if (node == head)
        return NULL;
    sl_list_remove(node);
    return node;
}

/* Moves all nodes of `from` to the end of `to`; `from` is empty then. */
static inline void sl_list_splice_back(struct sl_list *to, struct sl_list *from)
{
    if (sl_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    sl_list_init(from);
}

#define SL_LIST_FOREACH(node, head) \
    for (struct sl_list *node = (head)->next; node != (head); node = node->next)

/* `node` may be removed (and its neighbours may not) in the body. */
#define SL_LIST_FOREACH_SAFE(node, head)                                 \
    for (struct sl_list *node = (head)->next, *node##_next = node->next; \
         node != (head); node = node##_next, node##_next = node->next)
