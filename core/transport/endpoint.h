// SPDX-License-Identifier: MIT
/*
 * The routes of one hub path: PATH/negotiate and PATH.
 */
#pragma once

#include "http/router.h"
#include "transport/transport.h"

struct sl_endpoint {
    struct sl_list node; /* the owner's */
    struct sl_transport *transport;
    struct sl_hub_entry *entry;
    char *path, *negotiate_path; /* owned */
    struct sl_list undecided; /* requests that wait for the script (auth.c) */
};

/* Returns owned. */
struct sl_endpoint *sl_endpoint_new(struct sl_transport *transport,
                                    struct sl_hub_entry *entry,
                                    struct sl_http_router *router);

/* Its routes go, too, unless the router is NULL: it is gone. */
void sl_endpoint_free(struct sl_endpoint *endpoint,
                      struct sl_http_router *router);
