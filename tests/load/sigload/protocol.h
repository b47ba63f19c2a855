// SPDX-License-Identifier: MIT
/*
 * The two hub protocols, seen from a client that makes calls.  Encoders write
 * the calls of this tool and no others; decoders accept whatever a server may
 * send and keep what the checks need.
 *
 * The JSON encoder's order of fields (type, invocationId, target, arguments)
 * is known to the floor, which finds its way by it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

/* Bytes of an encoded call besides its payload: texts, ids, numbers. */
#define SL_CALL_OVERHEAD_MAX 512
/* A call without an invocation id: nobody answers it. */
#define SL_CALL_NO_ID (-1)

enum sl_message_type {
    SL_MESSAGE_INVOCATION = 1,
    SL_MESSAGE_STREAM_ITEM = 2,
    SL_MESSAGE_COMPLETION = 3,
    SL_MESSAGE_STREAM_INVOCATION = 4,
    SL_MESSAGE_PING = 6,
    SL_MESSAGE_CLOSE = 7,
};

/* Borrowed text. */
struct sl_text {
    const char *data;
    size_t size;
};

/* Arguments are, in this order and where present: name, payload, numbers. */
struct sl_call {
    enum sl_message_type type; /* invocation or stream invocation */
    int id;
    const char *target;
    const char *name;       /* of a group, or NULL */
    struct sl_text payload; /* data is NULL: none */
    bool has_numbers;
    uint32_t numbers[2];
};

/* A received message: of its arguments, result or item only the first scalar
 * is kept.  Texts are borrowed from what was read, JSON escapes untouched. */
struct sl_message {
    int type;
    int id;              /* SL_CALL_NO_ID: none */
    struct sl_text text; /* data is NULL: none */
    struct sl_text error;
    bool has_number;
    int64_t number;
};

struct sl_protocol {
    const char *name; /* as on the command line */
    enum sl_opcode opcode;
    struct sl_text handshake;
    struct sl_text ping;

    /* Writes the call to `out`, which has room for the payload and
     * SL_CALL_OVERHEAD_MAX more.  Returns its bytes. */
    size_t (*encode)(const struct sl_call *call, uint8_t *out);

    /* Finds the message at the front of `data`: sets `body` to its bytes and
     * returns how many it takes with its framing; 0 when more are needed. */
    size_t (*split)(const uint8_t *data, size_t size, struct sl_text *body);

    /* Reads one message.  False: it cannot be read. */
    bool (*decode)(struct sl_text body, struct sl_message *message);
};

extern const struct sl_protocol sl_protocol_json;
extern const struct sl_protocol sl_protocol_msgpack;

/* Splits at the record separator; the handshake uses it in both protocols. */
size_t sl_protocol_split_record(const uint8_t *data, size_t size,
                                struct sl_text *body);

/* NULL: no such protocol. */
const struct sl_protocol *sl_protocol_find(const char *name);
