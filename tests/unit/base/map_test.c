// SPDX-License-Identifier: MIT
/*
 * The map against what was put in: lookups over growth and shrinking, colliding
 * buckets, removal during a visit. The hash against known answers, which an
 * independent implementation gave: CPython 3.11's hash(bytes) with
 * PYTHONHASHSEED=0, that is, SipHash-1-3 under a secret of zeros.
 */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>

struct element {
    struct sl_map_node node;
    char key[24];
    bool seen;
};

static struct element *elements_new(int count)
{
    struct element *all = sl_zalloc((size_t)count * sizeof(*all));
    for (int i = 0; i < count; i++) {
        snprintf(all[i].key, sizeof(all[i].key), "connection-%d", i);
        all[i].node.key = sl_slice_str(all[i].key);
    }
    return all;
}

static struct sl_slice key_of(int i, char out[24])
{
    snprintf(out, 24, "connection-%d", i);
    return sl_slice_str(out);
}

static void hash_known_answers(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } answers[] = {
        { 1, 0x68a914128e01e473 },  { 7, 0x2f098ab0c751325a },
        { 8, 0xead411e67ebe2eea },  { 9, 0x75927f9d95124362 },
        { 15, 0xf30eb725bb91c9ea }, { 16, 0x8972188433a5c5b7 },
        { 63, 0x385d3e39e5f37359 },
    };
    uint8_t bytes[64];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < SL_COUNT(answers); i++)
        assert_true(sl_hash_keyed(0, 0, sl_slice_of(bytes, answers[i].len)) ==
                    answers[i].hash);
    assert_true(sl_hash_keyed(0, 0, SL_SLICE("hello")) == 0xe2e77b41cb4e1f9e);
}

static void hash_depends_on_both_secrets(void **state)
{
    (void)state;
    struct sl_slice key = SL_SLICE("hello");
    assert_true(sl_hash_keyed(1, 0, key) != sl_hash_keyed(0, 0, key));
    assert_true(sl_hash_keyed(0, 1, key) != sl_hash_keyed(0, 0, key));
    assert_true(sl_hash_keyed(0, 1, key) != sl_hash_keyed(1, 0, key));
}

static void *hash_hello(void *user)
{
    *(uint64_t *)user = sl_hash(SL_SLICE("hello"));
    return NULL;
}

/* Runs first in this program: the threads race for making the secret. */
static void secret_is_one_for_all_threads(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    uint64_t hashes[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hash_hello, &hashes[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_true(hashes[i] == sl_hash(SL_SLICE("hello")));
    assert_true(hashes[0] != 0xe2e77b41cb4e1f9e); /* the secret is not zero */
}

static void empty_map_finds_nothing(void **state)
{
    (void)state;
    struct sl_map map = { 0 };
    assert_null(sl_map_find(&map, SL_SLICE("a")));
    assert_null(sl_map_find(&map, (struct sl_slice){ 0 }));
    sl_map_release(&map);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    struct sl_map map;
    struct sl_map_node none = { 0 }, a = { 0 }, b = { 0 };
    sl_map_init(&map);
    a.key = SL_SLICE("a\0x");
    b.key = SL_SLICE("a\0y");
    sl_map_add(&map, &none);
    sl_map_add(&map, &a);
    sl_map_add(&map, &b);
    assert_ptr_equal(sl_map_find(&map, SL_SLICE("")), &none);
    assert_ptr_equal(sl_map_find(&map, SL_SLICE("a\0x")), &a);
    assert_ptr_equal(sl_map_find(&map, SL_SLICE("a\0y")), &b);
    assert_null(sl_map_find(&map, SL_SLICE("a")));
    sl_map_remove(&map, &none);
    sl_map_remove(&map, &a);
    sl_map_remove(&map, &b);
    sl_map_release(&map);
}

static void grows_and_shrinks(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct sl_map map;
    struct element *all = elements_new(COUNT);
    char key[24];
    sl_map_init(&map);
    for (int i = 0; i < COUNT; i++) {
        sl_map_add(&map, &all[i].node);
        assert_true(map.count <= map.bucket_count);
    }
    assert_int_equal(map.bucket_count, 8192);
    for (int i = 0; i < COUNT; i++)
        assert_ptr_equal(sl_map_find(&map, key_of(i, key)), &all[i].node);
    assert_null(sl_map_find(&map, key_of(COUNT, key)));

    for (int i = 0; i < COUNT; i++) {
        sl_map_remove(&map, &all[i].node);
        assert_true(map.count >= map.bucket_count / 8 || map.bucket_count == 8);
        if (i % 97 == 0)
            for (int j = i - 50; j < i + 50; j++)
                if (j >= 0)
                    assert_true((sl_map_find(&map, key_of(j, key)) != NULL) ==
                                (j > i && j < COUNT));
    }
    assert_int_equal(map.count, 0);
    assert_int_equal(map.bucket_count, 8);
    sl_map_release(&map);
    assert_null(map.buckets);
    sl_free(all);
}

/* Growth is amortised: no node moves twice for one step up and down. */
static void breathing_does_not_rebuild(void **state)
{
    (void)state;
    struct sl_map map;
    struct element *all = elements_new(9);
    sl_map_init(&map);
    for (int i = 0; i < 9; i++)
        sl_map_add(&map, &all[i].node);
    struct sl_map_node **buckets = map.buckets;
    for (int i = 0; i < 20; i++) {
        sl_map_remove(&map, &all[8].node);
        sl_map_add(&map, &all[8].node);
    }
    assert_ptr_equal(map.buckets, buckets);
    sl_map_release(&map);
    sl_free(all);
}

struct visit {
    struct sl_map *map;
    int seen;
    int keep_every; /* removes all others; 0: removes none */
};

static void on_node(struct sl_map_node *node, void *user)
{
    struct visit *visit = user;
    struct element *element = SL_CONTAINER_OF(node, struct element, node);
    assert_false(element->seen);
    element->seen = true;
    visit->seen++;
    if (visit->keep_every == 0 || visit->seen % visit->keep_every == 0)
        return;
    sl_map_remove(visit->map, node);
    memset(node, 0xee, sizeof(*node)); /* as if freed */
}

static void visits_each_once(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct sl_map map;
    struct element *all = elements_new(COUNT);
    struct visit visit = { .map = &map };
    sl_map_init(&map);
    sl_map_foreach(&map, on_node, &visit);
    assert_int_equal(visit.seen, 0);
    for (int i = 0; i < COUNT; i++)
        sl_map_add(&map, &all[i].node);
    sl_map_foreach(&map, on_node, &visit);
    assert_int_equal(visit.seen, COUNT);
    assert_int_equal(map.count, COUNT);
    sl_map_release(&map);
    sl_free(all);
}

static void visit_may_remove(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct sl_map map;
    struct element *all = elements_new(COUNT);
    struct visit visit = { .map = &map, .keep_every = 100 };
    sl_map_init(&map);
    for (int i = 0; i < COUNT; i++)
        sl_map_add(&map, &all[i].node);
    sl_map_foreach(&map, on_node, &visit);
    assert_int_equal(visit.seen, COUNT);
    assert_int_equal(map.count, COUNT / 100);
    /* It shrinks after the visit, not during it. */
    assert_true(map.bucket_count <= 128);

    for (int i = 0; i < COUNT; i++)
        all[i].seen = false;
    visit = (struct visit){ .map = &map, .keep_every = 1000 };
    sl_map_foreach(&map, on_node, &visit);
    assert_int_equal(visit.seen, COUNT / 100);
    assert_int_equal(map.count, 0);
    assert_int_equal(map.bucket_count, 8);
    sl_map_release(&map);
    sl_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_is_one_for_all_threads),
        cmocka_unit_test(hash_known_answers),
        cmocka_unit_test(hash_depends_on_both_secrets),
        cmocka_unit_test(empty_map_finds_nothing),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(grows_and_shrinks),
        cmocka_unit_test(breathing_does_not_rebuild),
        cmocka_unit_test(visits_each_once),
        cmocka_unit_test(visit_may_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
