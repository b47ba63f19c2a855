// SPDX-License-Identifier: MIT
/*
 * An identity owns copies of its texts and lives until its last holder lets
 * go; ASan watches the rest.
 */
#include "wire/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void keeps_copies(void **state)
{
    (void)state;
    char user[] = "ann", claims[] = "{\"role\":\"admin\"}";
    struct sl_identity *identity =
        sl_identity_new(sl_slice_str(user), sl_slice_str(claims), 5000);
    memset(user, 'x', sizeof(user));
    memset(claims, 'x', sizeof(claims));
    assert_true(sl_slice_eq(identity->user_id, SL_SLICE("ann")));
    assert_true(
        sl_slice_eq(identity->claims, SL_SLICE("{\"role\":\"admin\"}")));
    assert_int_equal(identity->expires_ms, 5000);
    sl_identity_unref(identity);
}

static void lives_until_its_last_holder(void **state)
{
    (void)state;
    struct sl_slice none = { 0 };
    struct sl_identity *identity = sl_identity_new(SL_SLICE("bob"), none, 0);
    assert_ptr_equal(sl_identity_ref(identity), identity);
    sl_identity_unref(identity);
    assert_true(sl_slice_eq(identity->user_id, SL_SLICE("bob")));
    sl_identity_unref(identity);
    assert_null(sl_identity_ref(NULL));
    sl_identity_unref(NULL);
}

static void users_are_compared(void **state)
{
    (void)state;
    struct sl_slice none = { 0 };
    struct sl_identity *ann = sl_identity_new(SL_SLICE("ann"), none, 0);
    struct sl_identity *other =
        sl_identity_new(SL_SLICE("ann"), SL_SLICE("{}"), 7);
    struct sl_identity *bob = sl_identity_new(SL_SLICE("bob"), none, 0);
    struct sl_identity *nameless = sl_identity_new(none, none, 0);
    assert_true(sl_identity_same_user(ann, other));
    assert_false(sl_identity_same_user(ann, bob));
    assert_false(sl_identity_same_user(ann, NULL));
    assert_false(sl_identity_same_user(NULL, bob));
    assert_true(sl_identity_same_user(NULL, NULL));
    assert_true(sl_identity_same_user(NULL, nameless));
    sl_identity_unref(ann);
    sl_identity_unref(other);
    sl_identity_unref(bob);
    sl_identity_unref(nameless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_copies),
        cmocka_unit_test(lives_until_its_last_holder),
        cmocka_unit_test(users_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
