// SPDX-License-Identifier: MIT
/*
 * The host. Start: settings, scripts, shared state, workers (each loads the
 * scripts; a script that does not load is a reason not to start), threads,
 * listeners: a port is open only when everybody can serve. Stop: no new
 * sockets, then every worker tells its clients and ends, then the rest in
 * reverse order.
 *
 * With several workers this thread accepts and hands each socket to the worker
 * with the fewest; a single worker accepts itself.
 */
#include "host/host.h"

#include "base/err.h"
#include "base/log.h"
#include "host/reload.h"
#include "host/watch.h"
#include "host/watchdog.h"
#include "host/worker.h"
#include "ops/admin.h"
#include "store/store_memory.h"
#include "transport/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors kept back for logs, loops, files and the admin listener. */
#define DESCRIPTORS_RESERVED 64

struct host {
    const struct sl_config *config;
    struct sl_reload reload;
    struct sl_watch *watch; /* NULL: turned off */
    struct sl_watchdog *watchdog;
    struct sl_routines *routines;
    struct sl_directory *directory;
    struct sl_bus *bus;
    struct sl_claims *claims;
    struct sl_relay *relay;
    struct sl_store *store;
    struct sl_token_keys keys;
    struct sl_jwt_setup jwt;
    struct sl_cors *cors;
    struct sl_worker_env env;
    struct sl_worker *workers;
    unsigned worker_count;
    unsigned socket_max;
    struct sl_loop loop;
    struct sl_metrics metrics;
    bool loop_ready;
    struct sl_listener *listener, *admin_listener;
    struct sl_http_server admin;
    struct sl_http_router *admin_router;
    struct sl_control control;
    uv_signal_t terminate, interrupt, hangup;
    bool signals_open;
};

/* ---- what the admin pages ask ---- */

static unsigned on_thread_count(void *user)
{
    const struct host *host = user;
    return host->worker_count + 1;
}

static const struct sl_metrics *on_thread_metrics(void *user, unsigned index,
                                                  const char **name)
{
    static _Thread_local char text[16];
    struct host *host = user;
    snprintf(text, sizeof(text), "%u", index);
    *name = text;
    if (index < host->worker_count)
        return &host->workers[index].metrics;
    *name = "main";
    sl_metric_set(&host->metrics, SL_M_CLAIMS, sl_claims_count(host->claims));
    sl_metric_set(&host->metrics, SL_M_STORE_BYTES,
                  (int64_t)sl_store_memory_bytes(host->store));
    sl_metric_set(&host->metrics, SL_M_STORE_REFUSED,
                  (int64_t)sl_store_memory_refused(host->store));
    return &host->metrics;
}

static bool on_healthy(void *user, struct sl_str *why)
{
    struct host *host = user;
    return sl_watchdog_healthy(host->watchdog, sl_loop_now(&host->loop), why);
}

static void on_describe_hubs(void *user, struct sl_str *out)
{
    struct host *host = user;
    sl_reload_describe(&host->reload, out);
}

static void on_admin_reload(void *user, struct sl_http_request *request)
{
    struct host *host = user;
    sl_reload_ask(&host->reload, request);
}

/* ---- sockets ---- */

static unsigned socket_count(const struct host *host)
{
    unsigned count = 0;
    for (unsigned i = 0; i < host->worker_count; i++)
        count += sl_worker_load(&host->workers[i]);
    return count;
}

static struct sl_worker *least_loaded(struct host *host)
{
    struct sl_worker *best = &host->workers[0];
    unsigned best_load = sl_worker_load(best);
    for (unsigned i = 1; i < host->worker_count && best_load > 0; i++) {
        unsigned load = sl_worker_load(&host->workers[i]);
        if (load < best_load) {
            best = &host->workers[i];
            best_load = load;
        }
    }
    return best;
}

static void on_accept(struct sl_listener *listener, int fd,
                      const struct sockaddr_storage *peer, void *user)
{
    (void)listener;
    struct host *host = user;
    if (socket_count(host) >= host->socket_max) {
        sl_metric_add(&host->metrics, SL_M_SOCKETS_REFUSED, 1);
        close(fd);
        return;
    }
    sl_worker_hand_socket(least_loaded(host), fd, peer);
}

/* The single worker's listener runs in its thread. */
static void on_accept_single(struct sl_listener *listener, int fd,
                             const struct sockaddr_storage *peer, void *user)
{
    (void)listener;
    struct host *host = user;
    struct sl_worker *worker = &host->workers[0];
    if (sl_worker_load(worker) >= host->socket_max) {
        sl_metric_add(&worker->metrics, SL_M_SOCKETS_REFUSED, 1);
        close(fd);
        return;
    }
    sl_http_accept(&worker->http, fd, peer);
}

static void on_admin_accept(struct sl_listener *listener, int fd,
                            const struct sockaddr_storage *peer, void *user)
{
    (void)listener;
    struct host *host = user;
    sl_http_accept(&host->admin, fd, peer);
}

/* As many descriptors as the system allows, and a bound below that. */
static unsigned find_socket_max(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    uint64_t most = limit.rlim_cur / 2 > DESCRIPTORS_RESERVED
                        ? limit.rlim_cur - DESCRIPTORS_RESERVED
                        : limit.rlim_cur / 2;
    if (most > UINT32_MAX)
        most = UINT32_MAX;
    return wanted == 0 || wanted > most ? (unsigned)most : wanted;
}

/* ---- start ---- */

static void log_report(void *user, const struct sl_report *report)
{
    (void)user;
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    sl_report_format(report, text, sizeof(text));
    sl_log_error("cannot start", SL_F_STR("error", text));
}

static int open_shared(struct host *host, sl_report_cb on_error)
{
    const struct sl_config *config = host->config;
    struct sl_report report = { 0 };
    int err = sl_reload_init(&host->reload, config->hubs, &report);
    if (err != 0) {
        on_error(NULL, &report);
        return err;
    }
    host->directory = sl_directory_new();
    host->bus = sl_bus_new(host->directory, host->worker_count);
    host->claims = sl_claims_new(SL_CLAIMS_MAX);
    host->relay = sl_relay_new(host->worker_count);
    host->store = sl_store_memory_new(&sl_clock_system, config->store_max);
    host->routines = sl_routines_new(SL_ROUTINES_MAX);
    sl_token_keys_init(&host->keys, sl_slice_str(config->token_key));
    sl_config_jwt(config, &host->jwt);
    host->cors =
        sl_cors_new(config->cors_origin.items, config->cors_origin.count);
    return 0;
}

static int make_workers(struct host *host, const struct sl_engine_ops *engine,
                        sl_report_cb on_error)
{
    const struct sl_config *config = host->config;
    host->env = (struct sl_worker_env){
        .engine = engine,
        .scripts = &host->reload.current->snapshot.set,
        .bus = host->bus,
        .claims = host->claims,
        .relay = host->relay,
        .store = host->store,
        .keys = &host->keys,
        .jwt = &host->jwt,
        .cors = host->cors,
        .pod = config->pod,
        .www = config->www,
        .http_limits = {
            .head_max = config->head_max,
            .body_max = config->body_max,
            .head_timeout_ms = config->head_timeout_ms,
            .idle_timeout_ms = config->idle_timeout_ms,
        },
        .shutdown_timeout_ms = config->shutdown_timeout_ms,
        .settings = config->views,
        .setting_count = config->view_count,
        .routines = host->routines,
        .on_error = on_error,
    };
    host->workers = sl_zalloc(host->worker_count * sizeof(*host->workers));
    for (unsigned i = 0; i < host->worker_count; i++) {
        int err = sl_worker_init(&host->workers[i], &host->env, i);
        if (err != 0)
            return err;
    }
    return 0;
}

static struct sl_listener *listen_on(struct sl_loop *loop, const char *address,
                                     unsigned backlog, sl_accept_cb on_socket,
                                     struct host *host)
{
    struct sl_report report = { 0 };
    struct sl_listener *listener = sl_listener_open(
        loop, sl_slice_str(address), backlog, on_socket, host, &report);
    if (listener == NULL)
        log_report(NULL, &report);
    return listener;
}

static int open_admin(struct host *host)
{
    const struct sl_config *config = host->config;
    host->control = (struct sl_control){
        .user = host,
        .thread_count = on_thread_count,
        .thread_metrics = on_thread_metrics,
        .healthy = on_healthy,
        .describe_hubs = on_describe_hubs,
        .reload = on_admin_reload,
        .routines = host->routines,
    };
    host->admin_router = sl_http_router_new();
    sl_admin_add_routes(host->admin_router, &host->control);
    sl_http_server_init(&host->admin, &host->loop, &host->env.http_limits,
                        sl_http_router_handle, host->admin_router);
    if (config->admin == NULL) /* turned off */
        return 0;
    host->admin_listener =
        listen_on(&host->loop, config->admin, 16, on_admin_accept, host);
    return host->admin_listener == NULL ? SL_E_CONFIG : 0;
}

/* The listening socket of a single worker belongs to its loop; its thread must
 * not run yet. */
static int open_listener(struct host *host)
{
    const struct sl_config *config = host->config;
    bool single = host->worker_count == 1;
    struct sl_loop *loop = single ? &host->workers[0].loop : &host->loop;
    struct sl_listener *listener =
        listen_on(loop, config->listen, config->backlog,
                  single ? on_accept_single : on_accept, host);
    if (single)
        host->workers[0].listener = listener;
    else
        host->listener = listener;
    return listener == NULL ? SL_E_CONFIG : 0;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct host *host = handle->data;
    sl_loop_enter(&host->loop);
    sl_log_info("stopping", SL_F_INT("signal", number));
    sl_loop_stop(&host->loop);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    (void)number;
    struct host *host = handle->data;
    sl_loop_enter(&host->loop);
    sl_reload_start(&host->reload, "signal");
}

static void open_signal(struct host *host, uv_signal_t *handle, int number,
                        uv_signal_cb on_number)
{
    uv_signal_init(&host->loop.uv, handle);
    handle->data = host;
    uv_signal_start(handle, on_number, number);
}

static unsigned listen_port(const struct host *host)
{
    return sl_listener_port(host->worker_count == 1 ? host->workers[0].listener
                                                    : host->listener);
}

static void log_started(const struct host *host, unsigned port)
{
    unsigned admin_port = host->admin_listener == NULL
                              ? 0
                              : sl_listener_port(host->admin_listener);
    sl_log_info("started", SL_F_STR("version", SL_VERSION),
                SL_F_STR("pod", host->config->pod),
                SL_F_STR("listen", host->config->listen),
                SL_F_INT("port", port), SL_F_INT("admin_port", admin_port),
                SL_F_INT("workers", host->worker_count),
                SL_F_STR("scripts", host->reload.current->snapshot.set.version),
                SL_F_INT("socket_max", host->socket_max));
}

static void make_watchdog(struct host *host)
{
    const struct sl_config *config = host->config;
    struct sl_watchdog_options options = {
        .warn_ms = config->script_warn_ms,
        .limit_ms = config->script_limit_ms,
    };
    struct sl_watched *workers =
        sl_zalloc(host->worker_count * sizeof(*workers));
    for (unsigned i = 0; i < host->worker_count; i++)
        workers[i] = (struct sl_watched){ &host->workers[i].loop,
                                          &host->workers[i].activity,
                                          &host->workers[i].metrics };
    host->watchdog = sl_watchdog_new(workers, host->worker_count, &options);
    sl_free(workers);
}

static int start_threads(struct host *host)
{
    int err = sl_watchdog_start(host->watchdog);
    for (unsigned i = 0; err == 0 && i < host->worker_count; i++)
        err = sl_worker_start(&host->workers[i]);
    return err;
}

static void on_watch(void *user)
{
    struct host *host = user;
    sl_reload_start(&host->reload, "watch");
}

static int start(struct host *host, const struct sl_engine_ops *engine)
{
    const struct sl_config *config = host->config;
    int err = open_shared(host, log_report);
    if (err != 0)
        return err;
    err = make_workers(host, engine, log_report);
    if (err != 0)
        return err;
    err = sl_loop_init(&host->loop, &host->metrics);
    if (err != 0)
        return err;
    host->loop_ready = true;
    sl_reload_attach(&host->reload, &host->loop, &host->metrics, host->workers,
                     host->worker_count);
    open_signal(host, &host->terminate, SIGTERM, on_signal);
    open_signal(host, &host->interrupt, SIGINT, on_signal);
    open_signal(host, &host->hangup, SIGHUP, on_hangup);
    host->signals_open = true;
    make_watchdog(host);
    err = open_admin(host);
    if (err != 0)
        return err;
    err = open_listener(host);
    if (err != 0)
        return err;
    unsigned port = listen_port(host);
    err = start_threads(host);
    if (err != 0)
        return err;
    log_started(host, port);
    if (config->watch != SL_WATCH_OFF)
        host->watch =
            sl_watch_open(&host->loop, config->hubs,
                          config->watch == SL_WATCH_POLL, on_watch, host);
    return 0;
}

/* ---- stop ---- */

static void close_main_loop(struct host *host)
{
    if (!host->loop_ready)
        return;
    if (host->watch != NULL)
        sl_watch_close(host->watch);
    if (host->listener != NULL)
        sl_listener_close(host->listener);
    if (host->admin_listener != NULL)
        sl_listener_close(host->admin_listener);
    if (host->admin_router != NULL)
        sl_http_server_abort(&host->admin);
    if (host->signals_open) {
        uv_close((uv_handle_t *)&host->terminate, NULL);
        uv_close((uv_handle_t *)&host->interrupt, NULL);
        uv_close((uv_handle_t *)&host->hangup, NULL);
    }
    sl_loop_release(&host->loop);
}

/* All threads have ended: what they had sent to each other is delivered while
 * every mailbox is still there, answers to answers included. */
static void deliver_letters(struct host *host)
{
    size_t count;
    do {
        count = 0;
        for (unsigned i = 0; i < host->worker_count; i++)
            if (host->workers[i].loop.read_buf != NULL)
                count += sl_mailbox_deliver(&host->workers[i].loop.mailbox);
    } while (count > 0);
}

static void stop(struct host *host)
{
    sl_reload_stop(&host->reload);
    if (host->listener != NULL)
        sl_listener_close(host->listener);
    host->listener = NULL;
    for (unsigned i = 0; i < host->worker_count && host->workers; i++)
        sl_worker_stop(&host->workers[i]);
    for (unsigned i = 0; i < host->worker_count && host->workers; i++)
        sl_worker_join(&host->workers[i]);
    sl_watchdog_free(host->watchdog);
    if (host->workers != NULL)
        deliver_letters(host);
    for (unsigned i = 0; i < host->worker_count && host->workers; i++)
        sl_worker_free(&host->workers[i]);
    sl_free(host->workers);
    close_main_loop(host);
    sl_http_router_free(host->admin_router);
    sl_store_free(host->store);
    sl_relay_free(host->relay);
    sl_routines_free(host->routines);
    sl_cors_free(host->cors);
    sl_claims_free(host->claims);
    sl_bus_free(host->bus);
    sl_directory_free(host->directory);
    sl_reload_release(&host->reload);
}

int sl_host_serve(const struct sl_config *config,
                  const struct sl_engine_ops *engine)
{
    signal(SIGPIPE, SIG_IGN);
    sl_log_thread("main");
    struct host host = {
        .config = config,
        .worker_count = config->workers,
        .socket_max = find_socket_max(config->max_sockets),
    };
    int err = start(&host, engine);
    if (err == 0)
        sl_loop_run(&host.loop);
    stop(&host);
    if (err == 0)
        sl_log_info("stopped");
    return err == 0 ? 0 : 1;
}

static void print_report(void *user, const struct sl_report *report)
{
    (void)user;
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    puts(sl_report_format(report, text, sizeof(text)));
}

int sl_host_check(const struct sl_config *config,
                  const struct sl_engine_ops *engine)
{
    struct host host = { .config = config, .worker_count = 1 };
    int err = open_shared(&host, print_report);
    if (err == 0)
        err = make_workers(&host, engine, print_report);
    stop(&host);
    return err == 0 ? 0 : 1;
}
