// SPDX-License-Identifier: MIT
/*
 * A parser, a printer and a sentence per kind. A parser writes the field only
 * when the whole text is right, so that a refused setting leaves no half of
 * itself behind.
 */
#include "host/setting.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define PORT_MAX 65535

static void *field_of(const struct sl_setting *setting, void *config)
{
    return (char *)config + setting->offset;
}

static bool is_text(enum sl_setting_kind kind)
{
    return kind == SL_SETTING_STRING || kind == SL_SETTING_PATH ||
           kind == SL_SETTING_ADDRESS || kind == SL_SETTING_SECRET;
}

/* ---- numbers ---- */

/* Digits at *text, at least one; moves behind them. */
static bool read_digits(const char **text, uint64_t *value)
{
    const char *at = *text;
    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
            return false;
    bool any = at > *text;
    *text = at;
    return any;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    { "", 1 },         { "b", 1 },         { "k", 1 << 10 },
    { "kb", 1 << 10 }, { "kib", 1 << 10 }, { "m", 1 << 20 },
    { "mb", 1 << 20 }, { "mib", 1 << 20 }, { "g", 1 << 30 },
    { "gb", 1 << 30 }, { "gib", 1 << 30 }, { NULL, 0 },
};

static const struct unit time_units[] = {
    { "", 1000 },   { "s", 1000 },    { "ms", 1 },
    { "m", 60000 }, { "h", 3600000 }, { NULL, 0 },
};

static bool read_unit(const char *text, const struct unit *units,
                      uint64_t *factor)
{
    for (; units->name != NULL; units++) {
        if (strcasecmp(text, units->name) == 0) {
            *factor = units->factor;
            return true;
        }
    }
    return false;
}

static bool read_count(const char *text, uint64_t *value)
{
    return read_digits(&text, value) && *text == '\0';
}

static bool read_bytes(const char *text, uint64_t *value)
{
    uint64_t factor;
    return read_digits(&text, value) && read_unit(text, byte_units, &factor) &&
           !__builtin_mul_overflow(*value, factor, value);
}

/* Up to three digits behind the point, as many as a millisecond needs. */
static bool read_seconds(const char *text, uint64_t *value_ms)
{
    uint64_t whole, fraction = 0, scale = 1, factor;
    if (!read_digits(&text, &whole))
        return false;
    if (*text == '.') {
        const char *from = ++text;
        if (!read_digits(&text, &fraction) || text - from > 3)
            return false;
        for (; from < text; from++)
            scale *= 10;
    }
    if (!read_unit(text, time_units, &factor) ||
        __builtin_mul_overflow(whole, factor, value_ms))
        return false;
    return (fraction * factor) % scale == 0 &&
           !__builtin_add_overflow(*value_ms, fraction * factor / scale,
                                   value_ms);
}

static bool in_range(const struct sl_setting *setting, uint64_t value)
{
    return value >= (uint64_t)setting->least &&
           value <= (uint64_t)setting->most;
}

/* ---- words ---- */

/* The place of the word among the setting's, or -1. */
static int word_index(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (int index = 0; words != NULL && *words != '\0'; index++) {
        size_t word_len = strcspn(words, " ");
        if (len == word_len && strncasecmp(words, word, len) == 0)
            return index;
        words += word_len + (words[word_len] == ' ');
    }
    return -1;
}

static struct sl_slice word_at(const char *words, unsigned index)
{
    while (index-- > 0)
        words += strcspn(words, " ") + 1;
    return sl_slice_of(words, strcspn(words, " "));
}

static int apply_flag(bool *field, const char *text)
{
    bool yes = word_index("yes true on 1", text) >= 0;
    if (!yes && word_index("no false off 0", text) < 0)
        return SL_E_CONFIG;
    *field = yes;
    return 0;
}

/* ---- texts ---- */

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* "HOST:PORT", "[::1]:PORT", ":PORT". Whether the host exists is found out
 * when the socket is bound. */
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (colon == NULL || !read_count(colon + 1, &port) || port > PORT_MAX ||
        has_control(text) || strpbrk(text, " /") != NULL)
        return false;
    if (text[0] == '[')
        return colon > text + 2 && colon[-1] == ']';
    return memchr(text, ':', (size_t)(colon - text)) == NULL;
}

static bool is_right_text(const struct sl_setting *setting, const char *text)
{
    size_t len = strlen(text);
    switch (setting->kind) {
    case SL_SETTING_ADDRESS: return is_address(text);
    case SL_SETTING_STRING: return in_range(setting, len) && !has_control(text);
    case SL_SETTING_SECRET: return in_range(setting, len);
    default: return len > 0 && !has_control(text);
    }
}

static int apply_text(const struct sl_setting *setting, void *config,
                      const char *text)
{
    char **field = field_of(setting, config);
    bool is_off = setting->kind == SL_SETTING_ADDRESS &&
                  word_index(setting->words, text) >= 0;
    if (!is_off && !is_right_text(setting, text))
        return SL_E_CONFIG;
    char *copy = is_off ? NULL : sl_strdup(text);
    sl_setting_clear(setting, config);
    *field = copy;
    return 0;
}

/* ---- lists: separated by commas, blanks around items are dropped ---- */

static int apply_list(const struct sl_setting *setting, void *config,
                      const char *text)
{
    struct sl_setting_list *field = field_of(setting, config);
    struct sl_setting_list list = { 0 };
    int err = has_control(text) ? SL_E_CONFIG : 0;
    while (err == 0) {
        size_t len = strcspn(text, ",");
        struct sl_slice item = sl_slice_trim(sl_slice_of(text, len));
        if (item.len == 0 || list.count >= setting->most) {
            err = SL_E_CONFIG;
            break;
        }
        list.items =
            sl_realloc(list.items, (list.count + 1) * sizeof(*list.items));
        list.items[list.count++] = sl_slice_dup(item);
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    if (err == 0 && list.count < setting->least)
        err = SL_E_CONFIG;
    if (err == 0) {
        sl_setting_clear(setting, config);
        *field = list;
        return 0;
    }
    for (unsigned i = 0; i < list.count; i++)
        sl_free(list.items[i]);
    sl_free(list.items);
    return err;
}

/* ---- one door per direction ---- */

static int apply_number(const struct sl_setting *setting, void *config,
                        const char *text)
{
    uint64_t value;
    bool right = setting->kind == SL_SETTING_COUNT ? read_count(text, &value)
                 : setting->kind == SL_SETTING_BYTES
                     ? read_bytes(text, &value)
                     : read_seconds(text, &value);
    if (!right || !in_range(setting, value))
        return SL_E_CONFIG;
    if (setting->kind == SL_SETTING_COUNT)
        *(unsigned *)field_of(setting, config) = (unsigned)value;
    else if (setting->kind == SL_SETTING_BYTES)
        *(size_t *)field_of(setting, config) = (size_t)value;
    else
        *(uint64_t *)field_of(setting, config) = value;
    return 0;
}

static int apply(const struct sl_setting *setting, void *config,
                 const char *text)
{
    int index;
    switch (setting->kind) {
    case SL_SETTING_COUNT:
    case SL_SETTING_BYTES:
    case SL_SETTING_SECONDS: return apply_number(setting, config, text);
    case SL_SETTING_FLAG: return apply_flag(field_of(setting, config), text);
    case SL_SETTING_CHOICE:
        index = word_index(setting->words, text);
        if (index < 0)
            return SL_E_CONFIG;
        *(unsigned *)field_of(setting, config) = (unsigned)index;
        return 0;
    case SL_SETTING_LIST: return apply_list(setting, config, text);
    default: return apply_text(setting, config, text);
    }
}

static void refuse(const struct sl_setting *setting, const char *text,
                   const char *origin, struct sl_report *report)
{
    struct sl_str expected = { 0 };
    sl_setting_print_expected(setting, &expected);
    if (setting->kind == SL_SETTING_SECRET)
        sl_report_set(report, NULL, 0, "%s (from %s) is wrong: it takes %s",
                      setting->name, origin, sl_str_cstr(&expected));
    else
        sl_report_set(report, NULL, 0,
                      "%s = \"%.200s\" (from %s) is wrong: it takes %s",
                      setting->name, text, origin, sl_str_cstr(&expected));
    sl_str_release(&expected);
}

int sl_setting_apply(const struct sl_setting *setting, void *config,
                     const char *text, const char *origin,
                     struct sl_report *report)
{
    sl_assert(text != NULL);
    if (text[0] == '\0' && setting->fallback == NULL) {
        sl_setting_clear(setting, config);
        return 0;
    }
    int err =
        strlen(text) > SL_SETTING_TEXT_MAX && setting->kind != SL_SETTING_SECRET
            ? SL_E_CONFIG
            : apply(setting, config, text);
    if (err != 0)
        refuse(setting, text, origin, report);
    return err;
}

void sl_setting_clear(const struct sl_setting *setting, void *config)
{
    if (setting->kind == SL_SETTING_LIST) {
        struct sl_setting_list *list = field_of(setting, config);
        for (unsigned i = 0; i < list->count; i++)
            sl_free(list->items[i]);
        sl_free(list->items);
        *list = (struct sl_setting_list){ 0 };
    } else if (is_text(setting->kind)) {
        char **text = field_of(setting, config);
        if (*text != NULL && setting->kind == SL_SETTING_SECRET)
            explicit_bzero(*text, strlen(*text));
        sl_free(*text);
        *text = NULL;
    }
}

/* ---- out ---- */

static void print_seconds(struct sl_str *out, uint64_t value_ms)
{
    sl_str_add_u64(out, value_ms / 1000);
    unsigned rest = (unsigned)(value_ms % 1000);
    if (rest == 0)
        return;
    sl_str_add_fmt(out, ".%03u", rest);
    while (out->ptr[out->len - 1] == '0')
        out->len--;
}

static void print_list(struct sl_str *out, const struct sl_setting_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        sl_str_add_fmt(out, "%s%s", i == 0 ? "" : ",", list->items[i]);
}

static void print_text(const struct sl_setting *setting, const char *text,
                       struct sl_str *out)
{
    if (text != NULL)
        sl_str_add(out, text, strlen(text));
    else if (setting->kind == SL_SETTING_ADDRESS && setting->words != NULL)
        sl_str_add_slice(out, word_at(setting->words, 0));
}

void sl_setting_print(const struct sl_setting *setting, const void *config,
                      struct sl_str *out)
{
    const void *field = (const char *)config + setting->offset;
    switch (setting->kind) {
    case SL_SETTING_COUNT: sl_str_add_u64(out, *(const unsigned *)field); break;
    case SL_SETTING_BYTES: sl_str_add_u64(out, *(const size_t *)field); break;
    case SL_SETTING_SECONDS:
        print_seconds(out, *(const uint64_t *)field);
        break;
    case SL_SETTING_FLAG:
        sl_str_add_fmt(out, "%s", *(const bool *)field ? "yes" : "no");
        break;
    case SL_SETTING_CHOICE:
        sl_str_add_slice(out,
                         word_at(setting->words, *(const unsigned *)field));
        break;
    case SL_SETTING_LIST: print_list(out, field); break;
    case SL_SETTING_SECRET: sl_unreachable();
    default: print_text(setting, *(char *const *)field, out);
    }
}

static void print_words(const char *words, const char *separator,
                        struct sl_str *out)
{
    for (unsigned i = 0; *words != '\0'; i++) {
        size_t len = strcspn(words, " ");
        if (i > 0)
            sl_str_add(out, separator, strlen(separator));
        sl_str_add(out, words, len);
        words += len + (words[len] == ' ');
    }
}

void sl_setting_print_takes(const struct sl_setting *setting,
                            struct sl_str *out)
{
    static const char *const takes[] = {
        [SL_SETTING_STRING] = "TEXT",       [SL_SETTING_PATH] = "PATH",
        [SL_SETTING_ADDRESS] = "HOST:PORT", [SL_SETTING_COUNT] = "N",
        [SL_SETTING_BYTES] = "BYTES",       [SL_SETTING_SECONDS] = "SECONDS",
        [SL_SETTING_FLAG] = "yes|no",       [SL_SETTING_LIST] = "A,B,...",
        [SL_SETTING_SECRET] = "SECRET",
    };
    if (setting->kind == SL_SETTING_CHOICE)
        print_words(setting->words, "|", out);
    else
        sl_str_add_fmt(out, "%s", takes[setting->kind]);
    if (setting->kind == SL_SETTING_ADDRESS && setting->words != NULL) {
        sl_str_add_char(out, '|');
        print_words(setting->words, "|", out);
    }
}

static void print_range(const struct sl_setting *setting, struct sl_str *out)
{
    sl_str_add_fmt(out, "from %" PRId64 " to %" PRId64, setting->least,
                   setting->most);
}

void sl_setting_print_expected(const struct sl_setting *setting,
                               struct sl_str *out)
{
    switch (setting->kind) {
    case SL_SETTING_COUNT:
        sl_str_add_lit(out, "a whole number ");
        print_range(setting, out);
        break;
    case SL_SETTING_BYTES:
        sl_str_add_lit(out, "bytes ");
        print_range(setting, out);
        sl_str_add_lit(out, ", such as 65536, 64k or 1m");
        break;
    case SL_SETTING_SECONDS:
        sl_str_add_lit(out, "seconds from ");
        print_seconds(out, (uint64_t)setting->least);
        sl_str_add_lit(out, " to ");
        print_seconds(out, (uint64_t)setting->most);
        sl_str_add_lit(out, ", such as 10, 0.5, 500ms or 2m");
        break;
    case SL_SETTING_FLAG: sl_str_add_lit(out, "yes or no"); break;
    case SL_SETTING_CHOICE:
        sl_str_add_lit(out, "one of ");
        print_words(setting->words, ", ", out);
        break;
    case SL_SETTING_LIST:
        sl_str_add_fmt(out,
                       "%" PRId64 " to %" PRId64 " items with commas between",
                       setting->least, setting->most);
        break;
    case SL_SETTING_SECRET:
        sl_str_add_fmt(out, "a secret of %" PRId64 " to %" PRId64 " bytes",
                       setting->least, setting->most);
        break;
    case SL_SETTING_ADDRESS:
        sl_str_add_lit(out, "HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080");
        if (setting->words != NULL) {
            sl_str_add_lit(out, ", or ");
            print_words(setting->words, " or ", out);
        }
        break;
    case SL_SETTING_PATH: sl_str_add_lit(out, "a path"); break;
    default:
        sl_str_add_fmt(out,
                       "a text of %" PRId64 " to %" PRId64
                       " bytes without control characters",
                       setting->least, setting->most);
    }
}
