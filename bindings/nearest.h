// SPDX-License-Identifier: MIT
/*
 * Which name was meant: the nearest of those that there are, by letters to
 * insert, remove or change. Case and underscores count for nothing, so that
 * "OthersInGroup" leads to "others_in_group".
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct sl_nearest {
    struct sl_slice name; /* what was written */
    struct sl_slice best; /* borrowed from who offered it; empty: none yet */
    unsigned far;         /* letters between the two */
};

void sl_nearest_init(struct sl_nearest *nearest, struct sl_slice name);

/* The first of several that are equally near stays. */
void sl_nearest_offer(struct sl_nearest *nearest, struct sl_slice candidate);

/* Whether the best is near enough to have been meant: at most a third of its
 * letters is wrong. */
bool sl_nearest_is_near(const struct sl_nearest *nearest);
