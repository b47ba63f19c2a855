// SPDX-License-Identifier: MIT
/*
 * The primitives of lua/testing.lua: a pod under test (test_pod.h) and its
 * clients, driven from a Lua state of its own. The state that runs the tests is
 * that of an engine that serves nothing, so tests have `require "signalua"` and
 * the values of hub scripts, but share nothing with the hubs they test.
 */
#pragma once

#include "bindings/internal.h"
#include "bindings/test_pod.h"

struct sl_tester {
    const struct sl_test_pod_setup *setup; /* of the pods under test */
    int log_fd;                      /* where log lines go; read back here */
    struct sl_test_pod *home;        /* whose engine runs the tests */
    struct sl_test_pod *pod;         /* under test; NULL: none yet */
    struct sl_test_client **clients; /* of pod */
    unsigned client_count, client_cap;
    unsigned client_base; /* the number of its first: numbers never repeat */
    struct sl_str errors; /* of the last load: "file:line: text\n" each */
};

/* Makes home. log_fd: a file in memory, borrowed. */
void sl_tester_init(struct sl_tester *tester,
                    const struct sl_test_pod_setup *setup, int log_fd);

/* Ends the pod under test and begins another. False: the scripts do not load,
 * tester->errors says why. */
bool sl_tester_begin(struct sl_tester *tester) SL_MUST_USE;

/* Adds the primitives to the table on top. */
void sl_lua_testing_open(lua_State *L, struct sl_tester *tester);

void sl_tester_release(struct sl_tester *tester);
