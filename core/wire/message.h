// SPDX-License-Identifier: MIT
/*
 * The hub messages as one tagged struct, arguments left unparsed. A message
 * borrows from the bytes and the reader it was parsed with: it lives until the
 * next parse with that reader.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_message_type {
    SL_MSG_UNKNOWN = 0, /* consumed and ignored */
    SL_MSG_INVOCATION = 1,
    SL_MSG_STREAM_ITEM = 2,
    SL_MSG_COMPLETION = 3,
    SL_MSG_STREAM_INVOCATION = 4,
    SL_MSG_CANCEL_INVOCATION = 5,
    SL_MSG_PING = 6,
    SL_MSG_CLOSE = 7,
    SL_MSG_ACK = 8,
    SL_MSG_SEQUENCE = 9,
};

struct sl_message {
    enum sl_message_type type;
    struct sl_slice invocation_id; /* empty: nobody waits for an answer */
    struct sl_slice target;
    struct sl_value args;  /* an array; kind NONE when args_bad */
    bool args_bad;         /* the arguments do not read: binding failure */
    bool args_missing;     /* and are not even a list (MessagePack) */
    struct sl_value value; /* item of type 2, result of type 3; else NONE */
    bool value_bad;        /* it does not read: kind NULL then */
    struct sl_slice error; /* of types 3 and 7 */
    bool has_error;
    bool allow_reconnect;    /* of type 7 */
    int64_t sequence_id;     /* of types 8 and 9 */
    struct sl_value headers; /* an object, or NONE */
    unsigned stream_id_count;
    struct sl_slice stream_ids[SL_STREAM_IDS_MAX];
};
