// SPDX-License-Identifier: MIT
/*
 * Counted blocks. `shares` of an origin counts the threads that hold it, its
 * own included, so the last one frees it whichever that is:
 *
 *   owner:    refs 3 ──┐
 *   thread 2: view, refs 1 ──► origin, shares 3
 *   letter:   on its way  ──┘
 *
 * Only bytes that were written before the first share are ever read by other
 * threads: the hand-over itself (a mailbox) orders those writes.
 */
#include "base/buf.h"

#include "base/mem.h"

#include <string.h>

struct sl_buf *sl_buf_new_empty(size_t cap)
{
    sl_assert(cap <= UINT32_MAX - SL_BUF_HEAD);
    struct sl_buf *buf = sl_alloc(sizeof(*buf) + SL_BUF_HEAD + cap);
    buf->refs = 1;
    atomic_init(&buf->shares, 1);
    buf->origin = NULL;
    buf->data = (uint8_t *)(buf + 1) + SL_BUF_HEAD;
    buf->len = 0;
    buf->head_len = 0;
    return buf;
}

struct sl_buf *sl_buf_new(struct sl_slice payload)
{
    struct sl_buf *buf = sl_buf_new_empty(payload.len);
    if (payload.len > 0)
        memcpy(buf->data, payload.ptr, payload.len);
    buf->len = (uint32_t)payload.len;
    return buf;
}

void sl_buf_set_head(struct sl_buf *buf, const void *head, size_t len)
{
    sl_assert(len > 0 && len <= SL_BUF_HEAD);
    sl_assert(buf->origin == NULL && buf->head_len == 0);
    sl_assert(atomic_load_explicit(&buf->shares, memory_order_relaxed) == 1);
    memcpy(buf->data - len, head, len);
    buf->head_len = (uint32_t)len;
}

/* One thread less holds the origin. The release half publishes that this
 * thread is done with the bytes, the acquire half sees it of all others. */
static void drop_share(struct sl_buf *origin)
{
    sl_assert(origin->origin == NULL);
    unsigned before =
        atomic_fetch_sub_explicit(&origin->shares, 1, memory_order_acq_rel);
    sl_assert(before > 0);
    if (before == 1)
        sl_free(origin);
}

void sl_buf_destroy(struct sl_buf *buf)
{
    sl_assert(buf->refs == 0);
    struct sl_buf *origin = buf->origin;
    if (origin == NULL) {
        drop_share(buf);
        return;
    }
    sl_free(buf);
    drop_share(origin);
}

struct sl_buf *sl_buf_share(struct sl_buf *buf)
{
    sl_assert(buf->refs > 0);
    struct sl_buf *origin = buf->origin == NULL ? buf : buf->origin;
    /* Relaxed: the caller holds a share itself, so it cannot be the last. */
    atomic_fetch_add_explicit(&origin->shares, 1, memory_order_relaxed);
    return origin;
}

struct sl_buf *sl_buf_adopt(struct sl_buf *shared)
{
    sl_assert(shared->origin == NULL);
    struct sl_buf *view = sl_alloc(sizeof(*view));
    view->refs = 1;
    atomic_init(&view->shares, 0);
    view->origin = shared;
    view->data = shared->data;
    view->len = shared->len;
    view->head_len = shared->head_len;
    return view;
}

void sl_buf_disown(struct sl_buf *shared)
{
    drop_share(shared);
}
