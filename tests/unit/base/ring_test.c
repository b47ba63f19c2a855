// SPDX-License-Identifier: MIT
/* The ring: order over growth at every offset of its head, and its bound. */
#include "base/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void *item(uintptr_t value)
{
    return (void *)value;
}

static void empty_gives_null(void **state)
{
    (void)state;
    struct sl_ring ring = { .count_max = 4 };
    assert_null(sl_ring_pop(&ring));
    sl_ring_release(&ring);
}

static void bound_is_kept(void **state)
{
    (void)state;
    static const unsigned bounds[] = { 0, 1, 7, 8, 9, 100 };
    for (size_t i = 0; i < SL_COUNT(bounds); i++) {
        struct sl_ring ring;
        sl_ring_init(&ring, bounds[i]);
        for (uintptr_t n = 1; n <= bounds[i]; n++)
            assert_true(sl_ring_push(&ring, item(n)));
        assert_false(sl_ring_push(&ring, item(1)));
        assert_int_equal(ring.count, bounds[i]);
        for (uintptr_t n = 1; n <= bounds[i]; n++)
            assert_ptr_equal(sl_ring_pop(&ring), item(n));
        assert_null(sl_ring_pop(&ring));
        sl_ring_release(&ring);
        assert_int_equal(ring.count_max, bounds[i]);
    }
}

static void keeps_order_while_growing(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset < 8; offset++) {
        struct sl_ring ring;
        uintptr_t pushed = 0, popped = 0;
        sl_ring_init(&ring, 1000);
        for (unsigned i = 0; i < offset; i++) {
            sl_ring_push(&ring, item(++pushed));
            assert_ptr_equal(sl_ring_pop(&ring), item(++popped));
        }
        /* Two in, one out, until it is full. */
        while (sl_ring_push(&ring, item(pushed + 1))) {
            pushed++;
            if (pushed % 2 == 0)
                assert_ptr_equal(sl_ring_pop(&ring), item(++popped));
        }
        assert_int_equal(ring.count, 1000);
        while (ring.count > 0)
            assert_ptr_equal(sl_ring_pop(&ring), item(++popped));
        assert_int_equal(popped, pushed);
        sl_ring_release(&ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_gives_null),
        cmocka_unit_test(bound_is_kept),
        cmocka_unit_test(keeps_order_while_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
