// SPDX-License-Identifier: MIT
/*
 * A growing block of bytes, shared by the load generator and the floor.  All
 * zero is a valid empty state.  Memory running out ends the program: a
 * measurement that had to do without memory is worth nothing.
 *
 * Sizes are 32 bits wide so that a connection, which holds several of these,
 * stays small; SL_BYTES_MAX keeps arithmetic on them safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes that one block may hold: far above what any mode needs. */
#define SL_BYTES_MAX ((size_t)1 << 30)

struct sl_bytes {
    uint8_t *data;
    uint32_t size;
    uint32_t cap;
};

/* Makes room for `more` bytes behind the present ones; returns that room. */
uint8_t *sl_bytes_reserve(struct sl_bytes *bytes, size_t more);

/* Says that `more` bytes of the reserved room have been written. */
void sl_bytes_advance(struct sl_bytes *bytes, size_t more);

void sl_bytes_append(struct sl_bytes *bytes, const void *data, size_t size);

/* Drops the first `size` bytes and moves the rest to the front. */
void sl_bytes_consume(struct sl_bytes *bytes, size_t size);

/* Frees what the block holds and leaves it empty. */
void sl_bytes_release(struct sl_bytes *bytes);
