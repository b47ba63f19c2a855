// SPDX-License-Identifier: MIT
/*
 * The grammar of JSON (RFC 8259) without meaning: which bytes a value takes.
 * No recursion: open containers are bits of a word, one per level.
 */
#include "wire/internal.h"

#include "base/check.h"

#include <assert.h>

static_assert(SL_JSON_DEPTH_MAX <= 64, "one bit per level");

void sl_json_scan_space(struct sl_json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' ||
                                    *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool take(struct sl_json_scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

bool sl_json_scan_char(struct sl_json_scan *scan, char c)
{
    sl_json_scan_space(scan);
    return take(scan, c);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_escape(struct sl_json_scan *scan)
{
    if (scan->at == scan->end)
        return false;
    char c = *scan->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++)
        if (scan->at == scan->end || !is_hex(*scan->at++))
            return false;
    return true;
}

/* The opening quote was taken. */
static bool take_string_rest(struct sl_json_scan *scan)
{
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !take_escape(scan)))
            return false;
    }
    return false;
}

bool sl_json_scan_string(struct sl_json_scan *scan, struct sl_slice *text)
{
    sl_json_scan_space(scan);
    const char *start = scan->at;
    if (!take(scan, '"') || !take_string_rest(scan))
        return false;
    *text = sl_slice_of(start, (size_t)(scan->at - start));
    return true;
}

static bool take_digits(struct sl_json_scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && is_digit(*scan->at))
        scan->at++;
    return scan->at > start;
}

static bool take_number(struct sl_json_scan *scan)
{
    take(scan, '-');
    if (!take(scan, '0') && !take_digits(scan))
        return false;
    if (take(scan, '.') && !take_digits(scan))
        return false;
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            take(scan, '-');
        return take_digits(scan);
    }
    return true;
}

static bool take_word(struct sl_json_scan *scan, struct sl_slice word)
{
    struct sl_slice rest =
        sl_slice_of(scan->at, (size_t)(scan->end - scan->at));
    if (!sl_slice_starts(rest, word))
        return false;
    scan->at += word.len;
    return true;
}

static bool take_scalar(struct sl_json_scan *scan)
{
    if (take(scan, '"'))
        return take_string_rest(scan);
    return take_word(scan, SL_SLICE("null")) ||
           take_word(scan, SL_SLICE("true")) ||
           take_word(scan, SL_SLICE("false")) || take_number(scan);
}

/* The containers that are open inside one value. */
struct levels {
    uint64_t objects; /* bit per level, set for an object */
    unsigned depth;
};

static bool in_object(const struct levels *levels)
{
    return (levels->objects >> (levels->depth - 1) & 1) != 0;
}

static bool push(struct sl_json_scan *scan, struct levels *levels, bool object)
{
    if (scan->depth + levels->depth >= SL_JSON_DEPTH_MAX)
        return false;
    uint64_t bit = (uint64_t)1 << levels->depth;
    levels->objects = object ? levels->objects | bit : levels->objects & ~bit;
    levels->depth++;
    return true;
}

static bool take_key(struct sl_json_scan *scan)
{
    struct sl_slice key;
    return sl_json_scan_string(scan, &key) && sl_json_scan_char(scan, ':');
}

/* After a comma: one more may be forgiven, and so may the end. Returns whether
 * the container ends here. */
static bool forgive_comma(struct sl_json_scan *scan, char closing)
{
    if (scan->commas_spare == 0)
        return false;
    sl_json_scan_space(scan);
    bool more = take(scan, ',');
    bool closed = !more && take(scan, closing);
    if (more || closed)
        scan->commas_spare--;
    return closed;
}

enum step { STEP_VALUE, STEP_DONE, STEP_BROKEN };

/* After a value: what comes next, leaving the containers that end here. */
static enum step after_value(struct sl_json_scan *scan, struct levels *levels)
{
    while (levels->depth > 0) {
        bool object = in_object(levels);
        char closing = object ? '}' : ']';
        sl_json_scan_space(scan);
        if (take(scan, closing)) {
            levels->depth--;
        } else if (!take(scan, ',')) {
            return STEP_BROKEN;
        } else if (forgive_comma(scan, closing)) {
            levels->depth--;
        } else {
            return object && !take_key(scan) ? STEP_BROKEN : STEP_VALUE;
        }
    }
    return STEP_DONE;
}

/* At a value: takes it, or only enters it when it is a container. */
static enum step enter_value(struct sl_json_scan *scan, struct levels *levels)
{
    sl_json_scan_space(scan);
    bool object = take(scan, '{');
    if (!object && !take(scan, '['))
        return take_scalar(scan) ? STEP_DONE : STEP_BROKEN;
    if (!push(scan, levels, object))
        return STEP_BROKEN;
    if (sl_json_scan_char(scan, object ? '}' : ']')) {
        levels->depth--;
        return STEP_DONE;
    }
    return object && !take_key(scan) ? STEP_BROKEN : STEP_VALUE;
}

bool sl_json_scan_value(struct sl_json_scan *scan, struct sl_slice *text)
{
    struct levels levels = { 0 };
    sl_json_scan_space(scan);
    const char *start = scan->at;
    for (;;) {
        enum step step = enter_value(scan, &levels);
        if (step == STEP_DONE)
            step = after_value(scan, &levels);
        if (step == STEP_BROKEN)
            return false;
        if (step == STEP_DONE)
            break;
    }
    *text = sl_slice_of(start, (size_t)(scan->at - start));
    return true;
}

bool sl_json_deeper(struct sl_slice text, unsigned depth_max)
{
    bool quoted = false;
    unsigned depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else if ((c == '[' || c == '{') && ++depth > depth_max)
            return true;
        else if (c == ']' || c == '}')
            depth--;
    }
    return false;
}
