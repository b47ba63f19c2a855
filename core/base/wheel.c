// SPDX-License-Identifier: MIT
/*
 * Level L has 64 slots of 64^L ms each. An entry lies on the lowest level whose
 * revolution reaches its due time, in the slot that its due time falls into.
 * Since an entry lies less than one revolution ahead, each used slot stands for
 * exactly one moment: its next beginning after tick_ms. When the time comes
 * there, a slot of a higher level is emptied onto lower ones (a cascade) and a
 * slot of level 0 is fired.
 *
 * Time moves from one used slot to the next by the bitmaps, so a long sleep
 * costs what it fires, not what it skips. Entries beyond the highest level wait
 * in its farthest slot and are placed anew from there: twelve days later at
 * the earliest.
 *
 * An entry that is set for a moment not after now_ms goes to `overdue`, which
 * only the next advance looks at: an entry that sets itself for "now" again and
 * again cannot keep one advance busy for ever.
 */
#include "base/wheel.h"

#include "base/check.h"

#define SLOT_BITS 6
#define SLOT_MASK (SL_WHEEL_SLOTS - 1)

_Static_assert(SL_WHEEL_SLOTS == 1 << SLOT_BITS, "a bitmap is 64 bits wide");

/* How far ahead of tick_ms an entry may lie on the highest level. */
#define REACH_MS ((UINT64_C(1) << (SLOT_BITS * SL_WHEEL_LEVELS)) - 1)

static unsigned slot_at(uint64_t time_ms, unsigned level)
{
    return (unsigned)(time_ms >> (SLOT_BITS * level)) & SLOT_MASK;
}

static void place(struct sl_wheel *wheel, struct sl_wheel_entry *entry)
{
    sl_assert(entry->due_ms >= wheel->tick_ms);
    uint64_t ahead_ms = entry->due_ms - wheel->tick_ms;
    if (ahead_ms > REACH_MS)
        ahead_ms = REACH_MS;
    unsigned level = 0;
    while (ahead_ms >> (SLOT_BITS * (level + 1)) != 0)
        level++;
    sl_assert(level < SL_WHEEL_LEVELS);

    unsigned slot = slot_at(wheel->tick_ms + ahead_ms, level);
    sl_list_push_back(&wheel->slots[level][slot], &entry->node);
    wheel->used[level] |= UINT64_C(1) << slot;
}

/* Takes the entry out and keeps the bitmap exact. An entry does not know its
 * slot; when it is the last one there, its neighbour is the slot itself. */
static void unplace(struct sl_wheel *wheel, struct sl_wheel_entry *entry)
{
    struct sl_list *neighbour = entry->node.next;
    sl_list_remove(&entry->node);
    if (!sl_list_empty(neighbour))
        return;
    uintptr_t first = (uintptr_t)&wheel->slots[0][0];
    uintptr_t offset = (uintptr_t)neighbour - first;
    if (offset >= sizeof(wheel->slots))
        return; /* not a slot but a list of overdue entries */
    size_t index = offset / sizeof(struct sl_list);
    wheel->used[index / SL_WHEEL_SLOTS] &=
        ~(UINT64_C(1) << (index % SL_WHEEL_SLOTS));
}

/* When the next used slot of the level begins; UINT64_MAX: there is none. */
static uint64_t next_on_level(const struct sl_wheel *wheel, unsigned level)
{
    uint64_t used = wheel->used[level];
    if (used == 0)
        return UINT64_MAX;
    unsigned shift = SLOT_BITS * level;
    unsigned first = (slot_at(wheel->tick_ms, level) + 1) & SLOT_MASK;
    /* Turned so that bit 0 is the slot after the present one. */
    uint64_t turned = first == 0 ? used : used >> first | used << (64 - first);
    uint64_t slots_ahead = (uint64_t)__builtin_ctzll(turned) + 1;
    return ((wheel->tick_ms >> shift) + slots_ahead) << shift;
}

static uint64_t next_slot_ms(const struct sl_wheel *wheel)
{
    uint64_t next_ms = UINT64_MAX;
    for (unsigned level = 0; level < SL_WHEEL_LEVELS; level++) {
        uint64_t level_ms = next_on_level(wheel, level);
        if (level_ms < next_ms)
            next_ms = level_ms;
    }
    return next_ms;
}

static void fire_all(struct sl_list *entries)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(entries)) != NULL) {
        struct sl_wheel_entry *entry =
            SL_CONTAINER_OF(node, struct sl_wheel_entry, node);
        entry->fire(entry);
    }
}

/* Empties the slot into `entries`, which becomes their list. */
static void take_slot(struct sl_wheel *wheel, unsigned level, unsigned slot,
                      struct sl_list *entries)
{
    sl_list_init(entries);
    sl_list_splice_back(entries, &wheel->slots[level][slot]);
    wheel->used[level] &= ~(UINT64_C(1) << slot);
}

/* Turns to a moment at which some slot begins. */
static void turn_to(struct sl_wheel *wheel, uint64_t tick_ms)
{
    struct sl_list entries;
    wheel->tick_ms = tick_ms;
    /* From the top, so that what falls several levels falls at once. */
    for (unsigned level = SL_WHEEL_LEVELS - 1; level > 0; level--) {
        uint64_t slot_ms = UINT64_C(1) << (SLOT_BITS * level);
        if ((tick_ms & (slot_ms - 1)) != 0)
            continue;
        take_slot(wheel, level, slot_at(tick_ms, level), &entries);
        struct sl_list *node;
        while ((node = sl_list_pop_front(&entries)) != NULL)
            place(wheel, SL_CONTAINER_OF(node, struct sl_wheel_entry, node));
    }
    take_slot(wheel, 0, slot_at(tick_ms, 0), &entries);
    fire_all(&entries);
}

void sl_wheel_init(struct sl_wheel *wheel, uint64_t now_ms)
{
    wheel->now_ms = now_ms;
    wheel->tick_ms = now_ms;
    sl_list_init(&wheel->overdue);
    for (unsigned level = 0; level < SL_WHEEL_LEVELS; level++) {
        wheel->used[level] = 0;
        for (unsigned slot = 0; slot < SL_WHEEL_SLOTS; slot++)
            sl_list_init(&wheel->slots[level][slot]);
    }
}

void sl_wheel_entry_init(struct sl_wheel_entry *entry,
                         void (*fire)(struct sl_wheel_entry *entry))
{
    sl_assert(fire != NULL);
    sl_list_init(&entry->node);
    entry->due_ms = 0;
    entry->fire = fire;
}

void sl_wheel_set(struct sl_wheel *wheel, struct sl_wheel_entry *entry,
                  uint64_t due_ms)
{
    unplace(wheel, entry);
    entry->due_ms = due_ms;
    if (due_ms <= wheel->now_ms)
        sl_list_push_back(&wheel->overdue, &entry->node);
    else
        place(wheel, entry);
}

void sl_wheel_cancel(struct sl_wheel *wheel, struct sl_wheel_entry *entry)
{
    unplace(wheel, entry);
}

void sl_wheel_advance(struct sl_wheel *wheel, uint64_t now_ms)
{
    sl_assert(now_ms >= wheel->now_ms);
    wheel->now_ms = now_ms;

    struct sl_list overdue;
    sl_list_init(&overdue);
    sl_list_splice_back(&overdue, &wheel->overdue);
    fire_all(&overdue);

    uint64_t next_ms;
    while ((next_ms = next_slot_ms(wheel)) <= now_ms)
        turn_to(wheel, next_ms);
    wheel->tick_ms = now_ms;
}

uint64_t sl_wheel_next(const struct sl_wheel *wheel)
{
    return sl_list_empty(&wheel->overdue) ? next_slot_ms(wheel) : wheel->now_ms;
}
