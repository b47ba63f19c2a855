// SPDX-License-Identifier: MIT
/*
 * Counted blocks: head room, plain counts, and the atomic share count, which
 * keeps the bytes alive until the last thread is done, whoever that is. The
 * leak checker proves that they are then freed, the thread sanitizer that the
 * threads do not race.
 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

static void copies_the_payload(void **state)
{
    (void)state;
    char text[] = "hello";
    struct sl_buf *buf = sl_buf_new(sl_slice_str(text));
    text[0] = 'j';
    assert_true(sl_slice_eq(sl_buf_payload(buf), SL_SLICE("hello")));
    assert_true(sl_slice_eq(sl_buf_framed(buf), SL_SLICE("hello")));
    sl_buf_unref(buf);
    sl_buf_unref(NULL);
}

static void empty_payload(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new((struct sl_slice){ 0 });
    assert_int_equal(sl_buf_payload(buf).len, 0);
    sl_buf_set_head(buf, "\x82\x00", 2);
    assert_true(sl_slice_eq(sl_buf_framed(buf), SL_SLICE("\x82\x00")));
    sl_buf_unref(buf);
}

static void maker_fills_room(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new_empty(1000);
    assert_int_equal(buf->len, 0);
    memset(buf->data, 'x', 1000);
    buf->len = 1000;
    assert_int_equal(sl_buf_payload(buf).len, 1000);
    sl_buf_unref(buf);
}

static void head_stands_before_payload(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("payload"));
    char head[SL_BUF_HEAD];
    memset(head, 'h', sizeof(head));
    sl_buf_set_head(buf, head, sizeof(head));
    assert_true(
        sl_slice_eq(sl_buf_framed(buf), SL_SLICE("hhhhhhhhhhhhhhhhpayload")));
    assert_true(sl_slice_eq(sl_buf_payload(buf), SL_SLICE("payload")));
    sl_buf_unref(buf);
}

static void lives_until_last_ref(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("abc"));
    assert_ptr_equal(sl_buf_ref(buf), buf);
    sl_buf_unref(buf);
    assert_int_equal(buf->refs, 1);
    assert_true(sl_slice_eq(sl_buf_payload(buf), SL_SLICE("abc")));
    sl_buf_unref(buf);
}

static void view_outlives_owner(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("abc"));
    sl_buf_set_head(buf, "#", 1);
    struct sl_buf *view = sl_buf_adopt(sl_buf_share(buf));
    assert_ptr_not_equal(view, buf);
    sl_buf_unref(buf);
    assert_true(sl_slice_eq(sl_buf_payload(view), SL_SLICE("abc")));
    assert_true(sl_slice_eq(sl_buf_framed(view), SL_SLICE("#abc")));
    sl_buf_ref(view);
    sl_buf_unref(view);
    sl_buf_unref(view);
}

static void view_of_a_view(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("abc"));
    struct sl_buf *first = sl_buf_adopt(sl_buf_share(buf));
    struct sl_buf *second = sl_buf_adopt(sl_buf_share(first));
    assert_ptr_equal(second->origin, buf);
    sl_buf_unref(first);
    sl_buf_unref(buf);
    assert_true(sl_slice_eq(sl_buf_payload(second), SL_SLICE("abc")));
    sl_buf_unref(second);
}

static void disowned_share_counts_no_more(void **state)
{
    (void)state;
    struct sl_buf *buf = sl_buf_new(SL_SLICE("abc"));
    struct sl_buf *letter = sl_buf_share(buf);
    assert_int_equal(atomic_load(&buf->shares), 2);
    sl_buf_disown(letter);
    assert_int_equal(atomic_load(&buf->shares), 1);
    letter = sl_buf_share(buf);
    sl_buf_unref(buf);
    sl_buf_disown(letter); /* the last one frees */
}

enum { THREADS = 4, ROUNDS = 2000 };

static struct sl_buf *handed[THREADS][ROUNDS];
static pthread_barrier_t start;

static void *adopt_all(void *user)
{
    struct sl_buf **mine = user;
    uintptr_t wrong = 0;
    pthread_barrier_wait(&start);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 7 == 0) {
            sl_buf_disown(mine[i]);
            continue;
        }
        struct sl_buf *view = sl_buf_adopt(mine[i]);
        sl_buf_ref(view);
        wrong += !sl_slice_eq(sl_buf_framed(view), SL_SLICE("#shared bytes"));
        sl_buf_unref(view);
        sl_buf_unref(view);
    }
    return (void *)wrong;
}

static void threads_share(void **state)
{
    (void)state;
    struct sl_buf *owned[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        owned[i] = sl_buf_new(SL_SLICE("shared bytes"));
        sl_buf_set_head(owned[i], "#", 1);
        for (int t = 0; t < THREADS; t++)
            handed[t][i] = sl_buf_share(owned[i]);
    }
    pthread_t threads[THREADS];
    pthread_barrier_init(&start, NULL, THREADS + 1);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(
            pthread_create(&threads[t], NULL, adopt_all, handed[t]), 0);
    pthread_barrier_wait(&start);
    /* The owner lets go while the others hold, and uses its plain count. */
    for (int i = 0; i < ROUNDS; i++) {
        sl_buf_ref(owned[i]);
        sl_buf_unref(owned[i]);
        sl_buf_unref(owned[i]);
    }
    for (int t = 0; t < THREADS; t++) {
        void *wrong;
        pthread_join(threads[t], &wrong);
        assert_null(wrong);
    }
    pthread_barrier_destroy(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_the_payload),
        cmocka_unit_test(empty_payload),
        cmocka_unit_test(maker_fills_room),
        cmocka_unit_test(head_stands_before_payload),
        cmocka_unit_test(lives_until_last_ref),
        cmocka_unit_test(view_outlives_owner),
        cmocka_unit_test(view_of_a_view),
        cmocka_unit_test(disowned_share_counts_no_more),
        cmocka_unit_test(threads_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
