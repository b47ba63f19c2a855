// SPDX-License-Identifier: MIT
/* What metric.def says, as a table. */
#include "base/metric.h"

const struct sl_metric_info sl_metric_infos[SL_METRIC_COUNT] = {
#define SL_METRIC(id, kind_, name_, help_) \
    [SL_M_##id] = { .name = (name_), .help = (help_), \
                    .kind = SL_METRIC_##kind_ },
#include "base/metric.def"
#undef SL_METRIC
};
