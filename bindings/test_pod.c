// SPDX-License-Identifier: MIT
/*
 * The same parts as a worker of the host has, without loop and thread. The end
 * goes in the host's order: clients leave, the engine stops, all rests, the
 * engine goes, then the world.
 */
#include "bindings/test_pod.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "bindings/engine.h"
#include "bus/bus.h"
#include "bus/directory.h"
#include "http/http.h"
#include "hub/activity.h"
#include "hub/conn.h"
#include "hub/routines.h"
#include "hub/world.h"
#include "store/store_memory.h"
#include "wire/identity.h"

#define BEGIN_MS 1000000u /* the wheel's time, when the pod begins */

struct sl_test_client {
    struct sl_list node; /* in pod->clients */
    struct sl_outlet outlet;
    struct sl_hub_entry *entry;
    struct sl_conn *conn; /* NULL: not open, or over */
    struct sl_identity *identity;
    struct sl_request_head *head; /* until it is opened */
    struct sl_str heard;
    uint64_t lifetime_ms;
    unsigned status; /* 0: not decided */
    bool closed;
    char id[SL_ID_LEN + 1];
};

struct sl_test_pod {
    struct sl_wheel wheel;
    struct sl_runq runq;
    struct sl_mailbox mailbox;
    struct sl_metrics metrics;
    struct sl_activity activity;
    struct sl_routines *routines;
    struct sl_directory *directory;
    struct sl_bus *bus;
    struct sl_world world;
    struct sl_clock clock;
    uint64_t began_wall_ms;
    struct sl_store *store;
    struct sl_engine *engine;
    struct sl_list clients;
    sl_report_cb on_error;
    void *user;
};

/* ---- time ---- */

static uint64_t monotonic_ns(void *user)
{
    return ((const struct sl_test_pod *)user)->wheel.now_ms * 1000000;
}

static uint64_t wall_ms(void *user)
{
    const struct sl_test_pod *pod = user;
    return pod->began_wall_ms + sl_test_pod_elapsed_ms(pod);
}

uint64_t sl_test_pod_elapsed_ms(const struct sl_test_pod *pod)
{
    return pod->wheel.now_ms - BEGIN_MS;
}

bool sl_test_pod_settle(struct sl_test_pod *pod)
{
    for (unsigned turn = 0; turn < SL_TEST_TURNS_MAX; turn++) {
        bool busy = !sl_list_empty(&pod->runq.tasks) ||
                    !sl_list_empty(&pod->wheel.overdue);
        sl_wheel_advance(&pod->wheel, pod->wheel.now_ms);
        busy = sl_runq_drain(&pod->runq, SL_TEST_TURN_TASKS) || busy;
        busy = sl_mailbox_deliver(&pod->mailbox) > 0 || busy;
        if (!busy)
            return true;
    }
    return false;
}

bool sl_test_pod_step(struct sl_test_pod *pod, uint64_t until_ms)
{
    uint64_t now = pod->wheel.now_ms, end = BEGIN_MS + until_ms;
    if (now >= end)
        return false;
    uint64_t next = sl_wheel_next(&pod->wheel);
    if (next <= now)
        next = now + 1;
    sl_wheel_advance(&pod->wheel, next < end ? next : end);
    return true;
}

/* ---- the pod ---- */

static void on_hub(void *user, const struct sl_hub_def *def)
{
    sl_hub_add_entry(&((struct sl_test_pod *)user)->world, def);
}

static void on_load_error(void *user, const struct sl_report *report)
{
    struct sl_test_pod *pod = user;
    pod->on_error(pod->user, report);
}

static void make_engine(struct sl_test_pod *pod,
                        const struct sl_test_pod_setup *setup)
{
    struct sl_engine_env env = {
        .world = &pod->world,
        .store = pod->store,
        .clock = &pod->clock,
        .pod = "test",
        .settings = setup->settings,
        .setting_count = setup->setting_count,
        .activity = &pod->activity,
        .routines = pod->routines,
    };
    pod->engine = sl_lua_engine_ops.create(&env);
}

struct sl_test_pod *sl_test_pod_new(const struct sl_test_pod_setup *setup,
                                    sl_report_cb on_error, void *user)
{
    struct sl_test_pod *pod = sl_zalloc(sizeof(*pod));
    sl_list_init(&pod->clients);
    sl_wheel_init(&pod->wheel, BEGIN_MS);
    sl_runq_init(&pod->runq);
    sl_mailbox_init(&pod->mailbox, NULL, NULL);
    pod->directory = sl_directory_new();
    pod->bus = sl_bus_new(pod->directory, 1);
    sl_world_init(&pod->world, &pod->wheel, &pod->runq, &pod->metrics);
    sl_world_attach(&pod->world, pod->bus, 0, &pod->mailbox);
    pod->began_wall_ms = sl_clock_wall_ms(&sl_clock_system);
    pod->clock = (struct sl_clock){ monotonic_ns, wall_ms, pod };
    pod->store = sl_store_memory_new(&pod->clock, SL_TEST_STORE_MAX);
    pod->routines = sl_routines_new(SL_ROUTINES_MAX);
    make_engine(pod, setup);
    pod->on_error = on_error;
    pod->user = user;
    if (sl_lua_engine_ops.load(pod->engine, setup->set, on_hub, on_load_error,
                               pod) != 0) {
        sl_test_pod_free(pod);
        return NULL;
    }
    sl_lua_engine_ops.commit(pod->engine);
    return pod;
}

struct sl_engine *sl_test_pod_engine(struct sl_test_pod *pod)
{
    return pod->engine;
}

struct sl_store *sl_test_pod_store(struct sl_test_pod *pod)
{
    return pod->store;
}

static void client_free(struct sl_test_client *client)
{
    sl_assert(client->conn == NULL);
    sl_list_remove(&client->node);
    sl_identity_unref(client->identity);
    sl_request_head_free(client->head);
    sl_str_release(&client->heard);
    sl_free(client);
}

/* A script that never rests cannot hold up the end: whatever is left then goes
 * with the engine. */
static void rest(struct sl_test_pod *pod)
{
    bool rests = sl_test_pod_settle(pod);
    (void)rests;
}

void sl_test_pod_free(struct sl_test_pod *pod)
{
    if (pod == NULL)
        return;
    sl_world_close_all(&pod->world, SL_CLOSE_SHUTDOWN);
    rest(pod);
    sl_lua_engine_ops.stop(pod->engine);
    rest(pod);
    SL_LIST_FOREACH_SAFE(node, &pod->clients) {
        struct sl_test_client *client =
            SL_CONTAINER_OF(node, struct sl_test_client, node);
        sl_test_client_leave(client, true);
    }
    rest(pod);
    sl_lua_engine_ops.destroy(pod->engine);
    rest(pod);
    SL_LIST_FOREACH_SAFE(node, &pod->clients) {
        client_free(SL_CONTAINER_OF(node, struct sl_test_client, node));
    }
    sl_mailbox_release(&pod->mailbox);
    sl_world_release(&pod->world);
    sl_series_release(&pod->metrics.series);
    sl_bus_free(pod->bus);
    sl_directory_free(pod->directory);
    sl_store_free(pod->store);
    sl_routines_free(pod->routines);
    sl_free(pod);
}

/* ---- the transport of a client ---- */

static struct sl_test_client *client_of(struct sl_outlet *outlet)
{
    return SL_CONTAINER_OF(outlet, struct sl_test_client, outlet);
}

/* It reads everything at once: no queue ever grows. */
static size_t on_send(struct sl_outlet *outlet, struct sl_buf *message)
{
    sl_str_add_slice(&client_of(outlet)->heard, sl_buf_payload(message));
    return 0;
}

static size_t on_send_copy(struct sl_outlet *outlet, struct sl_slice message)
{
    sl_str_add_slice(&client_of(outlet)->heard, message);
    return 0;
}

/* The connection keeps what comes meanwhile. */
static void on_pause(struct sl_outlet *outlet, bool paused)
{
    (void)outlet;
    (void)paused;
}

static void on_close(struct sl_outlet *outlet, bool failed, bool drop)
{
    (void)failed;
    (void)drop;
    struct sl_test_client *client = client_of(outlet);
    client->conn = NULL;
    client->closed = true;
}

static const struct sl_outlet_ops outlet_ops = {
    .send = on_send,
    .send_copy = on_send_copy,
    .pause = on_pause,
    .close = on_close,
};

/* ---- clients ---- */

static struct sl_hub_entry *find_entry(struct sl_test_pod *pod,
                                       struct sl_slice name)
{
    SL_LIST_FOREACH(hub_node, &pod->world.hubs) {
        struct sl_hub *hub = SL_CONTAINER_OF(hub_node, struct sl_hub, node);
        SL_LIST_FOREACH(node, &hub->entries) {
            struct sl_hub_entry *entry =
                SL_CONTAINER_OF(node, struct sl_hub_entry, node);
            if (sl_slice_eq(sl_slice_str(entry->name), name))
                return entry;
        }
    }
    return NULL;
}

bool sl_test_pod_serves(struct sl_test_pod *pod, struct sl_slice hub)
{
    return find_entry(pod, hub) != NULL;
}

static void on_decided(void *user, unsigned refused,
                       struct sl_identity *identity)
{
    struct sl_test_client *client = user;
    struct sl_identity *before = client->identity;
    client->identity = sl_identity_ref(identity);
    sl_identity_unref(before);
    client->status = refused == 0 ? 200 : refused;
}

static void ask(struct sl_test_client *client, const struct sl_url *url,
                const struct sl_test_client_setup *setup)
{
    struct sl_hub_entry *entry = client->entry;
    if (!entry->options.guarded) {
        client->status = 200;
        return;
    }
    struct sl_http_request request = {
        .method = SL_SLICE("GET"),
        .target = url->path,
        .url = *url,
        .headers = setup->headers,
        .header_count = setup->header_count,
        .remote = setup->remote_address,
        .http11 = true,
    };
    entry->ops->authorize(entry->script, &request, client->identity, on_decided,
                          client);
}

struct sl_test_client *sl_test_client_new(
    struct sl_test_pod *pod, const struct sl_test_client_setup *setup)
{
    struct sl_test_client *client = sl_zalloc(sizeof(*client));
    client->outlet.ops = &outlet_ops;
    client->entry = find_entry(pod, setup->hub);
    sl_assert(client->entry != NULL);
    sl_list_push_back(&pod->clients, &client->node);

    struct sl_url url = { sl_slice_str(client->entry->path), setup->query };
    client->head =
        sl_request_head_new(&url, sl_slice_str(setup->remote_address),
                            setup->headers, setup->header_count);
    if (setup->authenticated) {
        uint64_t expires_ms =
            setup->expires_ms == 0
                ? 0
                : sl_clock_wall_ms(&pod->clock) + setup->expires_ms;
        client->identity =
            sl_identity_new(setup->user_id, setup->claims, expires_ms);
    }
    if (client->entry->options.close_on_expiry)
        client->lifetime_ms = setup->expires_ms;
    ask(client, &url, setup);
    return client;
}

unsigned sl_test_client_status(const struct sl_test_client *client)
{
    return client->status;
}

void sl_test_client_open(struct sl_test_client *client)
{
    sl_assert(client->status == 200 && client->id[0] == '\0');
    sl_random_id(client->id);
    /* As in Long Polling nobody pings: time that a test lets pass does not end
     * a client, only what the hub or the test does to it. */
    client->conn = sl_conn_open(&(struct sl_conn_setup){
        .entry = client->entry,
        .outlet = &client->outlet,
        .id = sl_slice_of(client->id, SL_ID_LEN),
        .identity = client->identity,
        .lifetime_ms = client->lifetime_ms,
        .head = client->head,
        .inherent_keep_alive = true,
    });
    client->head = NULL;
}

const char *sl_test_client_id(const struct sl_test_client *client)
{
    return client->id;
}

void sl_test_client_say(struct sl_test_client *client, struct sl_slice bytes)
{
    if (client->conn != NULL)
        sl_conn_received(client->conn, bytes);
}

struct sl_str *sl_test_client_heard(struct sl_test_client *client)
{
    return &client->heard;
}

bool sl_test_client_closed(const struct sl_test_client *client)
{
    return client->closed;
}

void sl_test_client_leave(struct sl_test_client *client, bool lost)
{
    struct sl_conn *conn = client->conn;
    if (conn == NULL)
        return;
    client->conn = NULL;
    client->closed = true;
    sl_conn_lost(conn, lost ? SL_CLOSE_LOST : SL_CLOSE_CLIENT);
}
