// SPDX-License-Identifier: MIT
/*
 * signalua.hub: options, checked at the author's line when the hub is made,
 * and methods, collected when its file has returned it.
 *
 * A wrong name never passes in silence: an unknown option, a method that is
 * declared and not there, two methods that a client could not tell apart, and
 * a hook in the wrong case are all errors at load.
 */
#include "bindings/lua_hub.h"

#include "base/check.h"
#include "base/mem.h"
#include "bindings/authorize.h"
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/nearest.h"

#include <stdlib.h>

#define AUTHOR 2 /* signalua.hub, which calls us, is level 1 */
#define RATE_SECONDS_MAX 86400

/* ---- options ---- */

static const char *const plain_options[] = { "path",       "backplane_name",
                                             "transports", "methods",
                                             "authorize",  "rate" };

SL_RAISES static void raise_unknown_option(lua_State *L, struct sl_slice name)
{
    struct sl_nearest nearest;
    sl_nearest_init(&nearest, name);
    for (unsigned i = 0; i < SL_COUNT(plain_options); i++)
        sl_nearest_offer(&nearest, sl_slice_str(plain_options[i]));
    for (unsigned i = 0; i < sl_option_count; i++)
        sl_nearest_offer(&nearest, sl_slice_str(sl_option_infos[i].name));
    sl_lua_raise(L, AUTHOR, "unknown option \"%s\"; the nearest is \"%.*s\"",
                 name.ptr, (int)nearest.best.len, nearest.best.ptr);
}

SL_RAISES static void set_number(lua_State *L, struct sl_script *script,
                                 const struct sl_option_info *info)
{
    struct sl_report report = { .line = 0 };
    int type = lua_type(L, -1);
    double value;
    if (info->kind == SL_OPTION_FLAG && type == LUA_TBOOLEAN)
        value = lua_toboolean(L, -1);
    else if (info->kind != SL_OPTION_FLAG && type == LUA_TNUMBER)
        value = lua_tonumber(L, -1);
    else {
        sl_lua_raise(
            L, AUTHOR, "option \"%s\" must be %s, not a %s", info->name,
            info->kind == SL_OPTION_FLAG ? "true or false" : "a number",
            luaL_typename(L, -1));
        return;
    }
    if (sl_hub_options_set(&script->options, info, value, &report) != 0)
        sl_lua_raise(L, AUTHOR, "%s", report.text);
}

SL_RAISES static const char *want_string(lua_State *L, const char *option)
{
    if (lua_type(L, -1) != LUA_TSTRING || lua_objlen(L, -1) == 0)
        sl_lua_raise(L, AUTHOR, "option \"%s\" must be a text", option);
    return lua_tostring(L, -1);
}

static void replace(char **text, const char *with)
{
    sl_free(*text);
    *text = sl_strdup(with);
}

SL_RAISES static void set_path(lua_State *L, struct sl_script *script)
{
    const char *path = want_string(L, "path");
    if (path[0] != '/' || strpbrk(path, "?# ") != NULL)
        sl_lua_raise(L, AUTHOR,
                     "option \"path\" must begin with \"/\" and have no "
                     "\"?\", \"#\" or space: %s",
                     path);
    replace(&script->path, path);
}

SL_RAISES static void set_transports(lua_State *L, struct sl_script *script)
{
    unsigned bits = 0;
    size_t count = lua_type(L, -1) == LUA_TTABLE ? lua_objlen(L, -1) : 0;
    if (count == 0)
        sl_lua_raise(L, AUTHOR,
                     "option \"transports\" must be a list, as in "
                     "{\"WebSockets\", \"LongPolling\"}");
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, (int)i);
        unsigned kind = 0;
        while (kind < SL_TRANSPORT_COUNT &&
               (lua_type(L, -1) != LUA_TSTRING ||
                strcmp(lua_tostring(L, -1), sl_transport_names[kind]) != 0))
            kind++;
        if (kind == SL_TRANSPORT_COUNT)
            sl_lua_raise(L, AUTHOR,
                         "option \"transports\" knows "
                         "\"WebSockets\", \"ServerSentEvents\" and "
                         "\"LongPolling\"");
        bits |= 1u << kind;
        lua_pop(L, 1);
    }
    script->options.transports = bits;
}

/* The value on top, as in {100, per = 1}; who: "option \"rate\"". */
SL_RAISES static void set_rate(lua_State *L, const char *who,
                               struct sl_rate *rate)
{
    lua_Number count = 0, per = 1;
    bool known = lua_istable(L, -1);
    for (lua_pushnil(L); known && lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -1) != LUA_TNUMBER)
            known = false;
        else if (lua_type(L, -2) == LUA_TNUMBER && lua_tonumber(L, -2) == 1)
            count = lua_tonumber(L, -1);
        else if (lua_type(L, -2) == LUA_TSTRING &&
                 strcmp(lua_tostring(L, -2), "per") == 0)
            per = lua_tonumber(L, -1);
        else
            known = false;
    }
    bool good = known && count >= 1 && count <= SL_RATE_COUNT_MAX &&
                count == (lua_Number)(uint32_t)count && per >= 0.001 &&
                per <= RATE_SECONDS_MAX;
    if (!good)
        sl_lua_raise(L, AUTHOR,
                     "%s must be a whole number of 1 to %d and seconds of "
                     "0.001 to %d, as in {100, per = 1}",
                     who, SL_RATE_COUNT_MAX, RATE_SECONDS_MAX);
    *rate = (struct sl_rate){ (uint32_t)count, (uint32_t)(per * 1000 + 0.5) };
}

/* ---- methods.X ---- */

SL_RAISES static void set_args(lua_State *L, struct sl_method *method)
{
    struct sl_args *args = &method->args;
    size_t count = lua_type(L, -1) == LUA_TTABLE ? lua_objlen(L, -1) : SIZE_MAX;
    if (count > SL_DECLARED_ARGS_MAX)
        sl_lua_raise(L, AUTHOR,
                     "methods.%s.args must be a list of at most %d types, as "
                     "in {\"int\", \"string?\"}",
                     method->name, SL_DECLARED_ARGS_MAX);
    args->declared = true;
    args->items = sl_zalloc(count * sizeof(*args->items));
    args->count = (unsigned)count;
    for (unsigned i = 0; i < args->count; i++) {
        lua_rawgeti(L, -1, (int)i + 1);
        if (lua_type(L, -1) != LUA_TSTRING ||
            !sl_arg_parse(sl_lua_slice(L, -1), &args->items[i]))
            sl_lua_raise(L, AUTHOR,
                         "methods.%s.args[%d] is no type: any boolean number "
                         "int int64 string binary timestamp array object "
                         "stream stream<int>, with \"?\" where null may stand",
                         method->name, (int)i + 1);
        args->streams += args->items[i].stream;
        lua_pop(L, 1);
    }
}

SL_RAISES static void set_method_rate(lua_State *L, struct sl_method *method)
{
    char who[64]; /* enough to tell which */
    snprintf(who, sizeof(who), "methods.%s.rate", method->name);
    set_rate(L, who, &method->rate);
}

SL_RAISES static void set_method_policy(lua_State *L, struct sl_generation *gen,
                                        struct sl_method *method)
{
    char who[64]; /* enough to tell which */
    snprintf(who, sizeof(who), "methods.%s.authorize", method->name);
    sl_policy_read(L, gen, AUTHOR, who, &method->policy);
}

SL_RAISES static void set_method_field(lua_State *L, struct sl_generation *gen,
                                       struct sl_method *method)
{
    const char *field =
        lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(field, "args") == 0)
        set_args(L, method);
    else if (strcmp(field, "stream") == 0 && lua_isboolean(L, -1))
        method->mode =
            lua_toboolean(L, -1) ? SL_METHOD_STREAMS : SL_METHOD_PLAIN;
    else if (strcmp(field, "authorize") == 0)
        set_method_policy(L, gen, method);
    else if (strcmp(field, "rate") == 0)
        set_method_rate(L, method);
    else
        sl_lua_raise(L, AUTHOR,
                     "methods.%s.%s is not an option: args (a list of types), "
                     "stream (true or false), rate, authorize",
                     method->name, field);
}

SL_RAISES static void set_method(lua_State *L, struct sl_script *script)
{
    const char *other;
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TTABLE)
        sl_lua_raise(L, AUTHOR,
                     "option \"methods\" must be a table of names, "
                     "as in {Send = {args = {\"string\"}}}");
    struct sl_method *method = sl_method_new(sl_lua_slice(L, -2));
    if (!sl_script_add(script, method, &other)) {
        lua_pushstring(L, method->name); /* outlives the method */
        sl_method_free(method);
        sl_lua_raise(L, AUTHOR,
                     "option \"methods\" has %s and %s, which differ only in "
                     "case",
                     other, lua_tostring(L, -1));
    }
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        set_method_field(L, script->gen, method);
        lua_pop(L, 1);
    }
}

SL_RAISES static void set_methods(lua_State *L, struct sl_script *script)
{
    if (lua_type(L, -1) != LUA_TTABLE)
        sl_lua_raise(L, AUTHOR, "option \"methods\" must be a table");
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        set_method(L, script);
        lua_pop(L, 1);
    }
}

/* Key and value are on top. */
SL_RAISES static void set_option(lua_State *L, struct sl_script *script)
{
    if (lua_type(L, -2) != LUA_TSTRING)
        sl_lua_raise(L, AUTHOR,
                     "signalua.hub wants options by name, as in "
                     "signalua.hub{keep_alive = 10}");
    struct sl_slice name = sl_lua_slice(L, -2);
    const struct sl_option_info *info = sl_option_find(name);
    if (info != NULL)
        set_number(L, script, info);
    else if (sl_slice_eq(name, SL_SLICE("path")))
        set_path(L, script);
    else if (sl_slice_eq(name, SL_SLICE("backplane_name")))
        replace(&script->backplane_name, want_string(L, "backplane_name"));
    else if (sl_slice_eq(name, SL_SLICE("transports")))
        set_transports(L, script);
    else if (sl_slice_eq(name, SL_SLICE("methods")))
        set_methods(L, script);
    else if (sl_slice_eq(name, SL_SLICE("rate")))
        set_rate(L, "option \"rate\"", &script->options.rate);
    else if (sl_slice_eq(name, SL_SLICE("authorize")))
        sl_policy_read(L, script->gen, AUTHOR, "option \"authorize\"",
                       &script->policy);
    else
        raise_unknown_option(L, name);
}

/* hub_define(options): the number of the script, and of its name. */
static int hub_define(lua_State *L)
{
    struct sl_generation *gen = sl_engine_of(L)->loading;
    if (gen == NULL || gen->file == NULL)
        return sl_lua_raise(L, AUTHOR,
                            "signalua.hub is for the scripts of the "
                            "hubs folder, while they are loaded");
    if (!lua_isnoneornil(L, 1) && !lua_istable(L, 1))
        return sl_lua_raise(L, AUTHOR,
                            "signalua.hub wants a table of options, "
                            "not a %s",
                            luaL_typename(L, 1));
    struct sl_script *script =
        sl_script_new(gen, sl_loader_hub_name(gen->file->name));
    if (lua_istable(L, 1)) {
        lua_pushnil(L);
        while (lua_next(L, 1)) {
            set_option(L, script);
            lua_pop(L, 1);
        }
    }
    lua_pushlightuserdata(L, script); /* seen by signalua.hub alone */
    lua_pushinteger(L, (lua_Integer)script->index);
    return 2;
}

/* hub_register(id, hub, self_metatable, call_around) */
static int hub_register(lua_State *L)
{
    struct sl_script *script = lua_touserdata(L, 1);
    sl_check_magic(script, SL_SCRIPT_MAGIC);
    lua_settop(L, 4);
    script->call_around = sl_generation_keep(L, script->gen);
    script->self_mt = sl_generation_keep(L, script->gen);
    script->hub = sl_generation_keep(L, script->gen);
    return 0;
}

/* hub_find(name): the number of a hub's name, or nil. */
static int hub_find(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_generation *gen = sl_engine_generation(engine);
    struct sl_slice name = sl_lua_slice(L, 1);
    for (unsigned i = 0; name.ptr != NULL && i < gen->set->file_count; i++) {
        struct sl_slice file = gen->set->files[i].name;
        if (!sl_loader_is_hub(file) ||
            !sl_slice_eq(name, sl_loader_hub_name(file)))
            continue;
        lua_pushinteger(L, (lua_Integer)sl_engine_hub_index(engine, name));
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

void sl_lua_push_self(lua_State *L, const struct sl_script *script,
                      sl_slot_id handle)
{
    lua_createtable(L, 1, 0); /* slot 0 lies in the table's own block */
    sl_lua_push_handle(L, handle);
    lua_rawseti(L, -2, 0);
    sl_generation_push(L, script->gen, script->self_mt);
    lua_setmetatable(L, -2);
}

/* ---- methods ---- */

struct shape {
    unsigned param_count;
    bool variadic;
    int line;
    char file[SL_REPORT_FILE_MAX];
};

struct collecting {
    struct sl_script *script;
    sl_report_cb on_error;
    void *user;
    int errors;
};

/* Of the function on top. */
static struct shape shape_of(lua_State *L, struct sl_engine *engine)
{
    struct shape shape = { .variadic = true };
    int top = lua_gettop(L);
    sl_engine_push(L, engine, SL_REF_SHAPE);
    lua_pushvalue(L, top);
    if (sl_lua_protect(L, 1, 4, NULL) == 0) {
        int params = (int)lua_tointeger(L, top + 1);
        shape.param_count = params > 0 ? (unsigned)params - 1 : 0;
        shape.variadic = lua_toboolean(L, top + 2);
        snprintf(shape.file, sizeof(shape.file), "%s",
                 lua_tostring(L, top + 3));
        shape.line = (int)lua_tointeger(L, top + 4);
    }
    lua_settop(L, top);
    return shape;
}

static void complain(struct collecting *c, const struct shape *shape,
                     const char *format, const char *a, const char *b)
    SL_PRINTF(3, 0);
static void complain(struct collecting *c, const struct shape *shape,
                     const char *format, const char *a, const char *b)
{
    struct sl_report report;
    char text[SL_REPORT_TEXT_MAX];
    snprintf(text, sizeof(text), format, a, b);
    char file[SL_REPORT_FILE_MAX];
    snprintf(file, sizeof(file), "%s.lua", c->script->name);
    sl_report_set(&report, shape == NULL ? file : shape->file,
                  shape == NULL ? 0 : shape->line, "%s", text);
    c->on_error(c->user, &report);
    c->errors++;
}

/* "OnConnected" and "OnConnectedAsync", as the hook is called elsewhere. (But
 * AuthenticateAsync may be a method.) */
static bool is_spelling_of(struct sl_slice name, const char *hook)
{
    static const struct sl_slice async = { "Async", 5 };
    if (hook[0] == 'o' && name.len > async.len &&
        sl_slice_eq_nocase(
            sl_slice_of(name.ptr + name.len - async.len, async.len), async))
        name.len -= async.len;
    for (; *hook != '\0'; hook++) {
        if (*hook == '_' && (name.len == 0 || name.ptr[0] != '_'))
            continue;
        if (name.len == 0 ||
            !sl_slice_eq_nocase(sl_slice_of(name.ptr, 1), sl_slice_of(hook, 1)))
            return false;
        name = sl_slice_of(name.ptr + 1, name.len - 1);
    }
    return name.len == 0;
}

/* Where a hook of that name is kept; NULL: not a hook. */
static int *hook_place(struct sl_script *script, struct sl_slice name,
                       const char **hook)
{
    struct {
        const char *name;
        int *place;
    } hooks[] = { { "on_connected", &script->on_connected },
                  { "on_disconnected", &script->on_disconnected },
                  { "around_invoke", &script->around },
                  { "authenticate", &script->authenticate } };
    for (unsigned i = 0; i < SL_COUNT(hooks); i++)
        if (is_spelling_of(name, hooks[i].name)) {
            *hook = hooks[i].name;
            return hooks[i].place;
        }
    return NULL;
}

static void collect_method(lua_State *L, struct collecting *c,
                           struct sl_slice name, const struct shape *shape)
{
    struct sl_script *script = c->script;
    struct sl_method *method = sl_script_find(script, name);
    if (name.len > SL_METHOD_NAME_MAX) {
        complain(c, shape, "the name of method %.40s%s is too long", name.ptr,
                 "...");
        return;
    }
    if (method != NULL && method->function != LUA_NOREF) {
        complain(c, shape, "methods %s and %s differ only in case",
                 method->name, name.ptr);
        return;
    }
    if (method == NULL) {
        const char *other;
        method = sl_method_new(name);
        bool added = sl_script_add(script, method, &other);
        sl_assert(added);
    }
    memcpy(method->name, name.ptr, name.len); /* the spelling of the code */
    method->param_count = shape->param_count;
    method->variadic = shape->variadic;
    sl_method_set_origin(method, script);
    lua_pushvalue(L, -1);
    method->function = sl_generation_keep(L, script->gen);
}

/* A function of the hub is on top, its name below it. */
static void collect(lua_State *L, struct collecting *c)
{
    struct sl_slice name = sl_lua_slice(L, -2);
    struct shape shape = shape_of(L, c->script->gen->engine);
    const char *hook = NULL;
    int *place = hook_place(c->script, name, &hook);
    if (name.len == 0 || name.ptr[0] == '_')
        return;
    if (strcmp(name.ptr, "clients") == 0 || strcmp(name.ptr, "groups") == 0 ||
        strcmp(name.ptr, "users") == 0 || strcmp(name.ptr, "context") == 0)
        complain(c, &shape, "%s is what every hub has already%s", name.ptr,
                 ": choose another name");
    else if (place == NULL)
        collect_method(L, c, name, &shape);
    else if (strcmp(name.ptr, hook) != 0)
        complain(c, &shape, "%s is taken for the hook %s: write it so",
                 name.ptr, hook);
    else {
        lua_pushvalue(L, -1);
        *place = sl_generation_keep(L, c->script->gen);
    }
}

static void check_declared(struct sl_map_node *node, void *user)
{
    struct sl_method *method = SL_CONTAINER_OF(node, struct sl_method, node);
    struct collecting *c = user;
    if (method->function == LUA_NOREF)
        complain(c, NULL, "methods.%s: the hub has no method of that name%s",
                 method->name, "");
}

int sl_lua_hub_collect(lua_State *L, struct sl_script *script,
                       sl_report_cb on_error, void *user)
{
    struct collecting c = { script, on_error, user, 0 };
    int top = lua_gettop(L);
    sl_generation_push(L, script->gen, script->hub);
    lua_pushnil(L);
    while (lua_next(L, top + 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_isfunction(L, -1))
            collect(L, &c);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
    sl_map_foreach(&script->methods, check_declared, &c);
    script->options.guarded = script->policy.kind != SL_POLICY_NONE ||
                              script->authenticate != LUA_NOREF;
    script->served = true;
    return c.errors;
}

struct sl_script *sl_lua_hub_of(lua_State *L, struct sl_generation *gen)
{
    SL_LIST_FOREACH(node, &gen->scripts) {
        struct sl_script *script =
            SL_CONTAINER_OF(node, struct sl_script, node);
        if (script->hub == LUA_NOREF)
            continue;
        sl_generation_push(L, gen, script->hub);
        bool same = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (same)
            return script;
    }
    return NULL;
}

void sl_lua_hub_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "hub_define", hub_define },
                                          { "hub_register", hub_register },
                                          { "hub_find", hub_find },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "hub_error_mt");
    sl_engine_keep(L, engine, SL_REF_HUB_ERROR_MT);
}
