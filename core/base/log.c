// SPDX-License-Identifier: MIT
/*
 * A line is built in a block on the stack and leaves by one write(2), so lines
 * of several threads never mix and logging takes no lock.
 *
 * Both formats share one way to write a string: JSON's escapes, plus \xNN (as
 * text) for bytes that are not UTF-8. In a text line a value stands bare when
 * nothing in it could be mistaken, else it is such a string in quotes. Nothing
 * that came from outside can thus begin a line of its own, move the cursor of a
 * terminal, or break the JSON.
 *
 * Cutting: everything is appended in units that fit whole or not at all, within
 * a limit that leaves room for what closes the line (`",cut":true}`). After the
 * first unit that did not fit, nothing more is appended but that.
 */
#include "base/log.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CLOSING_MAX 32     /* bytes kept free for what closes a line */
#define THREAD_NAME_MAX 32 /* bytes */
#define UTF8_BYTES_MAX 4

static const struct {
    const char *name, *column;
} levels[] = {
    [SL_LOG_DEBUG] = { "debug", "DEBUG" },
    [SL_LOG_INFO] = { "info", "INFO " },
    [SL_LOG_WARN] = { "warn", "WARN " },
    [SL_LOG_ERROR] = { "error", "ERROR" },
    [SL_LOG_OFF] = { "off", "OFF  " },
};

/* Written by sl_log_setup alone, before other threads run. */
static struct {
    int fd;
    enum sl_log_level level;
    bool json;
} config = { .fd = STDERR_FILENO, .level = SL_LOG_INFO };

static _Thread_local char thread_name[THREAD_NAME_MAX];

struct line {
    char bytes[SL_LOG_LINE_MAX];
    size_t len;
    bool json;
    bool cut; /* something did not fit: only the closing may follow */
};

/* ---- units ---- */

static void add(struct line *line, const char *ptr, size_t len)
{
    if (line->cut || line->len + len > sizeof(line->bytes) - CLOSING_MAX) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, ptr, len);
    line->len += len;
}

static void add_str(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

/* For what closes: uses the room that `add` leaves free. */
static void close_with(struct line *line, const char *text)
{
    size_t len = strlen(text);
    sl_assert(len <= sizeof(line->bytes) - line->len);
    memcpy(line->bytes + line->len, text, len);
    line->len += len;
}

/* Bytes of the valid UTF-8 character that text begins with; 0: none does. */
static size_t char_len(struct sl_slice text)
{
    size_t most = text.len < UTF8_BYTES_MAX ? text.len : UTF8_BYTES_MAX;
    for (size_t len = 1; len <= most; len++)
        if (sl_utf8_valid(sl_slice_of(text.ptr, len)))
            return len;
    return 0;
}

/* U+0080 to U+009F: some terminals obey them as they do the escape. */
static bool is_c1_control(const unsigned char *bytes, size_t len)
{
    return len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}

/* The escape for a character, or the empty string when it stands for itself.
 * Quotes and backslashes only matter within quotes. */
static void escape_of(const unsigned char *bytes, size_t len, bool quoted,
                      char out[8])
{
    out[0] = '\0';
    if (len == 0)
        snprintf(out, 8, "\\%sx%02x", quoted ? "\\" : "", bytes[0]);
    else if (is_c1_control(bytes, len))
        snprintf(out, 8, "\\u%04x", bytes[1]);
    else if (bytes[0] == '\n')
        snprintf(out, 8, "\\n");
    else if (bytes[0] == '\t')
        snprintf(out, 8, "\\t");
    else if (bytes[0] == '\r')
        snprintf(out, 8, "\\r");
    else if (bytes[0] < 0x20 || bytes[0] == 0x7f)
        snprintf(out, 8, "\\u%04x", bytes[0]);
    else if (quoted && (bytes[0] == '"' || bytes[0] == '\\'))
        snprintf(out, 8, "\\%c", bytes[0]);
}

static void add_escaped(struct line *line, struct sl_slice text, bool quoted)
{
    while (text.len > 0 && !line->cut) {
        size_t len = char_len(text);
        char escape[8];
        escape_of((const unsigned char *)text.ptr, len, quoted, escape);
        size_t used = len == 0 ? 1 : len;
        if (escape[0] != '\0')
            add_str(line, escape);
        else
            add(line, text.ptr, used);
        text.ptr += used;
        text.len -= used;
    }
}

/* The closing quote always fits: see CLOSING_MAX. */
static void add_quoted(struct line *line, struct sl_slice text)
{
    add_str(line, "\"");
    if (line->cut)
        return;
    add_escaped(line, text, true);
    close_with(line, "\"");
}

/* ---- fields ---- */

static bool is_bare(struct sl_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            return false;
    }
    return text.len > 0;
}

/* The shortest of the two forms that reads back as the same number. JSON has no
 * word for what is not finite. */
static void format_number(double number, bool json, char *out, size_t size)
{
    snprintf(out, size, "%.15g", number);
    if (strtod(out, NULL) != number)
        snprintf(out, size, "%.17g", number);
    if (json && !isfinite(number))
        snprintf(out, size, "null");
}

static void add_value(struct line *line, const struct sl_field *field)
{
    char digits[32];
    switch (field->kind) {
    case SL_FIELD_STR:
        if (!line->json && is_bare(field->str))
            add_escaped(line, field->str, false);
        else
            add_quoted(line, field->str);
        return;
    case SL_FIELD_INT:
        snprintf(digits, sizeof(digits), "%lld", (long long)field->integer);
        break;
    case SL_FIELD_NUM:
        format_number(field->number, line->json, digits, sizeof(digits));
        break;
    case SL_FIELD_BOOL:
        snprintf(digits, sizeof(digits), field->integer ? "true" : "false");
        break;
    }
    add_str(line, digits);
}

static void add_field(struct line *line, const struct sl_field *field)
{
    if (line->cut)
        return;
    size_t before = line->len;
    if (line->json) {
        add_str(line, ",");
        add_quoted(line, sl_slice_str(field->name));
        add_str(line, ":");
    } else {
        add_str(line, " ");
        add_escaped(line, sl_slice_str(field->name), false);
        add_str(line, "=");
    }
    size_t at_value = line->len;
    bool name_cut = line->cut;
    add_value(line, field);
    /* The beginning of a name, or a name without a value, is no field. */
    if (line->cut && (name_cut || line->len == at_value))
        line->len = before;
}

/* ---- lines ---- */

static void add_time(struct line *line)
{
    uint64_t wall_ms = sl_clock_wall_ms(&sl_clock_system);
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[40];
    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, sizeof(text) - len, ".%03uZ",
             (unsigned)(wall_ms % 1000));
    add_str(line, text);
}

static void add_start(struct line *line, enum sl_log_level level,
                      struct sl_slice text)
{
    if (line->json) {
        add_str(line, "{\"time\":\"");
        add_time(line);
        add_str(line, "\",\"level\":\"");
        add_str(line, levels[level].name);
        add_str(line, "\",\"text\":");
        add_quoted(line, text);
    } else {
        add_time(line);
        add_str(line, " ");
        add_str(line, levels[level].column);
        add_str(line, " ");
        add_escaped(line, text, false);
    }
}

static void send_line(const struct line *line)
{
    size_t sent = 0;
    while (sent < line->len) {
        ssize_t n = write(config.fd, line->bytes + sent, line->len - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* a log that nobody takes must not stop the work */
        sent += (size_t)n;
    }
}

void sl_log_write(enum sl_log_level level, const char *text,
                  const struct sl_field *fields, unsigned count)
{
    if (level >= SL_LOG_OFF || !sl_log_enabled(level))
        return;
    int errno_before = errno; /* a caller may log first and look then */
    struct line line;
    line.len = 0;
    line.cut = false;
    line.json = config.json;

    add_start(&line, level, sl_slice_str(text));
    if (thread_name[0] != '\0')
        add_field(&line, &SL_F_STR("worker", thread_name));
    for (unsigned i = 0; i < count; i++)
        add_field(&line, &fields[i]);
    if (line.cut)
        close_with(&line, line.json ? ",\"cut\":true" : " cut=true");
    close_with(&line, line.json ? "}\n" : "\n");
    send_line(&line);
    errno = errno_before;
}

/* ---- settings ---- */

void sl_log_setup(int fd, enum sl_log_level level, enum sl_log_format format)
{
    config.fd = fd;
    config.level = level;
    config.json =
        format == SL_LOG_JSON || (format == SL_LOG_AUTO && !isatty(fd));
}

void sl_log_thread(const char *name)
{
    snprintf(thread_name, sizeof(thread_name), "%s", name);
}

bool sl_log_level_parse(const char *name, enum sl_log_level *level)
{
    for (unsigned i = 0; i < SL_COUNT(levels); i++) {
        if (strcmp(name, levels[i].name) != 0)
            continue;
        *level = (enum sl_log_level)i;
        return true;
    }
    return false;
}

const char *sl_log_level_name(enum sl_log_level level)
{
    sl_assert(level <= SL_LOG_OFF);
    return levels[level].name;
}

bool sl_log_enabled(enum sl_log_level level)
{
    return level >= config.level;
}
