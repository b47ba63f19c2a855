// SPDX-License-Identifier: MIT
/*
 * Random bytes, read from the kernel in blocks: an id costs no system call
 * most of the time. Bytes are wiped as they are handed out, so that memory read
 * later (a core dump, an overread) does not reveal tokens given before.
 */
#include "base/random.h"

#include "base/base64.h"
#include "base/check.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#define ID_BYTES 16
#define BLOCK_SIZE 256 /* bytes; getrandom gives so many without a break */

static _Thread_local uint8_t block[BLOCK_SIZE];
static _Thread_local size_t block_left; /* unused bytes, at the end */

static void read_kernel(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            sl_fatal(__FILE__, __LINE__, "getrandom failed: errno %d", errno);
        out += got;
        len -= (size_t)got;
    }
}

void sl_random_bytes(void *out, size_t len)
{
    if (len > BLOCK_SIZE) {
        read_kernel(out, len);
        return;
    }
    if (len == 0)
        return;
    if (block_left < len) {
        read_kernel(block, sizeof(block));
        block_left = sizeof(block);
    }
    uint8_t *from = block + (BLOCK_SIZE - block_left);
    memcpy(out, from, len);
    explicit_bzero(from, len);
    block_left -= len;
}

void sl_random_id(char out[SL_ID_LEN + 1])
{
    uint8_t bytes[ID_BYTES];
    sl_random_bytes(bytes, sizeof(bytes));
    /* A string over the caller's array: it has room for all and never grows. */
    struct sl_str text = { .ptr = out, .cap = SL_ID_LEN + 1 };
    sl_base64url_encode(&text, sl_slice_of(bytes, sizeof(bytes)));
    sl_assert(text.ptr == out && text.len == SL_ID_LEN);
    out[SL_ID_LEN] = '\0';
}
