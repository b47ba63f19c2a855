// SPDX-License-Identifier: MIT
/*
 * Values between the wire and Lua.
 *
 * To Lua: null is nil where an argument or result stands and signalua.null
 * inside tables; arrays carry a metatable as their mark, so that [] stays [];
 * integers beyond 2^53 are int64_t or uint64_t cdata.
 *
 * From Lua: a walk over the stack into an sl_writer that never raises, since
 * it runs inside the hub layer. What cannot be encoded is remembered and told
 * afterwards with its place: argument 2 of "recv": field "a.b" is a function.
 */
#pragma once

#include "base/limits.h"
#include "bindings/internal.h"
#include "wire/value.h"
#include "wire/writer.h"

#define SL_BINARY_MT "signalua.binary"
#define SL_TIMESTAMP_MT "signalua.timestamp"

/* 2^53: up to here a double holds every integer. */
#define SL_LUA_EXACT_MAX 9007199254740992.0

struct sl_timestamp {
    int64_t seconds; /* since 1970, UTC */
    uint32_t nanoseconds;
};

/* Marks, binary, timestamp, integers: into the table on top. */
void sl_lua_value_open(lua_State *L, struct sl_engine *engine);

/* Pushes one value; inside_table says what null becomes. */
void sl_value_push(struct sl_engine *engine, lua_State *L,
                   const struct sl_value *value, bool inside_table);
void sl_lua_push_int64(struct sl_engine *engine, lua_State *L, int64_t value);
void sl_lua_push_binary(lua_State *L, struct sl_slice bytes);
void sl_lua_push_timestamp(lua_State *L, struct sl_timestamp time);

/* ---- from Lua (lua_encode.c) ---- */

struct sl_encode_step {
    const void *table;   /* to tell a cycle from mere depth */
    struct sl_slice key; /* of a named field */
    size_t index;        /* of a list item; 0: it is a named field */
};

/* One run of sl_encode. Borrows the stack. */
struct sl_encode {
    struct sl_engine *engine;
    lua_State *L;
    int first, count; /* stack indexes of the values */
    /* after a failure */
    const char *wrong; /* "is a function" */
    int at;            /* which value, from 0 */
    unsigned depth;
    struct sl_encode_step steps[SL_LUA_DEPTH_MAX + 1];
};

/* An sl_write_cb; user is a struct sl_encode. */
int sl_encode(struct sl_writer *w, void *user);

/* Appends `field "a.b" is a function`, or `is a function` for the value
 * itself (with its own separator: ": " or " "). */
void sl_encode_explain(const struct sl_encode *encode, struct sl_str *out);

/* A struct of this size is not cleared as a whole. */
static inline void sl_encode_init(struct sl_encode *encode,
                                  struct sl_engine *engine, lua_State *L,
                                  int first, int count)
{
    encode->engine = engine;
    encode->L = L;
    encode->first = first;
    encode->count = count;
    encode->wrong = NULL;
    encode->at = 0;
    encode->depth = 0;
}
