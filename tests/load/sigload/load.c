// SPDX-License-Identifier: MIT
/*
 * One run.  Every turn of the loop first looks at the clock and moves on to
 * the next phase when its time has come, then lets the mode send what is due,
 * then waits for sockets.
 */
#include "load.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "../common/fatal.h"
#include "clock.h"
#include "modes.h"

/* Events taken from the kernel at once. */
#define EVENTS_MAX 2048
/* Seconds between the last connection and the first call: servers settle. */
#define SETTLE_S 0.3
/* Pings are spread over the interval in steps of this, ns. */
#define PING_STEP_NS 100000000ull
/* Broken connections while connecting before the run is given up. */
#define CONNECT_FAILURES_MAX 20
/* Seconds that opening all connections may take. */
#define CONNECT_S_MAX 120.0
/* Descriptors besides the connections. */
#define SPARE_DESCRIPTORS 64

struct run {
    uint32_t opened_count;
    uint64_t begin_ns; /* when the first calls go out */
    bool begun;
    uint64_t phase_ns; /* when the present phase began */
    uint64_t ping_ns;
    uint32_t ping_at; /* the connection whose ping comes next */
};

/* A signal handler can reach nothing else. */
static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

/* ---- events of the client, passed on to the mode ---- */

static void on_open(struct sl_client *client, struct sl_conn *conn)
{
    struct sl_load *load = client->owner;
    load->mode->on_open(load, conn);
}

static void on_message(struct sl_client *client, struct sl_conn *conn,
                       const struct sl_message *message, uint64_t now_ns)
{
    struct sl_load *load = client->owner;
    load->mode->on_message(load, conn, message, now_ns);
}

static void on_closed(struct sl_client *client, struct sl_conn *conn)
{
    struct sl_load *load = client->owner;
    if (load->mode->on_closed != NULL)
        load->mode->on_closed(load, conn);
}

static const struct sl_client_events client_events = {
    .on_open = on_open,
    .on_message = on_message,
    .on_closed = on_closed,
};

/* ---- phases ---- */

static void mark_border(struct sl_load *load, struct sl_border *border)
{
    sl_snapshot_take(&border->machine, load->families, load->options);
    border->traffic = load->client.traffic;
    border->broadcasts = load->tally.broadcasts;
    border->time_ns = sl_clock_now_ns();
}

static void enter(struct sl_load *load, struct run *run, enum sl_phase phase)
{
    load->phase = phase;
    run->phase_ns = sl_clock_now_ns();
}

static bool has_lasted(const struct run *run, uint64_t now_ns, double seconds)
{
    return now_ns >= run->phase_ns + sl_clock_ns(seconds);
}

static void connect_more(struct sl_load *load, struct run *run, uint64_t now_ns)
{
    const struct sl_options *options = load->options;
    struct sl_client *client = &load->client;
    while (run->opened_count < options->conn_count &&
           client->opening_count < options->opening_max)
        sl_client_open(client, &client->conns[run->opened_count++]);
    if (client->faults.failed > CONNECT_FAILURES_MAX)
        sl_fatal("too many broken connections: %s", client->faults.last);
    if (has_lasted(run, now_ns, CONNECT_S_MAX))
        sl_fatal("only %u connections became ready within %.0f s",
                 client->ready_count, CONNECT_S_MAX);
    const bool all = load->mode->starts_at_once
                         ? run->opened_count == options->conn_count
                         : client->ready_count + client->faults.failed >=
                               options->conn_count;
    if (!all)
        return;
    enter(load, run, SL_PHASE_WARMING_UP);
    mark_border(load, &load->connected);
    run->begin_ns = run->phase_ns + sl_clock_ns(SETTLE_S);
}

static double warmup_s(const struct sl_load *load)
{
    if (load->options->mode == SL_MODE_CONNECT)
        return load->options->hold_s;
    if (load->mode->starts_at_once)
        return load->options->warmup_s;
    return load->options->warmup_s + SETTLE_S;
}

static void warm_up(struct sl_load *load, struct run *run, uint64_t now_ns)
{
    if (!run->begun && now_ns >= run->begin_ns) {
        run->begun = true;
        if (load->mode->begin != NULL)
            load->mode->begin(load);
    }
    if (!has_lasted(run, now_ns, warmup_s(load)))
        return;
    sl_family_find(load->families, load->options); /* children born since */
    mark_border(load, &load->window_start);
    enter(load, run, SL_PHASE_MEASURING);
}

static void step_phase(struct sl_load *load, struct run *run, uint64_t now_ns)
{
    switch (load->phase) {
    case SL_PHASE_CONNECTING: connect_more(load, run, now_ns); break;
    case SL_PHASE_WARMING_UP: warm_up(load, run, now_ns); break;
    case SL_PHASE_MEASURING:
        if (has_lasted(run, now_ns, load->options->measure_s)) {
            mark_border(load, &load->window_end);
            enter(load, run, SL_PHASE_DRAINING);
        }
        break;
    case SL_PHASE_DRAINING:
        if (load->mode->is_idle == NULL || load->mode->is_idle(load) ||
            has_lasted(run, now_ns, load->options->drain_s))
            load->phase = SL_PHASE_DONE;
        break;
    case SL_PHASE_DONE: break;
    }
}

/* Every connection pings once per interval, a few of them each step. */
static void ping_some(struct sl_load *load, struct run *run, uint64_t now_ns)
{
    const struct sl_options *options = load->options;
    const uint64_t passed_ns = now_ns - run->ping_ns;
    if (options->ping_s <= 0 || load->mode->starts_at_once ||
        passed_ns < PING_STEP_NS)
        return;
    run->ping_ns = now_ns;
    const double share = sl_clock_seconds(passed_ns) / options->ping_s;
    uint32_t count = (uint32_t)(options->conn_count * share) + 1;
    for (; count > 0; count--) {
        struct sl_conn *conn = &load->client.conns[run->ping_at];
        run->ping_at = (run->ping_at + 1) % options->conn_count;
        if (conn->state == SL_CONN_READY)
            sl_client_ping(&load->client, conn);
    }
}

/* ---- the loop ---- */

static void wait_for_sockets(struct sl_load *load, uint64_t timeout_ns)
{
    static struct epoll_event events[EVENTS_MAX];
    const struct timespec timeout = { .tv_nsec = (long)timeout_ns };
    const int count =
        epoll_pwait2(load->client.epoll_fd, events, EVENTS_MAX, &timeout, NULL);
    if (count < 0 && errno != EINTR)
        sl_fatal("epoll_pwait2: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        sl_client_on_event(&load->client, &events[i]);
}

static void turn(struct sl_load *load, struct run *run)
{
    const uint64_t now_ns = sl_clock_now_ns();
    step_phase(load, run, now_ns);
    if (load->phase == SL_PHASE_DONE)
        return;
    uint64_t timeout_ns = SL_TURN_NS_MAX;
    if (load->mode->on_turn != NULL &&
        (run->begun || load->mode->starts_at_once))
        timeout_ns = load->mode->on_turn(load, now_ns);
    ping_some(load, run, now_ns);
    wait_for_sockets(load,
                     timeout_ns < SL_TURN_NS_MAX ? timeout_ns : SL_TURN_NS_MAX);
}

static void raise_descriptor_limit(uint32_t conn_count)
{
    const rlim_t need = (rlim_t)conn_count + SPARE_DESCRIPTORS;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= need)
        return;
    limit.rlim_cur = need;
    if (need > limit.rlim_max || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        sl_fatal("-c %u: at most %lu descriptors are allowed (ulimit -Hn)",
                 conn_count, (unsigned long)limit.rlim_max);
}

static void catch_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void sl_load_run(struct sl_load *load, const struct sl_options *options)
{
    *load = (struct sl_load){
        .options = options,
        .mode = sl_mode_find(options->mode),
    };
    raise_descriptor_limit(options->conn_count);
    catch_signals();
    sl_payload_init(&load->payload, options->payload_size);
    sl_client_init(&load->client, options, &client_events, load);
    if (load->mode->prepare != NULL)
        load->mode->prepare(load);
    sl_family_find(load->families, options);
    mark_border(load, &load->start);

    struct run run = {
        .phase_ns = load->start.time_ns,
        .ping_ns = load->start.time_ns,
    };
    while (load->phase != SL_PHASE_DONE) {
        if (is_interrupted)
            sl_fatal("interrupted; ready %u of %u; %s",
                     load->client.ready_count, options->conn_count,
                     load->client.faults.last);
        turn(load, &run);
    }
    if (load->mode->settle != NULL)
        load->mode->settle(load);
}

void sl_load_release(struct sl_load *load)
{
    if (load->mode->release != NULL)
        load->mode->release(load);
    sl_client_release(&load->client);
    sl_payload_release(&load->payload);
}

bool sl_load_is_clean(const struct sl_load *load)
{
    const struct sl_tally *tally = &load->tally;
    const struct sl_faults *faults = &load->client.faults;
    return (tally->lost | tally->gaps | tally->repeated | tally->damaged |
            faults->errors | faults->closed | faults->failed) == 0;
}
