// SPDX-License-Identifier: MIT
/* What metric.def says, as a table. */
#include "base/metric.h"

const struct sl_metric_info sl_metric_infos[SL_METRIC_COUNT] = {
#define SL_METRIC(id, kind, name, help) { name, help, SL_METRIC_##kind },
#include "base/metric.def"
#undef SL_METRIC
};
