// SPDX-License-Identifier: MIT
/*
 * signalua.json: the host's own codec, with the value rules of hub messages.
 */
#include "bindings/bindings.h"
#include "bindings/lua_value.h"

#include "base/err.h"

#define STACK_NEEDED (4 * SL_JSON_DEPTH_MAX)

static int json_encode(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    struct sl_str *out = &engine->scratch;
    struct sl_encode encode;
    struct sl_writer w;
    sl_encode_init(&encode, engine, L, 1, 1);
    sl_str_clear(out);
    sl_writer_init(&w, SL_PROTOCOL_JSON, out);
    if (sl_encode(&w, &encode) == 0) {
        sl_lua_push_slice(L, sl_str_slice(out));
        sl_str_trim(out, SL_SCRATCH_KEEP_MAX);
        return 1;
    }
    sl_str_clear(out);
    sl_str_add_lit(out, "json.encode: the value");
    sl_encode_explain(&encode, out);
    return sl_lua_raise(L, 1, "%s", sl_str_cstr(out));
}

static int json_decode(lua_State *L)
{
    struct sl_engine *engine = sl_engine_of(L);
    if (lua_type(L, 1) != LUA_TSTRING)
        return sl_lua_raise(L, 1, "json.decode wants a text, not %s",
                            luaL_typename(L, 1));
    luaL_checkstack(L, STACK_NEEDED, "json.decode");
    struct sl_value root;
    int err = sl_json_read(&engine->json, sl_lua_slice(L, 1), &root);
    if (err != 0)
        return sl_lua_raise(L, 1, "json.decode: the text is %s",
                            sl_err_text(err));
    sl_value_push(engine, L, &root, false);
    return 1;
}

void sl_lua_json_open(lua_State *L, struct sl_engine *engine)
{
    static const luaL_Reg functions[] = { { "json_encode", json_encode },
                                          { "json_decode", json_decode },
                                          { NULL, NULL } };
    sl_lua_set_functions(L, engine, functions);
}
