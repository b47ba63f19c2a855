// SPDX-License-Identifier: MIT
/*
 * A real loop under the test's control: the test turns it until what it waits
 * for has happened. A test that waits in vain fails after ten seconds instead
 * of hanging. Needs no thread: clients are plain sockets of the same test.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"
#include "net/loop.h"

#include <stdbool.h>

struct test_loop {
    struct sl_loop loop;
    struct sl_metrics metrics;
    uv_timer_t guard; /* keeps the loop alive */
    uint64_t deadline_ns;
    uint64_t now_ms; /* of the loop, once its time stands still */
};

void test_loop_open(struct test_loop *test);

/* Every owner must have begun to close. */
void test_loop_close(struct test_loop *test);

/* One turn that does not wait; fails the test when its time is up. */
void test_loop_turn(struct test_loop *test);

#define test_loop_until(test, condition) \
    do {                                 \
        while (!(condition))             \
            test_loop_turn(test);        \
    } while (0)

/* From now on the loop's time stands still, but for test_loop_pass. */
void test_loop_stop_time(struct test_loop *test);

/* Lets milliseconds pass as they would: in small steps, with turns between. */
void test_loop_pass(struct test_loop *test, uint64_t ms);

/* Turns until nothing moves any more. Says it all only where what one end
 * sends is with the other at once, as on a local pair. */
void test_loop_settle(struct test_loop *test);

/* The patience with a test begins anew. */
void test_loop_be_patient(struct test_loop *test);

/* A connected pair of local sockets; out[0] is the server's end. */
void test_local_pair(int out[2]);

/* A connected pair of loopback TCP sockets; out[0] is the server's end. */
void test_tcp_pair(int out[2]);

/* A client connected to a loopback port, blocking. */
int test_tcp_connect(unsigned port);

/* Appends what has arrived, without waiting. False: the peer's end, or (with
 * *error, when not NULL) a reset. */
bool test_recv(int fd, struct sl_str *into, int *error);

/* Sends all of it; the socket's buffer must have room. */
void test_send(int fd, struct sl_slice bytes);
