// SPDX-License-Identifier: MIT
/*
 * The bucket lacks (full - now) / interval items. Nanoseconds, since the
 * interval of a high rate is no whole number of anything larger.
 */
#include "hub/rate.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#define NS_PER_MS UINT64_C(1000000)

bool sl_rate_take(const struct sl_rate *rate, uint64_t *full_ns,
                  uint64_t now_ms)
{
    sl_assert(rate->count <= SL_RATE_COUNT_MAX);
    if (rate->count == 0)
        return true;
    uint64_t now_ns = now_ms * NS_PER_MS;
    uint64_t per_ns = rate->per_ms * NS_PER_MS;
    uint64_t full = *full_ns > now_ns ? *full_ns : now_ns;
    full += per_ns / rate->count;
    if (full > now_ns + per_ns)
        return false;
    *full_ns = full;
    return true;
}

void sl_rate_describe(const struct sl_rate *rate, struct sl_str *out)
{
    sl_str_add_fmt(out, "%u in %.6g s", rate->count, rate->per_ms / 1000.0);
}

struct sl_bucket {
    struct sl_bucket *next;
    uint64_t full_ns;
    size_t len;
    char name[];
};

static struct sl_bucket *find(struct sl_bucket *buckets, struct sl_slice name)
{
    struct sl_bucket *bucket = buckets;
    while (bucket != NULL &&
           !sl_slice_eq(sl_slice_of(bucket->name, bucket->len), name))
        bucket = bucket->next;
    return bucket;
}

bool sl_buckets_take(struct sl_bucket **buckets, struct sl_slice name,
                     const struct sl_rate *rate, uint64_t now_ms)
{
    sl_assert(name.len > 0);
    struct sl_bucket *bucket = find(*buckets, name);
    if (bucket == NULL) {
        bucket = sl_alloc(sizeof(*bucket) + name.len);
        bucket->next = *buckets;
        bucket->full_ns = 0;
        bucket->len = name.len;
        memcpy(bucket->name, name.ptr, name.len);
        *buckets = bucket;
    }
    return sl_rate_take(rate, &bucket->full_ns, now_ms);
}

void sl_buckets_free(struct sl_bucket *buckets)
{
    while (buckets != NULL) {
        struct sl_bucket *next = buckets->next;
        sl_free(buckets);
        buckets = next;
    }
}
