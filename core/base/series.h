// SPDX-License-Identifier: MIT
/*
 * Metrics that scripts make while they run: counters, gauges and histograms,
 * each series a name and labels. A thread has a set of its own, which it alone
 * changes; any thread may read it meanwhile. Series are added and stay, in
 * bounded number, until the set is released: readers need no lock.
 *
 * A set of all zero is an empty one.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

enum sl_series_kind {
    SL_SERIES_COUNTER,
    SL_SERIES_GAUGE,
    SL_SERIES_HISTOGRAM,
    SL_SERIES_KINDS
};

struct sl_series;

struct sl_series_set {
    struct sl_series *_Atomic first; /* the youngest */
    unsigned count;                  /* the owner's */
};

struct sl_series_spec {
    enum sl_series_kind kind;
    struct sl_slice name; /* without prefix */
    struct sl_slice
        labels;           /* as the page has them: a="1",b="2"; may be empty */
    const double *bounds; /* of a histogram: upper ones, rising */
    unsigned bound_count; /* at most SL_SERIES_BOUNDS_MAX */
};

/* ---- the owning thread ---- */

/* Adds one that is not there yet; copies what the spec borrows. NULL: there
 * are SL_SERIES_MAX already. */
struct sl_series *sl_series_add(struct sl_series_set *set,
                                const struct sl_series_spec *spec);

/* The series of that name and labels; NULL: not there yet. */
struct sl_series *sl_series_find(const struct sl_series_set *set,
                                 struct sl_slice name, struct sl_slice labels);

/* Any series of that name: all of a name should be of one kind. */
const struct sl_series *sl_series_named(const struct sl_series_set *set,
                                        struct sl_slice name);

/* Counters and gauges. */
void sl_series_change(struct sl_series *series, double by);
void sl_series_put(struct sl_series *series, double value);     /* gauges */
void sl_series_observe(struct sl_series *series, double value); /* histograms */

/* Frees the series; nobody reads any more. */
void sl_series_release(struct sl_series_set *set);

/* ---- any thread ---- */

const struct sl_series *sl_series_first(const struct sl_series_set *set);
const struct sl_series *sl_series_next(const struct sl_series *series);

/* Kind, name, labels and bounds; borrowed from the series. */
const struct sl_series_spec *sl_series_what(const struct sl_series *series);

/* Of a histogram the sum of what was observed. */
double sl_series_value(const struct sl_series *series);

/* How many observations fell into the bucket below bound `at` and over the one
 * before; at == bound_count: over all bounds. */
uint64_t sl_series_bucket(const struct sl_series *series, unsigned at);
