// SPDX-License-Identifier: MIT
/*
 * proxy:invoke(target, ...): calls a client and waits for its result. The
 * answer may come before the wait has begun, later, or never: then the time is
 * up, or the coroutine is cancelled, and the question is taken back.
 *
 * What the client said went wrong is a hub_error, which reaches whoever called
 * the asking method, as in the reference. That there is no answer is not.
 */
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/lua_clients.h"
#include "bindings/lua_wait.h"
#include "hub/results.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"

#define AUTHOR 2 /* invoke is called by engine.lua */
#define STACK_NEEDED 8

struct question {
    struct sl_wait wait;
    struct sl_wheel_entry timer;
    struct sl_engine *engine;
    struct sl_hub *hub;
    sl_slot_id id; /* 0: answered, or not asked yet */
    uint64_t timeout_ms;
    char conn_id[SL_ID_LEN + 1];
    int err;        /* of the answer */
    int result_ref; /* the value or the error */
};

/* ---- the answer ---- */

static int wait_push(struct sl_wait *wait, lua_State *L)
{
    const struct question *question =
        SL_CONTAINER_OF(wait, struct question, wait);
    lua_pushboolean(L, question->err == 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, question->result_ref);
    return 2;
}

static void wait_free(struct sl_wait *wait)
{
    struct question *question = SL_CONTAINER_OF(wait, struct question, wait);
    luaL_unref(question->engine->L, LUA_REGISTRYINDEX, question->result_ref);
    sl_free(question);
}

static void wait_abandon(struct sl_wait *wait)
{
    struct question *question = SL_CONTAINER_OF(wait, struct question, wait);
    sl_wheel_cancel(question->engine->world->wheel, &question->timer);
    sl_hub_ask_cancel(question->hub, question->id);
}

/* The value or error is on top of the engine's own stack. */
static void finish(struct question *question, int err)
{
    struct sl_engine *engine = question->engine;
    question->err = err;
    question->result_ref = luaL_ref(engine->L, LUA_REGISTRYINDEX);
    sl_wheel_cancel(engine->world->wheel, &question->timer);
    sl_wait_done(&question->wait);
}

static void on_answer(void *user, int err, const struct sl_value *value,
                      struct sl_slice error)
{
    struct question *question = user;
    struct sl_engine *engine = question->engine;
    bool own = err == SL_E_SCRIPT || err == SL_E_BINDING;
    lua_checkstack(engine->L, STACK_NEEDED);
    if (err == 0)
        sl_value_push(engine, engine->L, value, false);
    else
        sl_lua_push_error(engine->L, engine,
                          own ? SL_REF_HUB_ERROR_MT : SL_REF_HOST_ERROR_MT,
                          error);
    finish(question, err);
}

static void on_timeout(struct sl_wheel_entry *entry)
{
    struct question *question = SL_CONTAINER_OF(entry, struct question, timer);
    struct sl_engine *engine = question->engine;
    struct sl_str text = { 0 };
    sl_hub_ask_cancel(question->hub, question->id);
    sl_str_add_fmt(&text, "Connection '%s' did not answer within %g seconds.",
                   question->conn_id, (double)question->timeout_ms / 1000);
    lua_checkstack(engine->L, STACK_NEEDED);
    sl_lua_push_error(engine->L, engine, SL_REF_HOST_ERROR_MT,
                      sl_str_slice(&text));
    sl_str_release(&text);
    finish(question, SL_E_TIMEOUT);
}

/* ---- the question ---- */

/* Whose names are one connection: leaves its id on the stack. */
SL_RAISES static struct sl_slice check_client(lua_State *L,
                                              const struct sl_proxy *proxy,
                                              int level, const char *function)
{
    lua_rawgeti(L, 1, SL_PROXY_NAMES);
    if (proxy->audience == SL_TO_CLIENTS && lua_type(L, -1) == LUA_TSTRING)
        return sl_lua_slice(L, -1);
    if (proxy->audience == SL_TO_CLIENTS && lua_objlen(L, -1) == 0)
        sl_lua_raise(L, level,
                     "nobody is there to be asked: the caller's "
                     "connection is gone");
    sl_lua_raise(L, level,
                 "%s asks one client, and this proxy may mean many: write "
                 "clients:client(id):%s(...) or clients.caller:%s(...)%s",
                 function, function, function,
                 function[0] == 'i' ? "; send is for many" : "");
    return (struct sl_slice){ 0 };
}

static uint64_t timeout_of(lua_State *L)
{
    lua_rawgeti(L, 1, SL_PROXY_TIMEOUT);
    uint64_t ms =
        lua_isnil(L, -1) ? SL_ASK_TIMEOUT_MS : (uint64_t)lua_tonumber(L, -1);
    lua_pop(L, 1);
    return ms;
}

static struct question *question_new(struct sl_engine *engine,
                                     struct sl_hub *hub,
                                     struct sl_slice conn_id,
                                     uint64_t timeout_ms)
{
    struct question *question = sl_zalloc(sizeof(*question));
    question->wait.push = wait_push;
    question->wait.free = wait_free;
    question->wait.abandon = wait_abandon;
    question->engine = engine;
    question->hub = hub;
    question->timeout_ms = timeout_ms;
    question->result_ref = LUA_NOREF;
    if (conn_id.len > 0 && conn_id.len <= SL_ID_LEN) /* another is nobody's */
        memcpy(question->conn_id, conn_id.ptr, conn_id.len);
    sl_wheel_entry_init(&question->timer, on_timeout);
    return question;
}

/* proxy_invoke(proxy, target, ...), called by engine.lua. */
static int proxy_invoke(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    struct sl_proxy proxy = { .hub = NULL };
    sl_lua_proxy_check(L, AUTHOR, "caller:invoke(target, ...)", &proxy);
    int arg_count = lua_gettop(L) - 2;
    struct sl_slice conn_id = check_client(L, &proxy, AUTHOR, "invoke");
    uint64_t timeout_ms = timeout_of(L);
    sl_wait_check(L);
    struct sl_encode encode;
    sl_encode_init(&encode, engine, L, 3, arg_count);

    struct sl_invocation *invocation = engine->running->invocation;
    if (invocation != NULL)
        sl_invocation_release_slot(invocation);
    struct question *question =
        question_new(engine, proxy.hub, conn_id, timeout_ms);
    struct sl_wheel *wheel = engine->world->wheel;
    sl_wheel_set(wheel, &question->timer, wheel->now_ms + timeout_ms);
    struct sl_ask ask = { .conn_id = conn_id,
                          .target = sl_lua_slice(L, 2),
                          .arg_count = (size_t)arg_count,
                          .args = sl_encode,
                          .args_user = &encode };
    sl_slot_id id = sl_hub_ask(proxy.hub, &ask, on_answer, question);
    if (encode.wrong != NULL) {
        wait_free(&question->wait);
        return sl_lua_proxy_raise(L, AUTHOR, SL_E_VALUE, &encode, ask.target);
    }
    question->id = id;

    return sl_lua_wait(L, &question->wait);
}

int sl_lua_proxy_timeout(lua_State *L)
{
    struct sl_proxy proxy;
    if (!sl_lua_proxy_read(L, sl_engine_of(L), &proxy))
        return sl_lua_raise(L, 1,
                            "call it with a colon, as in "
                            "client:timeout(5):invoke(...)");
    uint64_t ms = sl_lua_check_seconds(L, 2, 1, 0.001);
    (void)check_client(L, &proxy, 1, "timeout");

    lua_createtable(L, SL_PROXY_TIMEOUT, 0);
    for (int slot = SL_PROXY_WHERE; slot < SL_PROXY_TIMEOUT; slot++) {
        lua_rawgeti(L, 1, slot);
        lua_rawseti(L, -2, slot);
    }
    lua_pushnumber(L, (lua_Number)ms);
    lua_rawseti(L, -2, SL_PROXY_TIMEOUT);
    lua_getmetatable(L, 1);
    lua_setmetatable(L, -2);
    return 1;
}

void sl_lua_invoke_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "proxy_invoke", proxy_invoke },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "host_error_mt");
    sl_engine_keep(L, engine, SL_REF_HOST_ERROR_MT);
}
