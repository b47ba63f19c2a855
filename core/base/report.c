// SPDX-License-Identifier: MIT
/*
 * Reports. Of a long file name the end is kept (the folder is known anyway),
 * of a long sentence the beginning; neither is cut within a character.
 */
#include "base/report.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_utf8_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void set_file(struct sl_report *report, const char *file)
{
    size_t len = file == NULL ? 0 : strlen(file);
    size_t skip =
        len < sizeof(report->file) ? 0 : len - sizeof(report->file) + 1;
    while (skip > 0 && skip < len && is_utf8_tail(file[skip]))
        skip++;
    if (len > skip)
        memcpy(report->file, file + skip, len - skip);
    report->file[len - skip] = '\0';
}

void sl_report_set(struct sl_report *report, const char *file, int line,
                   const char *format, ...)
{
    if (report == NULL)
        return;
    set_file(report, file);
    report->line = line;

    va_list args;
    va_start(args, format);
    int len = vsnprintf(report->text, sizeof(report->text), format, args);
    va_end(args);
    sl_assert(len >= 0);
    if ((size_t)len < sizeof(report->text))
        return;
    /* The last character may be a half one: a whole one is no loss either. */
    size_t end = sizeof(report->text) - 1;
    while (end > 0 && is_utf8_tail(report->text[end - 1]))
        end--;
    if (end > 0 && (unsigned char)report->text[end - 1] >= 0xc0)
        end--;
    report->text[end] = '\0';
}

const char *sl_report_format(const struct sl_report *report, char *out,
                             int out_size)
{
    sl_assert(out_size > 0);
    size_t size = (size_t)out_size;
    if (report->file[0] == '\0')
        snprintf(out, size, "%s", report->text);
    else if (report->line == 0)
        snprintf(out, size, "%s: %s", report->file, report->text);
    else
        snprintf(out, size, "%s:%d: %s", report->file, report->line,
                 report->text);
    return out;
}
