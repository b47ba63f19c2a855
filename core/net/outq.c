// SPDX-License-Identifier: MIT
/*
 * Slots leave at the front and come at the back of an array. When its end is
 * reached they move to its front, if at least half of it is free there, else
 * into an array twice as large; so each slot is moved once or so. An empty
 * queue goes back to its inline slots.
 */
#include "net/outq.h"

#include "base/check.h"
#include "base/limits.h"
#include "net/internal.h"

enum slot_kind {
    SLOT_FRAMED = 0,
    SLOT_PAYLOAD = 1,
    SLOT_BLOCK = 2,
    SLOT_KIND_MASK = 3,
};

/* Arrays of this size come from the loop's free list, larger ones from the
 * allocator. */
#define SLOTS_POOLED_BITS 4

/* Private bytes of a queue. */
struct out_block {
    uint32_t len, cap; /* bytes */
    uint8_t bytes[];
};

#define BLOCK_CAP_POOLED ((uint32_t)(SL_TAIL_BLOCK - sizeof(struct out_block)))

void sl_outq_pools_init(struct sl_loop *loop)
{
    sl_pool_init(&loop->slots, sizeof(struct sl_outslot) << SLOTS_POOLED_BITS,
                 SL_NET_KEEP_MAX);
    sl_pool_init(&loop->blocks, SL_TAIL_BLOCK, SL_NET_KEEP_MAX);
}

void sl_outq_pools_release(struct sl_loop *loop)
{
    sl_pool_release(&loop->slots);
    sl_pool_release(&loop->blocks);
}

/* ---- slots ---- */

static enum slot_kind slot_kind(struct sl_outslot slot)
{
    return (enum slot_kind)(slot.tagged & SLOT_KIND_MASK);
}

static void *slot_ptr(struct sl_outslot slot)
{
    return (void *)(slot.tagged & ~(uintptr_t)SLOT_KIND_MASK);
}

static struct sl_slice slot_bytes(struct sl_outslot slot)
{
    switch (slot_kind(slot)) {
    case SLOT_FRAMED: return sl_buf_framed(slot_ptr(slot));
    case SLOT_PAYLOAD: return sl_buf_payload(slot_ptr(slot));
    default: {
        const struct out_block *block = slot_ptr(slot);
        return sl_slice_of(block->bytes, block->len);
    }
    }
}

static void slot_release(struct sl_loop *loop, struct sl_outslot slot)
{
    if (slot_kind(slot) != SLOT_BLOCK) {
        sl_buf_unref(slot_ptr(slot));
        return;
    }
    struct out_block *block = slot_ptr(slot);
    if (block->cap == BLOCK_CAP_POOLED)
        sl_pool_put(&loop->blocks, block);
    else
        sl_free(block);
}

/* ---- the array ---- */

void sl_outq_init(struct sl_outq *out)
{
    out->slots = out->few;
    out->head = out->count = out->sent = 0;
    out->cap_bits = SL_OUTSLOTS_INLINE_BITS;
    out->tail_open = false;
    out->bytes = 0;
}

static void free_slots(struct sl_outq *out, struct sl_loop *loop)
{
    if (out->cap_bits == SLOTS_POOLED_BITS)
        sl_pool_put(&loop->slots, out->slots);
    else if (out->slots != out->few)
        sl_free(out->slots);
}

/* Makes room behind the last slot. */
static void grow(struct sl_outq *out, struct sl_loop *loop)
{
    struct sl_outslot *from = out->slots + out->head;
    size_t size = out->count * sizeof(*from);
    if (out->head > 0 && out->head >= out->count) {
        memmove(out->slots, from, size);
        out->head = 0;
        return;
    }
    uint8_t bits = SLOTS_POOLED_BITS;
    struct sl_outslot *slots;
    if (out->cap_bits < SLOTS_POOLED_BITS) {
        slots = sl_pool_get(&loop->slots);
    } else {
        bits = (uint8_t)(out->cap_bits + 1);
        slots = sl_alloc(sizeof(*slots) << bits);
    }
    memcpy(slots, from, size);
    free_slots(out, loop);
    out->slots = slots;
    out->cap_bits = bits;
    out->head = 0;
}

static void push(struct sl_outq *out, struct sl_loop *loop, void *ptr,
                 enum slot_kind kind)
{
    if (SL_UNLIKELY(out->head + out->count == 1u << out->cap_bits))
        grow(out, loop);
    out->slots[out->head + out->count++].tagged =
        (uintptr_t)ptr | (uintptr_t)kind;
    out->tail_open = kind == SLOT_BLOCK;
}

static void add_bytes(struct sl_outq *out, struct sl_loop *loop, size_t len)
{
    out->bytes += len;
    sl_metric_add(loop->metrics, SL_M_QUEUED_BYTES, (int64_t)len);
}

void sl_outq_clear(struct sl_outq *out, struct sl_loop *loop)
{
    for (uint32_t i = 0; i < out->count; i++)
        slot_release(loop, out->slots[out->head + i]);
    free_slots(out, loop);
    sl_metric_add(loop->metrics, SL_M_QUEUED_BYTES, -(int64_t)out->bytes);
    sl_outq_init(out);
}

/* ---- in ---- */

void sl_outq_push_framed(struct sl_outq *out, struct sl_loop *loop,
                         struct sl_buf *buf)
{
    push(out, loop, sl_buf_ref(buf), SLOT_FRAMED);
    add_bytes(out, loop, (size_t)buf->len + buf->head_len);
}

void sl_outq_push_payload(struct sl_outq *out, struct sl_loop *loop,
                          struct sl_buf *buf)
{
    push(out, loop, sl_buf_ref(buf), SLOT_PAYLOAD);
    add_bytes(out, loop, buf->len);
}

/* Blocks double while one turn goes on copying: few slices, little waste. */
static struct out_block *new_block(struct sl_loop *loop, uint32_t last_cap,
                                   size_t len)
{
    size_t cap = BLOCK_CAP_POOLED;
    if (last_cap > 0)
        cap = last_cap >= SL_TAIL_BLOCK_MAX / 2 ? SL_TAIL_BLOCK_MAX
                                                : last_cap * 2;
    if (cap < len)
        cap = len;
    sl_assert(cap <= UINT32_MAX);
    struct out_block *block = cap == BLOCK_CAP_POOLED
                                  ? sl_pool_get(&loop->blocks)
                                  : sl_alloc(sizeof(*block) + cap);
    block->len = 0;
    block->cap = (uint32_t)cap;
    return block;
}

/* A block with room for `len` bytes at the queue's end. */
static struct out_block *open_block(struct sl_outq *out, struct sl_loop *loop,
                                    size_t len)
{
    uint32_t last_cap = 0;
    if (out->tail_open) {
        struct out_block *last =
            slot_ptr(out->slots[out->head + out->count - 1]);
        if (last->cap - last->len >= len)
            return last;
        last_cap = last->cap;
    }
    struct out_block *block = new_block(loop, last_cap, len);
    push(out, loop, block, SLOT_BLOCK);
    return block;
}

void sl_outq_push_copy(struct sl_outq *out, struct sl_loop *loop,
                       struct sl_slice head, struct sl_slice body)
{
    size_t len = head.len + body.len;
    struct out_block *block = open_block(out, loop, len);
    uint8_t *to = block->bytes + block->len;
    if (head.len > 0)
        memcpy(to, head.ptr, head.len);
    if (body.len > 0)
        memcpy(to + head.len, body.ptr, body.len);
    block->len += (uint32_t)len;
    add_bytes(out, loop, len);
}

/* ---- out ---- */

unsigned sl_outq_gather(const struct sl_outq *out, uv_buf_t *slices,
                        size_t *bytes)
{
    unsigned count =
        out->count < SL_WRITE_IOV_MAX ? out->count : SL_WRITE_IOV_MAX;
    size_t skip = out->sent;
    *bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        struct sl_slice slice = slot_bytes(out->slots[out->head + i]);
        slices[i].base = (char *)(uintptr_t)slice.ptr + skip;
        slices[i].len = slice.len - skip;
        *bytes += slices[i].len;
        skip = 0;
    }
    return count;
}

void sl_outq_consume(struct sl_outq *out, struct sl_loop *loop, size_t bytes)
{
    sl_assert(bytes <= out->bytes);
    out->bytes -= bytes;
    sl_metric_add(loop->metrics, SL_M_BYTES_OUT, (int64_t)bytes);
    sl_metric_add(loop->metrics, SL_M_QUEUED_BYTES, -(int64_t)bytes);

    bytes += out->sent;
    while (out->count > 0) {
        struct sl_outslot slot = out->slots[out->head];
        size_t len = slot_bytes(slot).len;
        if (bytes < len)
            break;
        bytes -= len;
        slot_release(loop, slot);
        out->head++;
        out->count--;
    }
    out->sent = (uint32_t)bytes;
    if (out->count == 0) {
        sl_assert(out->bytes == 0 && out->sent == 0);
        free_slots(out, loop);
        sl_outq_init(out);
    }
}
