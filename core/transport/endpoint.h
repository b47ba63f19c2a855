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
};

/* Returns owned: free it with sl_free after the router. */
struct sl_endpoint *sl_endpoint_new(struct sl_transport *transport,
                                    struct sl_hub_entry *entry,
                                    struct sl_http_router *router);
