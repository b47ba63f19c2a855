// SPDX-License-Identifier: MIT
/*
 * Values from Lua. The walk recurses at most SL_LUA_DEPTH_MAX levels, which
 * also ends every cycle.
 *
 * A table with the mark is an array of n (its field) or #t items. Without it:
 * no keys make an object, the keys 1..n an array, names an object; anything
 * else is refused, since it would silently lose or rename fields.
 *
 * Which 64-bit integer a cdata is tells an embedded function; its bytes are
 * where lua_topointer says.
 */
#include "bindings/lua_value.h"

#include "base/err.h"
#include "base/mem.h"
#include "bindings/coroutine.h"
#include "bindings/generation.h"
#include "bindings/name_order.h"

#include <limits.h>
#include <math.h>

#define LUA_TCDATA 10 /* lua.h does not tell */
#define STACK_PER_LEVEL 6
#define TWO_63 9223372036854775808.0

static int encode_value(struct sl_encode *e, struct sl_writer *w, int index);

static int refuse(struct sl_encode *e, int err, const char *wrong)
{
    e->wrong = wrong;
    return err;
}

/* Whole numbers are integers on the wire as far as it has some: a client that
 * declares one takes no double of MessagePack for it. */
static bool encode_whole(struct sl_writer *w, double value)
{
    if (value >= -TWO_63 && value < TWO_63) {
        int64_t whole = (int64_t)value;
        if ((double)whole != value || (whole == 0 && signbit(value)))
            return false;
        sl_write_int(w, whole);
        return true;
    }
    if (!(value >= TWO_63 && value < 2 * TWO_63))
        return false;
    sl_write_uint(w, (uint64_t)value);
    return true;
}

static int encode_number(struct sl_encode *e, struct sl_writer *w, double value)
{
    if (encode_whole(w, value))
        return 0;
    int err = sl_write_double(w, value);
    return err == 0 ? 0
                    : refuse(e, err,
                             isnan(value) ? "is not a number" : "is infinite");
}

static int encode_string(struct sl_encode *e, struct sl_writer *w, int index)
{
    int err = sl_write_string(w, sl_lua_slice(e->L, index));
    return err == 0 ? 0
                    : refuse(e, err,
                             "is not UTF-8 (signalua.binary sends "
                             "bytes)");
}

static int encode_userdata(struct sl_encode *e, struct sl_writer *w, int index)
{
    lua_State *L = e->L;
    if (!lua_getmetatable(L, index))
        return refuse(e, SL_E_VALUE, "is a userdata");
    luaL_getmetatable(L, SL_BINARY_MT);
    luaL_getmetatable(L, SL_TIMESTAMP_MT);
    bool binary = lua_rawequal(L, -3, -2), time = lua_rawequal(L, -3, -1);
    lua_pop(L, 3);
    if (binary) {
        sl_write_binary(
            w, sl_slice_of(lua_touserdata(L, index), lua_objlen(L, index)));
        return 0;
    }
    if (!time)
        return refuse(e, SL_E_VALUE, "is a userdata");
    const struct sl_timestamp *at = lua_touserdata(L, index);
    int err = sl_write_timestamp(w, at->seconds, at->nanoseconds);
    return err == 0 ? 0 : refuse(e, err, "is beyond the years 1 to 9999");
}

/* Only int64_t and uint64_t are numbers of the wire. */
static int encode_cdata(struct sl_encode *e, struct sl_writer *w, int index)
{
    lua_State *L = e->L, *main = e->engine->L;
    int top = lua_gettop(main);
    sl_engine_push(main, e->engine, SL_REF_INT64_SORT);
    lua_pushvalue(L, index);
    if (L != main)
        lua_xmove(L, main, 1);
    int sort = sl_lua_protect(main, 1, 1, NULL) == 0
                   ? (int)lua_tointeger(main, -1)
                   : 0;
    lua_settop(main, top);
    if (sort == 0)
        return refuse(e, SL_E_VALUE, "is a cdata that is no 64-bit integer");
    uint64_t bits;
    memcpy(&bits, lua_topointer(L, index), sizeof(bits));
    if (sort == 1)
        sl_write_int(w, (int64_t)bits);
    else
        sl_write_uint(w, bits);
    return 0;
}

static bool is_marked(struct sl_encode *e, int index)
{
    if (!lua_getmetatable(e->L, index))
        return false;
    sl_engine_push(e->L, e->engine, SL_REF_ARRAY_MT);
    bool same = lua_rawequal(e->L, -1, -2);
    lua_pop(e->L, 2);
    return same;
}

/* How many items a marked table has. */
static size_t marked_count(lua_State *L, int index)
{
    lua_pushliteral(L, "n");
    lua_rawget(L, index);
    lua_Number n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    lua_pop(L, 1);
    return n >= 0 && n <= SL_LUA_ITEMS_MAX ? (size_t)n : lua_objlen(L, index);
}

enum shape { SHAPE_OBJECT, SHAPE_LIST, SHAPE_MIXED };

static enum shape shape_of(lua_State *L, int index, size_t *count)
{
    size_t numbers = 0, names = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        int type = lua_type(L, -1);
        numbers += type == LUA_TNUMBER;
        names += type == LUA_TSTRING;
        if (type != LUA_TNUMBER && type != LUA_TSTRING) {
            lua_pop(L, 1);
            return SHAPE_MIXED;
        }
    }
    *count = names + numbers;
    if (numbers == 0)
        return SHAPE_OBJECT;
    return names == 0 && lua_objlen(L, index) == numbers ? SHAPE_LIST
                                                         : SHAPE_MIXED;
}

static int encode_list(struct sl_encode *e, struct sl_writer *w, int index,
                       size_t count, bool marked)
{
    struct sl_encode_step *step = &e->steps[e->depth - 1];
    int err = sl_write_array(w, count);
    for (size_t i = 1; err == 0 && i <= count; i++) {
        step->index = i;
        lua_rawgeti(e->L, index, (int)i);
        if (!marked && lua_isnil(e->L, -1))
            err = refuse(e, SL_E_VALUE,
                         "is missing: signalua.array{..., n = "
                         "count} makes a list with gaps");
        else
            err = encode_value(e, w, index + 1);
        lua_pop(e->L, 1);
    }
    if (err == 0)
        sl_write_end(w);
    return err;
}

/* One field, its value on top. */
static int encode_field(struct sl_encode *e, struct sl_writer *w, int value,
                        struct sl_slice name)
{
    struct sl_encode_step *step = &e->steps[e->depth - 1];
    step->key = name;
    step->index = 0;
    int err = sl_write_key(w, name);
    if (err != 0)
        return refuse(e, err, "has a name that is not UTF-8");
    return encode_value(e, w, value);
}

/* In the order of the table. */
static int encode_unordered(struct sl_encode *e, struct sl_writer *w, int index)
{
    lua_State *L = e->L;
    int err = 0;
    lua_pushnil(L);
    while (err == 0 && lua_next(L, index)) {
        err = encode_field(e, w, index + 2, sl_lua_slice(L, index + 1));
        lua_pop(L, 1);
    }
    lua_settop(L, index); /* after an error the key still stands there */
    return err;
}

/* The names of the table at index into engine->places, with where they stand
 * in the scripts. */
static void collect_names(struct sl_encode *e, int index, size_t count)
{
    lua_State *L = e->L;
    struct sl_engine *engine = e->engine;
    if (engine->place_count + count > engine->place_cap) {
        engine->place_cap = engine->place_count + (unsigned)count + 64;
        engine->places = sl_realloc(
            engine->places, engine->place_cap * sizeof(*engine->places));
    }
    sl_generation_push(L, sl_engine_generation(engine),
                       sl_engine_generation(engine)->names);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawget(L, index + 1);
        engine->places[engine->place_count++] = (struct sl_name_place){
            .name = sl_lua_slice(L, -2),
            .place =
                lua_isnil(L, -1) ? UINT_MAX : (unsigned)lua_tointeger(L, -1),
        };
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int encode_ordered(struct sl_encode *e, struct sl_writer *w, int index,
                          size_t count)
{
    lua_State *L = e->L;
    struct sl_engine *engine = e->engine;
    unsigned first = engine->place_count;
    int err = 0;
    collect_names(e, index, count);
    sl_name_order_sort(engine->places + first, count);
    for (unsigned i = first; err == 0 && i < first + count; i++) {
        struct sl_slice name = engine->places[i].name;
        sl_lua_push_slice(L, name);
        lua_rawget(L, index);
        err = encode_field(e, w, index + 1, name);
        lua_pop(L, 1);
    }
    engine->place_count = first;
    return err;
}

static int encode_object(struct sl_encode *e, struct sl_writer *w, int index,
                         size_t count)
{
    bool ordered = count > 1 && count <= SL_ORDERED_NAMES_MAX &&
                   sl_engine_generation(e->engine) != NULL;
    int err = sl_write_object(w, count);
    if (err == 0)
        err = ordered ? encode_ordered(e, w, index, count)
                      : encode_unordered(e, w, index);
    if (err == 0)
        sl_write_end(w);
    return err;
}

static int refuse_depth(struct sl_encode *e, const void *table)
{
    for (unsigned i = 0; i < e->depth; i++)
        if (e->steps[i].table == table)
            return refuse(e, SL_E_DEPTH, "contains itself");
    e->depth = e->depth > 3 ? 3 : e->depth; /* a place one can read */
    return refuse(e, SL_E_DEPTH, "is nested over 64 deep");
}

static int encode_table(struct sl_encode *e, struct sl_writer *w, int index)
{
    const void *table = lua_topointer(e->L, index);
    if (e->depth == SL_LUA_DEPTH_MAX)
        return refuse_depth(e, table);
    if (!lua_checkstack(e->L, STACK_PER_LEVEL))
        return refuse(e, SL_E_DEPTH, "is nested too deep");
    e->steps[e->depth++] = (struct sl_encode_step){ .table = table };

    size_t count = 0;
    bool marked = is_marked(e, index);
    enum shape shape = marked ? SHAPE_LIST : shape_of(e->L, index, &count);
    int err;
    if (marked)
        err = encode_list(e, w, index, marked_count(e->L, index), true);
    else if (shape == SHAPE_LIST)
        err = encode_list(e, w, index, count, false);
    else if (shape == SHAPE_OBJECT)
        err = encode_object(e, w, index, count);
    else {
        e->depth--;
        return refuse(e, SL_E_VALUE,
                      "is neither a list 1..n nor a table of names: "
                      "signalua.array{..., n = count} makes a list with gaps");
    }
    if (err == 0)
        e->depth--;
    return err;
}

static int encode_value(struct sl_encode *e, struct sl_writer *w, int index)
{
    lua_State *L = e->L;
    switch (lua_type(L, index)) {
    case LUA_TNIL: sl_write_null(w); return 0;
    case LUA_TBOOLEAN: sl_write_bool(w, lua_toboolean(L, index)); return 0;
    case LUA_TNUMBER: return encode_number(e, w, lua_tonumber(L, index));
    case LUA_TSTRING: return encode_string(e, w, index);
    case LUA_TTABLE: return encode_table(e, w, index);
    case LUA_TUSERDATA: return encode_userdata(e, w, index);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) != NULL)
            return refuse(e, SL_E_VALUE, "is a light userdata");
        sl_write_null(w);
        return 0;
    case LUA_TCDATA: return encode_cdata(e, w, index);
    case LUA_TFUNCTION: return refuse(e, SL_E_VALUE, "is a function");
    default: return refuse(e, SL_E_VALUE, "is a coroutine");
    }
}

int sl_encode(struct sl_writer *w, void *user)
{
    struct sl_encode *e = user;
    lua_State *L = e->L;
    int top = lua_gettop(L);
    if (!lua_checkstack(L, STACK_PER_LEVEL))
        return refuse(e, SL_E_DEPTH, "finds no room on the stack");
    e->depth = 0;
    for (int i = 0; i < e->count; i++) {
        e->at = i;
        int index = e->first + i;
        /* A table is walked from the top of the stack. */
        bool table = lua_type(L, index) == LUA_TTABLE;
        if (table)
            lua_pushvalue(L, index);
        int err = encode_value(e, w, table ? top + 1 : index);
        lua_settop(L, top);
        if (err != 0)
            return err;
    }
    return 0;
}

void sl_encode_explain(const struct sl_encode *e, struct sl_str *out)
{
    if (e->depth > 0)
        sl_str_add_lit(out, ": field \"");
    for (unsigned i = 0; i < e->depth; i++) {
        const struct sl_encode_step *step = &e->steps[i];
        if (step->index > 0) {
            sl_str_add_fmt(out, "[%zu]", step->index);
        } else {
            if (i > 0)
                sl_str_add_char(out, '.');
            sl_str_add(out, step->key.ptr,
                       step->key.len < 64 ? step->key.len : 64);
        }
    }
    if (e->depth > 0)
        sl_str_add_char(out, '"');
    sl_str_add_char(out, ' ');
    sl_str_add_slice(
        out, sl_slice_str(e->wrong == NULL ? "cannot be sent" : e->wrong));
}
