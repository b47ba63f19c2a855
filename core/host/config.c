// SPDX-License-Identifier: MIT
/*
 * The table of config.def, and the few defaults that only the machine knows.
 * Choices are places in a list of words; the enums that they stand for have to
 * be in that order.
 */
#include "host/config.h"

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/cpus.h"
#include "host/watch.h"
#include "http/cors.h"
#include "wire/jwt.h"

#include <assert.h>
#include <limits.h>
#include <unistd.h>

static_assert(SL_LOG_DEBUG == 0 && SL_LOG_INFO == 1 && SL_LOG_WARN == 2 &&
                  SL_LOG_ERROR == 3 && SL_LOG_OFF == 4,
              "the order of log_level's words");
static_assert(SL_LOG_AUTO == 0 && SL_LOG_TEXT == 1 && SL_LOG_JSON == 2,
              "the order of log_format's words");

static_assert(SL_WATCH_AUTO == 0 && SL_WATCH_POLL == 1 && SL_WATCH_OFF == 2,
              "the order of watch's words");

static const struct sl_setting settings[] = {
#define SL_SETTING(name_, group_, kind_, fallback_, least_, most_, words_, \
                   help_)                                                  \
    { .name = #name_,                                                      \
      .group = group_,                                                     \
      .kind = SL_SETTING_##kind_,                                          \
      .fallback = fallback_,                                               \
      .least = least_,                                                     \
      .most = most_,                                                       \
      .words = words_,                                                     \
      .help = help_,                                                       \
      .offset = SL_SETTING_OFFSET(struct sl_config, kind_, name_) },
#include "host/config.def"
#undef SL_SETTING
};

void sl_config_jwt(const struct sl_config *config, struct sl_jwt_setup *setup)
{
    *setup = (struct sl_jwt_setup){
        .key = sl_slice_str(config->jwt_key),
        .issuers = config->jwt_issuer.items,
        .issuer_count = config->jwt_issuer.count,
        .audiences = config->jwt_audience.items,
        .audience_count = config->jwt_audience.count,
        .user_claim = config->jwt_user_claim,
        .skew_ms = config->jwt_clock_skew_ms,
    };
}

static int check_key(const struct sl_config *config, struct sl_report *report)
{
    struct sl_jwt_setup setup;
    sl_config_jwt(config, &setup);
    struct sl_jwt *jwt = sl_jwt_new(&setup, report);
    sl_jwt_free(jwt);
    return jwt == NULL ? SL_E_CONFIG : 0;
}

static int check_origins(const struct sl_config *config,
                         struct sl_report *report)
{
    for (unsigned i = 0; i < config->cors_origin.count; i++) {
        const char *fault = sl_cors_origin_fault(config->cors_origin.items[i]);
        if (fault == NULL)
            continue;
        sl_report_set(report, NULL, 0, "%s", fault);
        return SL_E_CONFIG;
    }
    return 0;
}

static int check(const struct sl_setting *setting, const void *user,
                 struct sl_report *report)
{
    const struct sl_config *config = user;
    if (strcmp(setting->name, "jwt_key") == 0 && config->jwt_key != NULL)
        return check_key(config, report);
    if (strcmp(setting->name, "cors_origin") == 0)
        return check_origins(config, report);
    return 0;
}

const struct sl_setting_table sl_config_table = {
    .settings = settings,
    .count = SL_COUNT(settings),
    .check = check,
};

static void fill_pod(struct sl_config *config)
{
    char name[HOST_NAME_MAX + 1] = "";
    if (config->pod != NULL)
        return;
    if (gethostname(name, sizeof(name)) != 0 || name[0] == '\0')
        strcpy(name, "pod");
    name[HOST_NAME_MAX] = '\0';
    config->pod = sl_strdup(name);
}

static void make_views(struct sl_config *config)
{
    config->views = sl_alloc(SL_COUNT(settings) * sizeof(*config->views));
    for (size_t i = 0; i < SL_COUNT(settings); i++) {
        struct sl_str value = { 0 };
        if (settings[i].kind == SL_SETTING_SECRET)
            continue;
        sl_setting_print(&settings[i], config, &value);
        config->views[config->view_count++] = (struct sl_setting_view){
            .name = settings[i].name,
            .value = sl_slice_dup(sl_str_slice(&value)),
        };
        sl_str_release(&value);
    }
}

int sl_config_load(struct sl_config *config,
                   const struct sl_setting_sources *sources,
                   struct sl_report *report)
{
    *config = (struct sl_config){ 0 };
    int err = sl_setting_table_load(&sl_config_table, config, sources, report);
    if (err != 0) {
        sl_config_release(config);
        return err;
    }
    fill_pod(config);
    if (config->workers == 0)
        config->workers = sl_cpus_workers();
    make_views(config);
    sl_assert(config->workers >= 1 && config->workers <= SL_WORKERS_MAX);
    return 0;
}

void sl_config_release(struct sl_config *config)
{
    for (unsigned i = 0; i < config->view_count; i++)
        sl_free((char *)(uintptr_t)config->views[i].value);
    sl_free(config->views);
    sl_setting_table_clear(&sl_config_table, config);
    *config = (struct sl_config){ 0 };
}
