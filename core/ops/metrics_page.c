// SPDX-License-Identifier: MIT
/*
 * The metrics page. Samples of one metric stand together under its HELP and
 * TYPE lines, as the format wants.
 */
#include "ops/metrics_page.h"

static void write_metric(struct sl_str *out, const struct sl_control *control,
                         enum sl_metric id)
{
    const struct sl_metric_info *info = &sl_metric_infos[id];
    const char *type = info->kind == SL_METRIC_COUNTER ? "counter" : "gauge";
    sl_str_add_fmt(out, "# HELP signalua_%s %s\n# TYPE signalua_%s %s\n",
                   info->name, info->help, info->name, type);
    unsigned count = control->thread_count(control->user);
    for (unsigned i = 0; i < count; i++) {
        const char *thread;
        const struct sl_metrics *metrics =
            control->thread_metrics(control->user, i, &thread);
        sl_str_add_fmt(out, "signalua_%s{worker=\"%s\"} %lld\n", info->name,
                       thread, (long long)sl_metric_get(metrics, id));
    }
}

void sl_metrics_page_write(struct sl_str *out, const struct sl_control *control)
{
    sl_str_add_lit(out, "# HELP signalua_build_info Version of the program.\n"
                        "# TYPE signalua_build_info gauge\n"
                        "signalua_build_info{version=\"" SL_VERSION "\"} 1\n");
    for (unsigned id = 0; id < SL_METRIC_COUNT; id++)
        write_metric(out, control, (enum sl_metric)id);
}
