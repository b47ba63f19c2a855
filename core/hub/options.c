// SPDX-License-Identifier: MIT
/*
 * The options' table and their checks. A value comes as the number a user
 * wrote; seconds are kept in milliseconds.
 */
#include "hub/options.h"

#include "base/check.h"
#include "base/err.h"
#include "base/str.h"

#include <math.h>
#include <stddef.h>

const char *const sl_transport_names[SL_TRANSPORT_COUNT] = {
    [SL_TRANSPORT_WEBSOCKETS] = "WebSockets",
    [SL_TRANSPORT_SSE] = "ServerSentEvents",
    [SL_TRANSPORT_LONG_POLLING] = "LongPolling",
};

const struct sl_option_info sl_option_infos[] = {
#define SL_OPTION(field, kind, initial, least, most, text) \
    { #field,                                              \
      SL_OPTION_##kind,                                    \
      (initial),                                           \
      (least),                                             \
      (most),                                              \
      (text),                                              \
      offsetof(struct sl_hub_options, field) },
#include "hub/options.def"
#undef SL_OPTION
};

const unsigned sl_option_count = SL_COUNT(sl_option_infos);

static uint64_t kept(const struct sl_option_info *info, double value)
{
    double scaled = info->kind == SL_OPTION_SECONDS ? value * 1000 : value;
    return (uint64_t)(scaled + 0.5);
}

static void store(struct sl_hub_options *options,
                  const struct sl_option_info *info, double value)
{
    uint64_t number = kept(info, value);
    memcpy((char *)options + info->offset, &number, sizeof(number));
}

void sl_hub_options_default(struct sl_hub_options *options)
{
    *options = (struct sl_hub_options){
        .transports = (1u << SL_TRANSPORT_COUNT) - 1,
    };
    for (unsigned i = 0; i < sl_option_count; i++)
        store(options, &sl_option_infos[i], sl_option_infos[i].initial);
}

const struct sl_option_info *sl_option_find(struct sl_slice name)
{
    for (unsigned i = 0; i < sl_option_count; i++)
        if (sl_slice_eq(sl_slice_str(sl_option_infos[i].name), name))
            return &sl_option_infos[i];
    return NULL;
}

int sl_hub_options_set(struct sl_hub_options *options,
                       const struct sl_option_info *info, double value,
                       struct sl_report *report)
{
    static const char *const units[] = {
        [SL_OPTION_SECONDS] = "seconds",
        [SL_OPTION_BYTES] = "whole bytes",
        [SL_OPTION_COUNT] = "a whole number",
        [SL_OPTION_FLAG] = "true or false",
    };
    bool whole = info->kind == SL_OPTION_SECONDS || value == floor(value);
    if (value >= info->least && value <= info->most && whole) {
        store(options, info, value);
        return 0;
    }
    if (info->kind == SL_OPTION_FLAG)
        sl_report_set(report, NULL, 0, "%s = %.15g: it is %s (%s)", info->name,
                      value, units[info->kind], info->text);
    else
        sl_report_set(report, NULL, 0,
                      "%s = %.15g: it takes %s from %.15g to %.15g (%s)",
                      info->name, value, units[info->kind], info->least,
                      info->most, info->text);
    return SL_E_CONFIG;
}

const char *sl_hub_options_doubt(const struct sl_hub_options *options)
{
    if (options->transports == 0)
        return "transports is empty: no client can connect";
    if (options->client_timeout < 2 * options->keep_alive)
        return "client_timeout is less than twice keep_alive: clients that "
               "ping after each ping of the server may be given up";
    if (options->max_outbound < options->max_message_size)
        return "max_outbound is less than max_message_size: a client that is "
               "sent back its largest message is closed as too slow";
    return NULL;
}
