// SPDX-License-Identifier: MIT
/*
 * Many threads to one: letters are appended to a vector under a short lock;
 * the receiver swaps the vector out and delivers. `wake` is called (by the
 * sender, outside the lock) only when the box goes from empty to full, so a
 * burst costs one wake-up. Letters of one sender arrive in order.
 */
#pragma once

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef void (*sl_letter_cb)(void *context, void *item);

struct sl_letter {
    sl_letter_cb deliver; /* runs in the receiving thread */
    void *context;        /* an object of the receiving thread */
    void *item;           /* takes: whatever the letter carries */
};

struct sl_mailbox {
    pthread_mutex_t lock;
    struct sl_letter *letters, *taken; /* filled by senders | being delivered */
    size_t count, cap, taken_cap;
    atomic_bool waiting; /* count > 0, for a look without the lock */
    bool delivering;     /* the receiving thread's */
    void (*wake)(void *user);
    void *wake_user;
};

void sl_mailbox_init(struct sl_mailbox *box, void (*wake)(void *user),
                     void *wake_user);
/* No sender may be left. Undelivered letters are delivered first. */
void sl_mailbox_release(struct sl_mailbox *box);

/* Any thread, also from inside a delivery. */
void sl_mailbox_post(struct sl_mailbox *box, struct sl_letter letter);

/* Receiving thread: delivers what is there; what is posted meanwhile waits for
 * the next call (and wakes). Not from inside a delivery. Returns how many. */
size_t sl_mailbox_deliver(struct sl_mailbox *box);

/* Whether letters wait; costs a load. What a thread knows to have been posted
 * shows here. */
static inline bool sl_mailbox_waiting(const struct sl_mailbox *box)
{
    return atomic_load_explicit(&box->waiting, memory_order_acquire);
}

/* Letters waiting, for a gauge. Any thread. */
size_t sl_mailbox_count(struct sl_mailbox *box);
