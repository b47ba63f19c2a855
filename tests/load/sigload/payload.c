// SPDX-License-Identifier: MIT
/* The text that travels: writing its stamp, checking one that came back. */
#include "payload.h"

#include <stdlib.h>
#include <string.h>

#include "../common/alloc.h"

#define TIME_DIGITS 16
#define SEQ_DIGITS 8
#define STAMP_SIZE (TIME_DIGITS + SEQ_DIGITS)

void sl_payload_init(struct sl_payload *payload, size_t size)
{
    payload->size = size;
    payload->text = sl_allocate(size, 1);
    for (size_t i = 0; i < size; i++)
        payload->text[i] = (char)('a' + i % 26);
}

void sl_payload_release(struct sl_payload *payload)
{
    free(payload->text);
    *payload = (struct sl_payload){ 0 };
}

static void write_hex(char *text, size_t digits, uint64_t value)
{
    for (size_t i = digits; i-- > 0; value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
}

/* Letters other than hex digits give a wrong number, which the comparison
 * with the expected stamp then finds. */
static uint64_t read_hex(const char *text, size_t digits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        const unsigned c = (unsigned char)text[i];
        value = value << 4 | ((c <= '9' ? c - '0' : c - 'a' + 10) & 15);
    }
    return value;
}

void sl_payload_stamp(struct sl_payload *payload, struct sl_stamp stamp)
{
    write_hex(payload->text, TIME_DIGITS, stamp.time_ns);
    write_hex(payload->text + TIME_DIGITS, SEQ_DIGITS, stamp.seq);
}

bool sl_payload_read(const struct sl_payload *payload, const char *text,
                     size_t size, struct sl_stamp *stamp)
{
    if (size != payload->size ||
        memcmp(text + STAMP_SIZE, payload->text + STAMP_SIZE,
               size - STAMP_SIZE) != 0)
        return false;
    stamp->time_ns = read_hex(text, TIME_DIGITS);
    stamp->seq = (uint32_t)read_hex(text + TIME_DIGITS, SEQ_DIGITS);
    return true;
}
