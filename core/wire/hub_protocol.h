// SPDX-License-Identifier: MIT
/*
 * The hub protocols behind one table of functions: splitting a byte stream
 * into messages, parsing them, and writing the ones a server sends. Texts and
 * rules: those of the reference server.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/protocol.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SL_RECORD_SEPARATOR '\x1e'
#define SL_HUB_PROTOCOL_VERSION_MAX 2
#define SL_HUB_PROTOCOL_VERSION_STATEFUL 2 /* acks and sequences from here on */

/* One per worker: memory that parsing reuses. */
struct sl_hub_reader {
    struct sl_json json;
    struct sl_str text; /* for the slow scanner */
};

void sl_hub_reader_init(struct sl_hub_reader *reader);
void sl_hub_reader_release(struct sl_hub_reader *reader);

/* What a parser says when the connection must close: the kind of exception
 * the reference names and its sentence, shown with detailed errors only. */
struct sl_hub_error {
    const char *kind; /* "InvalidDataException" ... static */
    char text[256];
};

struct sl_hub_protocol {
    const char *name; /* "json", "messagepack" */
    enum sl_protocol_id id;
    bool binary; /* transfer format */

    /* Looks for the next message at the start of `bytes`. Returns the bytes it
     * takes with its framing (> 0; *payload is then the message without it),
     * 0 when more bytes are needed, or negative (SL_E_PROTOCOL, error filled).
     * The caller compares with its size limit. */
    ssize_t (*split)(struct sl_slice bytes, struct sl_slice *payload,
                     struct sl_hub_error *error);

    /* 0 (type SL_MSG_UNKNOWN included), or negative: the connection closes
     * with the error. */
    int (*parse)(struct sl_hub_reader *reader, struct sl_slice payload,
                 struct sl_message *message, struct sl_hub_error *error);

    /* Each appends one whole message with its framing. Callbacks append the
     * argument values (arg_count of them) or the one result; their error is
     * passed on and `out` is restored to its former length. id empty: an
     * invocation that wants no result. */
    int (*write_invocation)(struct sl_str *out, struct sl_slice id,
                            struct sl_slice target, size_t arg_count,
                            sl_write_cb args, void *user);
    int (*write_result)(struct sl_str *out, struct sl_slice id,
                        sl_write_cb result, void *user); /* NULL cb: null */
    int (*write_item)(struct sl_str *out, struct sl_slice id, sl_write_cb item,
                      void *user); /* of a stream; NULL cb: null */
    void (*write_end)(struct sl_str *out, struct sl_slice id); /* of a stream:
                                                completion without a result */
    void (*write_error)(struct sl_str *out, struct sl_slice id,
                        struct sl_slice error); /* completion with an error */
    void (*write_ping)(struct sl_str *out);
    void (*write_close)(struct sl_str *out, struct sl_slice error,
                        bool allow_reconnect); /* error empty: none */
    void (*write_ack)(struct sl_str *out, int64_t sequence_id);
    void (*write_sequence)(struct sl_str *out, int64_t sequence_id);

    /* What write_ping appends, for a buffer made once and shared by all. */
    const struct sl_slice *ping;
};

extern const struct sl_hub_protocol sl_hub_json;
extern const struct sl_hub_protocol sl_hub_msgpack;

/* By name, any case; NULL: not supported. */
const struct sl_hub_protocol *sl_hub_protocol_find(struct sl_slice name);
const struct sl_hub_protocol *sl_hub_protocol_get(enum sl_protocol_id id);
