// SPDX-License-Identifier: MIT
/*
 * Method and path to handler. Exact paths first (any case, one trailing slash
 * tolerated), then the fallbacks in the order they were added. A path that
 * exists with other methods answers 405.
 */
#pragma once

#include "http/http.h"

struct sl_http_router;

/* Answers the request and returns true, or returns false: not mine. */
typedef bool (*sl_http_fallback)(struct sl_http_request *request, void *user);

struct sl_http_router *sl_http_router_new(void);
void sl_http_router_free(struct sl_http_router *router);

/* method empty: every method (the handler answers 405 itself). Copies. */
void sl_http_router_add(struct sl_http_router *router, struct sl_slice method,
                        struct sl_slice path, sl_http_handler handler,
                        void *user);
/* Removes every route of that path that was added with this user. */
void sl_http_router_remove(struct sl_http_router *router, struct sl_slice path,
                           const void *user);
void sl_http_router_add_fallback(struct sl_http_router *router,
                                 sl_http_fallback answer, void *user);

/* An sl_http_handler: user is the router. 404 with no body when nobody
 * answers. */
void sl_http_router_handle(struct sl_http_request *request, void *user);
