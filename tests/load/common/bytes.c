// SPDX-License-Identifier: MIT
/* A growing block of bytes: capacity doubles, so appending is cheap. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#include "fatal.h"

/* Bytes of the first allocation: one call of 100 bytes with its frame. */
#define CAP_MIN 256u

uint8_t *sl_bytes_reserve(struct sl_bytes *bytes, size_t more)
{
    const size_t need = bytes->size + more;
    if (need <= bytes->cap)
        return bytes->data + bytes->size;
    if (need > SL_BYTES_MAX)
        sl_fatal("a block of %zu bytes is asked for", need);
    size_t cap = bytes->cap > 0 ? bytes->cap : CAP_MIN;
    while (cap < need)
        cap *= 2;
    bytes->data = realloc(bytes->data, cap);
    if (bytes->data == NULL)
        sl_fatal("out of memory");
    bytes->cap = (uint32_t)cap;
    return bytes->data + bytes->size;
}

void sl_bytes_advance(struct sl_bytes *bytes, size_t more)
{
    bytes->size += (uint32_t)more;
}

void sl_bytes_append(struct sl_bytes *bytes, const void *data, size_t size)
{
    memcpy(sl_bytes_reserve(bytes, size), data, size);
    sl_bytes_advance(bytes, size);
}

void sl_bytes_consume(struct sl_bytes *bytes, size_t size)
{
    bytes->size -= (uint32_t)size;
    memmove(bytes->data, bytes->data + size, bytes->size);
}

void sl_bytes_release(struct sl_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct sl_bytes){ 0 };
}
