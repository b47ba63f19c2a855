// SPDX-License-Identifier: MIT
/*
 * The admin listener's pages.
 */
#include "ops/admin.h"

#include "ops/metrics_page.h"

static void on_metrics(struct sl_http_request *request, void *user)
{
    struct sl_str page = { 0 };
    sl_metrics_page_write(&page, user);
    sl_http_answer(request,
                   &(struct sl_http_answer){
                       .status = 200,
                       .content_type = SL_SLICE(SL_METRICS_CONTENT_TYPE),
                       .body = sl_str_slice(&page),
                   });
    sl_str_release(&page);
}

static void on_healthz(struct sl_http_request *request, void *user)
{
    const struct sl_control *control = user;
    struct sl_str why = { 0 };
    bool healthy = control->healthy(control->user, &why);
    if (healthy)
        sl_http_answer_text(request, 200, SL_SLICE("ok\n"));
    else
        sl_http_answer_text(request, 503, sl_str_slice(&why));
    sl_str_release(&why);
}

static void on_hubs(struct sl_http_request *request, void *user)
{
    const struct sl_control *control = user;
    struct sl_str page = { 0 };
    control->describe_hubs(control->user, &page);
    sl_http_answer(request, &(struct sl_http_answer){
                                .status = 200,
                                .content_type = SL_SLICE("application/json"),
                                .body = sl_str_slice(&page),
                            });
    sl_str_release(&page);
}

static void on_reload(struct sl_http_request *request, void *user)
{
    const struct sl_control *control = user;
    control->reload(control->user, request);
}

void sl_admin_add_routes(struct sl_http_router *router,
                         const struct sl_control *control)
{
    void *user = (void *)(uintptr_t)control;
    sl_http_router_add(router, SL_SLICE("GET"), SL_SLICE("/metrics"),
                       on_metrics, user);
    sl_http_router_add(router, SL_SLICE("GET"), SL_SLICE("/healthz"),
                       on_healthz, user);
    sl_http_router_add(router, SL_SLICE("GET"), SL_SLICE("/admin/hubs"),
                       on_hubs, user);
    sl_http_router_add(router, SL_SLICE("POST"), SL_SLICE("/admin/reload"),
                       on_reload, user);
}
