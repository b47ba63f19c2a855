// SPDX-License-Identifier: MIT
/*
 * A text is read piece by piece; a piece is a byte that may be repeated, or a
 * name.
 */
#include "tests/wire/notation.h"

#include <ctype.h>
#include <stdlib.h>

#define SEPARATOR_SIGN "\xe2\x90\x9e" /* U+241E in UTF-8 */
#define SEPARATOR '\x1e'
#define SHOWN_RUN 20 /* repeated bytes from which on their number is shown */

struct piece {
    char byte;
    size_t times;
    struct sl_slice name; /* when times is 0 */
};

static void skip(struct sl_slice *text, size_t count)
{
    *text = sl_slice_of(text->ptr + count, text->len - count);
}

static bool starts(struct sl_slice text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.ptr, with, len) == 0;
}

static bool read_hex(struct sl_slice text, struct piece *piece)
{
    if (text.len < 4 || !starts(text, "\\x") ||
        !isxdigit((unsigned char)text.ptr[2]) ||
        !isxdigit((unsigned char)text.ptr[3]))
        return false;
    char digits[3] = { text.ptr[2], text.ptr[3], '\0' };
    piece->byte = (char)strtoul(digits, NULL, 16);
    return true;
}

/* \(N*c): its size, or 0. */
static size_t read_repeated(struct sl_slice text, struct piece *piece)
{
    size_t at = 2, times = 0;
    while (at < text.len && isdigit((unsigned char)text.ptr[at]))
        times = times * 10 + (size_t)(text.ptr[at++] - '0');
    if (at == 2 || text.len < at + 3 || text.ptr[at] != '*')
        return 0;
    size_t size = 1;
    *piece = (struct piece){ .byte = text.ptr[++at], .times = times };
    if (read_hex(sl_slice_of(text.ptr + at, text.len - at), piece))
        size = 4;
    at += size;
    return at < text.len && text.ptr[at] == ')' ? at + 1 : 0;
}

static size_t read_escape(struct sl_slice text, struct piece *piece)
{
    char letter = text.len > 1 ? text.ptr[1] : '\0';
    switch (letter) {
    case 'r': piece->byte = '\r'; return 2;
    case 'n': piece->byte = '\n'; return 2;
    case 't': piece->byte = '\t'; return 2;
    case 'x': return read_hex(text, piece) ? 4 : 1;
    case '(': {
        size_t size = read_repeated(text, piece);
        return size > 0 ? size : 1;
    }
    default: return 1;
    }
}

static struct piece next_piece(struct sl_slice *text)
{
    struct piece piece = { .byte = text->ptr[0], .times = 1 };
    size_t size = 1;
    if (starts(*text, SEPARATOR_SIGN)) {
        piece.byte = SEPARATOR;
        size = sizeof(SEPARATOR_SIGN) - 1;
    } else if (piece.byte == '\\') {
        size = read_escape(*text, &piece);
    } else if (piece.byte == '$') {
        while (size < text->len && islower((unsigned char)text->ptr[size]))
            size++;
        if (size > 1 && size - 1 <= NOTATION_NAME_MAX)
            piece =
                (struct piece){ .name = sl_slice_of(text->ptr + 1, size - 1) };
        else
            size = 1;
    }
    skip(text, size);
    return piece;
}

static const char *value_of(const struct notation_names *names,
                            struct sl_slice name)
{
    for (unsigned i = 0; i < names->count; i++)
        if (sl_slice_eq(sl_slice_str(names->items[i].name), name))
            return names->items[i].value;
    return NULL;
}

bool notation_expand(struct sl_str *out, struct sl_slice text,
                     const struct notation_names *names)
{
    while (text.len > 0) {
        struct piece piece = next_piece(&text);
        for (size_t i = 0; i < piece.times; i++)
            sl_str_add_char(out, piece.byte);
        if (piece.name.len == 0)
            continue;
        const char *value = value_of(names, piece.name);
        if (value == NULL)
            return false;
        sl_str_add(out, value, SL_ID_LEN);
    }
    return true;
}

static bool match_name(struct sl_slice name, struct sl_slice bytes,
                       struct notation_names *names)
{
    if (bytes.len < SL_ID_LEN)
        return false;
    const char *value = value_of(names, name);
    if (value != NULL)
        return memcmp(value, bytes.ptr, SL_ID_LEN) == 0;
    for (size_t i = 0; i < SL_ID_LEN; i++)
        if (!isalnum((unsigned char)bytes.ptr[i]) && bytes.ptr[i] != '-' &&
            bytes.ptr[i] != '_')
            return false;
    if (names->count == NOTATION_NAMES_MAX)
        return false;
    unsigned index = names->count++;
    memcpy(names->items[index].name, name.ptr, name.len);
    names->items[index].name[name.len] = '\0';
    memcpy(names->items[index].value, bytes.ptr, SL_ID_LEN);
    return true;
}

bool notation_matches(struct sl_slice text, struct sl_slice bytes,
                      struct notation_names *names)
{
    while (text.len > 0) {
        struct piece piece = next_piece(&text);
        if (piece.name.len > 0) {
            if (!match_name(piece.name, bytes, names))
                return false;
            skip(&bytes, SL_ID_LEN);
            continue;
        }
        if (bytes.len < piece.times)
            return false;
        for (size_t i = 0; i < piece.times; i++)
            if (bytes.ptr[i] != piece.byte)
                return false;
        skip(&bytes, piece.times);
    }
    return bytes.len == 0;
}

static void show_byte(struct sl_str *out, char byte)
{
    if (byte == SEPARATOR)
        sl_str_add_lit(out, SEPARATOR_SIGN);
    else if (byte == '\r')
        sl_str_add_lit(out, "\\r");
    else if (byte == '\n')
        sl_str_add_lit(out, "\\n");
    else if ((unsigned char)byte < ' ' || byte == '\x7f')
        sl_str_add_fmt(out, "\\x%02x", (unsigned)(unsigned char)byte);
    else
        sl_str_add_char(out, byte);
}

void notation_show(struct sl_str *out, struct sl_slice bytes)
{
    for (size_t at = 0, run; at < bytes.len; at += run) {
        for (run = 1; at + run < bytes.len; run++)
            if (bytes.ptr[at + run] != bytes.ptr[at])
                break;
        if (run >= SHOWN_RUN && isalnum((unsigned char)bytes.ptr[at]))
            sl_str_add_fmt(out, "\\(%zu*%c)", run, bytes.ptr[at]);
        else
            for (size_t i = 0; i < run; i++)
                show_byte(out, bytes.ptr[at]);
    }
}
