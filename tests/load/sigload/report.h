// SPDX-License-Identifier: MIT
/*
 * The result of a run: one JSON object on one line for programs, one line for
 * people.  tests/load/README.md says what each field means.
 */
#pragma once

#include <stdio.h>

#include "load.h"

void sl_report_json(const struct sl_load *load, FILE *out);
void sl_report_line(const struct sl_load *load, FILE *out);
