// SPDX-License-Identifier: MIT
/*
 * Rates: at most `count` in `per_ms`, as a bucket that is full at first and
 * fills up evenly. A bucket is one number: the time at which it would be full
 * again; all zero is full.
 */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_str;

struct sl_rate {
    uint32_t count; /* 0: no limit; at most SL_RATE_COUNT_MAX */
    uint32_t per_ms;
};

/* Takes one out. False: the bucket is empty, nothing was taken. */
bool sl_rate_take(const struct sl_rate *rate, uint64_t *full_ns,
                  uint64_t now_ms);

/* Appends "5 in 1 s". */
void sl_rate_describe(const struct sl_rate *rate, struct sl_str *out);

/* Buckets by name, few: a list, NULL is none. */
struct sl_bucket;

bool sl_buckets_take(struct sl_bucket **buckets, struct sl_slice name,
                     const struct sl_rate *rate, uint64_t now_ms);
void sl_buckets_free(struct sl_bucket *buckets);
