// SPDX-License-Identifier: MIT
/*
 * The text that travels: 16 hex digits of the time it was sent at, 8 of its
 * sequence number, then a filling that never changes.  It survives JSON and
 * MessagePack unescaped, and its receiver can tell a damaged, missing,
 * repeated or overtaken one from a right one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_payload {
    char *text; /* the stamp of the latest one, then the filling */
    size_t size;
};

struct sl_stamp {
    uint64_t time_ns;
    uint32_t seq;
};

/* `size` is at least SL_PAYLOAD_SIZE_MIN. */
void sl_payload_init(struct sl_payload *payload, size_t size);
void sl_payload_release(struct sl_payload *payload);

/* Writes the stamp into payload->text, which is then ready to be sent. */
void sl_payload_stamp(struct sl_payload *payload, struct sl_stamp stamp);

/* Reads the stamp of a received text.  False: length or filling is not what
 * was sent. */
bool sl_payload_read(const struct sl_payload *payload, const char *text,
                     size_t size, struct sl_stamp *stamp);
