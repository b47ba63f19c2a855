// SPDX-License-Identifier: MIT
/* The system's clocks move the right way and scale; a replaced one is asked. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

static void monotonic_never_goes_back(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t ns = sl_clock_system.monotonic_ns(sl_clock_system.user);
        assert_true(ns >= last);
        last = ns;
    }
    uint64_t ms = sl_clock_monotonic_ms(&sl_clock_system);
    assert_true(ms >= last / 1000000 && ms < last / 1000000 + 60000);
}

static void wall_is_the_time_of_day(void **state)
{
    (void)state;
    time_t before = time(NULL);
    uint64_t ms = sl_clock_wall_ms(&sl_clock_system);
    /* time() may lag by a tick. */
    assert_true(ms / 1000 + 1 >= (uint64_t)before);
    assert_true(ms / 1000 <= (uint64_t)before + 60);
}

static uint64_t fake_monotonic_ns(void *user)
{
    return *(uint64_t *)user;
}

static uint64_t fake_wall_ms(void *user)
{
    return *(uint64_t *)user / 10;
}

static void a_replaced_clock_is_asked(void **state)
{
    (void)state;
    uint64_t time = 7999999;
    const struct sl_clock clock = { fake_monotonic_ns, fake_wall_ms, &time };
    assert_true(sl_clock_monotonic_ms(&clock) == 7);
    assert_true(sl_clock_wall_ms(&clock) == 799999);
    time++;
    assert_true(sl_clock_monotonic_ms(&clock) == 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_never_goes_back),
        cmocka_unit_test(wall_is_the_time_of_day),
        cmocka_unit_test(a_replaced_clock_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
