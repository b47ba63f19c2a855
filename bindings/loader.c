// SPDX-License-Identifier: MIT
/*
 * Every file is tried, so that one run tells all errors. Whatever goes wrong
 * is a report with the file and line that the author has to look at: for an
 * error inside lib/ that is the line there, and the text names the hub file.
 */
#include "bindings/loader.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "bindings/coroutine.h"
#include "bindings/door.h"
#include "bindings/lua_hub.h"
#include "hub/routines.h"

#include <stdlib.h>

struct load {
    struct sl_generation *gen;
    sl_report_cb on_error;
    void *user;
    int errors;
    unsigned hubs;
};

bool sl_loader_is_hub(struct sl_slice file)
{
    static const struct sl_slice suffix = { ".lua", 4 };
    return !sl_slice_starts(file, SL_SLICE("lib/")) && file.len > suffix.len &&
           sl_slice_eq(
               sl_slice_of(file.ptr + file.len - suffix.len, suffix.len),
               suffix);
}

const struct sl_script_file *sl_loader_file(const struct sl_script_set *set,
                                            struct sl_slice name)
{
    for (unsigned i = 0; i < set->file_count; i++)
        if (sl_slice_eq(set->files[i].name, name))
            return &set->files[i];
    return NULL;
}

static void tell(struct load *load, const struct sl_report *report)
{
    load->on_error(load->user, report);
    load->errors++;
}

/* Takes "lib/rooms.lua:12: text" apart. */
static void report_error(struct load *load, struct sl_slice file,
                         const char *text)
{
    struct sl_report report;
    char name[SL_REPORT_FILE_MAX];
    snprintf(name, sizeof(name), "%.*s", (int)file.len, file.ptr);
    const char *colon = strchr(text, ':');
    char *end = NULL;
    long line = colon == NULL ? 0 : strtol(colon + 1, &end, 10);
    struct sl_slice place = { text,
                              colon == NULL ? 0 : (size_t)(colon - text) };
    if (line <= 0 || end[0] != ':' || end[1] != ' ' ||
        sl_loader_file(load->gen->set, place) == NULL)
        sl_report_set(&report, name, 0, "%s", text);
    else if (sl_slice_eq(place, file))
        sl_report_set(&report, name, (int)line, "%s", end + 2);
    else {
        char where[SL_REPORT_FILE_MAX];
        snprintf(where, sizeof(where), "%.*s", (int)place.len, place.ptr);
        sl_report_set(&report, where, (int)line, "%s (while %s was loaded)",
                      end + 2, name);
    }
    tell(load, &report);
}

static bool is_duplicate(const struct sl_script *script)
{
    SL_LIST_FOREACH(node, &script->gen->scripts) {
        const struct sl_script *other =
            SL_CONTAINER_OF(node, struct sl_script, node);
        if (other != script && other->served &&
            sl_slice_eq_nocase(sl_slice_str(other->path),
                               sl_slice_str(script->path)))
            return true;
    }
    return false;
}

/* Endpoints are found by their decoded path. */
static bool is_usable_path(const char *path)
{
    return strchr(path, '%') == NULL &&
           strlen(path) + sizeof("/negotiate") <= SL_HTTP_ROUTE_PATH_MAX;
}

/* The file has returned; its value is on top. */
static void take_hub(struct load *load, const struct sl_script_file *file)
{
    lua_State *L = load->gen->engine->L;
    struct sl_script *script = sl_lua_hub_of(L, load->gen);
    if (script == NULL) {
        report_error(load, file->name,
                     "a hub file must end with `return` and the hub that "
                     "signalua.hub gave");
        return;
    }
    if (script->served || !sl_slice_eq(sl_loader_hub_name(file->name),
                                       sl_slice_str(script->name))) {
        report_error(load, file->name, "returns the hub of another file");
        return;
    }
    if (is_duplicate(script))
        report_error(load, file->name, "its path is taken by another hub file");
    if (!is_usable_path(script->path))
        report_error(load, file->name,
                     "its path has a \"%\" or is too long: give it another "
                     "by the option \"path\"");
    const char *doubt = sl_hub_options_doubt(&script->options);
    if (doubt != NULL)
        sl_log_warn("doubtful options", SL_F_STR("hub", script->name),
                    SL_F_STR("doubt", doubt));
    load->errors += sl_lua_hub_collect(L, script, load->on_error, load->user);
    load->hubs++;
}

static void load_file(struct load *load, int run,
                      const struct sl_script_file *file)
{
    struct sl_engine *engine = load->gen->engine;
    lua_State *L = engine->L;
    load->gen->file = file;
    struct sl_origin origin = sl_engine_origin(engine, SL_SLICE("(load)"));
    lua_pushvalue(L, run);
    sl_lua_push_slice(L, file->name);
    sl_door_enter(engine, origin, load->gen->set->version);
    int err = sl_lua_protect(L, 1, 1, NULL);
    sl_door_leave(engine);
    int errors = load->errors;
    if (err == 0) {
        take_hub(load, file);
    } else {
        if (lua_type(L, -1) != LUA_TSTRING) {
            sl_engine_push(L, engine, SL_REF_DESCRIBE);
            lua_insert(L, -2);
            (void)sl_lua_protect(L, 1, 1, NULL);
        }
        const char *text = lua_tostring(L, -1);
        report_error(load, file->name, text == NULL ? "failed" : text);
    }
    if (load->errors > errors)
        sl_routine_failed(origin.routine);
    lua_pop(L, 1);
    load->gen->file = NULL;
}

int sl_loader_run(struct sl_generation *gen, sl_report_cb on_error, void *user)
{
    struct sl_engine *engine = gen->engine;
    lua_State *L = engine->L;
    struct load load = { gen, on_error, user, 0, 0 };
    int top = lua_gettop(L);
    engine->loading = gen;
    sl_engine_push(L, engine, SL_REF_MODULE);
    sl_engine_push(L, engine, SL_REF_NATIVE);
    int err = sl_lua_protect(L, 1, 1, NULL);
    if (err != 0) {
        report_error(&load, SL_SLICE("signalua"), lua_tostring(L, -1));
    }
    for (unsigned i = 0; err == 0 && i < gen->set->file_count; i++) {
        if (!sl_loader_is_hub(gen->set->files[i].name))
            continue;
        load_file(&load, top + 1, &gen->set->files[i]);
    }
    if (load.hubs > SL_HUBS_MAX)
        report_error(&load, SL_SLICE("hubs"), "too many hub files");
    engine->loading = NULL;
    lua_settop(L, top);
    return load.errors == 0 ? 0 : SL_E_SCRIPT;
}
