// SPDX-License-Identifier: MIT
/*
 * The wheel against a naive model: random settings, cancellations and jumps
 * from a fixed seed, at every scale from a tick to beyond the highest level.
 * Each entry must fire exactly once, in the advance that first reaches its due
 * time, and sl_wheel_next must never name a moment after that.
 */
#include "base/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ENTRIES = 300 };

struct timer {
    struct sl_wheel_entry entry;
    bool set; /* the model: armed, and for when */
    uint64_t due_ms;
    int fired;
};

static struct sl_wheel wheel;
static struct timer timers[ENTRIES];
static uint64_t now_ms;
static bool busy_fire; /* firing sets and cancels others */
static uint64_t seed;

/* xorshift64: the same numbers in every run. */
static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t random_span(void)
{
    return next_random() >> (28 + next_random() % 36);
}

static void set(struct timer *timer, uint64_t due_ms)
{
    timer->set = true;
    timer->due_ms = due_ms;
    sl_wheel_set(&wheel, &timer->entry, due_ms);
    assert_true(sl_wheel_is_set(&timer->entry));
}

static void cancel(struct timer *timer)
{
    timer->set = false;
    sl_wheel_cancel(&wheel, &timer->entry);
    assert_false(sl_wheel_is_set(&timer->entry));
}

static void on_fire(struct sl_wheel_entry *entry)
{
    struct timer *timer = SL_CONTAINER_OF(entry, struct timer, entry);
    assert_true(timer->set);
    assert_false(sl_wheel_is_set(entry));
    assert_true(timer->due_ms <= now_ms);
    assert_true(wheel.now_ms == now_ms);
    timer->set = false;
    timer->fired++;
    if (!busy_fire)
        return;
    struct timer *other = &timers[next_random() % ENTRIES];
    switch (next_random() % 4) {
    case 0: cancel(other); break;
    case 1: set(other, now_ms + random_span()); break;
    case 2: set(timer, now_ms + 1 + random_span()); break;
    default: break;
    }
}

static int setup(void **state)
{
    (void)state;
    seed = 0x9e3779b97f4a7c15;
    now_ms = 1000;
    busy_fire = false;
    sl_wheel_init(&wheel, now_ms);
    for (int i = 0; i < ENTRIES; i++) {
        timers[i] = (struct timer){ 0 };
        sl_wheel_entry_init(&timers[i].entry, on_fire);
    }
    return 0;
}

static void advance(uint64_t to_ms)
{
    now_ms = to_ms;
    sl_wheel_advance(&wheel, to_ms);
}

/* What holds between advances. */
static void check_model(void)
{
    uint64_t first_ms = UINT64_MAX;
    for (int i = 0; i < ENTRIES; i++) {
        assert_true(timers[i].set == sl_wheel_is_set(&timers[i].entry));
        if (timers[i].set && timers[i].due_ms < first_ms)
            first_ms = timers[i].due_ms;
    }
    uint64_t next_ms = sl_wheel_next(&wheel);
    if (first_ms == UINT64_MAX)
        assert_true(next_ms == UINT64_MAX);
    else
        assert_true(next_ms <= (first_ms > now_ms ? first_ms : now_ms));
    /* The bitmaps are exact. */
    for (int level = 0; level < SL_WHEEL_LEVELS; level++)
        for (int slot = 0; slot < SL_WHEEL_SLOTS; slot++)
            assert_true((wheel.used[level] >> slot & 1) ==
                        !sl_list_empty(&wheel.slots[level][slot]));
}

static void fires_at_the_tick(void **state)
{
    (void)state;
    set(&timers[0], now_ms + 5);
    assert_true(sl_wheel_next(&wheel) == 1005);
    advance(1004);
    assert_int_equal(timers[0].fired, 0);
    advance(1005);
    assert_int_equal(timers[0].fired, 1);
    advance(5000);
    assert_int_equal(timers[0].fired, 1);
    assert_true(sl_wheel_next(&wheel) == UINT64_MAX);
}

/* At both sides of each level's reach, tick by tick near the due time. */
static void edges_of_levels(void **state)
{
    (void)state;
    for (unsigned bits = 6; bits <= 36; bits += 6) {
        for (int off = -2; off <= 2; off++) {
            setup(NULL);
            uint64_t due_ms = now_ms + (UINT64_C(1) << bits) + (uint64_t)off;
            set(&timers[0], due_ms);
            check_model();
            advance(due_ms - 1);
            assert_int_equal(timers[0].fired, 0);
            check_model();
            assert_true(sl_wheel_next(&wheel) == due_ms);
            advance(due_ms);
            assert_int_equal(timers[0].fired, 1);
            check_model();
        }
    }
}

static void past_and_now_fire_at_next_advance(void **state)
{
    (void)state;
    set(&timers[0], 0);
    set(&timers[1], now_ms);
    assert_int_equal(timers[0].fired + timers[1].fired, 0);
    assert_true(sl_wheel_next(&wheel) == now_ms);
    advance(now_ms); /* the time need not move */
    assert_int_equal(timers[0].fired, 1);
    assert_int_equal(timers[1].fired, 1);
}

static void set_now(struct sl_wheel_entry *entry)
{
    struct timer *timer = SL_CONTAINER_OF(entry, struct timer, entry);
    timer->fired++;
    sl_wheel_set(&wheel, entry, now_ms);
}

static void set_for_now_does_not_spin(void **state)
{
    (void)state;
    sl_wheel_entry_init(&timers[0].entry, set_now);
    sl_wheel_set(&wheel, &timers[0].entry, now_ms + 3);
    advance(now_ms + 10);
    assert_int_equal(timers[0].fired, 1);
    advance(now_ms);
    assert_int_equal(timers[0].fired, 2);
    sl_wheel_cancel(&wheel, &timers[0].entry);
    advance(now_ms + 10);
    assert_int_equal(timers[0].fired, 2);
}

static void cancel_next_timer(struct sl_wheel_entry *entry)
{
    struct timer *timer = SL_CONTAINER_OF(entry, struct timer, entry);
    timer->fired++;
    sl_wheel_cancel(&wheel, &timer[1].entry);
}

/* Both due in one tick, once from a slot and once from the overdue list. */
static void cancel_inside_fire(void **state)
{
    (void)state;
    sl_wheel_entry_init(&timers[0].entry, cancel_next_timer);
    for (uint64_t ahead_ms = 0; ahead_ms < 2; ahead_ms++) {
        timers[0].fired = 0;
        sl_wheel_set(&wheel, &timers[0].entry, now_ms + ahead_ms);
        sl_wheel_set(&wheel, &timers[1].entry, now_ms + ahead_ms);
        advance(now_ms + ahead_ms);
        assert_int_equal(timers[0].fired, 1);
        assert_int_equal(timers[1].fired, 0);
        assert_true(sl_wheel_next(&wheel) == UINT64_MAX);
    }
}

static void setting_again_moves(void **state)
{
    (void)state;
    set(&timers[0], now_ms + 10);
    set(&timers[0], now_ms + 100000);
    check_model();
    advance(now_ms + 50);
    assert_int_equal(timers[0].fired, 0);
    set(&timers[0], now_ms + 1);
    advance(now_ms + 1);
    assert_int_equal(timers[0].fired, 1);
    cancel(&timers[0]);
    cancel(&timers[0]);
    check_model();
}

static void due_never(void **state)
{
    (void)state;
    set(&timers[0], UINT64_MAX - 1); /* the model says "none" by the last one */
    for (int i = 0; i < 20; i++) {
        check_model();
        advance(now_ms + (UINT64_C(1) << 33));
    }
    assert_int_equal(timers[0].fired, 0);
    cancel(&timers[0]);
    check_model();
}

/* A sleeper that only ever wakes when told to misses nothing, and is not woken
 * much more often than there are levels. */
static void next_leads_to_the_due_time(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t due_ms = now_ms + 1 + next_random() % (UINT64_C(1) << 30);
        set(&timers[0], due_ms);
        int fired = timers[0].fired;
        int wakes = 0;
        while (timers[0].fired == fired) {
            uint64_t next_ms = sl_wheel_next(&wheel);
            assert_true(next_ms <= due_ms && next_ms > now_ms);
            advance(next_ms);
            wakes++;
        }
        assert_true(now_ms == due_ms);
        assert_true(wakes <= SL_WHEEL_LEVELS + 1);
    }
}

static void random_operations(bool busy, uint64_t start_seed)
{
    setup(NULL);
    seed = start_seed;
    busy_fire = busy;
    for (int round = 0; round < 4000; round++) {
        for (uint64_t n = next_random() % 6; n > 0; n--) {
            struct timer *timer = &timers[next_random() % ENTRIES];
            if (next_random() % 5 == 0)
                cancel(timer);
            else if (next_random() % 10 == 0)
                set(timer, now_ms - next_random() % 100);
            else
                set(timer, now_ms + random_span());
        }
        check_model();
        bool was_due[ENTRIES];
        int fired[ENTRIES];
        uint64_t to_ms = now_ms + random_span();
        for (int i = 0; i < ENTRIES; i++) {
            was_due[i] = timers[i].set && timers[i].due_ms <= to_ms;
            fired[i] = timers[i].fired;
        }
        advance(to_ms);
        check_model();
        if (busy) /* what is due then depends on the order of firing */
            continue;
        for (int i = 0; i < ENTRIES; i++)
            assert_int_equal(timers[i].fired - fired[i], was_due[i]);
    }
}

static void random_against_model(void **state)
{
    (void)state;
    random_operations(false, 42);
    random_operations(false, 4711);
}

/* With settings and cancellations inside fire, what must still hold: nothing
 * due stays behind but what was set during the advance for now. */
static void random_while_firing(void **state)
{
    (void)state;
    random_operations(true, 43);
    busy_fire = false;
    advance(now_ms);
    for (int i = 0; i < ENTRIES; i++)
        assert_true(!timers[i].set || timers[i].due_ms > now_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fires_at_the_tick, setup),
        cmocka_unit_test_setup(edges_of_levels, setup),
        cmocka_unit_test_setup(past_and_now_fire_at_next_advance, setup),
        cmocka_unit_test_setup(set_for_now_does_not_spin, setup),
        cmocka_unit_test_setup(cancel_inside_fire, setup),
        cmocka_unit_test_setup(setting_again_moves, setup),
        cmocka_unit_test_setup(due_never, setup),
        cmocka_unit_test_setup(next_leads_to_the_due_time, setup),
        cmocka_unit_test_setup(random_against_model, setup),
        cmocka_unit_test_setup(random_while_firing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
