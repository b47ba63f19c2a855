// SPDX-License-Identifier: MIT
/*
 * signalua.route: small HTTP endpoints in Lua. fn(request) runs as a coroutine
 * and returns status, body, headers. Whatever it does wrong is a 500 and a log
 * line. The peer may go away meanwhile: the function then runs to its end and
 * its answer is dropped. There are so many of those at most; then the one that
 * has been at it longest is cancelled.
 */
#include "bindings/authorize.h"
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"
#include "http/http.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#include <ctype.h>

#define STACK_NEEDED 8

/* ---- route(method, path, fn) ---- */

static int route_new(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_generation *gen = engine->loading;
    if (gen == NULL)
        return sl_lua_raise(L, 1,
                            "signalua.route is called while the scripts "
                            "are loaded");
    if (lua_type(L, 1) != LUA_TSTRING || lua_type(L, 2) != LUA_TSTRING ||
        !lua_isfunction(L, 3) || lua_tostring(L, 2)[0] != '/')
        return sl_lua_raise(L, 1,
                            "signalua.route wants a method, a path and a "
                            "function, as in route(\"POST\", "
                            "\"/api/x\", function(request) ... end)");
    lua_pushvalue(L, 3);
    int function = sl_generation_keep(L, gen);

    struct sl_route *route = sl_zalloc(sizeof(*route));
    route->method = sl_strdup(lua_tostring(L, 1));
    route->path = sl_strdup(lua_tostring(L, 2));
    route->origin = sl_engine_origin(engine, sl_slice_str(route->path));
    route->function = function;
    for (char *c = route->method; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    sl_list_push_back(&gen->routes, &route->node);
    return 0;
}

/* ---- the answer ---- */

struct answer {
    struct sl_http_answer http;
    struct sl_header headers[SL_ROUTE_HEADERS_MAX];
    const char *wrong; /* what the function should have returned */
};

static bool is_clean(struct sl_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0')
            return false;
    return true;
}

static bool is_token(struct sl_slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '-' &&
            name.ptr[i] != '_')
            return false;
    return name.len > 0;
}

/* Name and value are on top. */
static void read_header(lua_State *L, struct answer *answer)
{
    struct sl_slice name = { 0 }, value = { 0 };
    if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING) {
        name = sl_lua_slice(L, -2);
        value = sl_lua_slice(L, -1);
    }
    if (!is_token(name) || !is_clean(value))
        answer->wrong = "headers must be names and texts without line breaks";
    else if (sl_slice_eq_nocase(name, SL_SLICE("content-type")))
        answer->http.content_type = value;
    else if (answer->http.header_count == SL_ROUTE_HEADERS_MAX)
        answer->wrong = "there are too many headers";
    else
        answer->headers[answer->http.header_count++] =
            (struct sl_header){ name, value };
}

/* The results stand at 1 (status), 2 (body), 3 (headers). */
static void read_answer(lua_State *L, struct answer *answer)
{
    lua_settop(L, 3);
    lua_checkstack(L, STACK_NEEDED);
    lua_Number status = lua_type(L, 1) == LUA_TNUMBER ? lua_tonumber(L, 1) : 0;
    if (status >= 200 && status <= 599)
        answer->http.status = (unsigned)status;
    else
        answer->wrong = "the first result must be a status of 200 to 599";
    if (lua_type(L, 2) == LUA_TSTRING) {
        answer->http.body = sl_lua_slice(L, 2);
        answer->http.content_type = SL_SLICE("text/plain; charset=utf-8");
    } else if (!lua_isnil(L, 2)) {
        answer->wrong = "the body must be a string (signalua.json.encode makes "
                        "one)";
    }
    if (lua_isnil(L, 3))
        return;
    if (!lua_istable(L, 3)) {
        answer->wrong = "the headers must be a table";
        return;
    }
    lua_pushnil(L);
    while (lua_next(L, 3)) {
        read_header(L, answer);
        lua_pop(L, 1);
    }
}

static void log_and_fail(struct sl_co *co, struct sl_http_request *request)
{
    struct sl_failure failure;
    sl_co_failure(co, &failure);
    sl_co_log(co, &failure);
    sl_failure_release(&failure);
    if (request != NULL)
        sl_http_answer_text(request, failure.cancelled ? 503 : 500,
                            (struct sl_slice){ 0 });
}

static void on_route_end(struct sl_co *co, int status)
{
    struct sl_http_request *request = co->user;
    struct answer answer = { .wrong = NULL };
    if (request != NULL) {
        request->on_gone = NULL;
        request->tag = NULL;
    } else {
        sl_assert(co->engine->routes_left > 0);
        co->engine->routes_left--;
    }
    if (status != 0) {
        log_and_fail(co, request);
        return;
    }
    read_answer(co->L, &answer);
    answer.http.headers = answer.headers;
    if (answer.wrong != NULL) {
        lua_settop(co->L, 0);
        lua_pushfstring(co->L, "the route's answer: %s", answer.wrong);
        log_and_fail(co, request);
    } else if (request != NULL) {
        sl_http_answer(request, &answer.http);
    }
}

/* ---- the request ---- */

static void set_field(lua_State *L, const char *name, struct sl_slice value)
{
    sl_lua_push_slice(L, value);
    lua_setfield(L, -2, name);
}

void sl_lua_push_request(lua_State *L, struct sl_engine *engine,
                         const struct sl_http_request *request,
                         const struct sl_identity *identity)
{
    lua_createtable(L, 0, 9);
    set_field(L, "method", request->method);
    set_field(L, "path", request->url.path);
    set_field(L, "body", request->body);
    set_field(L, "remote_address", sl_slice_str(request->remote));
    if (identity != NULL && identity->user_id.len > 0)
        set_field(L, "user_id", identity->user_id);
    lua_pushboolean(L, identity != NULL);
    lua_setfield(L, -2, "authenticated");
    sl_lua_push_claims(L, engine, identity);
    lua_setfield(L, -2, "claims");
    sl_lua_push_query(L, engine, request->url.query);
    lua_setfield(L, -2, "query");
    lua_createtable(L, 0, (int)request->header_count);
    for (unsigned i = 0; i < request->header_count; i++)
        sl_lua_set_header(L, request->headers[i]);
    lua_setfield(L, -2, "headers");
}

/* Rare, so the coroutine is searched for: those that live stand in the order
 * in which they began. */
static void cancel_oldest(struct sl_engine *engine)
{
    SL_LIST_FOREACH(node, &engine->live) {
        struct sl_co *co = SL_CONTAINER_OF(node, struct sl_co, node);
        if (co->on_end != on_route_end || co->user != NULL || co->cancelled)
            continue;
        sl_log_warn("route cancelled: its client left, and too many such run",
                    SL_F_SLICE("route", co->what),
                    SL_F_INT("most", SL_ROUTES_LEFT_MAX));
        sl_co_cancel(co);
        return;
    }
}

static void on_gone(struct sl_http_request *request)
{
    struct sl_co *co = request->tag;
    if (co == NULL)
        return;
    co->user = NULL;
    if (++co->engine->routes_left > SL_ROUTES_LEFT_MAX)
        cancel_oldest(co->engine);
}

static void run(struct sl_engine *engine, const struct sl_route *route,
                struct sl_http_request *request, struct sl_identity *identity)
{
    struct sl_co *co = sl_co_new(engine, engine->current, route->origin);
    co->on_end = on_route_end;
    co->user = request;
    co->what = sl_slice_str(route->path);
    request->tag = co;
    request->on_gone = on_gone;
    lua_checkstack(co->L, STACK_NEEDED);
    sl_generation_push(co->L, engine->current, route->function);
    sl_lua_push_request(co->L, engine, request, identity);
    sl_co_start(co, 1);
}

static void refuse_method(struct sl_http_request *request, const char *allow)
{
    struct sl_header header = { SL_SLICE("Allow"), sl_slice_str(allow) };
    struct sl_http_answer answer = { .status = 405,
                                     .headers = &header,
                                     .header_count = 1 };
    sl_http_answer(request, &answer);
}

bool sl_lua_route_run(struct sl_engine *engine, struct sl_http_request *request,
                      struct sl_identity *identity)
{
    const char *allow = NULL;
    if (engine->current == NULL || engine->stopping)
        return false;
    SL_LIST_FOREACH(node, &engine->current->routes) {
        const struct sl_route *route =
            SL_CONTAINER_OF(node, struct sl_route, node);
        if (!sl_slice_eq(request->url.path, sl_slice_str(route->path)))
            continue;
        allow = route->method;
        if (!sl_slice_eq(request->method, sl_slice_str(route->method)))
            continue;
        run(engine, route, request, identity);
        return true;
    }
    if (allow != NULL)
        refuse_method(request, allow);
    return allow != NULL;
}

void sl_lua_route_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "route", route_new },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
}
