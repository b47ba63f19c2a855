// SPDX-License-Identifier: MIT
/*
 * One worker's way from the socket to the hub, without a thread and without
 * Lua: a loop under the test's control, the HTTP server, the endpoint of one
 * hub in C (tests/lib/c_hub.h) at /chat, and clients that are plain sockets.
 */
#pragma once

#include "bus/bus.h"
#include "bus/claims.h"
#include "http/http.h"
#include "http/router.h"
#include "hub/hub.h"
#include "tests/lib/c_hub.h"
#include "tests/lib/test_loop.h"
#include "transport/endpoint.h"
#include "transport/transport.h"

struct ws_rig {
    struct test_loop loop;
    struct sl_directory *directory;
    struct sl_bus *bus;
    struct sl_claims *claims;
    struct sl_token_keys keys;
    struct sl_clock clock; /* wall time stands still at wall_ms */
    uint64_t wall_ms;
    struct sl_world world;
    struct c_hub hub;
    struct sl_hub_entry *entry;
    struct sl_transport transport;
    struct sl_http_router *router;
    struct sl_endpoint *endpoint;
    struct sl_http_server http;
};

void ws_rig_open(struct ws_rig *rig);

/* Ends every socket and connection. */
void ws_rig_close(struct ws_rig *rig);

struct ws_client {
    struct ws_rig *rig;
    int fd;
    struct sl_str in; /* received and not looked at */
    bool ended;       /* the server closed the socket */
};

void ws_client_open(struct ws_client *client, struct ws_rig *rig);

/* On a local pair instead of TCP: test_loop_settle leaves nothing under way. */
void ws_client_open_local(struct ws_client *client, struct ws_rig *rig);

void ws_client_close(struct ws_client *client);

void ws_client_send(struct ws_client *client, struct sl_slice bytes);

/* Waits for the head of an answer and takes it off. Returns its status; the
 * body stays in `in`. */
unsigned ws_client_answer(struct ws_client *client);

/* One request with these headers; query may be "". Returns the status, *body
 * (owned by the caller's sl_str) gets the body. */
unsigned ws_client_request(struct ws_client *client, const char *method,
                           const char *target, struct sl_str *body);

/* Appends the request that ws_client_upgrade sends. */
void ws_upgrade_add(struct sl_str *out, const char *query);

/* Upgrades at /chat?query; returns the status, 101 when it went well. */
unsigned ws_client_upgrade(struct ws_client *client, const char *query);

/* Upgrades and shakes hands. */
void ws_client_join(struct ws_client *client, const char *query);

/* A masked frame; `first` is its first byte (0x81: a whole text message). */
void ws_client_frame(struct ws_client *client, unsigned first,
                     struct sl_slice payload);

/* A whole text message of one hub message: the separator is added, ' stands
 * for ". */
void ws_client_say(struct ws_client *client, const char *text);

/* Appends a masked frame to a string instead of sending it. */
void ws_frame_add(struct sl_str *out, unsigned first, struct sl_slice payload);

/* Waits for the next frame; false when the socket ended before. payload is
 * the caller's. */
bool ws_client_next(struct ws_client *client, unsigned *first,
                    struct sl_str *payload);

/* Fails the test unless the next frame is a text with exactly these hub
 * messages (' for ", a line feed for the separator). */
void ws_client_hears(struct ws_client *client, const char *text);

/* Fails unless the next frame is a Close with the code (0: none), and then the
 * socket ends. */
void ws_client_hears_close(struct ws_client *client, unsigned code);
