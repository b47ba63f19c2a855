// SPDX-License-Identifier: MIT
/*
 * A borrowed run of bytes: pointer and length. Never owns, never ends in a
 * zero byte by promise; all zero is the empty slice. Wire strings are slices,
 * so that a zero byte inside a name is an ordinary byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sl_slice {
    const char *ptr;
    size_t len; /* bytes */
};

/* The slice of a string literal. */
#define SL_SLICE(literal) \
    ((struct sl_slice){ .ptr = (literal), .len = sizeof(literal) - 1 })

static inline struct sl_slice sl_slice_of(const void *ptr, size_t len)
{
    return (struct sl_slice){ .ptr = ptr, .len = len };
}

/* The slice of a C string; NULL gives the empty slice. */
static inline struct sl_slice sl_slice_str(const char *text)
{
    return sl_slice_of(text, text == NULL ? 0 : strlen(text));
}

static inline bool sl_slice_eq(struct sl_slice a, struct sl_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline unsigned char sl_ascii_lower(unsigned char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Equal but for the case of ASCII letters. */
static inline bool sl_slice_eq_nocase(struct sl_slice a, struct sl_slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (sl_ascii_lower((unsigned char)a.ptr[i]) !=
            sl_ascii_lower((unsigned char)b.ptr[i]))
            return false;
    return true;
}

/* Without spaces and tabs at both ends. */
static inline struct sl_slice sl_slice_trim(struct sl_slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static inline bool sl_slice_starts(struct sl_slice s, struct sl_slice prefix)
{
    return s.len >= prefix.len &&
           (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}
