// SPDX-License-Identifier: MIT
/*
 * Structured log lines to standard error: text on a terminal, one JSON object
 * per line otherwise. A line is written whole by one write(2). Any thread; the
 * thread's own fields (worker) are set once and added to each of its lines.
 *
 * Nobody passes a query string, a token or a payload to a log line.
 *
 *   sl_log_warn("slow client closed", SL_F_STR("connection", id),
 *               SL_F_INT("queued", bytes));
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_log_level {
    SL_LOG_DEBUG,
    SL_LOG_INFO,
    SL_LOG_WARN,
    SL_LOG_ERROR,
    SL_LOG_OFF,
};

enum sl_log_format { SL_LOG_AUTO, SL_LOG_TEXT, SL_LOG_JSON };

enum sl_field_kind { SL_FIELD_STR, SL_FIELD_INT, SL_FIELD_NUM, SL_FIELD_BOOL };

struct sl_field {
    const char *name;
    enum sl_field_kind kind;
    struct sl_slice str;
    int64_t integer;
    double number;
};

#define SL_F_SLICE(n, s) \
    ((struct sl_field){ .name = (n), .kind = SL_FIELD_STR, .str = (s) })
#define SL_F_STR(n, s) SL_F_SLICE(n, sl_slice_str(s))
#define SL_F_INT(n, i) \
    ((struct sl_field){ .name = (n), .kind = SL_FIELD_INT, .integer = (i) })
#define SL_F_NUM(n, x) \
    ((struct sl_field){ .name = (n), .kind = SL_FIELD_NUM, .number = (x) })
#define SL_F_BOOL(n, b) \
    ((struct sl_field){ .name = (n), .kind = SL_FIELD_BOOL, .integer = (b) })

/* Once, before other threads run. fd is borrowed (2, or a test's pipe). */
void sl_log_setup(int fd, enum sl_log_level level, enum sl_log_format format);

/* Names the calling thread in its lines ("main", "worker 2"). */
void sl_log_thread(const char *name);

bool sl_log_level_parse(const char *name, enum sl_log_level *level);
const char *sl_log_level_name(enum sl_log_level level);
bool sl_log_enabled(enum sl_log_level level);

/* Texts with control characters or invalid UTF-8 are escaped. Lines over
 * SL_LOG_LINE_MAX bytes are cut and say so. */
#define SL_LOG_LINE_MAX 8192

void sl_log_write(enum sl_log_level level, const char *text,
                  const struct sl_field *fields, unsigned count);

#define SL_LOG_CALL(level, text, ...)                                       \
    do {                                                                    \
        if (sl_log_enabled(level))                                          \
            sl_log_write((level), (text),                                   \
                         (const struct sl_field[]){ __VA_ARGS__ },          \
                         sizeof((const struct sl_field[]){ __VA_ARGS__ }) / \
                             sizeof(struct sl_field));                      \
    } while (0)

#define sl_log_debug(text, ...) SL_LOG_CALL(SL_LOG_DEBUG, text, __VA_ARGS__)
#define sl_log_info(text, ...) SL_LOG_CALL(SL_LOG_INFO, text, __VA_ARGS__)
#define sl_log_warn(text, ...) SL_LOG_CALL(SL_LOG_WARN, text, __VA_ARGS__)
#define sl_log_error(text, ...) SL_LOG_CALL(SL_LOG_ERROR, text, __VA_ARGS__)
