// SPDX-License-Identifier: MIT
/*
 * The metrics in Prometheus text exposition (version 0.0.4): every fixed
 * metric with the prefix signalua_, one sample per thread, label `worker`; then
 * those that scripts made, with the prefix signalua_app_.
 */
#pragma once

#include "base/str.h"
#include "ops/control.h"

#define SL_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

void sl_metrics_page_write(struct sl_str *out,
                           const struct sl_control *control);
