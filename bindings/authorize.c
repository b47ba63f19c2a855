// SPDX-License-Identifier: MIT
/*
 * A request is decided on by a coroutine that runs admit() of lua/engine.lua:
 * authenticate first, then authorize. A hub that asks for any user and has no
 * authenticate needs neither.
 */
#include "bindings/authorize.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "bindings/bindings.h"
#include "bindings/coroutine.h"
#include "bindings/lua_value.h"

#define STACK_NEEDED (4 * SL_JSON_DEPTH_MAX) /* claims may be nested */

/* ---- policies ---- */

static bool is_list_of_texts(lua_State *L, int index)
{
    size_t count = lua_type(L, index) == LUA_TTABLE ? lua_objlen(L, index) : 0;
    bool texts = count > 0;
    for (size_t i = 1; texts && i <= count; i++) {
        lua_rawgeti(L, index, (int)i);
        texts = lua_type(L, -1) == LUA_TSTRING;
        lua_pop(L, 1);
    }
    return texts;
}

/* {roles = {"a"}, claims = {k = v}}, both or one of them. */
static bool is_policy_table(lua_State *L, int index)
{
    unsigned count = 0;
    bool ok = true;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(name, "roles") == 0)
            ok = ok && is_list_of_texts(L, lua_gettop(L));
        else
            ok = ok && strcmp(name, "claims") == 0 && lua_istable(L, -1);
        count++;
        lua_pop(L, 1);
    }
    return ok && count > 0;
}

void sl_policy_read(lua_State *L, struct sl_generation *gen, int level,
                    const char *what, struct sl_policy *policy)
{
    int top = lua_gettop(L), type = lua_type(L, top);
    bool ok = type == LUA_TBOOLEAN || type == LUA_TFUNCTION ||
              (type == LUA_TTABLE && is_policy_table(L, top));
    if (!ok) {
        sl_lua_raise(L, level,
                     "%s must be true, {roles = {\"admin\"}}, {claims = "
                     "{name = value}} or a function",
                     what);
        return;
    }
    if (type == LUA_TBOOLEAN) {
        policy->kind = lua_toboolean(L, top) ? SL_POLICY_USER : SL_POLICY_NONE;
        return;
    }
    lua_pushvalue(L, top);
    policy->kind = SL_POLICY_LUA;
    policy->ref = sl_generation_keep(L, gen);
}

/* nil for none. */
static void push_policy(lua_State *L, const struct sl_generation *gen,
                        const struct sl_policy *policy)
{
    if (policy->kind == SL_POLICY_LUA)
        sl_generation_push(L, gen, policy->ref);
    else if (policy->kind == SL_POLICY_USER)
        lua_pushboolean(L, 1);
    else
        lua_pushnil(L);
}

/* ---- requests ---- */

struct admission {
    sl_decided_cb decided;
    void *user;
    struct sl_identity *identity; /* of the token; shared, may be NULL */
};

static void decide(struct sl_co *co, unsigned refused,
                   struct sl_identity *identity)
{
    struct admission admission = *(struct admission *)co->user;
    sl_free(co->user);
    co->user = NULL;
    admission.decided(admission.user, refused, identity);
    sl_identity_unref(admission.identity);
}

/* What admit() returns: status (0: come in), reason; of authenticate the user
 * id and the claims as JSON. */
static void on_admit_end(struct sl_co *co, int status)
{
    lua_State *L = co->L;
    struct admission *admission = co->user;
    if (status != 0) {
        struct sl_failure failure;
        sl_co_failure(co, &failure);
        sl_co_log(co, &failure);
        sl_failure_release(&failure);
        decide(co, failure.cancelled ? 503 : 500, NULL);
        return;
    }
    lua_settop(L, 4);
    unsigned refused = (unsigned)lua_tointeger(L, 1);
    if (refused != 0) {
        struct sl_slice reason = { 0 };
        if (lua_type(L, 2) == LUA_TSTRING)
            reason = sl_lua_slice(L, 2);
        sl_log_info("request refused", SL_F_STR("hub", co->script->name),
                    SL_F_INT("status", refused), SL_F_SLICE("reason", reason));
        decide(co, refused, NULL);
    } else if (lua_isnil(L, 4)) {
        decide(co, 0, admission->identity);
    } else {
        struct sl_slice user_id = { 0 };
        if (!lua_isnil(L, 3))
            user_id = sl_lua_slice(L, 3);
        struct sl_identity *own = sl_identity_new(
            user_id, sl_lua_slice(L, 4),
            admission->identity == NULL ? 0 : admission->identity->expires_ms);
        decide(co, 0, own);
        sl_identity_unref(own);
    }
}

static void run_admit(struct sl_script *script,
                      const struct sl_http_request *request,
                      const struct admission *admission)
{
    struct sl_engine *engine = script->gen->engine;
    struct sl_co *co = sl_co_new(engine, script->gen, script->authorize_origin);
    lua_State *L = co->L;
    co->script = script;
    co->what = SL_SLICE("authorize");
    co->on_end = on_admit_end;
    co->user = sl_alloc(sizeof(*admission));
    *(struct admission *)co->user = *admission;
    sl_identity_ref(admission->identity);
    lua_checkstack(L, STACK_NEEDED);
    sl_engine_push(L, engine, SL_REF_ADMIT);
    if (script->authenticate == LUA_NOREF)
        lua_pushnil(L);
    else
        sl_generation_push(L, script->gen, script->authenticate);
    push_policy(L, script->gen, &script->policy);
    sl_lua_push_request(L, engine, request, admission->identity);
    sl_co_start(co, 3);
}

void sl_lua_authorize(void *user_script, const struct sl_http_request *request,
                      struct sl_identity *identity, sl_decided_cb decided,
                      void *user)
{
    struct sl_script *script = user_script;
    sl_check_magic(script, SL_SCRIPT_MAGIC);
    if (script->gen->engine->stopping)
        decided(user, 503, NULL);
    else if (script->authenticate == LUA_NOREF &&
             script->policy.kind != SL_POLICY_LUA)
        decided(user, identity == NULL ? 401 : 0, identity);
    else
        run_admit(script, request,
                  &(struct admission){ decided, user, identity });
}

void sl_lua_push_claims(lua_State *L, struct sl_engine *engine,
                        const struct sl_identity *identity)
{
    struct sl_value root;
    lua_checkstack(L, STACK_NEEDED);
    /* Whoever made the identity has read or written the text as JSON. */
    if (identity == NULL || identity->claims.len == 0 ||
        sl_json_read(&engine->json, identity->claims, &root) != 0)
        lua_newtable(L);
    else
        sl_value_push(engine, L, &root, true);
}
