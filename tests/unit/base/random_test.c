// SPDX-License-Identifier: MIT
/*
 * Randomness cannot be proven, but its failures can be seen: bytes that stay
 * constant, ids that repeat (also between threads, which have a buffer each),
 * writing beyond the end.
 */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void fills_exactly(void **state)
{
    (void)state;
    /* Around the buffer's size, and the whole of what the kernel is asked. */
    static const size_t lens[] = { 0, 1, 16, 100, 255, 256, 257, 100000 };
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        unsigned char *bytes = calloc(1, lens[i] + 1);
        assert_non_null(bytes);
        bytes[lens[i]] = 0x5a;
        sl_random_bytes(bytes, lens[i]);
        assert_int_equal(bytes[lens[i]], 0x5a);
        free(bytes);
    }
}

/* In 4000 draws of each length, each bit of each byte is seen set and clear. */
static void every_bit_moves(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 40; len += 13) {
        unsigned char all[40], any[40], bytes[40];
        memset(all, 0xff, sizeof(all));
        memset(any, 0, sizeof(any));
        for (int i = 0; i < 4000; i++) {
            sl_random_bytes(bytes, len);
            for (size_t j = 0; j < len; j++) {
                all[j] &= bytes[j];
                any[j] |= bytes[j];
            }
        }
        for (size_t j = 0; j < len; j++) {
            assert_int_equal(all[j], 0);
            assert_int_equal(any[j], 0xff);
        }
    }
}

enum { THREADS = 4, IDS = 5000 };

static char ids[THREADS * IDS][SL_ID_LEN + 1];

static void *make_ids(void *user)
{
    char(*out)[SL_ID_LEN + 1] = user;
    for (int i = 0; i < IDS; i++)
        sl_random_id(out[i]);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void ids_are_unique(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, make_ids, &ids[i * IDS]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_";
    qsort(ids, THREADS * IDS, sizeof(ids[0]), compare_ids);
    for (int i = 0; i < THREADS * IDS; i++) {
        assert_int_equal(strlen(ids[i]), SL_ID_LEN);
        assert_int_equal(strspn(ids[i], alphabet), SL_ID_LEN);
        if (i > 0)
            assert_string_not_equal(ids[i], ids[i - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_exactly),
        cmocka_unit_test(every_bit_moves),
        cmocka_unit_test(ids_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
