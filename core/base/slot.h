// SPDX-License-Identifier: MIT
/*
 * Ids with a generation for things that Lua or the wire may name after their
 * death: a table of slots; an id is index and generation, and looking up the
 * id of something that is gone gives NULL, never something else. One thread.
 */
#pragma once

#include "base/base.h"

#include <stdint.h>

struct sl_slots {
    struct sl_slot_entry *entries;
    uint32_t count, cap; /* entries used so far, free ones included | room */
    uint32_t free_head;  /* index + 1 of the first free entry; 0: none */
};

/* 0 is never the id of anything. */
typedef uint64_t sl_slot_id;

void sl_slots_init(struct sl_slots *slots);
void sl_slots_release(struct sl_slots *slots);
sl_slot_id sl_slots_add(struct sl_slots *slots, void *item); /* not NULL */
void *sl_slots_get(const struct sl_slots *slots, sl_slot_id id);
void sl_slots_remove(struct sl_slots *slots, sl_slot_id id); /* gone: fine */
