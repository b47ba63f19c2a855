// SPDX-License-Identifier: MIT
/* The circular list: order, idempotent removal, splicing, safe iteration. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int value;
    struct sl_list node;
};

static struct item items[6];
static struct sl_list head;

static int setup(void **state)
{
    (void)state;
    sl_list_init(&head);
    for (int i = 0; i < 6; i++) {
        items[i].value = i;
        sl_list_init(&items[i].node);
    }
    return 0;
}

/* The values as one decimal number. */
static int digits(const struct sl_list *list)
{
    int number = 0;
    SL_LIST_FOREACH(node, list)
        number = number * 10 + SL_CONTAINER_OF(node, struct item, node)->value;
    return number;
}

static void pushes_at_both_ends(void **state)
{
    (void)state;
    assert_true(sl_list_empty(&head));
    sl_list_push_back(&head, &items[2].node);
    sl_list_push_back(&head, &items[3].node);
    sl_list_push_front(&head, &items[1].node);
    sl_list_insert_before(&items[3].node, &items[5].node);
    assert_int_equal(digits(&head), 1253);
    assert_false(sl_list_empty(&head));
    assert_false(sl_list_detached(&items[5].node));
}

static void removal_is_idempotent(void **state)
{
    (void)state;
    sl_list_push_back(&head, &items[1].node);
    sl_list_push_back(&head, &items[2].node);
    sl_list_remove(&items[1].node);
    sl_list_remove(&items[1].node);
    assert_true(sl_list_detached(&items[1].node));
    assert_int_equal(digits(&head), 2);
    sl_list_remove(&items[2].node);
    assert_true(sl_list_empty(&head));
}

static void pops_in_order(void **state)
{
    (void)state;
    sl_list_push_back(&head, &items[1].node);
    sl_list_push_back(&head, &items[2].node);
    assert_ptr_equal(sl_list_pop_front(&head), &items[1].node);
    assert_true(sl_list_detached(&items[1].node));
    assert_ptr_equal(sl_list_pop_front(&head), &items[2].node);
    assert_null(sl_list_pop_front(&head));
}

static void splices(void **state)
{
    (void)state;
    struct sl_list other;
    sl_list_init(&other);
    sl_list_splice_back(&head, &other);
    assert_true(sl_list_empty(&head));
    sl_list_push_back(&other, &items[3].node);
    sl_list_push_back(&other, &items[4].node);
    sl_list_splice_back(&head, &other);
    assert_true(sl_list_empty(&other));
    assert_int_equal(digits(&head), 34);
    sl_list_push_back(&other, &items[5].node);
    sl_list_splice_back(&head, &other);
    assert_int_equal(digits(&head), 345);
}

static void body_may_remove(void **state)
{
    (void)state;
    for (int i = 1; i < 6; i++)
        sl_list_push_back(&head, &items[i].node);
    SL_LIST_FOREACH_SAFE(node, &head)
        if (SL_CONTAINER_OF(node, struct item, node)->value % 2 == 0)
            sl_list_remove(node);
    assert_int_equal(digits(&head), 135);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pushes_at_both_ends, setup),
        cmocka_unit_test_setup(removal_is_idempotent, setup),
        cmocka_unit_test_setup(pops_in_order, setup),
        cmocka_unit_test_setup(splices, setup),
        cmocka_unit_test_setup(body_may_remove, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
