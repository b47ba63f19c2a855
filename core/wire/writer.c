// SPDX-License-Identifier: MIT
/*
 * Values out. Each call writes what separates it from the value before, then
 * itself; the halves of the protocols stand side by side.
 */
#include "wire/writer.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "wire/internal.h"
#include "wire/msgpack_pack.h"

#define SECONDS_PER_DAY 86400
#define SECONDS_MIN (-62135596800) /* 0001-01-01T00:00:00Z */
#define SECONDS_MAX 253402300799   /* 9999-12-31T23:59:59Z */
#define NANOSECONDS_PER_SECOND 1000000000u
#define NANOSECONDS_PER_TICK 100u /* .NET's resolution: seven digits */

void sl_writer_init(struct sl_writer *writer, enum sl_protocol_id protocol,
                    struct sl_str *out)
{
    *writer = (struct sl_writer){ .protocol = protocol, .out = out };
}

static bool is_msgpack(const struct sl_writer *w)
{
    return w->protocol == SL_PROTOCOL_MESSAGEPACK;
}

/* Before each value. Returns the length to go back to when it is refused. */
static size_t json_begin(struct sl_writer *w)
{
    size_t start = w->out->len;
    if (w->comma)
        sl_str_add_char(w->out, ',');
    return start;
}

/* After each value. */
static int json_done(struct sl_writer *w, size_t start, int err)
{
    if (err == 0)
        w->comma = true;
    else
        w->out->len = start;
    return err;
}

static void json_word(struct sl_writer *w, struct sl_slice word)
{
    json_begin(w);
    sl_str_add_slice(w->out, word);
    w->comma = true;
}

void sl_write_null(struct sl_writer *w)
{
    if (is_msgpack(w))
        msgpack_pack_nil(w->out);
    else
        json_word(w, SL_SLICE("null"));
}

void sl_write_bool(struct sl_writer *w, bool value)
{
    if (!is_msgpack(w))
        json_word(w, value ? SL_SLICE("true") : SL_SLICE("false"));
    else if (value)
        msgpack_pack_true(w->out);
    else
        msgpack_pack_false(w->out);
}

void sl_write_int(struct sl_writer *w, int64_t value)
{
    if (is_msgpack(w)) {
        msgpack_pack_int64(w->out, value);
        return;
    }
    json_begin(w);
    sl_str_add_i64(w->out, value);
    w->comma = true;
}

void sl_write_uint(struct sl_writer *w, uint64_t value)
{
    if (is_msgpack(w)) {
        msgpack_pack_uint64(w->out, value);
        return;
    }
    json_begin(w);
    sl_str_add_u64(w->out, value);
    w->comma = true;
}

int sl_write_double(struct sl_writer *w, double value)
{
    if (is_msgpack(w)) {
        msgpack_pack_double(w->out, value);
        return 0;
    }
    size_t start = json_begin(w);
    return json_done(w, start, sl_json_add_double(w->out, value));
}

int sl_msgpack_add_text(struct sl_str *out, struct sl_slice text)
{
    if (!sl_utf8_valid(text))
        return SL_E_UTF8;
    if (text.len > UINT32_MAX)
        return SL_E_TOO_LARGE;
    msgpack_pack_str(out, text.len);
    sl_str_add_slice(out, text);
    return 0;
}

int sl_write_string(struct sl_writer *w, struct sl_slice text)
{
    if (is_msgpack(w))
        return sl_msgpack_add_text(w->out, text);
    size_t start = json_begin(w);
    return json_done(w, start, sl_json_add_text(w->out, text));
}

void sl_write_text(struct sl_writer *w, struct sl_slice text)
{
    if (sl_write_string(w, text) == 0)
        return;
    struct sl_str repaired = { 0 };
    sl_json_repair_utf8(&repaired, text);
    int err = sl_write_string(w, sl_str_slice(&repaired));
    sl_assert(err == 0);
    sl_str_release(&repaired);
}

void sl_write_binary(struct sl_writer *w, struct sl_slice bytes)
{
    if (is_msgpack(w)) {
        /* More than a frame can hold is refused with the whole message. */
        msgpack_pack_bin(w->out, bytes.len);
        sl_str_add_slice(w->out, bytes);
        return;
    }
    json_begin(w);
    sl_str_add_char(w->out, '"');
    sl_base64_encode(w->out, bytes);
    sl_str_add_char(w->out, '"');
    w->comma = true;
}

struct date {
    int year;
    unsigned month, day; /* from 1 */
};

/* Days since 1970-01-01 in the Gregorian calendar. Years are counted from
 * March on, in eras of 400 years, so that the leap day comes last. */
static struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468; /* days from 0000-03-01 to 1970-01-01 */
    sl_assert(shifted >= 0);
    unsigned era = (unsigned)(shifted / 146097);
    unsigned day_of_era = (unsigned)(shifted % 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 +
                            day_of_era / 36524 - day_of_era / 146096) /
                           365;
    unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_shifted = (5 * day_of_year + 2) / 153;
    unsigned month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
    return (struct date){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = day_of_year - (153 * month_shifted + 2) / 5 + 1,
    };
}

static void add_fraction(struct sl_str *out, uint32_t nanoseconds)
{
    uint32_t ticks = nanoseconds / NANOSECONDS_PER_TICK;
    int digits = 7;
    if (ticks == 0)
        return;
    while (ticks % 10 == 0) {
        ticks /= 10;
        digits--;
    }
    sl_str_add_fmt(out, ".%0*u", digits, ticks);
}

bool sl_timestamp_valid(int64_t seconds, uint32_t nanoseconds)
{
    return seconds >= SECONDS_MIN && seconds <= SECONDS_MAX &&
           nanoseconds < NANOSECONDS_PER_SECOND;
}

static void json_add_timestamp(struct sl_str *out, int64_t seconds,
                               uint32_t nanoseconds)
{
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t left = seconds % SECONDS_PER_DAY;
    if (left < 0) {
        days--;
        left += SECONDS_PER_DAY;
    }
    struct date date = date_of(days);
    unsigned second = (unsigned)left;
    sl_str_add_fmt(out, "\"%04d-%02u-%02uT%02u:%02u:%02u", date.year,
                   date.month, date.day, second / 3600, second / 60 % 60,
                   second % 60);
    add_fraction(out, nanoseconds);
    sl_str_add_lit(out, "Z\"");
}

int sl_write_timestamp(struct sl_writer *w, int64_t seconds,
                       uint32_t nanoseconds)
{
    if (!sl_timestamp_valid(seconds, nanoseconds))
        return SL_E_VALUE;
    if (is_msgpack(w)) {
        msgpack_timestamp time = {
            .tv_sec = seconds,
            .tv_nsec = nanoseconds - nanoseconds % NANOSECONDS_PER_TICK,
        };
        msgpack_pack_timestamp(w->out, &time);
        return 0;
    }
    json_begin(w);
    json_add_timestamp(w->out, seconds, nanoseconds);
    w->comma = true;
    return 0;
}

/* Begins an array or object, in either protocol. */
static int open_level(struct sl_writer *w, bool object)
{
    if (w->depth >= SL_JSON_DEPTH_MAX)
        return SL_E_DEPTH;
    uint64_t bit = (uint64_t)1 << w->depth;
    w->objects = object ? w->objects | bit : w->objects & ~bit;
    w->depth++;
    if (!is_msgpack(w)) {
        json_begin(w);
        sl_str_add_char(w->out, object ? '{' : '[');
        w->comma = false;
    }
    return 0;
}

int sl_write_array(struct sl_writer *w, size_t count)
{
    int err = open_level(w, false);
    if (err == 0 && is_msgpack(w))
        msgpack_pack_array(w->out, count);
    return err;
}

int sl_write_object(struct sl_writer *w, size_t count)
{
    int err = open_level(w, true);
    if (err == 0 && is_msgpack(w))
        msgpack_pack_map(w->out, count);
    return err;
}

int sl_write_key(struct sl_writer *w, struct sl_slice key)
{
    sl_assert(w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0);
    if (is_msgpack(w))
        return sl_msgpack_add_text(w->out, key);
    size_t start = json_begin(w);
    int err = json_done(w, start, sl_json_add_text(w->out, key));
    if (err == 0) {
        sl_str_add_char(w->out, ':');
        w->comma = false;
    }
    return err;
}

void sl_write_end(struct sl_writer *w)
{
    sl_assert(w->depth > 0);
    w->depth--;
    if (is_msgpack(w))
        return; /* the head has told how many there are */
    bool object = (w->objects >> w->depth & 1) != 0;
    sl_str_add_char(w->out, object ? '}' : ']');
    w->comma = true;
}
