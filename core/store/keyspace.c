// SPDX-License-Identifier: MIT
/*
 * Keys with a deadline stand in a binary heap, so that the sweep finds what is
 * due without looking at anything else; a key knows its place and can leave
 * from the middle. Places count from 1, which keeps the arithmetic of parent
 * and child plain and lets 0 mean "in no heap".
 *
 * The bound is checked before anything is allocated. When a write would go
 * over it, everything that is due is removed first, however much that is: it
 * was all paid for by the writes that brought it.
 */
#include "store/keyspace.h"

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

/* Bytes counted besides names and values: the block's own, its share of the
 * bucket table and of the heap, and what the allocator adds to each block. */
#define BLOCK_OVERHEAD ((size_t)16)
#define KEY_OVERHEAD \
    (sizeof(struct sl_key) + 2 * sizeof(void *) + 2 * BLOCK_OVERHEAD)
#define ITEM_OVERHEAD (sizeof(struct sl_slice) + BLOCK_OVERHEAD)

#define LIST_CAP_MIN 4
#define HEAP_CAP_MIN 64

/* ---- deadlines ---- */

static void heap_put(struct sl_keyspace *space, uint32_t at, struct sl_key *key)
{
    space->heap[at - 1] = key;
    key->heap_at = at;
}

static uint64_t heap_deadline(const struct sl_keyspace *space, uint32_t at)
{
    return space->heap[at - 1]->deadline_ms;
}

static void heap_rise(struct sl_keyspace *space, struct sl_key *key)
{
    uint32_t at = key->heap_at;
    while (at > 1 && heap_deadline(space, at / 2) > key->deadline_ms) {
        heap_put(space, at, space->heap[at / 2 - 1]);
        at /= 2;
    }
    heap_put(space, at, key);
}

static void heap_sink(struct sl_keyspace *space, struct sl_key *key)
{
    uint32_t at = key->heap_at;
    for (;;) {
        uint32_t child = at * 2;
        if (child > space->heap_count)
            break;
        if (child < space->heap_count &&
            heap_deadline(space, child + 1) < heap_deadline(space, child))
            child++;
        if (heap_deadline(space, child) >= key->deadline_ms)
            break;
        heap_put(space, at, space->heap[child - 1]);
        at = child;
    }
    heap_put(space, at, key);
}

static void heap_remove(struct sl_keyspace *space, struct sl_key *key)
{
    uint32_t at = key->heap_at;
    if (at == 0)
        return;
    sl_assert(space->heap[at - 1] == key);
    struct sl_key *last = space->heap[--space->heap_count];
    key->heap_at = 0;
    if (last == key)
        return;
    heap_put(space, at, last);
    heap_rise(space, last);
    heap_sink(space, last);
}

static void heap_add(struct sl_keyspace *space, struct sl_key *key)
{
    if (space->heap_count == space->heap_cap) {
        space->heap_cap =
            space->heap_cap == 0 ? HEAP_CAP_MIN : space->heap_cap * 2;
        space->heap =
            sl_realloc(space->heap, space->heap_cap * sizeof(struct sl_key *));
    }
    heap_put(space, ++space->heap_count, key);
    heap_rise(space, key);
}

void sl_keyspace_expire(struct sl_keyspace *space, struct sl_key *key,
                        uint64_t deadline_ms)
{
    heap_remove(space, key);
    key->deadline_ms = deadline_ms;
    if (deadline_ms != 0)
        heap_add(space, key);
}

/* ---- keys ---- */

static struct sl_key *key_of(struct sl_map_node *node)
{
    return SL_CONTAINER_OF(node, struct sl_key, node);
}

static char *owned(struct sl_slice bytes)
{
    return (char *)(uintptr_t)bytes.ptr;
}

static void free_value(struct sl_key *key)
{
    sl_free(owned(key->text));
    for (uint32_t i = 0; i < key->item_count; i++)
        sl_free(owned(key->items[i]));
    sl_free(key->items);
    sl_collection_free(key->members);
    key->text = (struct sl_slice){ 0 };
    key->items = NULL;
    key->members = NULL;
    key->item_count = key->item_cap = 0;
}

void sl_keyspace_init(struct sl_keyspace *space, size_t bytes_max)
{
    *space = (struct sl_keyspace){ .bytes_max = bytes_max };
    sl_map_init(&space->map);
}

void sl_keyspace_remove(struct sl_keyspace *space, struct sl_key *key)
{
    sl_assert(space->bytes >= key->bytes);
    space->bytes -= key->bytes;
    heap_remove(space, key);
    sl_map_remove(&space->map, &key->node);
    free_value(key);
    sl_free(key);
}

static void on_release(struct sl_map_node *node, void *user)
{
    sl_keyspace_remove(user, key_of(node));
}

void sl_keyspace_release(struct sl_keyspace *space)
{
    sl_map_foreach(&space->map, on_release, space);
    sl_assert(space->bytes == 0 && space->heap_count == 0);
    sl_map_release(&space->map);
    sl_free(space->heap);
    sl_keyspace_init(space, space->bytes_max);
}

void sl_keyspace_sweep(struct sl_keyspace *space, uint64_t now_ms, unsigned max)
{
    while (max-- > 0 && space->heap_count > 0 &&
           heap_deadline(space, 1) <= now_ms)
        sl_keyspace_remove(space, space->heap[0]);
}

static struct sl_key *find(struct sl_keyspace *space, struct sl_slice name)
{
    struct sl_map_node *node = sl_map_find(&space->map, name);
    return node == NULL ? NULL : key_of(node);
}

struct sl_key *sl_keyspace_find(struct sl_keyspace *space, struct sl_slice name,
                                uint64_t now_ms)
{
    struct sl_key *key = find(space, name);
    if (key == NULL || key->deadline_ms == 0 || key->deadline_ms > now_ms)
        return key;
    sl_keyspace_remove(space, key);
    return NULL;
}

/* True when `more` bytes fit once `less` are gone. */
static bool fits(const struct sl_keyspace *space, size_t more, size_t less)
{
    sl_assert(space->bytes >= less);
    size_t held = space->bytes - less;
    return held <= space->bytes_max && more <= space->bytes_max - held;
}

static bool make_room(struct sl_keyspace *space, size_t more, size_t less,
                      uint64_t now_ms)
{
    if (!fits(space, more, less))
        sl_keyspace_sweep(space, now_ms, UINT32_MAX);
    return fits(space, more, less);
}

/* NULL when there is no memory. The bytes are counted by the caller. */
static struct sl_key *add_key(struct sl_keyspace *space, struct sl_slice name,
                              enum sl_key_kind kind)
{
    struct sl_key *key = sl_try_alloc(sizeof(*key) + name.len);
    if (key == NULL)
        return NULL;
    *key = (struct sl_key){ .kind = kind };
    if (name.len > 0)
        memcpy(key->name, name.ptr, name.len);
    key->node.key = sl_slice_of(key->name, name.len);
    sl_map_add(&space->map, &key->node);
    return key;
}

static bool copy(struct sl_slice bytes, struct sl_slice *out)
{
    char *block = sl_try_alloc(bytes.len);
    if (block == NULL)
        return false;
    if (bytes.len > 0)
        memcpy(block, bytes.ptr, bytes.len);
    *out = sl_slice_of(block, bytes.len);
    return true;
}

static void count_bytes(struct sl_keyspace *space, struct sl_key *key,
                        size_t bytes)
{
    space->bytes = space->bytes - key->bytes + bytes;
    key->bytes = bytes;
}

int sl_keyspace_put_text(struct sl_keyspace *space, struct sl_slice name,
                         struct sl_slice text, uint64_t now_ms)
{
    struct sl_key *key = sl_keyspace_find(space, name, now_ms);
    size_t bytes = KEY_OVERHEAD + name.len + text.len;
    if (!make_room(space, bytes, key == NULL ? 0 : key->bytes, now_ms))
        return SL_E_FULL;

    struct sl_slice own;
    if (!copy(text, &own))
        return SL_E_FULL;
    if (key == NULL && (key = add_key(space, name, SL_KEY_TEXT)) == NULL) {
        sl_free(owned(own));
        return SL_E_FULL;
    }
    free_value(key);
    key->kind = SL_KEY_TEXT;
    key->text = own;
    count_bytes(space, key, bytes);
    return 0;
}

/* Room for `count` more items in the list's table. */
static bool reserve_items(struct sl_key *key, uint32_t count)
{
    uint64_t want = (uint64_t)key->item_count + count;
    if (want <= key->item_cap)
        return true;
    uint64_t cap = key->item_cap == 0 ? LIST_CAP_MIN : key->item_cap;
    while (cap < want)
        cap *= 2;
    if (cap > UINT32_MAX)
        return false;
    struct sl_slice *items = sl_try_alloc(cap * sizeof(*items));
    if (items == NULL)
        return false;
    if (key->item_count > 0)
        memcpy(items, key->items, key->item_count * sizeof(*items));
    sl_free(key->items);
    key->items = items;
    key->item_cap = (uint32_t)cap;
    return true;
}

static bool append(struct sl_key *key, const struct sl_slice *items,
                   uint32_t count)
{
    if (!reserve_items(key, count))
        return false;
    uint32_t before = key->item_count;
    for (uint32_t i = 0; i < count; i++) {
        if (!copy(items[i], &key->items[key->item_count])) {
            while (key->item_count > before)
                sl_free(owned(key->items[--key->item_count]));
            return false;
        }
        key->item_count++;
    }
    return true;
}

int sl_keyspace_push(struct sl_keyspace *space, struct sl_slice name,
                     const struct sl_slice *items, uint32_t count,
                     uint64_t now_ms)
{
    struct sl_key *key = sl_keyspace_find(space, name, now_ms);
    sl_assert(key == NULL || key->kind == SL_KEY_LIST);
    size_t more = key == NULL ? KEY_OVERHEAD + name.len : 0;
    for (uint32_t i = 0; i < count; i++)
        more += ITEM_OVERHEAD + items[i].len;
    if (!make_room(space, more, 0, now_ms))
        return SL_E_FULL;

    bool is_new = key == NULL;
    if (is_new && (key = add_key(space, name, SL_KEY_LIST)) == NULL)
        return SL_E_FULL;
    if (!append(key, items, count)) {
        if (is_new)
            sl_keyspace_remove(space, key);
        return SL_E_FULL;
    }
    count_bytes(space, key, key->bytes + more);
    return 0;
}

/* Gives back what a list that shrank does not need. */
static void shrink_items(struct sl_key *key)
{
    uint32_t cap = key->item_cap;
    while (cap > LIST_CAP_MIN && key->item_count < cap / 4)
        cap /= 2;
    if (cap == key->item_cap)
        return;
    key->items = sl_realloc(key->items, cap * sizeof(*key->items));
    key->item_cap = cap;
}

void sl_keyspace_trim(struct sl_keyspace *space, struct sl_key *key,
                      uint32_t first, uint32_t count)
{
    sl_assert(key->kind == SL_KEY_LIST && first <= key->item_count);
    sl_assert(count <= key->item_count - first);
    if (count == 0) {
        sl_keyspace_remove(space, key);
        return;
    }
    size_t less = 0;
    for (uint32_t i = 0; i < key->item_count; i++) {
        if (i >= first && i - first < count)
            continue;
        less += ITEM_OVERHEAD + key->items[i].len;
        sl_free(owned(key->items[i]));
    }
    memmove(key->items, key->items + first, count * sizeof(*key->items));
    key->item_count = count;
    shrink_items(key);
    count_bytes(space, key, key->bytes - less);
}

/* ---- collections ---- */

static size_t bytes_of(const struct sl_key *key)
{
    return KEY_OVERHEAD + key->node.key.len + key->members->bytes;
}

struct sl_key *sl_keyspace_open(struct sl_keyspace *space, struct sl_slice name,
                                enum sl_key_kind kind, size_t more,
                                uint64_t now_ms)
{
    struct sl_key *key = sl_keyspace_find(space, name, now_ms);
    sl_assert(key == NULL || key->kind == kind);
    if (key != NULL)
        return make_room(space, more, 0, now_ms) ? key : NULL;

    struct sl_collection *members = sl_collection_new(kind == SL_KEY_SORTED);
    more += KEY_OVERHEAD + name.len + members->bytes;
    if (make_room(space, more, 0, now_ms))
        key = add_key(space, name, kind);
    if (key == NULL) {
        sl_collection_free(members);
        return NULL;
    }
    key->members = members;
    count_bytes(space, key, bytes_of(key));
    return key;
}

void sl_keyspace_changed(struct sl_keyspace *space, struct sl_key *key)
{
    if (key->members->map.count == 0)
        sl_keyspace_remove(space, key);
    else
        count_bytes(space, key, bytes_of(key));
}
