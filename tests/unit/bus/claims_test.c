// SPDX-License-Identifier: MIT
/*
 * A token is claimed once: by one worker, and by nobody after its connection
 * is gone, until the token itself is too old to be claimed.
 */
#include "bus/claims.h"

#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct sl_slice token = { .ptr = "token", .len = 5 };

static void test_claimed_once(void **state)
{
    (void)state;
    struct sl_claims *claims = sl_claims_new(10);
    int owner = -2;
    assert_int_equal(sl_claims_take(claims, token, 3, 100, 200, &owner), 0);
    assert_int_equal(sl_claims_take(claims, token, 1, 100, 200, &owner),
                     SL_E_CLAIMED);
    assert_int_equal(owner, 3);
    assert_int_equal(sl_claims_count(claims), 1);
    /* However old: its connection lives. */
    assert_int_equal(sl_claims_take(claims, token, 1, 9999, 10099, &owner),
                     SL_E_CLAIMED);
    assert_int_equal(owner, 3);
    sl_claims_free(claims);
    sl_claims_free(NULL);
}

static void test_owner(void **state)
{
    (void)state;
    struct sl_claims *claims = sl_claims_new(10);
    int owner = -2;
    assert_false(sl_claims_owner(claims, token, &owner));
    assert_int_equal(sl_claims_take(claims, token, 3, 100, 200, &owner), 0);
    assert_true(sl_claims_owner(claims, token, &owner));
    assert_int_equal(owner, 3);
    sl_claims_drop(claims, token, 150);
    assert_true(sl_claims_owner(claims, token, &owner));
    assert_int_equal(owner, -1);
    sl_claims_free(claims);
}

static void test_remembered_until_it_expires(void **state)
{
    (void)state;
    struct sl_claims *claims = sl_claims_new(10);
    int owner = -2;
    assert_int_equal(sl_claims_take(claims, token, 3, 100, 200, &owner), 0);
    sl_claims_drop(claims, token, 150);
    assert_int_equal(sl_claims_count(claims), 1);
    assert_int_equal(sl_claims_take(claims, token, 3, 199, 200, &owner),
                     SL_E_CLAIMED);
    assert_int_equal(owner, -1);
    sl_claims_drop(claims, token, 199); /* twice: nothing */
    assert_int_equal(sl_claims_take(claims, token, 4, 200, 300, &owner), 0);
    assert_int_equal(sl_claims_count(claims), 1);
    sl_claims_free(claims);
}

static void test_old_claims_leave_nothing(void **state)
{
    (void)state;
    struct sl_claims *claims = sl_claims_new(10);
    int owner;
    assert_int_equal(sl_claims_take(claims, token, 3, 100, 200, &owner), 0);
    sl_claims_drop(claims, token, 5000);
    assert_int_equal(sl_claims_count(claims), 0);
    sl_claims_drop(claims, SL_SLICE("unknown"), 5000);
    sl_claims_free(claims);
}

static void test_bound(void **state)
{
    (void)state;
    struct sl_claims *claims = sl_claims_new(3);
    int owner;
    char name[16];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        assert_int_equal(sl_claims_take(claims, sl_slice_str(name), 0, 0,
                                        (uint64_t)(100 + i), &owner),
                         0);
        sl_claims_drop(claims, sl_slice_str(name), 0);
    }
    assert_int_equal(sl_claims_take(claims, token, 0, 99, 200, &owner),
                     SL_E_FULL);
    /* The first tombstone has gone by then, the others have not. */
    assert_int_equal(sl_claims_take(claims, token, 0, 100, 200, &owner), 0);
    assert_int_equal(sl_claims_count(claims), 3);
    sl_claims_free(claims);
}

static void test_clock_that_goes_back(void **state)
{
    (void)state;
    struct sl_claims *claims = sl_claims_new(3);
    int owner;
    assert_int_equal(sl_claims_take(claims, token, 0, 1000, 2000, &owner), 0);
    sl_claims_drop(claims, token, 1500);
    assert_int_equal(sl_claims_take(claims, token, 0, 10, 1010, &owner),
                     SL_E_CLAIMED);
    assert_int_equal(sl_claims_take(claims, token, 0, 2000, 3000, &owner), 0);
    sl_claims_free(claims);
}

static struct sl_claims *shared;

static void *race(void *user)
{
    (void)user;
    uintptr_t won = 0;
    char name[16];
    for (int i = 0; i < 1000; i++) {
        int owner;
        snprintf(name, sizeof(name), "t%d", i);
        won +=
            sl_claims_take(shared, sl_slice_str(name), 0, 0, 100, &owner) == 0;
    }
    return (void *)won;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    uintptr_t won = 0;
    shared = sl_claims_new(1000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *outcome = NULL;
        pthread_join(threads[i], &outcome);
        won += (uintptr_t)outcome;
    }
    assert_int_equal(won, 1000);
    sl_claims_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claimed_once),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_remembered_until_it_expires),
        cmocka_unit_test(test_old_claims_leave_nothing),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_clock_that_goes_back),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
