// SPDX-License-Identifier: MIT
/*
 * One send: to whom, except whom, and the encoded message per hub protocol.
 * The sender's envelope lives on its stack and borrows everything; what goes
 * to another worker is a copy of its own (names copied, payloads shared).
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "wire/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_audience {
    SL_TO_ALL,     /* every connection of the hub */
    SL_TO_CLIENTS, /* names are connection ids */
    SL_TO_GROUPS,  /* names are groups; a member of two gets two copies */
    SL_TO_USERS,   /* names are user ids */
};

struct sl_envelope {
    uint32_t hub; /* index of the hub in the directory */
    enum sl_audience audience;
    const struct sl_slice *names;
    unsigned name_count;
    const struct sl_slice *except; /* connection ids left out */
    unsigned except_count;
    struct sl_buf *payload[SL_PROTOCOL_COUNT]; /* NULL: nobody needs it */
};

/* Returns owned: a copy for another worker, payloads shared. Sender's
 * thread. */
struct sl_envelope *sl_envelope_copy(const struct sl_envelope *envelope);

/* Receiving thread: turns the shared payloads into ones of this thread. */
void sl_envelope_adopt(struct sl_envelope *copy);

/* Frees a copy (adopted or not: `adopted` says which). */
void sl_envelope_free(struct sl_envelope *copy, bool adopted);
