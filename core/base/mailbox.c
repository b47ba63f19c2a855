// SPDX-License-Identifier: MIT
/*
 * Two vectors: senders fill one, the receiver empties the other, and the lock
 * is held for an append or a swap, never while somebody's code runs.
 *
 * Why no wake-up is lost: wake follows each change from empty to full, and the
 * receiver empties the box under the same lock. A wake that comes late finds an
 * empty box, which costs one look.
 */
#include "base/mailbox.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/mem.h"

#define CAP_MIN 64 /* letters */

void sl_mailbox_init(struct sl_mailbox *box, void (*wake)(void *user),
                     void *wake_user)
{
    *box = (struct sl_mailbox){ .wake = wake, .wake_user = wake_user };
    int err = pthread_mutex_init(&box->lock, NULL);
    sl_assert(err == 0);
}

void sl_mailbox_release(struct sl_mailbox *box)
{
    while (sl_mailbox_deliver(box) > 0)
        ;
    sl_free(box->letters);
    sl_free(box->taken);
    box->letters = box->taken = NULL;
    box->cap = box->taken_cap = 0;
    int err = pthread_mutex_destroy(&box->lock);
    sl_assert(err == 0);
}

void sl_mailbox_post(struct sl_mailbox *box, struct sl_letter letter)
{
    sl_assert(letter.deliver != NULL);
    pthread_mutex_lock(&box->lock);
    bool was_empty = box->count == 0;
    if (box->count == box->cap) {
        size_t cap = box->cap == 0 ? CAP_MIN : box->cap * 2;
        box->letters = sl_realloc(box->letters, cap * sizeof(letter));
        box->cap = cap;
    }
    box->letters[box->count++] = letter;
    if (was_empty)
        atomic_store_explicit(&box->waiting, true, memory_order_release);
    pthread_mutex_unlock(&box->lock);

    if (was_empty && box->wake != NULL)
        box->wake(box->wake_user);
}

/* Exchanges the vectors; returns how many letters are in `taken` now. */
static size_t take(struct sl_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    struct sl_letter *empty = box->taken;
    size_t empty_cap = box->taken_cap;
    size_t count = box->count;
    if (count > 0) {
        box->taken = box->letters;
        box->taken_cap = box->cap;
        box->letters = empty;
        box->cap = empty_cap;
        box->count = 0;
        atomic_store_explicit(&box->waiting, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&box->lock);
    return count;
}

size_t sl_mailbox_deliver(struct sl_mailbox *box)
{
    sl_assert(!box->delivering);
    size_t count = take(box);
    box->delivering = true;
    for (size_t i = 0; i < count; i++)
        box->taken[i].deliver(box->taken[i].context, box->taken[i].item);
    box->delivering = false;

    if (box->taken_cap > SL_MAILBOX_KEEP_MAX) {
        sl_free(box->taken);
        box->taken = NULL;
        box->taken_cap = 0;
    }
    return count;
}

size_t sl_mailbox_count(struct sl_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    size_t count = box->count;
    pthread_mutex_unlock(&box->lock);
    return count;
}
