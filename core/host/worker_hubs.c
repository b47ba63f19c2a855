// SPDX-License-Identifier: MIT
/*
 * At a commit first goes what is gone, so that its paths are free; then every
 * hub of the set takes its entry over, or gets one. Entries are replaced before
 * the engine lets go of the old scripts.
 */
#include "host/worker_hubs.h"

#include "base/log.h"
#include "base/mem.h"
#include "hub/hub.h"
#include "transport/endpoint.h"

struct load {
    struct sl_worker *worker;
    sl_report_cb on_error;
    void *user;
};

/* ---- preparing ---- */

static struct sl_slice copy(struct sl_slice text)
{
    return sl_slice_of(sl_slice_dup(text), text.len);
}

static void free_copy(struct sl_slice text)
{
    sl_free((char *)(uintptr_t)text.ptr);
}

static void on_hub(void *user, const struct sl_hub_def *def)
{
    struct sl_worker *worker = ((struct load *)user)->worker;
    if (worker->def_count == worker->def_cap) {
        worker->def_cap = worker->def_cap == 0 ? 8 : worker->def_cap * 2;
        worker->defs =
            sl_realloc(worker->defs, worker->def_cap * sizeof(*worker->defs));
    }
    struct sl_hub_def *own = &worker->defs[worker->def_count++];
    *own = *def;
    own->name = copy(def->name);
    own->path = copy(def->path);
    own->backplane_name = copy(def->backplane_name);
}

static void on_report(void *user, const struct sl_report *report)
{
    struct load *load = user;
    load->on_error(load->user, report);
}

static void clear_defs(struct sl_worker *worker)
{
    for (unsigned i = 0; i < worker->def_count; i++) {
        free_copy(worker->defs[i].name);
        free_copy(worker->defs[i].path);
        free_copy(worker->defs[i].backplane_name);
    }
    worker->def_count = 0;
}

int sl_worker_prepare(struct sl_worker *worker, const struct sl_script_set *set,
                      sl_report_cb on_error, void *user)
{
    struct load load = { worker, on_error, user };
    clear_defs(worker);
    int err = worker->env->engine->load(worker->engine, set, on_hub, on_report,
                                        &load);
    if (err != 0)
        clear_defs(worker);
    return err;
}

void sl_worker_drop(struct sl_worker *worker)
{
    clear_defs(worker);
    worker->env->engine->drop(worker->engine);
}

void sl_worker_drop_defs(struct sl_worker *worker)
{
    clear_defs(worker);
    sl_free(worker->defs);
    worker->defs = NULL;
    worker->def_cap = 0;
}

/* ---- committing ---- */

static const struct sl_hub_def *find_def(const struct sl_worker *worker,
                                         const struct sl_hub_entry *entry)
{
    for (unsigned i = 0; i < worker->def_count; i++) {
        const struct sl_hub_def *def = &worker->defs[i];
        if (sl_slice_eq(def->name, sl_slice_str(entry->name)) &&
            sl_slice_eq(def->backplane_name, sl_slice_str(entry->hub->name)))
            return def;
    }
    return NULL;
}

/* Whose file is gone, or has another path now. */
static void close_endpoints(struct sl_worker *worker)
{
    SL_LIST_FOREACH_SAFE(node, &worker->endpoints) {
        struct sl_endpoint *endpoint =
            SL_CONTAINER_OF(node, struct sl_endpoint, node);
        struct sl_hub_entry *entry = endpoint->entry;
        const struct sl_hub_def *def = find_def(worker, entry);
        if (def != NULL && sl_slice_eq(def->path, sl_slice_str(entry->path)))
            continue;
        sl_endpoint_free(endpoint, worker->router);
        if (def == NULL)
            sl_hub_entry_remove(entry);
    }
}

static bool has_endpoint(const struct sl_worker *worker,
                         const struct sl_hub_entry *entry)
{
    SL_LIST_FOREACH(node, &worker->endpoints) {
        if (SL_CONTAINER_OF(node, struct sl_endpoint, node)->entry == entry)
            return true;
    }
    return false;
}

static void serve(struct sl_worker *worker, const struct sl_hub_def *def)
{
    struct sl_hub_entry *entry =
        sl_hub_find_entry(&worker->world, def->name, def->backplane_name);
    if (entry == NULL)
        entry = sl_hub_add_entry(&worker->world, def);
    else
        sl_hub_entry_replace(entry, def);
    if (!has_endpoint(worker, entry)) {
        struct sl_endpoint *endpoint =
            sl_endpoint_new(&worker->transport, entry, worker->router);
        sl_list_push_back(&worker->endpoints, &endpoint->node);
    }
    const char *doubt = sl_hub_options_doubt(&entry->options);
    if (doubt != NULL && worker->index == 0)
        sl_log_warn("hub options", SL_F_STR("hub", entry->name),
                    SL_F_STR("doubt", doubt));
}

void sl_worker_commit(struct sl_worker *worker)
{
    close_endpoints(worker);
    for (unsigned i = 0; i < worker->def_count; i++)
        serve(worker, &worker->defs[i]);
    clear_defs(worker);
    worker->env->engine->commit(worker->engine);
}
