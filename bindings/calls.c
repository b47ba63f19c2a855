// SPDX-License-Identifier: MIT
/*
 * A call is bound when its message is read: function, self and arguments lie
 * on the stack of a pooled coroutine that is resumed only by start. So nothing
 * of the message is kept, and a call that never starts costs its coroutine
 * nothing but a settop.
 *
 * What a method is, plain or streaming, is known when methods.X.stream says so
 * or once it has returned a stream; until then a call of either kind runs, and
 * what it returns decides.
 */
#include "bindings/calls.h"

#include "base/check.h"
#include "base/log.h"
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/lua_stream.h"
#include "bindings/lua_upload.h"
#include "bindings/lua_value.h"
#include "hub/conn.h"
#include "hub/error_text.h"
#include "hub/invocation.h"

#define STACK_OF_CALL 12 /* function, self, policy, around_invoke and a spare */

/* ---- the end ---- */

/* The call is over for Lua; what is left is to tell the client. */
static void forget(struct sl_co *co)
{
    co->invocation = NULL;
    if (co->stream != NULL)
        sl_lua_stream_end(co);
    if (co->uploads != NULL)
        sl_lua_uploads_end(co);
}

/* The same before the client is told. */
static struct sl_invocation *let_go(struct sl_co *co)
{
    struct sl_invocation *invocation = co->invocation;
    invocation->call = NULL;
    forget(co);
    return invocation;
}

/* Nobody waits for how it ends: a cancelled stream, or a client that left. */
static bool is_abandoned(const struct sl_invocation *invocation)
{
    return invocation->cancelled || invocation->conn == NULL;
}

/* It ended by an error, which is told and logged. */
static void fail_call(struct sl_co *co)
{
    struct sl_failure failure;
    sl_co_failure(co, &failure);
    sl_co_log(co, &failure);
    struct sl_invocation *invocation = let_go(co);
    if (failure.cancelled && invocation->wants_stream &&
        is_abandoned(invocation))
        sl_invocation_end(invocation);
    else
        sl_invocation_fail(invocation, failure.fault,
                           sl_str_slice(&failure.text));
    sl_failure_release(&failure);
}

/* The result cannot be encoded. */
static void refuse_result(struct sl_co *co, const struct sl_encode *encode)
{
    struct sl_str *out = &co->engine->scratch;
    lua_Debug place;
    sl_generation_push(co->L, co->script->gen,
                       sl_script_find(co->script, co->what)->function);
    lua_getinfo(co->L, ">S", &place);
    sl_str_clear(out);
    sl_str_add_fmt(out, "%s:%d: the result of %.*s", place.short_src,
                   place.linedefined, (int)co->what.len, co->what.ptr);
    sl_encode_explain(encode, out);
    lua_settop(co->L, 0);
    sl_lua_push_slice(co->L, sl_str_slice(out));
    fail_call(co);
}

/* The client asked for a stream and the method returned none. */
static void refuse_plain(struct sl_co *co)
{
    bool declared =
        sl_script_find(co->script, co->what)->mode == SL_METHOD_STREAMS;
    struct sl_invocation *invocation = let_go(co);
    if (is_abandoned(invocation)) {
        sl_invocation_end(invocation);
        return;
    }
    if (declared)
        sl_log_warn("a streaming method returned no signalua.stream",
                    SL_F_STR("hub", co->script->name),
                    SL_F_SLICE("method", co->what));
    sl_invocation_fail(invocation,
                       declared ? SL_FAULT_NO_STREAM : SL_FAULT_NOT_STREAM,
                       (struct sl_slice){ 0 });
}

static void give_result(struct sl_co *co)
{
    lua_State *L = co->L;
    struct sl_invocation *invocation = co->invocation;
    struct sl_encode encode;
    sl_encode_init(&encode, co->engine, L, 1, 1);
    bool none = lua_gettop(L) == 0 || lua_isnil(L, 1);
    if (invocation->wants_stream) {
        refuse_plain(co);
        return;
    }
    /* It is freed inside, if that goes well. */
    int err =
        sl_invocation_result(invocation, none ? NULL : sl_encode, &encode);
    if (err != 0)
        refuse_result(co, &encode);
    else
        forget(co);
}

/* The function of the stream is on top of the stack. */
static void begin_stream(struct sl_co *co)
{
    struct sl_invocation *invocation = co->invocation;
    sl_script_find(co->script, co->what)->mode = SL_METHOD_STREAMS;
    if (invocation->wants_stream && !is_abandoned(invocation)) {
        invocation->streaming = true;
        sl_lua_stream_run(co);
        return;
    }
    (void)let_go(co);
    if (invocation->wants_stream)
        sl_invocation_end(invocation);
    else
        sl_invocation_fail(invocation, SL_FAULT_IS_STREAM,
                           (struct sl_slice){ 0 });
}

static void on_call_end(struct sl_co *co, int status)
{
    if (status != 0)
        fail_call(co);
    else if (co->stream != NULL)
        sl_invocation_end(let_go(co));
    else if (lua_gettop(co->L) > 0 && sl_lua_stream_function(co, 1))
        begin_stream(co);
    else
        give_result(co);
}

/* ---- the begin ---- */

/* Function and self; with around_invoke its caller goes in front, and before
 * everything what looks at the method's policy. Returns how many values stand
 * between the first function and the arguments. */
static int push_call(lua_State *L, const struct sl_script *script,
                     const struct sl_method *method, sl_slot_id conn)
{
    bool guarded = method->policy.kind == SL_POLICY_LUA;
    if (guarded) {
        sl_engine_push(L, script->gen->engine, SL_REF_GUARDED);
        sl_generation_push(L, script->gen, method->policy.ref);
        sl_lua_push_self(L, script, conn);
    }
    if (script->around != LUA_NOREF) {
        sl_generation_push(L, script->gen, script->call_around);
        sl_generation_push(L, script->gen, script->around);
    }
    sl_generation_push(L, script->gen, method->function);
    if (script->around != LUA_NOREF)
        lua_pushstring(L, method->name);
    if (guarded)
        lua_pushvalue(L, 3);
    else
        sl_lua_push_self(L, script, conn);
    return lua_gettop(L) - 1;
}

enum sl_prepared sl_call_prepare(void *script, struct sl_invocation *invocation,
                                 const struct sl_message *message,
                                 struct sl_str *detail)
{
    struct sl_script *own = script;
    sl_check_magic(own, SL_SCRIPT_MAGIC);
    struct sl_method *method = sl_script_find(own, message->target);
    if (method == NULL)
        return SL_PREPARE_UNKNOWN;
    if (!sl_conn_may_call(invocation->conn, method->node.key, &method->rate)) {
        sl_error_too_many(detail, "calls", &method->rate);
        return SL_PREPARE_REFUSED;
    }

    struct sl_co *co = sl_co_new(own->gen->engine, own->gen, method->origin);
    co->script = own;
    co->conn = invocation->conn->handle;
    co->what = sl_slice_of(method->name, method->node.key.len);
    lua_checkstack(co->L, STACK_OF_CALL);
    int between = push_call(co->L, own, method, co->conn);
    struct sl_binding binding = {
        .strict = own->options.strict_arguments != 0,
        .detail = detail,
    };
    int count = sl_args_bind(co->engine, co->L, method, message, &binding);
    if (count < 0) {
        sl_co_drop(co);
        return SL_PREPARE_UNBOUND;
    }
    co->arg_count = between + count;
    co->on_end = on_call_end;
    co->invocation = invocation;
    invocation->call = co;
    invocation->name = co->what;
    invocation->method_is_stream = method->mode == SL_METHOD_UNKNOWN
                                       ? invocation->wants_stream
                                       : method->mode == SL_METHOD_STREAMS;
    invocation->stream_params = binding.streams;
    if (binding.streams > 0 && binding.streams == invocation->stream_ids)
        sl_lua_uploads_open(co, &method->args, count, binding.streams);
    return SL_PREPARED;
}

void sl_call_drop(struct sl_invocation *invocation)
{
    struct sl_co *co = invocation->call;
    (void)let_go(co);
    sl_co_drop(co);
}

void sl_call_start(struct sl_invocation *invocation)
{
    struct sl_co *co = invocation->call;
    const struct sl_method *method = sl_script_find(co->script, co->what);
    if (co->engine->stopping) {
        sl_call_drop(invocation);
        sl_invocation_fail(invocation, SL_FAULT_ERROR,
                           SL_SLICE("the server is stopping"));
    } else if (method->policy.kind == SL_POLICY_USER &&
               !invocation->conn->authenticated) {
        sl_call_drop(invocation);
        sl_invocation_fail(invocation, SL_FAULT_UNAUTHORIZED,
                           (struct sl_slice){ 0 });
    } else {
        sl_co_start(co, co->arg_count);
    }
}

/* ---- meanwhile ---- */

void sl_call_cancel(struct sl_invocation *invocation)
{
    struct sl_co *co = invocation->call;
    if (co == NULL)
        return;
    sl_co_cancel(co);
    if (co->stream != NULL)
        sl_lua_stream_cancel(co->stream);
}

void sl_call_resume(struct sl_invocation *invocation)
{
    struct sl_co *co = invocation->call;
    if (co != NULL && co->stream != NULL)
        sl_lua_stream_resume(co->stream);
}

bool sl_call_upload_item(struct sl_invocation *invocation, unsigned index,
                         const struct sl_value *item)
{
    struct sl_co *co = invocation->call;
    return co != NULL && sl_lua_upload_item(co, index, item);
}

void sl_call_upload_end(struct sl_invocation *invocation, unsigned index,
                        bool failed, struct sl_slice error)
{
    struct sl_co *co = invocation->call;
    if (co != NULL)
        sl_lua_upload_end(co, index, failed, error);
}
