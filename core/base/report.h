// SPDX-License-Identifier: MIT
/*
 * An error for people: where and what. Configuration and script loading fill
 * one that the caller owns; everything else uses codes alone.
 */
#pragma once

#include "base/base.h"

#define SL_REPORT_FILE_MAX 256  /* bytes, longer names are cut at the front */
#define SL_REPORT_TEXT_MAX 1024 /* bytes, longer sentences are cut */

struct sl_report {
    char file[SL_REPORT_FILE_MAX]; /* "" when there is none */
    int line;                      /* 0 when there is none */
    char text[SL_REPORT_TEXT_MAX];
};

/* Fills the report; file may be NULL. NULL report: nothing happens. */
void sl_report_set(struct sl_report *report, const char *file, int line,
                   const char *format, ...) SL_PRINTF(4, 5);

/* "file:line: text", "file: text" or "text". Returns out. */
const char *sl_report_format(const struct sl_report *report, char *out,
                             int out_size);
