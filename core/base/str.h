// SPDX-License-Identifier: MIT
/*
 * A growing byte string. All zero is a valid empty one. Invariants: len <=
 * cap; ptr is NULL exactly when cap is 0. Not zero-ended unless sl_str_cstr
 * was called last.
 */
#pragma once

#include "base/base.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdint.h>

struct sl_str {
    char *ptr;
    size_t len; /* bytes in use */
    size_t cap; /* bytes allocated */
};

void sl_str_release(struct sl_str *str);

/* Makes room for `more` bytes and returns where they begin, never NULL; len is
 * unchanged. */
char *sl_str_reserve_slow(struct sl_str *str, size_t more)
    __attribute__((returns_nonnull));

static inline char *sl_str_reserve(struct sl_str *str, size_t more)
{
    /* An exact fit goes the slow way: `>=` would let 0 of 0 bytes pass. */
    if (SL_LIKELY(str->cap - str->len > more)) {
        if (str->ptr == NULL)
            __builtin_unreachable(); /* cap is 0 then: gcc cannot see it */
        return str->ptr + str->len;
    }
    return sl_str_reserve_slow(str, more);
}

static inline void sl_str_add(struct sl_str *str, const void *ptr, size_t len)
{
    if (len == 0)
        return;
    memcpy(sl_str_reserve(str, len), ptr, len);
    str->len += len;
}

static inline void sl_str_add_slice(struct sl_str *str, struct sl_slice s)
{
    sl_str_add(str, s.ptr, s.len);
}

static inline void sl_str_add_char(struct sl_str *str, char c)
{
    *sl_str_reserve(str, 1) = c;
    str->len++;
}

#define sl_str_add_lit(str, literal) \
    sl_str_add((str), (literal), sizeof(literal) - 1)

void sl_str_add_fmt(struct sl_str *str, const char *format, ...)
    SL_PRINTF(2, 3);
void sl_str_add_vfmt(struct sl_str *str, const char *format, va_list args)
    SL_PRINTF(2, 0);
void sl_str_add_u64(struct sl_str *str, uint64_t value); /* decimal */
void sl_str_add_i64(struct sl_str *str, int64_t value);  /* decimal */

/* Ends the bytes with a zero (not counted in len) and returns them. */
const char *sl_str_cstr(struct sl_str *str);

static inline struct sl_slice sl_str_slice(const struct sl_str *str)
{
    return sl_slice_of(str->ptr, str->len);
}

static inline void sl_str_clear(struct sl_str *str)
{
    str->len = 0;
}

/* Drops the memory when more than keep_max bytes are allocated: a scratch
 * string must not stay as large as the largest message it ever held. */
void sl_str_trim(struct sl_str *str, size_t keep_max);
