// SPDX-License-Identifier: MIT
/*
 * A scanner that knows just enough of Lua's lexical rules to pass over
 * comments and strings. A name followed by `=` (and not `==`) counts. What it
 * takes wrongly costs an odd order, nothing else.
 */
#include "bindings/name_order.h"

#include <ctype.h>
#include <stdlib.h>

#define FEW 12 /* up to here sorting by hand beats qsort's calls */

struct source {
    const char *at, *end;
};

static bool is_at(const struct source *in, char c)
{
    return in->at < in->end && *in->at == c;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* At "[": passes over [[...]] or [==[...]==]. False: it is none. */
static bool skip_long(struct source *in)
{
    const char *p = in->at + 1;
    while (p < in->end && *p == '=')
        p++;
    if (p == in->end || *p != '[')
        return false;
    size_t level = (size_t)(p - in->at) - 1;
    while (p < in->end) {
        p = memchr(p, ']', (size_t)(in->end - p));
        if (p == NULL)
            break;
        const char *close = ++p;
        while (p < in->end && *p == '=')
            p++;
        if (p < in->end && *p == ']' && (size_t)(p - close) == level) {
            in->at = p + 1;
            return true;
        }
    }
    in->at = in->end;
    return true;
}

static void skip_comment(struct source *in)
{
    in->at += 2;
    if (is_at(in, '[') && skip_long(in))
        return;
    while (in->at < in->end && *in->at != '\n')
        in->at++;
}

static void skip_string(struct source *in)
{
    char quote = *in->at++;
    while (in->at < in->end && *in->at != quote && *in->at != '\n')
        in->at += *in->at == '\\' && in->end - in->at > 1 ? 2 : 1;
    if (in->at < in->end)
        in->at++;
}

static struct sl_slice take_name(struct source *in)
{
    const char *begin = in->at;
    while (in->at < in->end && is_name_char(*in->at))
        in->at++;
    return sl_slice_of(begin, (size_t)(in->at - begin));
}

static bool is_assigned(const struct source *in)
{
    const char *p = in->at;
    while (p < in->end && isspace((unsigned char)*p))
        p++;
    return p < in->end && *p == '=' && (p + 1 == in->end || p[1] != '=');
}

static void add_name(lua_State *L, struct sl_slice name, unsigned *count)
{
    sl_lua_push_slice(L, name);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    bool known = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (known) {
        lua_pop(L, 1);
        return;
    }
    lua_pushinteger(L, (lua_Integer)++ * count);
    lua_rawset(L, -3);
}

void sl_name_order_scan(lua_State *L, struct sl_slice source, unsigned *count)
{
    struct source in = { source.ptr, source.ptr + source.len };
    while (in.at < in.end) {
        char c = *in.at;
        if (c == '-' && in.end - in.at > 1 && in.at[1] == '-') {
            skip_comment(&in);
        } else if (c == '"' || c == '\'') {
            skip_string(&in);
        } else if (c == '[') {
            if (!skip_long(&in))
                in.at++;
        } else if (is_name_char(c)) {
            struct sl_slice name = take_name(&in);
            if (is_assigned(&in))
                add_name(L, name, count);
        } else {
            in.at++;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct sl_name_place *left = a, *right = b;
    if (left->place != right->place)
        return left->place < right->place ? -1 : 1;
    size_t common =
        left->name.len < right->name.len ? left->name.len : right->name.len;
    int order = memcmp(left->name.ptr, right->name.ptr, common);
    if (order != 0)
        return order;
    return left->name.len < right->name.len ? -1 : 1;
}

void sl_name_order_sort(struct sl_name_place *places, size_t count)
{
    if (count > FEW) {
        qsort(places, count, sizeof(*places), compare);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct sl_name_place moving = places[i];
        size_t j = i;
        for (; j > 0 && compare(&moving, &places[j - 1]) < 0; j--)
            places[j] = places[j - 1];
        places[j] = moving;
    }
}
