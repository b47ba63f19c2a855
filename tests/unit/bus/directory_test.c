// SPDX-License-Identifier: MIT
/*
 * What the directory says of connections, groups and users, alone and while
 * several threads change it at once (the thread sanitizer watches those).
 */
#include "bus/directory.h"

#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_hubs_have_stable_indexes(void **state)
{
    (void)state;
    struct sl_directory *directory = sl_directory_new();
    char name[16];
    for (uint32_t i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "hub%u", i);
        assert_int_equal(sl_directory_hub(directory, sl_slice_str(name)), i);
    }
    for (uint32_t i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "hub%u", i);
        assert_int_equal(sl_directory_hub(directory, sl_slice_str(name)), i);
        assert_int_equal(sl_directory_hub_workers(directory, i), 0);
    }
    sl_directory_free(directory);
    sl_directory_free(NULL);
}

static void test_connections(void **state)
{
    (void)state;
    struct sl_directory *d = sl_directory_new();
    uint32_t hub = sl_directory_hub(d, SL_SLICE("a"));
    uint32_t other = sl_directory_hub(d, SL_SLICE("b"));
    struct sl_slice id = SL_SLICE("one");

    assert_int_equal(sl_directory_find_conn(d, hub, id), -1);
    assert_int_equal(sl_directory_add_conn(d, hub, id, 63, SL_PROTOCOL_JSON),
                     0);
    assert_int_equal(sl_directory_add_conn(d, hub, id, 2, SL_PROTOCOL_JSON),
                     SL_E_EXISTS);
    assert_int_equal(sl_directory_find_conn(d, hub, id), 63);
    assert_int_equal(sl_directory_find_conn(d, other, id), -1);
    assert_true(sl_directory_hub_workers(d, hub) == UINT64_C(1) << 63);
    assert_int_equal(sl_directory_protocol_count(d, hub, SL_PROTOCOL_JSON), 1);
    assert_int_equal(
        sl_directory_protocol_count(d, hub, SL_PROTOCOL_MESSAGEPACK), 0);

    /* Somebody else's connection, or none: nothing happens. */
    sl_directory_remove_conn(d, hub, id, 2, SL_PROTOCOL_JSON);
    sl_directory_remove_conn(d, hub, SL_SLICE("two"), 63, SL_PROTOCOL_JSON);
    assert_int_equal(sl_directory_find_conn(d, hub, id), 63);

    assert_int_equal(
        sl_directory_add_conn(d, hub, SL_SLICE("two"), 63, SL_PROTOCOL_JSON),
        0);
    sl_directory_remove_conn(d, hub, id, 63, SL_PROTOCOL_JSON);
    assert_true(sl_directory_hub_workers(d, hub) == UINT64_C(1) << 63);
    sl_directory_remove_conn(d, hub, SL_SLICE("two"), 63, SL_PROTOCOL_JSON);
    assert_int_equal(sl_directory_hub_workers(d, hub), 0);
    assert_int_equal(sl_directory_protocol_count(d, hub, SL_PROTOCOL_JSON), 0);
    sl_directory_free(d);
}

static void test_sets(void **state)
{
    (void)state;
    struct sl_directory *d = sl_directory_new();
    uint32_t hub = sl_directory_hub(d, SL_SLICE("a"));
    struct sl_slice name = SL_SLICE("room");

    sl_directory_join(d, SL_SET_GROUP, hub, name, 0);
    sl_directory_join(d, SL_SET_GROUP, hub, name, 5);
    sl_directory_join(d, SL_SET_GROUP, hub, name, 5);
    assert_int_equal(sl_directory_set_workers(d, SL_SET_GROUP, hub, name),
                     0x21);
    /* A user of that name is somebody else. */
    assert_int_equal(sl_directory_set_workers(d, SL_SET_USER, hub, name), 0);
    assert_int_equal(
        sl_directory_set_workers(d, SL_SET_GROUP, hub, SL_SLICE("Room")), 0);

    sl_directory_leave(d, SL_SET_GROUP, hub, name, 0);
    sl_directory_leave(d, SL_SET_GROUP, hub, name, 1);
    assert_int_equal(sl_directory_set_workers(d, SL_SET_GROUP, hub, name),
                     0x20);
    sl_directory_leave(d, SL_SET_GROUP, hub, name, 5);
    sl_directory_leave(d, SL_SET_GROUP, hub, name, 5);
    assert_int_equal(sl_directory_set_workers(d, SL_SET_GROUP, hub, name), 0);

    /* Left over entries are freed with the directory. */
    sl_directory_join(d, SL_SET_USER, hub, name, 3);
    sl_directory_free(d);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 2000

struct churn {
    struct sl_directory *directory;
    unsigned worker;
};

static void *run_churn(void *user)
{
    struct churn *churn = user;
    struct sl_directory *d = churn->directory;
    uint32_t hub = sl_directory_hub(d, SL_SLICE("shared"));
    struct sl_slice room = SL_SLICE("room");
    char id[32];
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "hub%u", i % 40);
        sl_directory_hub(d, sl_slice_str(name));
        snprintf(id, sizeof(id), "%u-%u", churn->worker, i);
        int err = sl_directory_add_conn(d, hub, sl_slice_str(id), churn->worker,
                                        SL_PROTOCOL_JSON);
        sl_directory_join(d, SL_SET_GROUP, hub, room, churn->worker);
        uint64_t mine = UINT64_C(1) << churn->worker;
        if (err != 0 || (sl_directory_hub_workers(d, hub) & mine) == 0 ||
            (sl_directory_set_workers(d, SL_SET_GROUP, hub, room) & mine) ==
                0 ||
            sl_directory_find_conn(d, hub, sl_slice_str(id)) !=
                (int)churn->worker)
            return NULL;
        sl_directory_leave(d, SL_SET_GROUP, hub, room, churn->worker);
        sl_directory_remove_conn(d, hub, sl_slice_str(id), churn->worker,
                                 SL_PROTOCOL_JSON);
    }
    return churn;
}

static void test_threads(void **state)
{
    (void)state;
    struct sl_directory *directory = sl_directory_new();
    struct churn churns[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        churns[i] = (struct churn){ directory, i };
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_churn, &churns[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *outcome = NULL;
        pthread_join(threads[i], &outcome);
        assert_non_null(outcome);
    }
    uint32_t hub = sl_directory_hub(directory, SL_SLICE("shared"));
    assert_int_equal(sl_directory_hub_workers(directory, hub), 0);
    assert_int_equal(
        sl_directory_protocol_count(directory, hub, SL_PROTOCOL_JSON), 0);
    sl_directory_free(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hubs_have_stable_indexes),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
