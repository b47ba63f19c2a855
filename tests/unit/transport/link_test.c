// SPDX-License-Identifier: MIT
/*
 * Which token stands for what: found while it is in use, used up afterwards.
 */
#include "transport/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/ws_rig.h"

#define TOKEN SL_SLICE("0123456789abcdefghijkl")

static struct ws_rig rig;

static void claim(void)
{
    int owner;
    assert_int_equal(sl_claims_take(rig.claims, TOKEN, 0, rig.wall_ms,
                                    rig.wall_ms + 60000, &owner),
                     0);
}

static void a_link_is_found_until_it_is_dropped(void **state)
{
    (void)state;
    struct sl_link link;
    int owner = 7;
    ws_rig_open(&rig);
    claim();
    sl_link_init(&link, &rig.transport, SL_TRANSPORT_SSE, TOKEN);
    assert_ptr_equal(sl_link_find(&rig.transport, TOKEN), &link);
    sl_link_drop(&link);
    sl_link_drop(&link);
    assert_null(sl_link_find(&rig.transport, TOKEN));
    assert_true(sl_claims_owner(rig.claims, TOKEN, &owner));
    assert_int_equal(owner, -1);
    ws_rig_close(&rig);
}

static void a_removed_link_leaves_its_claim_to_a_successor(void **state)
{
    (void)state;
    struct sl_link first, second;
    int owner = 7;
    ws_rig_open(&rig);
    claim();
    sl_link_init(&first, &rig.transport, SL_LINK_EARLY, TOKEN);
    sl_link_remove(&first);
    assert_true(sl_claims_owner(rig.claims, TOKEN, &owner));
    assert_int_equal(owner, 0);
    sl_link_init(&second, &rig.transport, SL_TRANSPORT_SSE, TOKEN);
    sl_link_drop(&first);
    assert_ptr_equal(sl_link_find(&rig.transport, TOKEN), &second);
    sl_link_drop(&second);
    ws_rig_close(&rig);
}

static void a_link_inherits_token_and_connection(void **state)
{
    (void)state;
    struct sl_link first, second;
    struct sl_conn *conn = (struct sl_conn *)&rig; /* any address */
    int owner = 7;
    ws_rig_open(&rig);
    claim();
    sl_link_init(&first, &rig.transport, SL_TRANSPORT_WEBSOCKETS, TOKEN);
    first.conn = conn;
    sl_link_inherit(&second, &first);
    assert_null(first.conn);
    assert_ptr_equal(second.conn, conn);
    assert_int_equal(second.kind, SL_TRANSPORT_WEBSOCKETS);
    assert_ptr_equal(sl_link_find(&rig.transport, TOKEN), &second);
    sl_link_drop(&first); /* has none any more */
    assert_true(sl_claims_owner(rig.claims, TOKEN, &owner));
    assert_int_equal(owner, 0);
    sl_link_drop(&second);
    ws_rig_close(&rig);
}

static void without_a_token_nobody_finds_it(void **state)
{
    (void)state;
    struct sl_link link;
    ws_rig_open(&rig);
    sl_link_init(&link, &rig.transport, SL_TRANSPORT_WEBSOCKETS,
                 (struct sl_slice){ 0 });
    assert_int_equal(rig.transport.by_token.count, 0);
    sl_link_drop(&link);
    ws_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_found_until_it_is_dropped),
        cmocka_unit_test(a_removed_link_leaves_its_claim_to_a_successor),
        cmocka_unit_test(a_link_inherits_token_and_connection),
        cmocka_unit_test(without_a_token_nobody_finds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
