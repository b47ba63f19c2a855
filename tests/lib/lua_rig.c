// SPDX-License-Identifier: MIT
/*
 * The order of the end is the host's: clients leave, the engine stops, all
 * rests, the engine goes, then the world.
 */
#include "tests/lib/lua_rig.h"

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "store/store_memory.h"

#include <sys/mman.h>
#include <unistd.h>

static const struct sl_setting_view settings[] = { { "workers", "1" },
                                                   { "listen", "here" } };

static void make_engine(struct lua_rig *rig, unsigned index)
{
    struct sl_engine_env env = {
        .world = &cluster_worker(&rig->cluster, 0, index)->world,
        .store = rig->store,
        .pod = "pod-1",
        .worker = index,
        .settings = settings,
        .setting_count = SL_COUNT(settings),
        .activity = &rig->activities[index],
        .routines = rig->routines,
    };
    rig->engines[index] = sl_lua_engine_ops.create(&env);
}

void lua_rig_init(struct lua_rig *rig, unsigned worker_count)
{
    memset(rig, 0, sizeof(*rig));
    rig->log_fd = memfd_create("log", MFD_CLOEXEC);
    sl_assert(rig->log_fd >= 0 && worker_count <= LUA_RIG_WORKERS_MAX);
    sl_log_setup(rig->log_fd, SL_LOG_DEBUG, SL_LOG_JSON);
    cluster_init(&rig->cluster,
                 (struct cluster_options){ .worker_count = worker_count });
    rig->worker_count = worker_count;
    rig->worker = cluster_worker(&rig->cluster, 0, 0);
    rig->store = sl_store_memory_new(&sl_clock_system, 1 << 20);
    rig->routines = sl_routines_new(100);
    for (unsigned i = 0; i < worker_count; i++)
        make_engine(rig, i);
    rig->engine = rig->engines[0];
    rig->set.files = rig->files;
    memcpy(rig->set.version, "01234567", 9);
}

void lua_rig_file(struct lua_rig *rig, const char *name, const char *text)
{
    sl_assert(rig->set.file_count < LUA_RIG_FILES_MAX);
    struct sl_script_file *file = &rig->files[rig->set.file_count++];
    file->name = sl_slice_str(name);
    file->text = sl_slice_str(text);
}

static struct lua_rig *telling;
static unsigned telling_worker;

static void on_hub(void *user, const struct sl_hub_def *def)
{
    struct lua_rig *rig = user;
    struct cluster_worker *worker =
        cluster_worker(&rig->cluster, 0, telling_worker);
    struct sl_hub *hub = sl_hub_find(&worker->world, def->name);
    bool chat = sl_slice_eq(def->name, SL_SLICE("chat"));
    sl_assert(telling == rig);
    rig->hubs_told++;
    if (hub != NULL) { /* a reload: script and options are replaced as one */
        struct sl_hub_entry *entry =
            SL_CONTAINER_OF(hub->entries.next, struct sl_hub_entry, node);
        entry->script = def->script;
        entry->options = def->options;
        return;
    }
    struct sl_hub_entry *entry = sl_hub_add_entry(&worker->world, def);
    if (worker->entry->ops != def->ops || chat)
        worker->entry = entry;
}

static void on_error(void *user, const struct sl_report *report)
{
    struct lua_rig *rig = user;
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 16];
    sl_str_add_fmt(&rig->errors, "%s\n",
                   sl_report_format(report, text, sizeof(text)));
}

int lua_rig_load(struct lua_rig *rig)
{
    int err = 0;
    telling = rig;
    sl_str_clear(&rig->errors);
    for (unsigned i = 0; err == 0 && i < rig->worker_count; i++) {
        telling_worker = i;
        err = sl_lua_engine_ops.load(rig->engines[i], &rig->set, on_hub,
                                     on_error, rig);
        if (err == 0)
            sl_lua_engine_ops.commit(rig->engines[i]);
    }
    rig->entry = rig->worker->entry;
    (void)sl_str_cstr(&rig->errors);
    return err;
}

void lua_rig_join(struct lua_rig *rig, struct peer *peer, unsigned worker,
                  const char *name, const char *user)
{
    static const struct sl_header headers[] = {
        { { "x-test", 6 }, { "one", 3 } },
        { { "x-test", 6 }, { "two", 3 } },
        { { "user-agent", 10 }, { "peer", 4 } },
    };
    struct sl_url url = { SL_SLICE("/chat"), SL_SLICE("room=a%20b&room=c") };
    struct sl_identity *identity =
        user == NULL ? NULL
                     : sl_identity_new(sl_slice_str(user), rig->claims, 0);
    struct sl_conn_setup setup = {
        .identity = identity,
        .head = sl_request_head_new(&url, SL_SLICE("127.0.0.1"), headers,
                                    SL_COUNT(headers)),
    };
    peer_open_as(peer, cluster_worker(&rig->cluster, 0, worker), name, setup);
    sl_identity_unref(identity);
    peer_say(peer, "{'protocol':'json','version':1}");
    expect_heard(peer, "{}\n");
}

void lua_rig_chat(struct lua_rig *rig, const char *text)
{
    lua_rig_init(rig, 1);
    lua_rig_file(rig, "chat.lua", text);
    if (lua_rig_load(rig) != 0)
        print_error("%s", rig->errors.ptr);
    assert_int_equal(rig->errors.len, 0);
    lua_rig_join(rig, &rig->a, 0, "a", "ann");
}

const char *lua_rig_call(struct lua_rig *rig, const char *target,
                         const char *args)
{
    peer_invoke(&rig->a, "1", target, args);
    cluster_settle(&rig->cluster);
    return peer_heard(&rig->a);
}

const char *lua_rig_logged(struct lua_rig *rig)
{
    char chunk[4096];
    ssize_t len;
    sl_str_clear(&rig->log);
    lseek(rig->log_fd, 0, SEEK_SET);
    while ((len = read(rig->log_fd, chunk, sizeof(chunk))) > 0)
        sl_str_add(&rig->log, chunk, (size_t)len);
    int err = ftruncate(rig->log_fd, 0);
    sl_assert(err == 0);
    lseek(rig->log_fd, 0, SEEK_SET);
    return sl_str_cstr(&rig->log);
}

void lua_rig_release(struct lua_rig *rig)
{
    peer_release(&rig->a);
    peer_release(&rig->b);
    for (unsigned i = 0; i < rig->worker_count; i++)
        sl_world_close_all(&cluster_worker(&rig->cluster, 0, i)->world,
                           SL_CLOSE_SHUTDOWN);
    cluster_settle(&rig->cluster);
    for (unsigned i = 0; i < rig->worker_count; i++)
        sl_lua_engine_ops.stop(rig->engines[i]);
    cluster_settle(&rig->cluster);
    for (unsigned i = 0; i < rig->worker_count; i++)
        sl_lua_engine_ops.destroy(rig->engines[i]);
    cluster_release(&rig->cluster);
    sl_store_free(rig->store);
    sl_routines_free(rig->routines);
    sl_str_release(&rig->errors);
    sl_str_release(&rig->log);
    sl_log_setup(2, SL_LOG_WARN, SL_LOG_AUTO);
    close(rig->log_fd);
}
