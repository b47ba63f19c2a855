// SPDX-License-Identifier: MIT
/*
 * An engine per worker, a hub per file. GET /ping is the route of a script.
 */
#include "tests/lib/c_engine.h"

#include "base/err.h"
#include "base/mem.h"
#include "http/http.h"
#include "tests/lib/c_hub.h"

#define HUBS_MAX 32 /* of all loads */

struct sl_engine {
    struct sl_world *world;
    struct c_hub hubs[HUBS_MAX];
    unsigned hub_count;
};

static struct sl_engine *create(const struct sl_engine_env *env)
{
    struct sl_engine *engine = sl_zalloc(sizeof(*engine));
    engine->world = env->world;
    return engine;
}

static void destroy(struct sl_engine *engine)
{
    for (unsigned i = 0; i < engine->hub_count; i++)
        c_hub_release(&engine->hubs[i]);
    sl_free(engine);
}

static int load(struct sl_engine *engine, const struct sl_script_set *set,
                sl_hub_def_cb on_hub, sl_report_cb on_error, void *user)
{
    int err = 0;
    for (unsigned i = 0; i < set->file_count; i++) {
        const struct sl_script_file *file = &set->files[i];
        if (sl_slice_starts(file->text, SL_SLICE("error"))) {
            struct sl_report report = { 0 };
            char *name = sl_slice_dup(file->name);
            sl_report_set(&report, name, 1, "does not load");
            sl_free(name);
            on_error(user, &report);
            err = SL_E_SCRIPT;
        }
    }
    for (unsigned i = 0; i < set->file_count && err == 0; i++) {
        struct c_hub *hub = &engine->hubs[engine->hub_count++];
        c_hub_init(hub, engine->world);
        struct sl_slice name = set->files[i].name;
        name.len -= sizeof(".lua") - 1;
        struct sl_str path = { 0 };
        sl_str_add_fmt(&path, "/%.*s", (int)name.len, name.ptr);
        struct sl_hub_def def = {
            .name = name,
            .path = sl_str_slice(&path),
            .backplane_name = name,
            .ops = &c_hub_ops,
            .script = hub,
        };
        sl_hub_options_default(&def.options);
        on_hub(user, &def);
        sl_str_release(&path);
    }
    return err;
}

static void commit(struct sl_engine *engine)
{
    (void)engine;
}

static void drop(struct sl_engine *engine)
{
    (void)engine;
}

static bool route(struct sl_engine *engine, struct sl_http_request *request,
                  struct sl_identity *identity)
{
    (void)engine;
    (void)identity;
    if (!sl_slice_eq(request->url.path, SL_SLICE("/ping")))
        return false;
    sl_http_answer_text(request, 200, SL_SLICE("pong"));
    return true;
}

static void stop(struct sl_engine *engine)
{
    (void)engine;
}

const struct sl_engine_ops c_engine_ops = {
    .create = create,
    .destroy = destroy,
    .load = load,
    .commit = commit,
    .drop = drop,
    .route = route,
    .stop = stop,
};
