// SPDX-License-Identifier: MIT
/*
 * A copy is one block: the envelope, the slices of its names and exceptions,
 * then their bytes. Payloads are shared, which costs one atomic operation per
 * protocol and receiving worker, however many receivers that worker has.
 */
#include "bus/envelope.h"

#include "base/mem.h"

static size_t bytes_of(const struct sl_slice *slices, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += slices[i].len;
    return size;
}

/* Copies slices to `to` and their bytes to *bytes, which moves on. */
static void copy_slices(struct sl_slice *to, const struct sl_slice *from,
                        unsigned count, char **bytes)
{
    for (unsigned i = 0; i < count; i++) {
        if (from[i].len > 0)
            memcpy(*bytes, from[i].ptr, from[i].len);
        to[i] = sl_slice_of(*bytes, from[i].len);
        *bytes += from[i].len;
    }
}

struct sl_envelope *sl_envelope_copy(const struct sl_envelope *envelope)
{
    size_t slice_count = (size_t)envelope->name_count + envelope->except_count;
    size_t size = sizeof(*envelope) + slice_count * sizeof(struct sl_slice) +
                  bytes_of(envelope->names, envelope->name_count) +
                  bytes_of(envelope->except, envelope->except_count);

    struct sl_envelope *copy = sl_alloc(size);
    *copy = *envelope;
    struct sl_slice *names = (struct sl_slice *)(copy + 1);
    struct sl_slice *except = names + envelope->name_count;
    char *bytes = (char *)(except + envelope->except_count);
    copy_slices(names, envelope->names, envelope->name_count, &bytes);
    copy_slices(except, envelope->except, envelope->except_count, &bytes);
    sl_assert(bytes == (char *)copy + size);
    copy->names = names;
    copy->except = except;

    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++)
        if (envelope->payload[i] != NULL)
            copy->payload[i] = sl_buf_share(envelope->payload[i]);
    return copy;
}

void sl_envelope_adopt(struct sl_envelope *copy)
{
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++)
        if (copy->payload[i] != NULL)
            copy->payload[i] = sl_buf_adopt(copy->payload[i]);
}

void sl_envelope_free(struct sl_envelope *copy, bool adopted)
{
    if (copy == NULL)
        return;
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++) {
        if (copy->payload[i] == NULL)
            continue;
        if (adopted)
            sl_buf_unref(copy->payload[i]);
        else
            sl_buf_disown(copy->payload[i]);
    }
    sl_free(copy);
}
