// SPDX-License-Identifier: MIT
/*
 * Arguments of a call: declared types (`args = {"int", "string?", "stream"}`),
 * their check and conversion onto a Lua stack. Without a declaration everything
 * is taken as it comes.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"
#include "wire/message.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

enum sl_arg_kind {
    SL_ARG_ANY,
    SL_ARG_BOOLEAN,
    SL_ARG_NUMBER,
    SL_ARG_INT, /* 32 bits, as SignalR's int */
    SL_ARG_INT64,
    SL_ARG_STRING,
    SL_ARG_BINARY,
    SL_ARG_TIMESTAMP,
    SL_ARG_ARRAY,
    SL_ARG_OBJECT,
    SL_ARG_KIND_COUNT
};

struct sl_arg {
    uint8_t kind; /* enum sl_arg_kind; of the items for a stream */
    bool nullable;
    bool stream;
};

/* What a method declares. All zero: nothing. */
struct sl_args {
    struct sl_arg *items; /* owned */
    unsigned count;
    unsigned streams; /* of them */
    bool declared;
};

/* "int", "string?", "stream<int>". False: not a type. */
bool sl_arg_parse(struct sl_slice text, struct sl_arg *arg);

struct sl_engine;
struct sl_method;

struct sl_binding {
    bool strict;           /* the count must be the function's own */
    struct sl_str *detail; /* gets why they do not bind */
    /* Out: how many upload streams the method takes, which need not be how
     * many came. */
    unsigned streams;
};

/* Pushes the arguments of the message. Returns how many stand on the stack,
 * or negative: they do not bind, and the stack is as before. Upload streams
 * stand where the declaration says, else behind the other arguments; their
 * places hold nil. */
int sl_args_bind(struct sl_engine *engine, lua_State *L,
                 const struct sl_method *method,
                 const struct sl_message *message, struct sl_binding *binding);

/* Pushes one value if it fits, null being nil. False: it does not, and the
 * stack may have grown. */
bool sl_arg_bind(struct sl_engine *engine, lua_State *L,
                 const struct sl_arg *arg, const struct sl_value *value);

/* Seconds since 1970 of an ISO 8601 text; without a zone: UTC. */
bool sl_timestamp_parse(struct sl_slice text, int64_t *seconds,
                        uint32_t *nanoseconds);
