// SPDX-License-Identifier: MIT
/*
 * A pod in memory for `signalua test`: one worker with its engine, a store, and
 * clients that are made of bytes. No socket and no clock: nothing moves but by
 * settle and advance, so a test of a hub waits for nothing and always sees the
 * same. Clients speak JSON; what they say and hear is read and written by
 * lua/testing.lua.
 */
#pragma once

#include "hub/script.h"

struct sl_test_pod;
struct sl_test_client;

struct sl_test_pod_setup {
    const struct sl_script_set *set; /* borrowed until the pod is freed */
    const struct sl_setting_view *settings; /* the same */
    unsigned setting_count;
};

/* Loads the set and serves it. NULL: it does not load, on_error was called for
 * each error found. Returns owned. */
struct sl_test_pod *sl_test_pod_new(const struct sl_test_pod_setup *setup,
                                    sl_report_cb on_error, void *user);

/* Clients leave, calls end, as when a pod stops. NULL is fine. */
void sl_test_pod_free(struct sl_test_pod *pod);

struct sl_engine *sl_test_pod_engine(struct sl_test_pod *pod);
struct sl_store *sl_test_pod_store(struct sl_test_pod *pod);

/* Runs until nothing is left to do now. False: it does not come to rest (a
 * script goes on for ever without waiting for time to pass). */
bool sl_test_pod_settle(struct sl_test_pod *pod) SL_MUST_USE;

/* Milliseconds since the pod began. */
uint64_t sl_test_pod_elapsed_ms(const struct sl_test_pod *pod);

/* Moves the time to the next moment at which something is due, but not beyond
 * until_ms (as elapsed_ms counts). Settle after it. False: until_ms has come.
 */
bool sl_test_pod_step(struct sl_test_pod *pod, uint64_t until_ms) SL_MUST_USE;

/* ---- clients ---- */

struct sl_header;

struct sl_test_client_setup {
    struct sl_slice hub; /* name of its file, "game/lobby" */
    bool authenticated;
    struct sl_slice user_id; /* empty: none */
    struct sl_slice claims;  /* a JSON object; empty: none */
    uint64_t expires_ms;     /* of its token, from now; 0: never */
    struct sl_slice query;   /* percent-encoded */
    const char *remote_address;
    const struct sl_header *headers; /* names in lower case */
    unsigned header_count;
};

/* Whether the pod serves that hub. */
bool sl_test_pod_serves(struct sl_test_pod *pod, struct sl_slice hub);

/* Asks the hub to let it in, as an HTTP request would. Returns borrowed: the
 * pod frees it. Settle, then look at its status. */
struct sl_test_client *sl_test_client_new(
    struct sl_test_pod *pod, const struct sl_test_client_setup *setup);

/* Of the admission: 200, 401, 403, 500, 503; 0: the hub has not decided. */
unsigned sl_test_client_status(const struct sl_test_client *client);

/* Opens the connection of a client that was let in. */
void sl_test_client_open(struct sl_test_client *client);

/* "": none yet. Valid as long as the pod. */
const char *sl_test_client_id(const struct sl_test_client *client);

/* Bytes to the hub; nothing when the connection has ended. */
void sl_test_client_say(struct sl_test_client *client, struct sl_slice bytes);

/* What came since it was last cleared. */
struct sl_str *sl_test_client_heard(struct sl_test_client *client);
bool sl_test_client_closed(const struct sl_test_client *client);

/* lost: without a goodbye. */
void sl_test_client_leave(struct sl_test_client *client, bool lost);
