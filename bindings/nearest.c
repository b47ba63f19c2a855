// SPDX-License-Identifier: MIT
/* Levenshtein's distance, one row at a time. */
#include "bindings/nearest.h"

#define NAME_LEN_MAX 40u /* no name of the API is longer */

/* Without underscores, in lower case. False: too long to be looked at. */
static bool fold(struct sl_slice name, char *out, unsigned *len)
{
    *len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '_')
            continue;
        if (*len == NAME_LEN_MAX)
            return false;
        out[(*len)++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return true;
}

static unsigned distance(struct sl_slice left, struct sl_slice right)
{
    char a[NAME_LEN_MAX], b[NAME_LEN_MAX];
    unsigned row[NAME_LEN_MAX + 1], a_len, b_len;
    if (!fold(left, a, &a_len) || !fold(right, b, &b_len))
        return NAME_LEN_MAX;
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < shift ? change : shift;
        }
    }
    return row[b_len];
}

void sl_nearest_init(struct sl_nearest *nearest, struct sl_slice name)
{
    *nearest = (struct sl_nearest){ .name = name, .far = NAME_LEN_MAX + 1 };
}

void sl_nearest_offer(struct sl_nearest *nearest, struct sl_slice candidate)
{
    unsigned far = distance(nearest->name, candidate);
    if (far >= nearest->far)
        return;
    nearest->far = far;
    nearest->best = candidate;
}

bool sl_nearest_is_near(const struct sl_nearest *nearest)
{
    return nearest->best.len > 0 &&
           (size_t)nearest->far * 3 <= nearest->best.len;
}
