// SPDX-License-Identifier: MIT
/*
 * A hash map for names and an array for the order. The array of a sorted
 * collection is searched by halves and shifted with memmove, eight bytes per
 * member: what is small needs no skip list, and what is as large as the store
 * may grow is still shifted within a millisecond.
 *
 * Memory is taken by sl_alloc: the store compares the cost with its bound
 * before anything is added.
 */
#include "store/collection.h"

#include "base/check.h"
#include "base/mem.h"

/* What the allocator adds to a block. */
#define BLOCK_OVERHEAD ((size_t)16)
/* Besides name and value: the block of both, the bucket, the place. */
#define MEMBER_OVERHEAD \
    (sizeof(struct sl_member) + 4 * sizeof(void *) + 2 * BLOCK_OVERHEAD)

#define ORDER_CAP_MIN 4u

struct sl_collection *sl_collection_new(bool sorted)
{
    struct sl_collection *collection = sl_zalloc(sizeof(*collection));
    sl_map_init(&collection->map);
    collection->sorted = sorted;
    collection->bytes = sizeof(*collection) + BLOCK_OVERHEAD;
    return collection;
}

static void free_member(struct sl_member *member)
{
    sl_free((char *)(uintptr_t)member->value.ptr);
    sl_free(member);
}

static struct sl_member *member_of(struct sl_map_node *node)
{
    return SL_CONTAINER_OF(node, struct sl_member, node);
}

static void on_free(struct sl_map_node *node, void *user)
{
    sl_map_remove(user, node);
    free_member(member_of(node));
}

void sl_collection_free(struct sl_collection *collection)
{
    if (collection == NULL)
        return;
    sl_map_foreach(&collection->map, on_free, &collection->map);
    sl_map_release(&collection->map);
    sl_free(collection->order);
    sl_free(collection);
}

size_t sl_collection_cost(struct sl_slice name, struct sl_slice value)
{
    return MEMBER_OVERHEAD + name.len + value.len;
}

struct sl_member *sl_collection_find(const struct sl_collection *collection,
                                     struct sl_slice name)
{
    struct sl_map_node *node = sl_map_find(&collection->map, name);
    return node == NULL ? NULL : member_of(node);
}

/* ---- the order ---- */

static void resize_order(struct sl_collection *collection, uint32_t cap)
{
    collection->order =
        sl_realloc(collection->order, cap * sizeof(struct sl_member *));
    collection->cap = cap;
}

static bool stands_before(const struct sl_member *member, double score,
                          struct sl_slice name)
{
    if (member->score != score)
        return member->score < score;
    struct sl_slice own = member->node.key;
    size_t len = own.len < name.len ? own.len : name.len;
    int order = len == 0 ? 0 : memcmp(own.ptr, name.ptr, len);
    return order != 0 ? order < 0 : own.len < name.len;
}

/* How many of `count` members stand before that one. */
static uint32_t place_of(const struct sl_collection *collection, uint32_t count,
                         double score, struct sl_slice name)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stands_before(collection->order[middle], score, name))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Among `count` others. */
static void place(struct sl_collection *collection, uint32_t count,
                  struct sl_member *member)
{
    struct sl_member **order = collection->order;
    uint32_t at = count;
    if (collection->sorted) {
        at = place_of(collection, count, member->score, member->node.key);
        memmove(order + at + 1, order + at,
                (count - at) * sizeof(struct sl_member *));
    }
    order[at] = member;
    member->at = at;
}

/* `count` others stay. */
static void displace(struct sl_collection *collection, uint32_t count,
                     const struct sl_member *member)
{
    struct sl_member **order = collection->order;
    if (collection->sorted) {
        uint32_t at =
            place_of(collection, count + 1, member->score, member->node.key);
        sl_assert(order[at] == member);
        memmove(order + at, order + at + 1,
                (count - at) * sizeof(struct sl_member *));
        return;
    }
    sl_assert(order[member->at] == member);
    order[member->at] = order[count];
    order[member->at]->at = member->at;
}

/* ---- members ---- */

struct sl_member *sl_collection_add(struct sl_collection *collection,
                                    struct sl_slice name, double score)
{
    uint32_t count = collection->map.count;
    if (count == collection->cap)
        resize_order(collection, count == 0 ? ORDER_CAP_MIN : count * 2);
    struct sl_member *member = sl_alloc(sizeof(*member) + name.len);
    *member = (struct sl_member){ .score = score };
    if (name.len > 0)
        memcpy(member->name, name.ptr, name.len);
    member->node.key = sl_slice_of(member->name, name.len);
    place(collection, count, member);
    sl_map_add(&collection->map, &member->node);
    collection->bytes += sl_collection_cost(name, member->value);
    return member;
}

void sl_collection_set_value(struct sl_collection *collection,
                             struct sl_member *member, struct sl_slice value)
{
    char *bytes = value.len == 0 ? NULL : sl_slice_dup(value);
    collection->bytes = collection->bytes - member->value.len + value.len;
    sl_free((char *)(uintptr_t)member->value.ptr);
    member->value = sl_slice_of(bytes, value.len);
}

void sl_collection_set_score(struct sl_collection *collection,
                             struct sl_member *member, double score)
{
    sl_assert(collection->sorted);
    uint32_t others = collection->map.count - 1;
    displace(collection, others, member);
    member->score = score;
    place(collection, others, member);
}

void sl_collection_remove(struct sl_collection *collection,
                          struct sl_member *member)
{
    uint32_t others = collection->map.count - 1;
    displace(collection, others, member);
    sl_map_remove(&collection->map, &member->node);
    collection->bytes -= sl_collection_cost(member->node.key, member->value);
    free_member(member);
    if (others > ORDER_CAP_MIN && others < collection->cap / 4)
        resize_order(collection, collection->cap / 2);
}
