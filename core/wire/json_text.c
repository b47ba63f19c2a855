// SPDX-License-Identifier: MIT
/*
 * Strings and numbers as JSON text.
 *
 * Strings go out in runs: eight bytes at a time are looked at for one that
 * needs attention (a quote, a backslash, a control character, non-ASCII), and
 * what lies between is copied in one piece. Most strings are one run.
 */
#include "wire/internal.h"

#include "base/check.h"
#include "base/err.h"
#include "base/utf8.h"

#include <endian.h>
#include <math.h>
#include <yyjson.h>

/* Whole numbers below are exact, and one of them for each double. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

#define EACH(byte) (0x0101010101010101u * (byte))

/* Longest a double can be: 17 digits, or 309 when written out, and a sign. */
#define NUMBER_POOL_SIZE 1024

static bool needs_attention(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c >= 0x80;
}

/* The first byte that needs attention, or end. In each sum a byte's top bit
 * comes up when it is below 0x20 or equal to the character; borrows only reach
 * bytes above the first hit, so the lowest one is exact. */
static const char *find_attention(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        uint64_t hits = word | (word - EACH(0x20u)) |
                        ((word ^ EACH('"')) - EACH(1u)) |
                        ((word ^ EACH('\\')) - EACH(1u));
        hits &= EACH(0x80u);
        if (hits != 0)
            return at + (__builtin_ctzll(hits) >> 3);
        at += 8;
    }
    while (at < end && !needs_attention((unsigned char)*at))
        at++;
    return at;
}

/* U+2028 and U+2029 end lines in older JavaScript. */
static bool is_line_separator(const char *at, const char *end)
{
    return end - at >= 3 && memcmp(at, "\xe2\x80", 2) == 0 &&
           (at[2] & '\xfe') == '\xa8';
}

/* To the end of a run of non-ASCII that holds no line separator. */
static const char *skip_non_ascii(const char *at, const char *end)
{
    do
        at++;
    while (at < end && (unsigned char)*at >= 0x80 && *at != '\xe2');
    return at;
}

static void add_escape(struct sl_str *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char shorts[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };
    char *to = sl_str_reserve(out, 6);
    to[0] = '\\';
    if (c >= 0x20 || shorts[c] != 0) {
        to[1] = c >= 0x20 ? (char)c : shorts[c];
        out->len += 2;
        return;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = digits[c >> 4];
    to[5] = digits[c & 15];
    out->len += 6;
}

/* From the first byte that needs attention on; the text is UTF-8. */
static void add_escaped(struct sl_str *out, const char *at, const char *end)
{
    const char *run = at;
    while ((at = find_attention(at, end)) < end) {
        unsigned char c = (unsigned char)*at;
        if (c >= 0x80 && !is_line_separator(at, end)) {
            at = skip_non_ascii(at, end);
            continue;
        }
        sl_str_add(out, run, (size_t)(at - run));
        if (c < 0x80) {
            add_escape(out, c);
            at++;
        } else {
            sl_str_add_lit(out, "\\u202");
            sl_str_add_char(out, at[2] == '\xa8' ? '8' : '9');
            at += 3;
        }
        run = at;
    }
    sl_str_add(out, run, (size_t)(end - run));
}

int sl_json_add_text(struct sl_str *out, struct sl_slice text)
{
    const char *end = text.len == 0 ? text.ptr : text.ptr + text.len;
    const char *plain = find_attention(text.ptr, end);
    bool clean = plain == end;

    if (!clean && !sl_utf8_valid(text))
        return SL_E_UTF8;
    char *to = sl_str_reserve(out, text.len + 2);
    size_t plain_len = (size_t)(plain - text.ptr);
    *to = '"';
    if (plain_len > 0)
        memcpy(to + 1, text.ptr, plain_len);
    out->len += plain_len + 1;
    if (!clean)
        add_escaped(out, plain, end);
    sl_str_add_char(out, '"');
    return 0;
}

/* Bytes of the character at p, or of the longest start of one (at least 1). */
static size_t character_len(const unsigned char *p, size_t left, bool *valid)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t more = 0;

    *valid = p[0] < 0x80;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        more = 1;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        more = 2;
        low = p[0] == 0xe0 ? 0xa0 : low;
        high = p[0] == 0xed ? 0x9f : high;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        more = 3;
        low = p[0] == 0xf0 ? 0x90 : low;
        high = p[0] == 0xf4 ? 0x8f : high;
    } else {
        return 1;
    }
    for (size_t i = 1; i <= more; i++) {
        if (i >= left || p[i] < low || p[i] > high)
            return i;
        low = 0x80;
        high = 0xbf;
    }
    *valid = true;
    return more + 1;
}

void sl_json_repair_utf8(struct sl_str *out, struct sl_slice text)
{
    size_t at = 0;
    while (at < text.len) {
        bool valid;
        size_t len = character_len((const unsigned char *)text.ptr + at,
                                   text.len - at, &valid);
        if (valid)
            sl_str_add(out, text.ptr + at, len);
        else
            sl_str_add_lit(out, "\xef\xbf\xbd");
        at += len;
    }
}

void sl_json_add_text_lossy(struct sl_str *out, struct sl_slice text)
{
    if (sl_json_add_text(out, text) == 0)
        return;
    struct sl_str repaired = { 0 };
    sl_json_repair_utf8(&repaired, text);
    int err = sl_json_add_text(out, sl_str_slice(&repaired));
    sl_assert(err == 0);
    sl_str_release(&repaired);
}

/* yyjson writes whole numbers beyond 2^53 with ".0". */
static size_t without_fraction(const char *text, size_t len)
{
    if (len > 2 && memcmp(text + len - 2, ".0", 2) == 0)
        return len - 2;
    return len;
}

int sl_json_add_double(struct sl_str *out, double value)
{
    if (!isfinite(value))
        return SL_E_VALUE;
    if (fabs(value) < WHOLE_MAX && value == (double)(int64_t)value) {
        if (value == 0 && signbit(value))
            sl_str_add_lit(out, "-0");
        else
            sl_str_add_i64(out, (int64_t)value);
        return 0;
    }

    char memory[NUMBER_POOL_SIZE];
    yyjson_alc pool;
    yyjson_val number = { 0 };
    size_t len;
    yyjson_alc_pool_init(&pool, memory, sizeof(memory));
    yyjson_set_real(&number, value);
    char *text = yyjson_val_write_opts(&number, 0, &pool, &len, NULL);
    sl_assert(text != NULL);
    sl_str_add(out, text, without_fraction(text, len));
    return 0;
}
