// SPDX-License-Identifier: MIT
/*
 * The growing byte string: doubles, so that n bytes appended one by one cost
 * O(n).
 */
#include "base/str.h"

#include "base/check.h"

#include <stdio.h>

#define CAP_MIN 64        /* bytes of the first allocation */
#define U64_DIGITS_MAX 20 /* of 18446744073709551615 */

void sl_str_release(struct sl_str *str)
{
    sl_free(str->ptr);
    *str = (struct sl_str){ 0 };
}

char *sl_str_reserve_slow(struct sl_str *str, size_t more)
{
    sl_assert(str->len <= str->cap);
    sl_assert(more <= SIZE_MAX / 4 - str->len);

    size_t need = str->len + more;
    size_t cap = str->cap < CAP_MIN ? CAP_MIN : str->cap;
    while (cap < need)
        cap *= 2;
    if (cap > str->cap) {
        str->ptr = sl_realloc(str->ptr, cap);
        str->cap = cap;
    }
    return str->ptr + str->len;
}

void sl_str_add_vfmt(struct sl_str *str, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char *room = sl_str_reserve(str, 1);
    int len = vsnprintf(room, str->cap - str->len, format, args);
    sl_assert(len >= 0);
    if ((size_t)len >= str->cap - str->len) {
        /* One byte more than is kept: vsnprintf ends with a zero. */
        room = sl_str_reserve(str, (size_t)len + 1);
        int len_again = vsnprintf(room, (size_t)len + 1, format, again);
        sl_assert(len_again == len);
    }
    str->len += (size_t)len;
    va_end(again);
}

void sl_str_add_fmt(struct sl_str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sl_str_add_vfmt(str, format, args);
    va_end(args);
}

void sl_str_add_u64(struct sl_str *str, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    char *end = digits + sizeof(digits);
    char *at = end;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    sl_str_add(str, at, (size_t)(end - at));
}

void sl_str_add_i64(struct sl_str *str, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        sl_str_add_char(str, '-');
        magnitude = 0 - magnitude; /* right for INT64_MIN, too */
    }
    sl_str_add_u64(str, magnitude);
}

const char *sl_str_cstr(struct sl_str *str)
{
    *sl_str_reserve(str, 1) = '\0';
    return str->ptr;
}

void sl_str_trim(struct sl_str *str, size_t keep_max)
{
    if (str->cap > keep_max)
        sl_str_release(str);
}
