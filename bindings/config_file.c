// SPDX-License-Identifier: MIT
/*
 * The environment's __newindex sees each assignment, with the line of the code
 * that made it. Reading a name gives what was assigned before, so that one
 * value can be made of another. Nothing else is there: no libraries, no loops
 * over the file system; the file describes, it does not act.
 */
#include "bindings/config_file.h"

#include "base/err.h"
#include "base/str.h"
#include "bindings/coroutine.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

struct reading {
    sl_config_pair_cb on_pair;
    void *user;
    int err;
    struct sl_str text; /* a value being made */
};

/* Appends one plain value. False: it is none. */
static bool add_plain(lua_State *L, int index, struct sl_str *out)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING: {
        size_t len;
        const char *text = lua_tolstring(L, index, &len);
        sl_str_add(out, text, len);
        return strlen(text) == len;
    }
    case LUA_TNUMBER:
        sl_str_add_fmt(out, "%.15g", lua_tonumber(L, index));
        return true;
    case LUA_TBOOLEAN:
        sl_str_add_fmt(out, "%s", lua_toboolean(L, index) ? "true" : "false");
        return true;
    default: return false;
    }
}

static bool add_list(lua_State *L, int index, struct sl_str *out)
{
    int count = (int)lua_objlen(L, index);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        if (lua_type(L, -1) != LUA_TSTRING || (i > 1 && out->len == 0))
            return false;
        if (i > 1)
            sl_str_add_char(out, ',');
        if (!add_plain(L, -1, out))
            return false;
        lua_pop(L, 1);
    }
    return count > 0;
}

/* environment[name] = value */
static int on_assignment(lua_State *L)
{
    struct reading *reading = lua_touserdata(L, lua_upvalueindex(1));
    lua_Debug where = { .currentline = 0 };
    if (lua_getstack(L, 1, &where))
        lua_getinfo(L, "l", &where);
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "a setting is named by a word");
    sl_str_clear(&reading->text);
    bool known = lua_istable(L, 3) ? add_list(L, 3, &reading->text)
                                   : add_plain(L, 3, &reading->text);
    if (!known)
        return luaL_error(L,
                          "%s must be a string, a number, true, false or a "
                          "list of strings",
                          lua_tostring(L, 2));
    lua_settop(L, 3);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, lua_upvalueindex(2));
    reading->err =
        reading->on_pair(reading->user, lua_tostring(L, 2),
                         sl_str_cstr(&reading->text), where.currentline);
    return reading->err == 0 ? 0 : lua_error(L); /* ends the file */
}

/* Pushes the environment. It stays empty, so each assignment comes by. */
static void push_environment(lua_State *L, struct reading *reading)
{
    lua_newtable(L);
    lua_newtable(L); /* its metatable */
    lua_newtable(L); /* what was assigned */
    lua_pushlightuserdata(L, reading);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, on_assignment, 2);
    lua_setfield(L, -3, "__newindex");
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* "name:12: text" */
static void report_error(struct sl_report *report, const char *path,
                         const char *text)
{
    const char *after = text == NULL ? NULL : strstr(text, ".lua:");
    size_t len = strlen(path);
    if (text != NULL && strncmp(text, path, len) == 0 && text[len] == ':')
        after = text + len;
    else if (after != NULL)
        after += 4;
    char *end = NULL;
    long line = after == NULL ? 0 : strtol(after + 1, &end, 10);
    if (line > 0 && end[0] == ':' && end[1] == ' ')
        sl_report_set(report, path, (int)line, "%s", end + 2);
    else
        sl_report_set(report, path, 0, "%s", text == NULL ? "failed" : text);
}

static int run(lua_State *L, const char *path, struct reading *reading,
               struct sl_report *report)
{
    if (luaL_loadfilex(L, path, "t") != 0) {
        report_error(report, path, lua_tostring(L, -1));
        return SL_E_CONFIG;
    }
    push_environment(L, reading);
    lua_setfenv(L, -2);
    if (sl_lua_protect(L, 0, 1, NULL) == 0) {
        if (lua_isnil(L, -1))
            return 0;
        sl_report_set(report, path, 0,
                      "the file must not return anything: settings are "
                      "assigned in it, as in workers = 4");
        return SL_E_CONFIG;
    }
    if (reading->err != 0)
        return reading->err;
    report_error(report, path, lua_tostring(L, -1));
    return SL_E_CONFIG;
}

int sl_config_file_read(const char *path, sl_config_pair_cb on_pair, void *user,
                        struct sl_report *report)
{
    struct reading reading = { .on_pair = on_pair, .user = user };
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        sl_report_set(report, path, 0, "no memory");
        return -ENOMEM;
    }
    int err = run(L, path, &reading, report);
    sl_str_release(&reading.text);
    lua_close(L);
    return err;
}
