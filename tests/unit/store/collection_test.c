// SPDX-License-Identifier: MIT
/*
 * Members and their order: thousands of random changes, held against a plain
 * table; whatever comes and goes, places and counted bytes stay right.
 */
#include "store/collection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NAMES 500
#define CHANGES 20000

static struct sl_slice name_of(char *buf, size_t size, unsigned number)
{
    int len = snprintf(buf, size, "m%u", number);
    return sl_slice_of(buf, (size_t)len);
}

static unsigned random_below(uint64_t *random, unsigned bound)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(*random >> 33) % bound;
}

static int compare(const struct sl_member *a, const struct sl_member *b)
{
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    size_t len =
        a->node.key.len < b->node.key.len ? a->node.key.len : b->node.key.len;
    int order = memcmp(a->node.key.ptr, b->node.key.ptr, len);
    return order != 0 ? order : (int)a->node.key.len - (int)b->node.key.len;
}

static void check_order(const struct sl_collection *collection)
{
    assert_true(collection->map.count <= collection->cap ||
                collection->cap == 0);
    for (uint32_t i = 0; i < collection->map.count; i++) {
        const struct sl_member *member = collection->order[i];
        assert_ptr_equal(sl_collection_find(collection, member->node.key),
                         member);
        if (!collection->sorted)
            assert_int_equal(member->at, i);
        else if (i > 0)
            assert_true(compare(collection->order[i - 1], member) < 0);
    }
}

static void change(struct sl_collection *collection, uint64_t *random,
                   bool *there)
{
    char buf[16];
    unsigned number = random_below(random, NAMES);
    double score = random_below(random, 20);
    struct sl_slice name = name_of(buf, sizeof(buf), number);
    struct sl_member *member = sl_collection_find(collection, name);
    assert_int_equal(member != NULL, there[number]);
    if (member == NULL) {
        sl_collection_add(collection, name, score);
        there[number] = true;
    } else if (random_below(random, 2) == 0) {
        sl_collection_remove(collection, member);
        there[number] = false;
    } else if (collection->sorted) {
        sl_collection_set_score(collection, member, score);
        assert_true(member->score == score);
    } else {
        sl_collection_set_value(
            collection, member,
            sl_slice_of("0123456789", random_below(random, 10)));
    }
}

static void churn(bool sorted)
{
    struct sl_collection *collection = sl_collection_new(sorted);
    size_t empty = collection->bytes;
    uint64_t random = 42;
    bool there[NAMES] = { false };
    for (int i = 0; i < CHANGES; i++) {
        change(collection, &random, there);
        if (i % 100 == 0)
            check_order(collection);
    }
    assert_true(collection->map.count > NAMES / 4);
    size_t counted = empty;
    for (uint32_t i = 0; i < collection->map.count; i++)
        counted += sl_collection_cost(collection->order[i]->node.key,
                                      collection->order[i]->value);
    assert_int_equal(collection->bytes, counted);
    while (collection->map.count > 0)
        sl_collection_remove(collection, collection->order[0]);
    assert_int_equal(collection->bytes, empty);
    assert_true(collection->cap <= NAMES / 4);
    sl_collection_free(collection);
}

static void unsorted_keeps_its_places(void **state)
{
    (void)state;
    churn(false);
}

static void sorted_stays_sorted(void **state)
{
    (void)state;
    churn(true);
}

static void values_are_copies(void **state)
{
    (void)state;
    struct sl_collection *collection = sl_collection_new(false);
    char text[] = "value";
    struct sl_member *member =
        sl_collection_add(collection, SL_SLICE("a\0b"), 0);
    sl_collection_set_value(collection, member, sl_slice_str(text));
    text[0] = '!';
    assert_true(sl_slice_eq(member->value, SL_SLICE("value")));
    assert_null(sl_collection_find(collection, SL_SLICE("a\0c")));
    sl_collection_set_value(collection, member, (struct sl_slice){ 0 });
    assert_int_equal(member->value.len, 0);
    sl_collection_free(collection);
    sl_collection_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsorted_keeps_its_places),
        cmocka_unit_test(sorted_stays_sorted),
        cmocka_unit_test(values_are_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
