// SPDX-License-Identifier: MIT
/*
 * Hierarchical timer wheel with millisecond ticks, driven by a given time, so
 * that keep-alive, time-outs and replay run under a fake clock. Setting and
 * cancelling are O(1). Entries are embedded in their owner and never
 * allocated. One thread.
 *
 * An entry fires once, at or after its due time; inside `fire` the entry is
 * detached and may be set again, and any entry may be set or cancelled.
 */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define SL_WHEEL_LEVELS 5
#define SL_WHEEL_SLOTS 64

struct sl_wheel_entry {
    struct sl_list node; /* detached when not set */
    uint64_t due_ms;
    void (*fire)(struct sl_wheel_entry *entry);
};

struct sl_wheel {
    uint64_t now_ms;  /* the time of the last advance: everybody's "now" */
    uint64_t tick_ms; /* up to which the wheel was turned */
    uint64_t used[SL_WHEEL_LEVELS]; /* a bit for each slot in use */
    struct sl_list slots[SL_WHEEL_LEVELS][SL_WHEEL_SLOTS];
    struct sl_list overdue; /* set for the past or for now */
};

void sl_wheel_init(struct sl_wheel *wheel, uint64_t now_ms);
void sl_wheel_entry_init(struct sl_wheel_entry *entry,
                         void (*fire)(struct sl_wheel_entry *entry));

/* (Re)sets the entry. A due time in the past fires at the next advance. */
void sl_wheel_set(struct sl_wheel *wheel, struct sl_wheel_entry *entry,
                  uint64_t due_ms);
void sl_wheel_cancel(struct sl_wheel *wheel, struct sl_wheel_entry *entry);

static inline bool sl_wheel_is_set(const struct sl_wheel_entry *entry)
{
    return !sl_list_detached(&entry->node);
}

/* Moves the time forward and fires what is due. now_ms never goes back. */
void sl_wheel_advance(struct sl_wheel *wheel, uint64_t now_ms);

/* A time not later than the next due entry (it may be earlier: the wheel then
 * only cascades); UINT64_MAX when nothing is set. */
uint64_t sl_wheel_next(const struct sl_wheel *wheel);
