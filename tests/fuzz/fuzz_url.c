// SPDX-License-Identifier: MIT
/*
 * Any bytes as a request target: all parts lie inside it, and decoding never
 * makes text longer.
 */
#include "base/check.h"
#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_decode(struct sl_slice text, bool form)
{
    struct sl_str out = { 0 };
    sl_url_decode(&out, text, form);
    sl_assert(out.len <= text.len);
    sl_str_release(&out);
}

static void check_query(struct sl_slice query)
{
    struct sl_query_iter iter = { .rest = query };
    struct sl_slice name, value, first;
    unsigned count;
    size_t total = 0;
    while (sl_query_next(&iter, &name, &value)) {
        total += name.len + value.len;
        check_decode(name, true);
        check_decode(value, true);
        sl_assert(sl_query_get(query, name, &first, &count) && count > 0);
        if (total > 4096) /* the look-ups above are quadratic */
            return;
    }
    sl_assert(total <= query.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sl_slice target = sl_slice_of(bytes, len);
    struct sl_url url;
    if (!sl_url_parse(target, &url))
        return 0;
    sl_assert(url.path.len > 0 && url.path.ptr[0] == '/');
    sl_assert(url.query.len < target.len);
    check_decode(url.path, false);
    check_query(url.query);
    return 0;
}
