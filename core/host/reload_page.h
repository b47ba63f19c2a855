// SPDX-License-Identifier: MIT
/*
 * What the admin listener tells of reloads, as JSON. Main thread.
 */
#pragma once

#include "base/str.h"
#include "host/reload.h"

/* Files and versions that serve, generations alive, and the last reload. */
void sl_reload_page(const struct sl_reload *reload, struct sl_str *out);

/* The last reload, or the one that ends: outcome, changes, errors. */
void sl_reload_page_last(const struct sl_reload *reload, struct sl_str *out);
