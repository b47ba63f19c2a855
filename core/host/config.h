// SPDX-License-Identifier: MIT
/*
 * The configuration of the process: one struct, filled once at start by the
 * main thread, read-only from then on for every thread.
 */
#pragma once

#include "base/limits.h"
#include "base/report.h"
#include "host/setting_table.h"
#include "hub/script.h"

struct sl_jwt_setup;

struct sl_config {
    /* char *hubs; unsigned workers; uint64_t head_timeout_ms; ... */
#define SL_SETTING(name, group, kind, fallback, least, most, words, help) \
    SL_SETTING_FIELD(kind, name)
#include "host/config.def"
#undef SL_SETTING

    /* All but the secrets as text, for scripts and for the log. */
    struct sl_setting_view *views;
    unsigned view_count;
};

/* The settings above; also what the command line and the help go by. */
extern const struct sl_setting_table sl_config_table;

/* Fills the struct, whatever it held. Defaults that depend on the machine are
 * filled in: `pod` is never NULL and `workers` never 0. Returns 0, or
 * SL_E_CONFIG with the report filled: the struct is all zero then. */
int sl_config_load(struct sl_config *config,
                   const struct sl_setting_sources *sources,
                   struct sl_report *report);

/* What bearer tokens are verified by. Everything is borrowed from the config;
 * the key is empty when there is none. */
void sl_config_jwt(const struct sl_config *config, struct sl_jwt_setup *setup);

void sl_config_release(struct sl_config *config);
