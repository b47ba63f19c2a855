// SPDX-License-Identifier: MIT
/*
 * The pages of the admin listener: /metrics, /healthz, and /admin/ for the
 * scripts.
 */
#pragma once

#include "http/router.h"
#include "ops/control.h"

/* control is borrowed and must outlive the router. */
void sl_admin_add_routes(struct sl_http_router *router,
                         const struct sl_control *control);
