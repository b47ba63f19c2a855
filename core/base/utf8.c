// SPDX-License-Identifier: MIT
/*
 * Table 3-7 of the Unicode standard as an automaton. A state inside a sequence
 * is what the standard's row still asks for: how many bytes are missing (bits
 * 0 to 7) and the least and greatest value of the next one (bits 8 to 15, 16 to
 * 23). Only the byte after the first has a narrower range than 80..BF, which is
 * what keeps overlong forms, surrogates and values over U+10FFFF out.
 */
#include "base/utf8.h"

#define WANT(missing, least, greatest) \
    ((missing) | (least) << 8 | (uint32_t)(greatest) << 16)
#define TAIL(missing) WANT(missing, 0x80, 0xbf)

/* The state after a first byte. */
static const uint32_t after_first[256] = {
    [0x00 ... 0x7f] = SL_UTF8_ACCEPT,
    [0x80 ... 0xc1] = SL_UTF8_REJECT, /* tails; C0, C1: overlong */
    [0xc2 ... 0xdf] = TAIL(1),
    [0xe0] = WANT(2, 0xa0, 0xbf), /* below: overlong */
    [0xe1 ... 0xec] = TAIL(2),
    [0xed] = WANT(2, 0x80, 0x9f), /* above: surrogates */
    [0xee ... 0xef] = TAIL(2),
    [0xf0] = WANT(3, 0x90, 0xbf), /* below: overlong */
    [0xf1 ... 0xf3] = TAIL(3),
    [0xf4] = WANT(3, 0x80, 0x8f), /* above: beyond U+10FFFF */
    [0xf5 ... 0xff] = SL_UTF8_REJECT,
};

static uint32_t after_next(uint32_t state, uint8_t byte)
{
    if (byte < (state >> 8 & 0xff) || byte > state >> 16)
        return SL_UTF8_REJECT;
    uint32_t missing = (state & 0xff) - 1;
    return missing == 0 ? SL_UTF8_ACCEPT : TAIL(missing);
}

/* How many of the bytes are ASCII in whole words from the start. */
static size_t ascii_words(const uint8_t *at, size_t len)
{
    size_t done = 0;
    for (; len - done >= 8; done += 8) {
        uint64_t word;
        memcpy(&word, at + done, 8);
        if ((word & 0x8080808080808080) != 0)
            break;
    }
    return done;
}

uint32_t sl_utf8_check(uint32_t state, struct sl_slice piece)
{
    const uint8_t *bytes = (const uint8_t *)piece.ptr;
    size_t i = 0;
    while (i < piece.len && state != SL_UTF8_REJECT) {
        if (state != SL_UTF8_ACCEPT) {
            state = after_next(state, bytes[i++]);
        } else if (bytes[i] >= 0x80) {
            state = after_first[bytes[i++]];
        } else {
            size_t skipped = ascii_words(bytes + i, piece.len - i);
            i += skipped > 0 ? skipped : 1;
        }
    }
    return state;
}

bool sl_utf8_valid(struct sl_slice text)
{
    return sl_utf8_check(SL_UTF8_ACCEPT, text) == SL_UTF8_ACCEPT;
}
