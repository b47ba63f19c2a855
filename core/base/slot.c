// SPDX-License-Identifier: MIT
/*
 * Ids are generation << 32 | index. A generation begins at 1, so no id is 0,
 * and grows with each removal. An entry whose generation would begin anew is
 * never used again: 16 bytes lost after four milliards of uses, against an old
 * id that names something else.
 */
#include "base/slot.h"

#include "base/check.h"
#include "base/mem.h"

#define CAP_MIN 16u

struct sl_slot_entry {
    void *item; /* NULL while free */
    uint32_t generation;
    uint32_t next_free; /* index + 1; 0: none */
};

void sl_slots_init(struct sl_slots *slots)
{
    *slots = (struct sl_slots){ 0 };
}

void sl_slots_release(struct sl_slots *slots)
{
    sl_free(slots->entries);
    sl_slots_init(slots);
}

static uint32_t take_entry(struct sl_slots *slots)
{
    if (slots->free_head != 0) {
        uint32_t index = slots->free_head - 1;
        slots->free_head = slots->entries[index].next_free;
        return index;
    }
    if (slots->count == slots->cap) {
        sl_assert(slots->cap <= UINT32_MAX / 2);
        slots->cap = slots->cap == 0 ? CAP_MIN : slots->cap * 2;
        slots->entries =
            sl_realloc(slots->entries, slots->cap * sizeof(*slots->entries));
    }
    slots->entries[slots->count].generation = 1;
    return slots->count++;
}

sl_slot_id sl_slots_add(struct sl_slots *slots, void *item)
{
    sl_assert(item != NULL);
    uint32_t index = take_entry(slots);
    struct sl_slot_entry *entry = &slots->entries[index];
    entry->item = item;
    entry->next_free = 0;
    return (sl_slot_id)entry->generation << 32 | index;
}

static struct sl_slot_entry *find(const struct sl_slots *slots, sl_slot_id id)
{
    uint32_t index = (uint32_t)id;
    if (index >= slots->count)
        return NULL;
    struct sl_slot_entry *entry = &slots->entries[index];
    bool alive = entry->item != NULL && entry->generation == id >> 32;
    return alive ? entry : NULL;
}

void *sl_slots_get(const struct sl_slots *slots, sl_slot_id id)
{
    struct sl_slot_entry *entry = find(slots, id);
    return entry == NULL ? NULL : entry->item;
}

void sl_slots_remove(struct sl_slots *slots, sl_slot_id id)
{
    struct sl_slot_entry *entry = find(slots, id);
    if (entry == NULL)
        return;
    entry->item = NULL;
    if (++entry->generation == 0)
        return;
    entry->next_free = slots->free_head;
    slots->free_head = (uint32_t)id + 1;
}
