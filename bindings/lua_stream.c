// SPDX-License-Identifier: MIT
/*
 * emit(item) encodes the item straight into the connection's queue. It waits
 * for two reasons: the client is behind (until sl_lua_stream_resume), or the
 * streams of this worker have sent their share of a loop turn (until the next
 * one), since a client that reads fast would let a stream run for ever and
 * keep its own cancel from being read.
 *
 * Tasks that the stream's function spawned may emit, too; so there may be
 * several that wait.
 */
#include "bindings/lua_stream.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "bindings/bindings.h"
#include "bindings/lua_value.h"
#include "bindings/lua_wait.h"

#define STACK_TO_RUN 4

/* A userdata, kept by self_ref while the call runs. */
struct sl_emitter {
    struct sl_invocation *invocation; /* NULL: the stream has ended */
    struct sl_engine *engine;
    struct sl_list waits;       /* of emit_wait */
    struct sl_wheel_entry turn; /* those that wait for the next turn */
    unsigned left; /* items it may send before it waits for a turn */
    bool full;     /* the client is behind */
    bool cancelled;
    int self_ref;
};

struct emit_wait {
    struct sl_wait wait;
    struct sl_list node;
    struct sl_emitter *emitter; /* kept: emit's closure is being called */
};

/* ---- waiting ---- */

/* What emit gives in place of `true`. */
static int push_over(lua_State *L, const struct sl_emitter *emitter)
{
    lua_pushboolean(L, 0);
    if (emitter->cancelled)
        sl_engine_push(L, emitter->engine, SL_REF_CANCELLED);
    else
        lua_pushliteral(L, "the stream has ended: its function has returned");
    return 2;
}

static int wait_push(struct sl_wait *wait, lua_State *L)
{
    struct sl_emitter *emitter =
        SL_CONTAINER_OF(wait, struct emit_wait, wait)->emitter;
    if (emitter->cancelled || emitter->invocation == NULL)
        return push_over(L, emitter);
    lua_pushboolean(L, 1);
    return 1;
}

static void wait_free(struct sl_wait *wait)
{
    sl_free(SL_CONTAINER_OF(wait, struct emit_wait, wait));
}

static void wait_abandon(struct sl_wait *wait)
{
    sl_list_remove(&SL_CONTAINER_OF(wait, struct emit_wait, wait)->node);
}

static struct emit_wait *wait_new(struct sl_emitter *emitter)
{
    struct emit_wait *wait = sl_zalloc(sizeof(*wait));
    wait->wait.push = wait_push;
    wait->wait.free = wait_free;
    wait->wait.abandon = wait_abandon;
    wait->emitter = emitter;
    sl_list_init(&wait->node);
    sl_list_push_back(&emitter->waits, &wait->node);
    return wait;
}

static void wake_all(struct sl_emitter *emitter)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&emitter->waits)) != NULL)
        sl_wait_done(&SL_CONTAINER_OF(node, struct emit_wait, node)->wait);
}

static void on_turn(struct sl_wheel_entry *entry)
{
    struct sl_emitter *emitter =
        SL_CONTAINER_OF(entry, struct sl_emitter, turn);
    if (!emitter->full)
        wake_all(emitter);
}

void sl_lua_stream_resume(struct sl_emitter *emitter)
{
    emitter->full = false;
    wake_all(emitter);
}

void sl_lua_stream_cancel(struct sl_emitter *emitter)
{
    emitter->cancelled = true;
    wake_all(emitter);
}

/* ---- emit ---- */

static unsigned share(const struct sl_engine *engine)
{
    unsigned share = SL_STREAM_TURN_ITEMS / engine->stream_count;
    return share < SL_STREAM_TURN_LEAST ? SL_STREAM_TURN_LEAST : share;
}

SL_RAISES static int raise_item(lua_State *L, struct sl_engine *engine, int err,
                                const struct sl_encode *encode)
{
    struct sl_str *out = &engine->scratch;
    sl_str_clear(out);
    sl_str_add_lit(out, "the item");
    if (encode->wrong != NULL)
        sl_encode_explain(encode, out);
    else
        sl_str_add_fmt(out, " cannot be sent: %s", sl_err_text(err));
    return sl_lua_raise(L, 2, "%s", sl_str_cstr(out));
}

/* The item is queued; the next one waits. */
static int emit_wait(lua_State *L, struct sl_emitter *emitter)
{
    struct sl_wheel *wheel = emitter->engine->world->wheel;
    struct emit_wait *wait = wait_new(emitter);
    emitter->left = share(emitter->engine);
    /* What is due now fires once per turn, after sockets were looked at. */
    if (!emitter->full && !sl_wheel_is_set(&emitter->turn))
        sl_wheel_set(wheel, &emitter->turn, wheel->now_ms);
    return sl_lua_wait(L, &wait->wait);
}

/* stream_emit(emitter, item), called by engine.lua alone. */
static int stream_emit(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_emitter *emitter = lua_touserdata(L, 1);
    sl_wait_check(L);
    if (emitter->invocation == NULL)
        return push_over(L, emitter);
    lua_settop(L, 2);
    struct sl_encode encode;
    sl_encode_init(&encode, engine, L, 2, 1);

    int err = sl_invocation_item(emitter->invocation, sl_encode, &encode);
    if (SL_LIKELY(err == 0 && --emitter->left > 0)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    if (err == SL_E_CANCELLED) {
        emitter->cancelled = true;
        return push_over(L, emitter);
    }
    if (err != 0 && err != SL_E_FULL)
        return raise_item(L, engine, err, &encode);
    emitter->full = err == SL_E_FULL;
    return emit_wait(L, emitter);
}

/* ---- the stream ---- */

bool sl_lua_stream_function(struct sl_co *co, int index)
{
    lua_State *L = co->L;
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return false;
    sl_engine_push(L, co->engine, SL_REF_STREAM_MT);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!same)
        return false;
    lua_pushliteral(L, "stream");
    lua_rawget(L, index);
    return true;
}

void sl_lua_stream_run(struct sl_co *co)
{
    lua_State *L = co->L;
    struct sl_engine *engine = co->engine;
    lua_replace(L, 1);
    lua_settop(L, 1);
    lua_checkstack(L, STACK_TO_RUN);
    sl_engine_push(L, engine, SL_REF_STREAM_RUN);
    lua_insert(L, 1);

    struct sl_emitter *emitter = lua_newuserdata(L, sizeof(*emitter));
    *emitter =
        (struct sl_emitter){ .invocation = co->invocation, .engine = engine };
    sl_list_init(&emitter->waits);
    sl_wheel_entry_init(&emitter->turn, on_turn);
    lua_pushvalue(L, -1);
    emitter->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    engine->stream_count++;
    emitter->left = share(engine);
    co->stream = emitter;
    sl_co_again(co, 2);
}

void sl_lua_stream_end(struct sl_co *co)
{
    struct sl_emitter *emitter = co->stream;
    struct sl_engine *engine = co->engine;
    co->stream = NULL;
    emitter->cancelled = emitter->cancelled || co->cancelled;
    emitter->invocation = NULL;
    sl_wheel_cancel(engine->world->wheel, &emitter->turn);
    wake_all(emitter);
    sl_assert(engine->stream_count > 0);
    engine->stream_count--;
    luaL_unref(engine->L, LUA_REGISTRYINDEX, emitter->self_ref);
}

void sl_lua_stream_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "stream_emit", stream_emit },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "stream_mt");
    sl_engine_keep(L, engine, SL_REF_STREAM_MT);
}
