// SPDX-License-Identifier: MIT
/*
 * One worker. The order of making is the order of dependence; freeing goes the
 * other way round. A stop is a state in which the worker looks, fifty times a
 * second, whether everything of it has ended.
 */
#include "host/worker.h"

#include "base/err.h"
#include "base/log.h"
#include "host/worker_hubs.h"
#include "hub/hub.h"
#include "transport/auth.h"
#include "transport/endpoint.h"
#include "transport/relay.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define STOP_TICK_MS 20

struct handed_socket {
    int fd;
    struct sockaddr_storage peer;
};

/* ---- requests ---- */

static void on_request(struct sl_http_request *request, void *user)
{
    struct sl_worker *worker = user;
    if (!sl_cors_handle(worker->env->cors, request))
        sl_http_router_handle(request, worker->router);
}

/* A script's own routes come after the hubs' endpoints. */
static bool on_script_route(struct sl_http_request *request, void *user)
{
    struct sl_worker *worker = user;
    bool bad;
    struct sl_identity *identity =
        sl_auth_identify(&worker->transport, request, "route", &bad);
    bool mine = worker->env->engine->route(worker->engine, request, identity);
    sl_identity_unref(identity);
    return mine;
}

/* ---- sockets ---- */

static void take_socket(struct sl_worker *worker, int fd,
                        const struct sockaddr_storage *peer)
{
    if (worker->stopping)
        close(fd);
    else
        sl_http_accept(&worker->http, fd, peer);
}

static void on_handed(void *context, void *item)
{
    struct sl_worker *worker = context;
    struct handed_socket *handed = item;
    atomic_fetch_sub_explicit(&worker->handed, 1, memory_order_relaxed);
    take_socket(worker, handed->fd, &handed->peer);
    sl_free(handed);
}

void sl_worker_hand_socket(struct sl_worker *worker, int fd,
                           const struct sockaddr_storage *peer)
{
    struct handed_socket *handed = sl_alloc(sizeof(*handed));
    *handed = (struct handed_socket){ .fd = fd, .peer = *peer };
    atomic_fetch_add_explicit(&worker->handed, 1, memory_order_relaxed);
    sl_loop_post(&worker->loop, (struct sl_letter){ .deliver = on_handed,
                                                    .context = worker,
                                                    .item = handed });
}

unsigned sl_worker_load(const struct sl_worker *worker)
{
    int64_t open = sl_metric_get(&worker->metrics, SL_M_SOCKETS);
    return (unsigned)open +
           atomic_load_explicit(
               &((struct sl_worker *)(uintptr_t)worker)->handed,
               memory_order_relaxed);
}

/* ---- stopping ---- */

static bool is_empty(const struct sl_worker *worker)
{
    return sl_world_conn_count(&worker->world) == 0 &&
           sl_metric_get(&worker->metrics, SL_M_SOCKETS) == 0;
}

static void stop_step(struct sl_worker *worker)
{
    uint64_t now_ms = sl_loop_now(&worker->loop);
    if (is_empty(worker) || worker->aborted) {
        sl_loop_stop(&worker->loop);
        return;
    }
    if (now_ms >= worker->stop_deadline_ms) {
        sl_log_warn(
            "connections did not end in time",
            SL_F_INT("connections", sl_world_conn_count(&worker->world)));
        sl_transport_abort(&worker->transport);
        sl_http_server_abort(&worker->http);
        worker->aborted = true;
    }
    sl_wheel_set(&worker->loop.wheel, &worker->tick, now_ms + STOP_TICK_MS);
}

static void on_tick(struct sl_wheel_entry *entry)
{
    stop_step(SL_CONTAINER_OF(entry, struct sl_worker, tick));
}

static void on_stop(void *context, void *item)
{
    (void)item;
    struct sl_worker *worker = context;
    worker->stopping = true;
    worker->stop_deadline_ms =
        sl_loop_now(&worker->loop) + worker->env->shutdown_timeout_ms;
    if (worker->listener != NULL)
        sl_listener_close(worker->listener);
    worker->listener = NULL;
    sl_world_close_all(&worker->world, SL_CLOSE_SHUTDOWN);
    worker->env->engine->stop(worker->engine);
    sl_http_server_close(&worker->http);
    sl_wheel_set(&worker->loop.wheel, &worker->tick,
                 sl_loop_now(&worker->loop));
}

void sl_worker_stop(struct sl_worker *worker)
{
    if (worker->started)
        sl_loop_post(&worker->loop, (struct sl_letter){ .deliver = on_stop,
                                                        .context = worker });
}

/* ---- life ---- */

static void on_load_error(void *user, const struct sl_report *report)
{
    const struct sl_worker *worker = user;
    worker->env->on_error(worker->env->on_error_user, report);
}

static int open_www(struct sl_worker *worker)
{
    const char *www = worker->env->www;
    if (www == NULL || www[0] == '\0')
        return 0;
    struct sl_report report = { 0 };
    worker->files = sl_static_files_new(www, &report);
    if (worker->files == NULL) {
        on_load_error(worker, &report);
        return SL_E_CONFIG;
    }
    sl_http_router_add_fallback(worker->router, sl_static_files_handle,
                                worker->files);
    return 0;
}

static int open_jwt(struct sl_worker *worker)
{
    struct sl_report report = { 0 };
    if (worker->env->jwt == NULL || worker->env->jwt->key.len == 0)
        return 0;
    worker->transport.jwt = sl_jwt_new(worker->env->jwt, &report);
    if (worker->transport.jwt != NULL)
        return 0;
    on_load_error(worker, &report);
    return SL_E_CONFIG;
}

int sl_worker_init(struct sl_worker *worker, const struct sl_worker_env *env,
                   unsigned index)
{
    *worker = (struct sl_worker){ .env = env, .index = index };
    sl_list_init(&worker->endpoints);
    int err = sl_loop_init(&worker->loop, &worker->metrics);
    if (err != 0)
        return err;
    sl_wheel_entry_init(&worker->tick, on_tick);
    sl_world_init(&worker->world, &worker->loop.wheel, &worker->loop.runq,
                  &worker->metrics);
    sl_world_attach(&worker->world, env->bus, index, &worker->loop.mailbox);
    worker->transport = (struct sl_transport){
        .loop = &worker->loop,
        .world = &worker->world,
        .claims = env->claims,
        .relay = env->relay,
        .keys = env->keys,
        .clock = &sl_clock_system,
        .worker = index,
    };
    sl_transport_init(&worker->transport);
    worker->router = sl_http_router_new();
    sl_http_server_init(&worker->http, &worker->loop, &env->http_limits,
                        on_request, worker);
    if (env->relay != NULL)
        sl_relay_attach(env->relay, index, &worker->http, &worker->loop);
    worker->engine = env->engine->create(&(struct sl_engine_env){
        .world = &worker->world,
        .store = env->store,
        .pod = env->pod,
        .worker = index,
        .settings = env->settings,
        .setting_count = env->setting_count,
        .activity = &worker->activity,
        .routines = env->routines,
    });
    err = open_jwt(worker);
    if (err != 0)
        return err;
    err = sl_worker_prepare(worker, env->scripts, on_load_error, worker);
    if (err != 0)
        return err;
    sl_worker_commit(worker);
    sl_http_router_add_fallback(worker->router, on_script_route, worker);
    return open_www(worker);
}

static void *run(void *user)
{
    struct sl_worker *worker = user;
    char name[32];
    snprintf(name, sizeof(name), "worker %u", worker->index);
    sl_log_thread(name);
    sl_loop_run(&worker->loop);
    return NULL;
}

int sl_worker_start(struct sl_worker *worker)
{
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->started = err == 0;
    return -err;
}

void sl_worker_join(struct sl_worker *worker)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    worker->started = false;
}

static void free_endpoints(struct sl_worker *worker)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&worker->endpoints)) != NULL)
        sl_endpoint_free(SL_CONTAINER_OF(node, struct sl_endpoint, node), NULL);
}

void sl_worker_free(struct sl_worker *worker)
{
    sl_assert(!worker->started);
    if (worker->env == NULL || worker->loop.read_buf == NULL)
        return;
    if (worker->listener != NULL)
        sl_listener_close(worker->listener);
    if (worker->engine != NULL) {
        worker->env->engine->stop(worker->engine);
        sl_transport_abort(&worker->transport);
        sl_http_server_abort(&worker->http);
    }
    sl_loop_release(&worker->loop);
    if (worker->engine != NULL)
        worker->env->engine->destroy(worker->engine);
    sl_http_router_free(worker->router);
    free_endpoints(worker);
    sl_worker_drop_defs(worker);
    sl_static_files_free(worker->files);
    sl_transport_release(&worker->transport);
    sl_jwt_free(worker->transport.jwt);
    sl_world_release(&worker->world);
    sl_series_release(&worker->metrics.series);
}
