// SPDX-License-Identifier: MIT
/*
 * Names are found again whoever asks, threads included; what has no room is
 * counted together; a zero byte or an empty name confuses nobody.
 */
#include "hub/routines.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

static void write_name(void *user, const struct sl_routine *routine)
{
    sl_str_add_fmt(user, "%.*s:%.*s=%llu ", (int)routine->hub.len,
                   routine->hub.ptr, (int)routine->method.len,
                   routine->method.ptr, (unsigned long long)routine->errors);
}

static void expect_each(struct sl_routines *routines, const char *want)
{
    struct sl_str text = { 0 };
    sl_routines_each(routines, write_name, &text);
    assert_string_equal(sl_str_cstr(&text), want);
    sl_str_release(&text);
}

static void finds_names_again(void **state)
{
    (void)state;
    struct sl_routines *routines = sl_routines_new(10);
    struct sl_routine *say =
        sl_routines_get(routines, SL_SLICE("chat"), SL_SLICE("Say"));
    assert_ptr_equal(
        sl_routines_get(routines, SL_SLICE("chat"), SL_SLICE("Say")), say);
    assert_ptr_not_equal(
        sl_routines_get(routines, SL_SLICE("chat"), SL_SLICE("say")), say);
    struct sl_routine *none =
        sl_routines_get(routines, (struct sl_slice){ 0 }, SL_SLICE("every"));
    assert_int_equal(none->hub.len, 0);
    sl_routine_failed(none);
    sl_routine_failed(none);
    sl_routine_failed(say);
    expect_each(routines, "chat:Say=1 chat:say=0 :every=2 :other=0 ");
    sl_routines_free(routines);
}

static void tells_hub_and_method_apart(void **state)
{
    (void)state;
    struct sl_routines *routines = sl_routines_new(10);
    struct sl_routine *a =
        sl_routines_get(routines, SL_SLICE("ab"), SL_SLICE("c"));
    struct sl_routine *b =
        sl_routines_get(routines, SL_SLICE("a"), SL_SLICE("bc"));
    assert_ptr_not_equal(a, b);
    sl_routines_free(routines);
}

static void counts_together_what_has_no_room(void **state)
{
    (void)state;
    struct sl_routines *routines = sl_routines_new(2);
    sl_routines_get(routines, SL_SLICE("h"), SL_SLICE("a"));
    sl_routines_get(routines, SL_SLICE("h"), SL_SLICE("b"));
    struct sl_routine *c =
        sl_routines_get(routines, SL_SLICE("h"), SL_SLICE("c"));
    assert_ptr_equal(sl_routines_get(routines, SL_SLICE("h"), SL_SLICE("d")),
                     c);
    assert_true(sl_slice_eq(c->method, SL_SLICE("other")));
    sl_routine_failed(c);
    sl_routine_failed(sl_routines_get(routines, SL_SLICE("h"), SL_SLICE("b")));
    expect_each(routines, "h:a=0 h:b=1 :other=1 ");
    sl_routines_free(routines);
}

enum { NAMES = 200 };

static void *get_many(void *user)
{
    for (unsigned i = 0; i < NAMES; i++) {
        struct sl_str name = { 0 };
        sl_str_add_fmt(&name, "M%u", i);
        sl_routine_failed(
            sl_routines_get(user, SL_SLICE("h"), sl_str_slice(&name)));
        sl_str_release(&name);
    }
    return NULL;
}

static void count_routine(void *user, const struct sl_routine *routine)
{
    unsigned *counts = user;
    counts[0]++;
    counts[1] += (unsigned)routine->errors;
}

static void threads_share_it(void **state)
{
    (void)state;
    struct sl_routines *routines = sl_routines_new(NAMES);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, get_many, routines);
    for (int i = 0; i < 100; i++) {
        unsigned counts[2] = { 0 };
        sl_routines_each(routines, count_routine, counts);
        assert_true(counts[0] <= NAMES + 1);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    unsigned counts[2] = { 0 };
    sl_routines_each(routines, count_routine, counts);
    assert_int_equal(counts[0], NAMES + 1);
    assert_int_equal(counts[1], 3 * NAMES);
    sl_routines_free(routines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_names_again),
        cmocka_unit_test(tells_hub_and_method_apart),
        cmocka_unit_test(counts_together_what_has_no_room),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
