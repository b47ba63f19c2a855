// SPDX-License-Identifier: MIT
/*
 * One worker: a thread with its loop, its script engine, its hubs and its
 * sockets. Made, started, stopped and freed by the host's thread; everything
 * else happens in its own.
 */
#pragma once

#include "base/metric.h"
#include "bus/bus.h"
#include "bus/claims.h"
#include "http/cors.h"
#include "http/http.h"
#include "http/router.h"
#include "http/static_files.h"
#include "hub/activity.h"
#include "hub/routines.h"
#include "hub/script.h"
#include "hub/world.h"
#include "net/listener.h"
#include "net/loop.h"
#include "store/store.h"
#include "transport/transport.h"
#include "wire/jwt.h"

#include <pthread.h>
#include <stdatomic.h>

/* What all workers share; read-only or thread-safe. Borrowed. */
struct sl_worker_env {
    const struct sl_engine_ops *engine;
    const struct sl_script_set *scripts;
    struct sl_bus *bus;
    struct sl_claims *claims;
    struct sl_relay *relay;
    struct sl_store *store;
    const struct sl_token_keys *keys;
    const struct sl_jwt_setup *jwt; /* NULL, or its key empty: no token is
                                       good */
    const struct sl_cors *cors;     /* NULL: no other origins */
    const char *pod;
    const char *www; /* folder of static files; NULL or "": none */
    struct sl_http_limits http_limits;
    uint64_t shutdown_timeout_ms;
    const struct sl_setting_view *settings;
    unsigned setting_count;
    struct sl_routines *routines;
    sl_report_cb on_error; /* what is wrong with scripts or folders */
    void *on_error_user;
};

struct sl_worker {
    const struct sl_worker_env *env;
    unsigned index;
    pthread_t thread;
    bool started;
    struct sl_loop loop;
    struct sl_metrics metrics;
    struct sl_activity activity;
    struct sl_world world;
    struct sl_engine *engine;
    struct sl_transport transport;
    struct sl_http_router *router;
    struct sl_http_server http;
    struct sl_static_files *files;
    struct sl_list endpoints;
    struct sl_hub_def *defs; /* of the scripts that wait for their commit */
    unsigned def_count, def_cap;
    struct sl_listener *listener; /* a single worker accepts itself */
    struct sl_wheel_entry tick;   /* heartbeat; in stopping: is it done? */
    uint64_t stop_deadline_ms;
    bool stopping, aborted;
    atomic_uint handed; /* sockets on their way to it */
};

/* Makes everything and loads the scripts, in the calling thread. On failure
 * (reports went to env->on_error) the worker needs sl_worker_free all the
 * same. */
int sl_worker_init(struct sl_worker *worker, const struct sl_worker_env *env,
                   unsigned index);

int sl_worker_start(struct sl_worker *worker);

/* Any thread; takes the socket. */
void sl_worker_hand_socket(struct sl_worker *worker, int fd,
                           const struct sockaddr_storage *peer);

/* Open sockets and those on their way. Any thread. */
unsigned sl_worker_load(const struct sl_worker *worker);

/* Begins the stop: connections get a Close message with allowReconnect, the
 * thread ends when the last is gone or the time is over. */
void sl_worker_stop(struct sl_worker *worker);

void sl_worker_join(struct sl_worker *worker);
void sl_worker_free(struct sl_worker *worker);
