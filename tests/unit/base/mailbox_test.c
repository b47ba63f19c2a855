// SPDX-License-Identifier: MIT
/*
 * The mailbox: one wake-up per burst, order per sender with four sending
 * threads, what is posted during a delivery, and memory given back.
 */
#include "base/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

static int wakes;
static uintptr_t delivered[16];
static int delivered_count;

static void on_wake(void *user)
{
    assert_ptr_equal(user, &wakes);
    wakes++;
}

static void on_letter(void *context, void *item)
{
    (void)context;
    if (delivered_count < (int)SL_COUNT(delivered))
        delivered[delivered_count] = (uintptr_t)item;
    delivered_count++;
}

static struct sl_letter letter(uintptr_t item)
{
    return (struct sl_letter){ .deliver = on_letter, .item = (void *)item };
}

static int setup(void **state)
{
    (void)state;
    wakes = delivered_count = 0;
    return 0;
}

static void wakes_once_per_burst(void **state)
{
    (void)state;
    struct sl_mailbox box;
    sl_mailbox_init(&box, on_wake, &wakes);
    assert_int_equal(sl_mailbox_deliver(&box), 0);
    for (uintptr_t i = 0; i < 200; i++)
        sl_mailbox_post(&box, letter(i));
    assert_int_equal(wakes, 1);
    assert_int_equal(sl_mailbox_count(&box), 200);
    assert_true(sl_mailbox_waiting(&box));
    assert_int_equal(sl_mailbox_deliver(&box), 200);
    assert_false(sl_mailbox_waiting(&box));
    assert_int_equal(delivered_count, 200);
    assert_int_equal(sl_mailbox_count(&box), 0);
    for (uintptr_t i = 0; i < SL_COUNT(delivered); i++)
        assert_int_equal(delivered[i], i);
    sl_mailbox_post(&box, letter(1));
    assert_int_equal(wakes, 2);
    assert_int_equal(sl_mailbox_deliver(&box), 1);
    sl_mailbox_release(&box);
}

static void post_again(void *context, void *item)
{
    delivered_count++;
    if ((uintptr_t)item > 0)
        sl_mailbox_post(context, (struct sl_letter){
                                     .deliver = post_again,
                                     .context = context,
                                     .item = (void *)((uintptr_t)item - 1) });
}

static void post_during_delivery_waits(void **state)
{
    (void)state;
    struct sl_mailbox box;
    sl_mailbox_init(&box, on_wake, &wakes);
    post_again(&box, (void *)(uintptr_t)3);
    assert_int_equal(wakes, 1);
    assert_int_equal(sl_mailbox_deliver(&box), 1);
    assert_int_equal(sl_mailbox_count(&box), 1);
    assert_int_equal(wakes, 2);
    /* Release delivers the rest, and what the rest posts. */
    sl_mailbox_release(&box);
    assert_int_equal(delivered_count, 4);
}

static void burst_gives_memory_back(void **state)
{
    (void)state;
    struct sl_mailbox box;
    sl_mailbox_init(&box, NULL, NULL);
    for (uintptr_t i = 0; i < SL_MAILBOX_KEEP_MAX + 1; i++)
        sl_mailbox_post(&box, letter(i));
    assert_int_equal(sl_mailbox_deliver(&box), SL_MAILBOX_KEEP_MAX + 1);
    assert_null(box.taken);
    for (uintptr_t i = 0; i < SL_MAILBOX_KEEP_MAX; i++)
        sl_mailbox_post(&box, letter(i));
    assert_int_equal(sl_mailbox_deliver(&box), SL_MAILBOX_KEEP_MAX);
    assert_int_equal(box.taken_cap, SL_MAILBOX_KEEP_MAX);
    sl_mailbox_release(&box);
}

/* ---- threads ---- */

enum { SENDERS = 4, LETTERS = 20000 };

struct receiver {
    struct sl_mailbox box;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    int wakes_pending;
    uintptr_t next[SENDERS]; /* what each sender's next letter must carry */
    unsigned out_of_order;
};

struct sender {
    struct receiver *receiver;
    unsigned index;
};

static void wake_receiver(void *user)
{
    struct receiver *receiver = user;
    pthread_mutex_lock(&receiver->lock);
    receiver->wakes_pending++;
    pthread_cond_signal(&receiver->woken);
    pthread_mutex_unlock(&receiver->lock);
}

static void on_numbered(void *context, void *item)
{
    struct sender *sender = context;
    struct receiver *receiver = sender->receiver;
    if ((uintptr_t)item != receiver->next[sender->index])
        receiver->out_of_order++;
    receiver->next[sender->index]++;
}

static void *send_all(void *user)
{
    struct sender *sender = user;
    for (uintptr_t i = 0; i < LETTERS; i++)
        sl_mailbox_post(&sender->receiver->box,
                        (struct sl_letter){ .deliver = on_numbered,
                                            .context = sender,
                                            .item = (void *)i });
    return NULL;
}

/* Delivers only after a wake: a lost wake-up would hang this test. */
static void four_senders_keep_their_order(void **state)
{
    (void)state;
    struct receiver receiver = { .lock = PTHREAD_MUTEX_INITIALIZER,
                                 .woken = PTHREAD_COND_INITIALIZER };
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    sl_mailbox_init(&receiver.box, wake_receiver, &receiver);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .receiver = &receiver, .index = i };
        pthread_create(&threads[i], NULL, send_all, &senders[i]);
    }
    size_t total = 0;
    while (total < SENDERS * LETTERS) {
        pthread_mutex_lock(&receiver.lock);
        while (receiver.wakes_pending == 0)
            pthread_cond_wait(&receiver.woken, &receiver.lock);
        receiver.wakes_pending = 0;
        pthread_mutex_unlock(&receiver.lock);
        total += sl_mailbox_deliver(&receiver.box);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(receiver.next[i], LETTERS);
    }
    assert_int_equal(total, SENDERS * LETTERS);
    assert_int_equal(receiver.out_of_order, 0);
    sl_mailbox_release(&receiver.box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wakes_once_per_burst, setup),
        cmocka_unit_test_setup(post_during_delivery_waits, setup),
        cmocka_unit_test_setup(burst_gives_memory_back, setup),
        cmocka_unit_test(four_senders_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
