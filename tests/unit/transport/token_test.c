// SPDX-License-Identifier: MIT
/*
 * Tokens: what one key signs, only that key accepts, only for that hub, only
 * for as long as they live; ids follow from tokens and do not give them away.
 */
#include "transport/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/err.h"

#define HUB SL_SLICE("chat")
#define NOW_MS 1764040000000ull
#define LIFE_MS 60000

static struct sl_token_keys keys;

static int set_up(void **state)
{
    (void)state;
    sl_token_keys_init(&keys, SL_SLICE("a secret of the test"));
    return 0;
}

static void issued_token_verifies(void **state)
{
    (void)state;
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    assert_int_equal(strlen(made.text), SL_TOKEN_LEN);
    assert_int_equal(strlen(made.conn_id), SL_ID_LEN);
    assert_string_not_equal(made.text, made.conn_id);

    int err = sl_token_verify(&keys, HUB, sl_slice_str(made.text),
                              NOW_MS + 5000, LIFE_MS, &seen);
    assert_int_equal(err, 0);
    assert_string_equal(seen.conn_id, made.conn_id);
    assert_string_equal(seen.text, made.text);
    assert_int_equal(seen.age_ms, 5000);
    assert_false(seen.version0);
    assert_false(seen.stateful);
}

static void flags_travel_in_the_token(void **state)
{
    (void)state;
    struct sl_token made, seen;
    for (int flags = 0; flags < 4; flags++) {
        sl_token_issue(&keys, HUB, NOW_MS, flags & 1, flags & 2, &made);
        assert_int_equal(sl_token_verify(&keys, HUB, sl_slice_str(made.text),
                                         NOW_MS, LIFE_MS, &seen),
                         0);
        assert_int_equal(seen.version0, (flags & 1) != 0);
        assert_int_equal(seen.stateful, (flags & 2) != 0);
    }
}

static void version_0_has_one_value(void **state)
{
    (void)state;
    struct sl_token made;
    sl_token_issue(&keys, HUB, NOW_MS, true, false, &made);
    assert_string_equal(made.text, made.conn_id);
}

static void every_changed_character_is_refused(void **state)
{
    (void)state;
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    for (size_t i = 0; i < SL_TOKEN_LEN; i++) {
        char text[SL_TOKEN_LEN + 1];
        memcpy(text, made.text, sizeof(text));
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_equal(sl_token_verify(&keys, HUB, sl_slice_str(text), NOW_MS,
                                         LIFE_MS, &seen),
                         SL_E_FORGED);
    }
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "unknown",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "!!!!!!!!!!!!!!!!!!!!!!",
        "AAAAAAAAAAAAAAAAAAAA==",
    };
    struct sl_token seen;
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        assert_int_equal(sl_token_verify(&keys, HUB, sl_slice_str(texts[i]),
                                         NOW_MS, LIFE_MS, &seen),
                         SL_E_FORGED);
}

static void the_id_is_no_token(void **state)
{
    (void)state;
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    assert_int_equal(sl_token_verify(&keys, HUB, sl_slice_str(made.conn_id),
                                     NOW_MS, LIFE_MS, &seen),
                     SL_E_FORGED);
}

static void other_hubs_and_keys_refuse_it(void **state)
{
    (void)state;
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    struct sl_slice text = sl_slice_str(made.text);
    assert_int_equal(
        sl_token_verify(&keys, SL_SLICE("other"), text, NOW_MS, LIFE_MS, &seen),
        SL_E_FORGED);
    struct sl_token_keys others;
    sl_token_keys_init(&others, (struct sl_slice){ 0 });
    assert_int_equal(
        sl_token_verify(&others, HUB, text, NOW_MS, LIFE_MS, &seen),
        SL_E_FORGED);
}

static void the_same_secret_gives_the_same_key(void **state)
{
    (void)state;
    struct sl_token_keys again;
    sl_token_keys_init(&again, SL_SLICE("a secret of the test"));
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    assert_int_equal(sl_token_verify(&again, HUB, sl_slice_str(made.text),
                                     NOW_MS, LIFE_MS, &seen),
                     0);
    assert_string_equal(seen.conn_id, made.conn_id);
}

static void an_older_key_still_verifies(void **state)
{
    (void)state;
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    struct sl_token_keys rotated;
    sl_token_keys_init(&rotated, SL_SLICE("the next secret"));
    memcpy(rotated.keys[1], keys.keys[0], SL_TOKEN_KEY_LEN);
    rotated.count = 2;
    assert_int_equal(sl_token_verify(&rotated, HUB, sl_slice_str(made.text),
                                     NOW_MS, LIFE_MS, &seen),
                     0);
    assert_string_equal(seen.conn_id, made.conn_id);
}

static void it_expires(void **state)
{
    (void)state;
    struct sl_token made, seen;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &made);
    struct sl_slice text = sl_slice_str(made.text);
    assert_int_equal(
        sl_token_verify(&keys, HUB, text, NOW_MS + LIFE_MS, LIFE_MS, &seen), 0);
    assert_int_equal(sl_token_verify(&keys, HUB, text, NOW_MS + LIFE_MS + 1000,
                                     LIFE_MS, &seen),
                     SL_E_EXPIRED);
}

/* The clocks of two pods differ, and the seconds in a token wrap. */
static void a_clock_behind_is_forgiven_across_the_wrap(void **state)
{
    (void)state;
    struct sl_token made, seen;
    uint64_t wrap_ms = (1ull << 22) * 1000;
    uint64_t at_ms = NOW_MS - NOW_MS % wrap_ms;
    sl_token_issue(&keys, HUB, at_ms + 3000, false, false, &made);
    struct sl_slice text = sl_slice_str(made.text);
    assert_int_equal(
        sl_token_verify(&keys, HUB, text, at_ms - 2000, LIFE_MS, &seen), 0);
    assert_int_equal(seen.age_ms, 0);
    assert_int_equal(
        sl_token_verify(&keys, HUB, text, at_ms - 60000, LIFE_MS, &seen),
        SL_E_EXPIRED);
}

static void tokens_differ(void **state)
{
    (void)state;
    struct sl_token a, b;
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &a);
    sl_token_issue(&keys, HUB, NOW_MS, false, false, &b);
    assert_string_not_equal(a.text, b.text);
    assert_string_not_equal(a.conn_id, b.conn_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issued_token_verifies),
        cmocka_unit_test(flags_travel_in_the_token),
        cmocka_unit_test(version_0_has_one_value),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(the_id_is_no_token),
        cmocka_unit_test(other_hubs_and_keys_refuse_it),
        cmocka_unit_test(the_same_secret_gives_the_same_key),
        cmocka_unit_test(an_older_key_still_verifies),
        cmocka_unit_test(it_expires),
        cmocka_unit_test(a_clock_behind_is_forgiven_across_the_wrap),
        cmocka_unit_test(tokens_differ),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
