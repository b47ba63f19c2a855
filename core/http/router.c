// SPDX-License-Identifier: MIT
/*
 * Paths are looked up in the form "decoded, lower case, no slash at the end".
 * An encoded slash is not a separator: such a path has no exact route.
 */
#include "http/router.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/map.h"

struct route {
    struct route *next;     /* of the same path */
    struct sl_slice method; /* owned; empty: every method */
    sl_http_handler handler;
    void *user;
};

/* All routes of one path. */
struct place {
    struct sl_map_node node;
    struct sl_slice path; /* owned */
    struct route *routes;
};

struct fallback {
    struct fallback *next;
    sl_http_fallback answer;
    void *user;
};

struct sl_http_router {
    struct sl_map places;
    struct fallback *fallbacks;
    struct sl_str path; /* of the request being looked up */
};

struct sl_http_router *sl_http_router_new(void)
{
    struct sl_http_router *router = sl_zalloc(sizeof(*router));
    sl_map_init(&router->places);
    return router;
}

/* Takes the route out of the list that *at points to. */
static void free_route(struct route **at)
{
    struct route *route = *at;
    *at = route->next;
    sl_free((void *)(uintptr_t)route->method.ptr);
    sl_free(route);
}

static void free_place(struct sl_map_node *node, void *user)
{
    struct sl_http_router *router = user;
    struct place *place = SL_CONTAINER_OF(node, struct place, node);
    while (place->routes != NULL)
        free_route(&place->routes);
    sl_map_remove(&router->places, node);
    sl_free((void *)(uintptr_t)place->path.ptr);
    sl_free(place);
}

void sl_http_router_free(struct sl_http_router *router)
{
    if (router == NULL)
        return;
    sl_map_foreach(&router->places, free_place, router);
    sl_map_release(&router->places);
    while (router->fallbacks != NULL) {
        struct fallback *fallback = router->fallbacks;
        router->fallbacks = fallback->next;
        sl_free(fallback);
    }
    sl_str_release(&router->path);
    sl_free(router);
}

/* Fills router->path. False: the path has no exact route. */
static bool normalize(struct sl_http_router *router, struct sl_slice path)
{
    struct sl_str *out = &router->path;
    sl_str_clear(out);
    if (path.len == 0 || path.len > SL_HTTP_ROUTE_PATH_MAX ||
        memmem(path.ptr, path.len, "%2f", 3) != NULL ||
        memmem(path.ptr, path.len, "%2F", 3) != NULL)
        return false;
    if (!sl_url_decode(out, path, false) || out->len == 0)
        return false;
    for (size_t i = 0; i < out->len; i++)
        out->ptr[i] = (char)sl_ascii_lower((unsigned char)out->ptr[i]);
    if (out->len > 1 && out->ptr[out->len - 1] == '/')
        out->len--;
    return true;
}

static struct place *find_place(const struct sl_http_router *router)
{
    struct sl_map_node *node =
        sl_map_find(&router->places, sl_str_slice(&router->path));
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct place, node);
}

static struct sl_slice copy(struct sl_slice text)
{
    return sl_slice_of(sl_slice_dup(text), text.len);
}

static struct place *add_place(struct sl_http_router *router)
{
    struct place *place = sl_zalloc(sizeof(*place));
    place->path = copy(sl_str_slice(&router->path));
    place->node.key = place->path;
    sl_map_add(&router->places, &place->node);
    return place;
}

void sl_http_router_add(struct sl_http_router *router, struct sl_slice method,
                        struct sl_slice path, sl_http_handler handler,
                        void *user)
{
    bool fits = normalize(router, path);
    sl_assert(fits); /* whoever takes paths from outside checks them */
    struct place *place = find_place(router);
    if (place == NULL)
        place = add_place(router);
    struct route *route = sl_zalloc(sizeof(*route));
    route->method = copy(method);
    route->handler = handler;
    route->user = user;
    struct route **end = &place->routes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = route;
}

void sl_http_router_remove(struct sl_http_router *router, struct sl_slice path,
                           const void *user)
{
    struct place *place = normalize(router, path) ? find_place(router) : NULL;
    if (place == NULL)
        return;
    for (struct route **at = &place->routes; *at != NULL;) {
        if ((*at)->user == user)
            free_route(at);
        else
            at = &(*at)->next;
    }
    if (place->routes == NULL)
        free_place(&place->node, router);
}

void sl_http_router_add_fallback(struct sl_http_router *router,
                                 sl_http_fallback answer, void *user)
{
    struct fallback *fallback = sl_zalloc(sizeof(*fallback));
    fallback->answer = answer;
    fallback->user = user;
    struct fallback **end = &router->fallbacks;
    while (*end != NULL)
        end = &(*end)->next;
    *end = fallback;
}

static const struct route *find_method(const struct place *place,
                                       struct sl_slice method)
{
    for (const struct route *at = place->routes; at != NULL; at = at->next)
        if (at->method.len == 0 || sl_slice_eq(at->method, method))
            return at;
    return NULL;
}

static void answer_wrong_method(struct sl_http_request *request,
                                const struct place *place)
{
    struct sl_str allow = { 0 };
    for (const struct route *at = place->routes; at != NULL; at = at->next) {
        if (allow.len > 0)
            sl_str_add_lit(&allow, ", ");
        sl_str_add_slice(&allow, at->method);
        if (sl_slice_eq(at->method, SL_SLICE("GET")))
            sl_str_add_lit(&allow, ", HEAD");
    }
    struct sl_header header = { SL_SLICE("Allow"), sl_str_slice(&allow) };
    struct sl_http_answer answer = { .status = 405,
                                     .headers = &header,
                                     .header_count = 1 };
    sl_http_answer(request, &answer);
    sl_str_release(&allow);
}

/* True: the request is somebody's now. */
static bool try_exact(struct sl_http_router *router,
                      struct sl_http_request *request)
{
    if (!normalize(router, request->url.path))
        return false;
    const struct place *place = find_place(router);
    if (place == NULL)
        return false;
    const struct route *route = find_method(place, request->method);
    if (route == NULL && sl_slice_eq(request->method, SL_SLICE("HEAD")))
        route = find_method(place, SL_SLICE("GET"));
    if (route != NULL)
        route->handler(request, route->user);
    else
        answer_wrong_method(request, place);
    return true;
}

void sl_http_router_handle(struct sl_http_request *request, void *user)
{
    struct sl_http_router *router = user;
    if (try_exact(router, request))
        return;
    for (const struct fallback *at = router->fallbacks; at != NULL;
         at = at->next)
        if (at->answer(request, at->user))
            return;
    sl_http_answer_text(request, 404, (struct sl_slice){ 0 });
}
