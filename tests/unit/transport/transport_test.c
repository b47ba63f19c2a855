// SPDX-License-Identifier: MIT
/*
 * Ending everything at once, as a worker does when its time to stop is over:
 * each connection is told why, each socket and each claim is let go.
 */
#include "transport/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/ws_rig.h"

static void abort_ends_every_socket(void **state)
{
    (void)state;
    enum { CLIENTS = 5 };
    struct ws_rig rig;
    struct ws_client clients[CLIENTS];
    ws_rig_open(&rig);
    for (unsigned i = 0; i < CLIENTS; i++) {
        ws_client_open(&clients[i], &rig);
        if (i % 2 == 0)
            ws_client_join(&clients[i], "");
        else
            assert_int_equal(ws_client_upgrade(&clients[i], ""), 101);
    }
    /* One of them in mid-frame, one in its closing. */
    ws_client_send(&clients[0], SL_SLICE("\x81"));
    ws_client_say(&clients[2], "{'type':7}");
    test_loop_until(&rig.loop, rig.transport.reader_count == 1 &&
                                   sl_world_conn_count(&rig.world) == 4);
    c_hub_log(&rig.hub);

    sl_transport_abort(&rig.transport);
    test_loop_until(&rig.loop, rig.transport.socket_count == 0 &&
                                   sl_world_conn_count(&rig.world) == 0);
    assert_int_equal(rig.transport.reader_count, 0);
    assert_non_null(strstr(c_hub_log(&rig.hub), "shutdown"));
    for (unsigned i = 0; i < CLIENTS; i++)
        ws_client_close(&clients[i]);
    ws_rig_close(&rig);
}

static void abort_of_nothing(void **state)
{
    (void)state;
    struct ws_rig rig;
    ws_rig_open(&rig);
    sl_transport_abort(&rig.transport);
    ws_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abort_ends_every_socket),
        cmocka_unit_test(abort_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
