// SPDX-License-Identifier: MIT
/*
 * The primitives of signalua.metrics (lua/metrics.lua). Series belong to the
 * worker's metrics and outlive the engine, so a userdata may point to one.
 */
#include "bindings/bindings.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/series.h"
#include "base/utf8.h"

#include <assert.h>

#define SERIES_MT "signalua.series"

static const char *const kinds[] = { "counter", "gauge", "histogram", NULL };
static_assert(SL_COUNT(kinds) == SL_SERIES_KINDS + 1, "a name for each kind");

struct bounds {
    double values[SL_SERIES_BOUNDS_MAX];
    unsigned count;
};

/* The list at the index, which metrics.lua has checked. */
static void read_bounds(lua_State *L, int index, struct bounds *bounds)
{
    bounds->count = 0;
    if (!lua_istable(L, index))
        return;
    for (; bounds->count < SL_SERIES_BOUNDS_MAX; bounds->count++) {
        lua_rawgeti(L, index, (int)bounds->count + 1);
        if (lua_type(L, -1) != LUA_TNUMBER) {
            lua_pop(L, 1);
            return;
        }
        bounds->values[bounds->count] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
}

static int push_wrong(lua_State *L, const char *format, const char *name,
                      const char *kind)
{
    lua_pushnil(L);
    lua_pushfstring(L, format, name, kind);
    return 2;
}

static bool has_bounds(const struct sl_series_spec *what,
                       const struct sl_series_spec *spec)
{
    return what->bound_count == spec->bound_count &&
           (spec->bound_count == 0 ||
            memcmp(what->bounds, spec->bounds,
                   spec->bound_count * sizeof(*spec->bounds)) == 0);
}

/* Its first refusal is told in words, all of them by a metric. */
static int push_refused(lua_State *L, struct sl_engine *engine,
                        struct sl_slice name)
{
    struct sl_metrics *metrics = engine->world->metrics;
    if (sl_metric_get(metrics, SL_M_SERIES_REFUSED) == 0)
        sl_log_warn("the scripts have made too many metrics; this one and "
                    "later ones are not counted: do its labels name users?",
                    SL_F_SLICE("metric", name),
                    SL_F_INT("limit", SL_SERIES_MAX));
    sl_metric_add(metrics, SL_M_SERIES_REFUSED, 1);
    lua_pushboolean(L, 0);
    return 1;
}

static void push_series(lua_State *L, struct sl_series *series)
{
    struct sl_series **box = lua_newuserdata(L, sizeof(struct sl_series *));
    *box = series;
    luaL_getmetatable(L, SERIES_MT);
    lua_setmetatable(L, -2);
}

/* series(kind, name, labels, bounds, default_bounds): the series, made now
 * unless it is there; false where there are too many; nil and what is wrong.
 * Without bounds a histogram has those of its name. */
static int series_new(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_metrics *metrics = engine->world->metrics;
    struct bounds bounds;
    struct sl_series_spec spec = {
        .kind = (enum sl_series_kind)luaL_checkoption(L, 1, NULL, kinds),
        .name = sl_lua_slice(L, 2),
        .labels = sl_lua_slice(L, 3),
    };
    if (!sl_utf8_valid(spec.labels))
        return push_wrong(L, "a label of %s is not UTF-8%s", spec.name.ptr, "");
    const struct sl_series *named =
        sl_series_named(&metrics->series, spec.name);
    if (named != NULL && sl_series_what(named)->kind != spec.kind)
        return push_wrong(L, "%s is a %s already: choose another name",
                          spec.name.ptr, kinds[sl_series_what(named)->kind]);
    read_bounds(L, lua_isnil(L, 4) ? 5 : 4, &bounds);
    if (spec.kind == SL_SERIES_HISTOGRAM && named != NULL && lua_isnil(L, 4)) {
        spec.bounds = sl_series_what(named)->bounds;
        spec.bound_count = sl_series_what(named)->bound_count;
    } else if (spec.kind == SL_SERIES_HISTOGRAM) {
        spec.bounds = bounds.values;
        spec.bound_count = bounds.count;
    }
    if (named != NULL && !has_bounds(sl_series_what(named), &spec))
        return push_wrong(L,
                          "%s has other buckets already, which stay until "
                          "the process ends: choose another name%s",
                          spec.name.ptr, "");
    struct sl_series *series =
        sl_series_find(&metrics->series, spec.name, spec.labels);
    if (series == NULL)
        series = sl_series_add(&metrics->series, &spec);
    if (series == NULL)
        return push_refused(L, engine, spec.name);
    push_series(L, series);
    return 1;
}

SL_RAISES static struct sl_series *check_series(lua_State *L)
{
    return *(struct sl_series **)luaL_checkudata(L, 1, SERIES_MT);
}

static int series_change(lua_State *L)
{
    struct sl_series *series = check_series(L);
    sl_series_change(series, luaL_checknumber(L, 2));
    return 0;
}

static int series_put(lua_State *L)
{
    struct sl_series *series = check_series(L);
    sl_series_put(series, luaL_checknumber(L, 2));
    return 0;
}

static int series_observe(lua_State *L)
{
    struct sl_series *series = check_series(L);
    lua_Number value = luaL_checknumber(L, 2);
    luaL_argcheck(L, sl_series_what(series)->kind == SL_SERIES_HISTOGRAM, 1,
                  "not a histogram");
    sl_series_observe(series, value);
    return 0;
}

void sl_lua_metrics_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "series", series_new },
                                          { "series_change", series_change },
                                          { "series_put", series_put },
                                          { "series_observe", series_observe },
                                          { NULL, NULL } };
    luaL_newmetatable(L, SERIES_MT);
    lua_pop(L, 1);
    sl_lua_set_functions(L, engine, functions);
    lua_pushinteger(L, SL_SERIES_BOUNDS_MAX);
    lua_setfield(L, -2, "SERIES_BOUNDS_MAX");
}
