// SPDX-License-Identifier: MIT
/*
 * Arguments and answers, as strict and with the words that Redis 7 has.
 */
#include "store/command.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define ERR_FULL "OOM command not allowed when used memory > 'maxmemory'."

#define INTEGER_TEXT_MAX 20 /* "-9223372036854775808" */
#define FLOAT_TEXT_MAX 128  /* longer ones are no sensible numbers */

/* ---- answers ---- */

void sl_answer_integer(struct sl_call *call, int64_t integer)
{
    call->reply.kind = SL_REPLY_INTEGER;
    call->reply.integer = integer;
}

void sl_answer_bytes(struct sl_call *call, enum sl_reply_kind kind)
{
    call->reply.kind = kind;
    call->reply.text = sl_str_slice(&call->bytes);
}

void sl_answer_text(struct sl_call *call, enum sl_reply_kind kind,
                    struct sl_slice text)
{
    sl_str_add_slice(&call->bytes, text);
    sl_answer_bytes(call, kind);
}

void sl_answer_error(struct sl_call *call, const char *text)
{
    sl_answer_text(call, SL_REPLY_ERROR, sl_slice_str(text));
}

void sl_answer_arity(struct sl_call *call, const char *name)
{
    sl_str_add_fmt(&call->bytes,
                   "ERR wrong number of arguments for '%s' command", name);
    sl_answer_bytes(call, SL_REPLY_ERROR);
}

void sl_answer_full(struct sl_call *call)
{
    ++*call->refused_count;
    sl_answer_error(call, ERR_FULL);
}

void sl_answer_items(struct sl_call *call, const struct sl_slice *items,
                     unsigned count)
{
    size_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += items[i].len;
    char *at = sl_str_reserve(&call->bytes, total);
    call->items = sl_alloc(count * sizeof(*call->items));
    for (unsigned i = 0; i < count; i++) {
        if (items[i].len > 0)
            memcpy(at, items[i].ptr, items[i].len);
        call->items[i] = sl_slice_of(at, items[i].len);
        at += items[i].len;
    }
    call->reply.kind = SL_REPLY_ARRAY;
    call->reply.items = call->items;
    call->reply.item_count = count;
}

/* ---- arguments ---- */

bool sl_parse_integer(struct sl_slice text, int64_t *out)
{
    size_t at = 0;
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative)
        at++;
    if (text.len == at || text.len > INTEGER_TEXT_MAX)
        return false;
    if (text.ptr[at] == '0' && text.len > 1)
        return false;
    uint64_t value = 0;
    for (; at < text.len; at++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[at] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (value > most)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool sl_parse_float(struct sl_slice text, double *out)
{
    char copy[FLOAT_TEXT_MAX + 1];
    if (text.len == 0 || text.len > FLOAT_TEXT_MAX || is_blank(text.ptr[0]))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    char *end;
    errno = 0;
    *out = strtod(copy, &end);
    bool out_of_range =
        errno == ERANGE && (isinf(*out) || fpclassify(*out) == FP_ZERO);
    return end == copy + text.len && !out_of_range && !isnan(*out);
}

uint32_t sl_range(int64_t *first, int64_t last, uint32_t count)
{
    int64_t total = count;
    if (*first < 0)
        *first = *first < -total ? 0 : *first + total;
    if (last < 0)
        last = last < -total ? -1 : last + total;
    if (last >= total)
        last = total - 1;
    return *first > last ? 0 : (uint32_t)(last - *first + 1);
}

bool sl_parse_range(struct sl_call *call, unsigned at, int64_t *first,
                    int64_t *last)
{
    if (sl_parse_integer(call->argv[at], first) &&
        sl_parse_integer(call->argv[at + 1], last))
        return true;
    sl_answer_error(call, SL_STORE_E_INTEGER);
    return false;
}

struct sl_key *sl_call_key(struct sl_call *call)
{
    return sl_keyspace_find(call->space, call->argv[1], call->now_ms);
}

bool sl_is_kind(struct sl_call *call, const struct sl_key *key,
                enum sl_key_kind kind)
{
    if (key == NULL || key->kind == kind)
        return true;
    sl_answer_error(call, SL_STORE_E_TYPE);
    return false;
}
