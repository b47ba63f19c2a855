// SPDX-License-Identifier: MIT
/*
 * Slots: an id finds its item until that is removed, and never another one,
 * against a model under random additions and removals.
 */
#include "base/slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int things[200];

static void finds_until_removed(void **state)
{
    (void)state;
    struct sl_slots slots;
    sl_slots_init(&slots);
    assert_null(sl_slots_get(&slots, 0));
    sl_slot_id id = sl_slots_add(&slots, &things[0]);
    assert_true(id != 0);
    assert_ptr_equal(sl_slots_get(&slots, id), &things[0]);
    sl_slots_remove(&slots, id);
    assert_null(sl_slots_get(&slots, id));
    sl_slots_remove(&slots, id);

    sl_slot_id next = sl_slots_add(&slots, &things[1]);
    assert_int_equal((uint32_t)next, (uint32_t)id); /* the slot is reused */
    assert_true(next != id);
    assert_null(sl_slots_get(&slots, id));
    sl_slots_remove(&slots, id); /* the old id removes nothing */
    assert_ptr_equal(sl_slots_get(&slots, next), &things[1]);
    sl_slots_release(&slots);
}

static void forged_ids_find_nothing(void **state)
{
    (void)state;
    struct sl_slots slots;
    sl_slots_init(&slots);
    sl_slot_id id = sl_slots_add(&slots, &things[0]);
    assert_null(sl_slots_get(&slots, 0));
    assert_null(sl_slots_get(&slots, UINT64_MAX));
    assert_null(sl_slots_get(&slots, id + 1));
    assert_null(sl_slots_get(&slots, id + (UINT64_C(1) << 32)));
    assert_null(sl_slots_get(&slots, (uint32_t)id));
    sl_slots_release(&slots);
}

/* An id of a slot that is used again and again never comes back. */
static void generations_grow(void **state)
{
    (void)state;
    struct sl_slots slots;
    sl_slots_init(&slots);
    sl_slot_id last = 0;
    for (int i = 0; i < 1000; i++) {
        sl_slot_id id = sl_slots_add(&slots, &things[0]);
        assert_true(id > last);
        assert_int_equal(slots.count, 1);
        sl_slots_remove(&slots, id);
        last = id;
    }
    sl_slots_release(&slots);
}

static void random_against_model(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct sl_slots slots;
    sl_slot_id ids[COUNT] = { 0 }, gone[COUNT] = { 0 };
    uint32_t seed = 12345;
    sl_slots_init(&slots);
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525 + 1013904223;
        unsigned i = (seed >> 16) % COUNT;
        if (ids[i] == 0) {
            ids[i] = sl_slots_add(&slots, &things[i]);
        } else {
            sl_slots_remove(&slots, ids[i]);
            gone[i] = ids[i];
            ids[i] = 0;
        }
        unsigned probe = (seed >> 8) % COUNT;
        assert_ptr_equal(sl_slots_get(&slots, ids[probe]),
                         ids[probe] == 0 ? NULL : &things[probe]);
        assert_null(sl_slots_get(&slots, gone[probe]));
        assert_true(slots.count <= COUNT);
    }
    sl_slots_release(&slots);
    assert_int_equal(slots.cap, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_until_removed),
        cmocka_unit_test(forged_ids_find_nothing),
        cmocka_unit_test(generations_grow),
        cmocka_unit_test(random_against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
