// SPDX-License-Identifier: MIT
/*
 * Request targets (RFC 9112 3.2) and query strings. Nothing is normalized:
 * who maps a path to something of his own decodes and checks it himself.
 */
#include "wire/url.h"

/* Without "scheme://authority". False: that is not how it begins. */
static bool skip_authority(struct sl_slice *target)
{
    const char *end = target->ptr + target->len;
    const char *at = memmem(target->ptr, target->len, "://", 3);
    if (at == NULL || at == target->ptr)
        return false;
    for (const char *c = target->ptr; c < at; c++) {
        unsigned char letter = sl_ascii_lower((unsigned char)*c);
        bool is_letter = letter >= 'a' && letter <= 'z';
        bool is_other = (letter >= '0' && letter <= '9') || letter == '+' ||
                        letter == '-' || letter == '.';
        if (!is_letter && (c == target->ptr || !is_other))
            return false;
    }
    const char *authority = at + 3;
    for (at = authority; at < end && *at != '/' && *at != '?'; at++)
        continue;
    if (at == authority)
        return false;
    *target = sl_slice_of(at, (size_t)(end - at));
    return true;
}

bool sl_url_parse(struct sl_slice target, struct sl_url *url)
{
    *url = (struct sl_url){ 0 };
    if (target.len == 0)
        return false;
    if (target.ptr[0] != '/' && !skip_authority(&target))
        return false;
    const char *mark =
        target.len == 0 ? NULL : memchr(target.ptr, '?', target.len);
    url->path = target;
    if (mark != NULL) {
        url->path.len = (size_t)(mark - target.ptr);
        url->query = sl_slice_of(mark + 1, target.len - url->path.len - 1);
    }
    if (url->path.len == 0)
        url->path = SL_SLICE("/");
    return true;
}

static int hex_value(char c)
{
    unsigned char lower = sl_ascii_lower((unsigned char)c);
    if (lower >= '0' && lower <= '9')
        return lower - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool sl_url_decode(struct sl_str *out, struct sl_slice text, bool form)
{
    bool ok = true;
    if (text.len == 0)
        return true;
    char *to = sl_str_reserve(out, text.len); /* decoding never grows */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '+' && form)
            c = ' ';
        if (c == '%') {
            int high = text.len - i > 2 ? hex_value(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
            if (low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            } else {
                ok = false;
            }
        }
        *to++ = c;
    }
    out->len = (size_t)(to - out->ptr);
    return ok;
}

/* Cuts off what stands before c, c included; all of it when there is none. */
static struct sl_slice cut(struct sl_slice *rest, char c)
{
    struct sl_slice head = *rest;
    const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, c, rest->len);
    if (at == NULL) {
        *rest = (struct sl_slice){ 0 };
        return head;
    }
    head.len = (size_t)(at - rest->ptr);
    *rest = sl_slice_of(at + 1, rest->len - head.len - 1);
    return head;
}

bool sl_query_next(struct sl_query_iter *iter, struct sl_slice *name,
                   struct sl_slice *value)
{
    while (iter->rest.len > 0) {
        struct sl_slice pair = cut(&iter->rest, '&');
        if (pair.len == 0)
            continue;
        *name = cut(&pair, '=');
        *value = pair;
        return true;
    }
    return false;
}

bool sl_query_get(struct sl_slice query, struct sl_slice name,
                  struct sl_slice *value, unsigned *count)
{
    struct sl_query_iter iter = { .rest = query };
    struct sl_slice pair_name, pair_value;
    unsigned found = 0;
    while (sl_query_next(&iter, &pair_name, &pair_value)) {
        if (!sl_slice_eq_nocase(pair_name, name))
            continue;
        if (found++ == 0)
            *value = pair_value;
        if (count == NULL)
            break;
    }
    if (count != NULL)
        *count = found;
    return found > 0;
}
