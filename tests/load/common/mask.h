// SPDX-License-Identifier: MIT
/*
 * WebSocket masking, eight bytes at a time.  It is its own inverse: the load
 * generator masks with it, the floor unmasks with it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SL_MASK_SIZE 4

/* Writes `size` masked bytes of `from` to `to`; both may be the same place. */
static inline void sl_mask(uint8_t *to, const uint8_t *from, size_t size,
                           const uint8_t key[SL_MASK_SIZE])
{
    uint8_t wide[2 * SL_MASK_SIZE];
    memcpy(wide, key, SL_MASK_SIZE);
    memcpy(wide + SL_MASK_SIZE, key, SL_MASK_SIZE);
    uint64_t key_word;
    memcpy(&key_word, wide, sizeof key_word);

    size_t i = 0;
    for (; i + sizeof key_word <= size; i += sizeof key_word) {
        uint64_t word;
        memcpy(&word, from + i, sizeof word);
        word ^= key_word;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < size; i++)
        to[i] = from[i] ^ key[i % SL_MASK_SIZE];
}
