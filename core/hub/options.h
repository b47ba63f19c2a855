// SPDX-License-Identifier: MIT
/*
 * The options of a hub, from one table (options.def): field, default, check
 * and documentation come from the same line.
 */
#pragma once

#include "base/report.h"
#include "base/slice.h"
#include "hub/rate.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_transport_kind {
    SL_TRANSPORT_WEBSOCKETS,
    SL_TRANSPORT_SSE,
    SL_TRANSPORT_LONG_POLLING,
    SL_TRANSPORT_COUNT,
};

/* "WebSockets", "ServerSentEvents", "LongPolling". */
extern const char *const sl_transport_names[SL_TRANSPORT_COUNT];

struct sl_hub_options {
#define SL_OPTION(field, kind, initial, least, most, text) uint64_t field;
#include "hub/options.def"
#undef SL_OPTION
    unsigned transports; /* bit per sl_transport_kind */
    struct sl_rate rate; /* messages of one connection */
    bool guarded;        /* the script's `authorize` decides on each request */
};

enum sl_option_kind {
    SL_OPTION_SECONDS, /* value in milliseconds */
    SL_OPTION_BYTES,
    SL_OPTION_COUNT,
    SL_OPTION_FLAG,
};

struct sl_option_info {
    const char *name;
    enum sl_option_kind kind;
    double initial, least, most; /* as a user writes them */
    const char *text;
    size_t offset; /* of the uint64_t in sl_hub_options */
};

extern const struct sl_option_info sl_option_infos[];
extern const unsigned sl_option_count;

void sl_hub_options_default(struct sl_hub_options *options);

/* NULL: no such option. */
const struct sl_option_info *sl_option_find(struct sl_slice name);

/* Sets one from what the user wrote. Negative with a report that says the
 * option, the value and what would be right. */
int sl_hub_options_set(struct sl_hub_options *options,
                       const struct sl_option_info *info, double value,
                       struct sl_report *report);

/* Options that go badly together (client_timeout below keep_alive ...): a
 * sentence to warn with, or NULL. */
const char *sl_hub_options_doubt(const struct sl_hub_options *options);
