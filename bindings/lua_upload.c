// SPDX-License-Identifier: MIT
/*
 * A reader is a userdata; its items wait in its environment table, the hub
 * layer bounds their number. Item i lies at PLACE(first + i), the error that
 * the client ended with at ERROR.
 *
 * Who finds no item waits. A waiting one is woken for one item and takes it
 * when its turn comes; until then the item is promised, and whoever else reads
 * leaves it alone.
 */
#include "bindings/lua_upload.h"

#include "base/check.h"
#include "base/mem.h"
#include "bindings/bindings.h"
#include "bindings/lua_value.h"
#include "bindings/lua_wait.h"

#define UPLOAD_MT "signalua.upload"
#define ERROR 0
#define PLACE(number) ((int)((number)&0x3fffffffu) + 1)
#define STACK_NEEDED 8

struct sl_reader {
    struct sl_reader *next;           /* of the same call */
    struct sl_invocation *invocation; /* NULL: the call has ended */
    struct sl_engine *engine;
    struct sl_list waits; /* of read_wait that nothing was promised to */
    unsigned index;       /* which upload of the call */
    unsigned first, count;
    unsigned promised; /* of count */
    struct sl_arg type;
    bool ended, failed;
    int self_ref; /* while the call runs: keeps the userdata */
};

struct read_wait {
    struct sl_wait wait;
    struct sl_list node;
    struct sl_reader *reader;
    int reader_ref;
    bool promised;
};

/* ---- taking ---- */

/* Pushes the environment of the reader that stands at the registry index. */
static void push_items(lua_State *L, int ref)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    lua_getfenv(L, -1);
    lua_remove(L, -2);
}

/* The environment is on top: makes `true, item` of it. */
static int take(lua_State *L, struct sl_reader *reader)
{
    sl_assert(reader->count > 0);
    int items = lua_gettop(L), place = PLACE(reader->first);
    lua_pushboolean(L, 1);
    lua_rawgeti(L, items, place);
    lua_pushnil(L);
    lua_rawseti(L, items, place);
    lua_remove(L, items);
    reader->first = --reader->count == 0 ? 0 : reader->first + 1;
    if (reader->invocation != NULL)
        sl_invocation_upload_taken(reader->invocation, reader->index);
    return 2;
}

/* The environment is on top: makes of it what the end looks like. A call whose
 * client is gone hears of that and not that the upload was cut off. */
static int take_end(lua_State *L, const struct sl_reader *reader,
                    const struct sl_co *co)
{
    lua_pushboolean(L, !reader->failed);
    if (!reader->failed)
        lua_pushnil(L);
    else if (co != NULL && co->cancelled)
        sl_engine_push(L, reader->engine, SL_REF_CANCELLED);
    else
        lua_rawgeti(L, -2, ERROR);
    lua_remove(L, -3);
    return 2;
}

/* ---- waiting ---- */

static int wait_push(struct sl_wait *wait, lua_State *L)
{
    struct read_wait *own = SL_CONTAINER_OF(wait, struct read_wait, wait);
    struct sl_reader *reader = own->reader;
    push_items(L, own->reader_ref);
    if (!own->promised)
        return take_end(L, reader, wait->co);
    own->promised = false;
    reader->promised--;
    return take(L, reader);
}

static void wait_free(struct sl_wait *wait)
{
    struct read_wait *own = SL_CONTAINER_OF(wait, struct read_wait, wait);
    if (own->promised) /* it was ended before its turn */
        own->reader->promised--;
    luaL_unref(own->reader->engine->L, LUA_REGISTRYINDEX, own->reader_ref);
    sl_free(own);
}

static void wait_abandon(struct sl_wait *wait)
{
    sl_list_remove(&SL_CONTAINER_OF(wait, struct read_wait, wait)->node);
}

static struct read_wait *pop_wait(struct sl_reader *reader)
{
    struct sl_list *node = sl_list_pop_front(&reader->waits);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct read_wait, node);
}

static void wake_all(struct sl_reader *reader)
{
    struct read_wait *wait;
    while ((wait = pop_wait(reader)) != NULL)
        sl_wait_done(&wait->wait);
}

/* upload_next(reader), called by engine.lua. */
static int upload_next(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_reader *reader = luaL_testudata(L, 1, UPLOAD_MT);
    if (reader == NULL)
        return sl_lua_raise(L, 2, "this is no upload");
    sl_wait_check(L);
    if (reader->count > reader->promised) {
        lua_getfenv(L, 1);
        return take(L, reader);
    }
    if (reader->ended) {
        lua_getfenv(L, 1);
        return take_end(L, reader, engine->running);
    }
    lua_pushvalue(L, 1);
    int reader_ref = luaL_ref(L, LUA_REGISTRYINDEX);

    struct read_wait *wait = sl_zalloc(sizeof(*wait));
    wait->wait.push = wait_push;
    wait->wait.free = wait_free;
    wait->wait.abandon = wait_abandon;
    wait->reader = reader;
    wait->reader_ref = reader_ref;
    sl_list_push_back(&reader->waits, &wait->node);

    return sl_lua_wait(L, &wait->wait);
}

/* ---- items ---- */

static struct sl_reader *find(struct sl_co *co, unsigned index)
{
    struct sl_reader *reader = co->uploads;
    while (reader != NULL && reader->index != index)
        reader = reader->next;
    sl_assert(reader != NULL);
    return reader;
}

/* An item must not look like the end: null is signalua.null. */
static bool push_item(lua_State *L, const struct sl_reader *reader,
                      const struct sl_value *item)
{
    const struct sl_arg *type = &reader->type;
    if (sl_value_kind(item) != SL_VALUE_NULL)
        return sl_arg_bind(reader->engine, L, type, item);
    lua_pushlightuserdata(L, NULL);
    return type->nullable || type->kind == SL_ARG_ANY;
}

bool sl_lua_upload_item(struct sl_co *co, unsigned index,
                        const struct sl_value *item)
{
    struct sl_reader *reader = find(co, index);
    lua_State *L = co->engine->L;
    int top = lua_gettop(L);
    lua_checkstack(L, STACK_NEEDED);
    push_items(L, reader->self_ref);
    bool bound = push_item(L, reader, item);
    if (bound)
        lua_rawseti(L, top + 1, PLACE(reader->first + reader->count));
    lua_settop(L, top);
    if (!bound)
        return false;
    reader->count++;
    struct read_wait *wait = pop_wait(reader);
    if (wait != NULL) {
        wait->promised = true;
        reader->promised++;
        sl_wait_done(&wait->wait);
    }
    return true;
}

void sl_lua_upload_end(struct sl_co *co, unsigned index, bool failed,
                       struct sl_slice error)
{
    struct sl_reader *reader = find(co, index);
    lua_State *L = co->engine->L;
    reader->ended = true;
    reader->failed = failed;
    if (failed) {
        lua_checkstack(L, STACK_NEEDED);
        push_items(L, reader->self_ref);
        sl_lua_push_error(L, co->engine, SL_REF_HUB_ERROR_MT, error);
        lua_rawseti(L, -2, ERROR);
        lua_pop(L, 1);
    }
    wake_all(reader);
}

/* ---- the call ---- */

/* Pushes a new reader, the first of co->uploads. */
static void push_reader(struct sl_co *co, unsigned index, struct sl_arg type)
{
    lua_State *L = co->L;
    struct sl_reader *reader = lua_newuserdata(L, sizeof(*reader));
    *reader = (struct sl_reader){
        .next = co->uploads,
        .invocation = co->invocation,
        .engine = co->engine,
        .index = index,
        .type = type,
    };
    sl_list_init(&reader->waits);
    luaL_getmetatable(L, UPLOAD_MT);
    lua_setmetatable(L, -2);
    lua_newtable(L);
    lua_setfenv(L, -2);
    lua_pushvalue(L, -1);
    reader->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    co->uploads = reader;
}

void sl_lua_uploads_open(struct sl_co *co, const struct sl_args *args,
                         int count, unsigned streams)
{
    lua_State *L = co->L;
    int first = lua_gettop(L) - count + 1;
    unsigned index = 0;
    lua_checkstack(L, STACK_NEEDED);
    for (int i = 0; i < count; i++) {
        bool here =
            args->declared ? args->items[i].stream : i >= count - (int)streams;
        if (!here)
            continue;
        push_reader(co, index++,
                    args->declared ? args->items[i] : (struct sl_arg){ 0 });
        lua_replace(L, first + i);
    }
    sl_assert(index == streams);
}

void sl_lua_uploads_end(struct sl_co *co)
{
    struct sl_reader *next;
    for (struct sl_reader *reader = co->uploads; reader != NULL;
         reader = next) {
        next = reader->next;
        reader->next = NULL;
        reader->invocation = NULL;
        reader->ended = true;
        reader->count = reader->promised;
        wake_all(reader);
        luaL_unref(co->engine->L, LUA_REGISTRYINDEX, reader->self_ref);
    }
    co->uploads = NULL;
}

void sl_lua_upload_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "upload_next", upload_next },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    luaL_newmetatable(L, UPLOAD_MT); /* its __call is made by engine.lua */
    lua_pushliteral(L, UPLOAD_MT);
    lua_setfield(L, -2, "__metatable");
    lua_setfield(L, -2, "upload_mt");
}
