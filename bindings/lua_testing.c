// SPDX-License-Identifier: MIT
/*
 * Plain functions with the tester as their upvalue. A client is a number to
 * Lua; one of an earlier pod is an error that says so.
 */
#include "bindings/lua_testing.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/mem.h"
#include "bindings/engine.h"
#include "hub/conn.h"
#include "hub/members.h"
#include "wire/request_head.h"

#include <unistd.h>

#define HEADERS_MAX 64 /* of one client */

static struct sl_tester *tester_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static struct sl_slice check_text(lua_State *L, int index)
{
    size_t len;
    const char *ptr = luaL_optlstring(L, index, "", &len);
    return sl_slice_of(ptr, len);
}

/* ---- pods ---- */

static void on_error(void *user, const struct sl_report *report)
{
    struct sl_tester *tester = user;
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    sl_str_add_fmt(&tester->errors, "%s\n",
                   sl_report_format(report, text, sizeof(text)));
}

static void end_pod(struct sl_tester *tester)
{
    sl_test_pod_free(tester->pod);
    tester->pod = NULL;
    tester->client_base += tester->client_count;
    tester->client_count = 0;
    sl_test_pod_engine(tester->home)->store = sl_test_pod_store(tester->home);
}

bool sl_tester_begin(struct sl_tester *tester)
{
    end_pod(tester);
    sl_str_clear(&tester->errors);
    tester->pod = sl_test_pod_new(tester->setup, on_error, tester);
    if (tester->pod == NULL)
        return false;
    /* signalua.store of a test is that of the hubs. */
    sl_test_pod_engine(tester->home)->store = sl_test_pod_store(tester->pod);
    return true;
}

/* begin(): true, or false and the errors. */
static int testing_begin(lua_State *L)
{
    struct sl_tester *tester = tester_of(L);
    bool ok = sl_tester_begin(tester);
    lua_pushboolean(L, ok);
    sl_lua_push_slice(L, sl_str_slice(&tester->errors));
    return 2;
}

static struct sl_test_pod *check_pod(lua_State *L)
{
    struct sl_tester *tester = tester_of(L);
    if (tester->pod == NULL)
        luaL_error(L, "testing.hub(name) comes first");
    return tester->pod;
}

static int testing_serves(lua_State *L)
{
    struct sl_test_pod *pod = check_pod(L);
    lua_pushboolean(L, sl_test_pod_serves(pod, check_text(L, 1)));
    return 1;
}

static int testing_settle(lua_State *L)
{
    struct sl_tester *tester = tester_of(L);
    bool rests = tester->pod == NULL || sl_test_pod_settle(tester->pod);
    rests = sl_test_pod_settle(tester->home) && rests;
    if (!rests)
        return luaL_error(L, "the hub does not come to rest: something in it "
                             "goes on without waiting for time to pass (a "
                             "stream without end needs a signalua.sleep)");
    return 0;
}

/* Seconds since the pod began. */
static int testing_now(lua_State *L)
{
    uint64_t ms = sl_test_pod_elapsed_ms(check_pod(L));
    lua_pushnumber(L, (lua_Number)ms / 1000);
    return 1;
}

/* step(until): to the next moment at which something is due; false: until has
 * come. */
static int testing_step(lua_State *L)
{
    struct sl_test_pod *pod = check_pod(L);
    lua_Number until = luaL_checknumber(L, 1);
    luaL_argcheck(L, until >= 0 && until < 1e12, 1, "seconds");
    lua_pushboolean(L, sl_test_pod_step(pod, (uint64_t)(until * 1000 + 0.5)));
    return 1;
}

/* members(hub, group): connection ids. */
static int testing_members(lua_State *L)
{
    struct sl_world *world = sl_test_pod_engine(check_pod(L))->world;
    struct sl_hub *hub = sl_hub_find(world, check_text(L, 1));
    struct sl_members *set =
        hub == NULL ? NULL
                    : sl_members_find(hub, SL_SET_GROUP, check_text(L, 2));
    lua_newtable(L);
    if (set == NULL)
        return 1;
    int count = 0;
    SL_LIST_FOREACH(node, &set->members) {
        const struct sl_membership *member =
            SL_CONTAINER_OF(node, struct sl_membership, in_set);
        sl_lua_push_slice(L, sl_conn_id(member->conn));
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* ---- clients ---- */

static struct sl_test_client *check_client(lua_State *L)
{
    struct sl_tester *tester = tester_of(L);
    lua_Integer number = luaL_checkinteger(L, 1);
    lua_Integer index = number - (lua_Integer)tester->client_base;
    if (index < 0 || index >= (lua_Integer)tester->client_count)
        luaL_error(L, "this client is gone: testing.hub(name) has begun anew");
    return tester->clients[index];
}

static int push_client(lua_State *L, struct sl_tester *tester,
                       struct sl_test_client *client)
{
    if (tester->client_count == tester->client_cap) {
        tester->client_cap =
            tester->client_cap == 0 ? 8 : tester->client_cap * 2;
        tester->clients =
            sl_realloc(tester->clients,
                       tester->client_cap * sizeof(struct sl_test_client *));
    }
    lua_pushnumber(L, tester->client_base + tester->client_count);
    tester->clients[tester->client_count++] = client;
    return 1;
}

/* connect(hub, authenticated, user_id, claims, expires, query, address,
 * {name, value, name, value, ...}): a number. */
static int testing_connect(lua_State *L)
{
    struct sl_test_pod *pod = check_pod(L);
    struct sl_header headers[HEADERS_MAX];
    lua_Number expires = luaL_optnumber(L, 5, 0);
    struct sl_test_client_setup setup = {
        .hub = check_text(L, 1),
        .authenticated = lua_toboolean(L, 2),
        .user_id = check_text(L, 3),
        .claims = check_text(L, 4),
        .query = check_text(L, 6),
        .remote_address = luaL_checkstring(L, 7),
        .headers = headers,
    };
    luaL_argcheck(L, expires >= 0 && expires < 1e9, 5, "seconds");
    setup.expires_ms = (uint64_t)(expires * 1000);
    size_t count = lua_objlen(L, 8);
    luaL_argcheck(L, count <= (size_t)HEADERS_MAX * 2, 8, "too many headers");
    luaL_checkstack(L, HEADERS_MAX * 2, "headers");
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, 8, (int)i); /* stays on the stack: it is borrowed */
        struct sl_slice text = check_text(L, -1);
        if (i % 2 == 1)
            headers[setup.header_count].name = text;
        else
            headers[setup.header_count++].value = text;
    }
    return push_client(L, tester_of(L), sl_test_client_new(pod, &setup));
}

/* status(client): 0 while the hub has not decided. */
static int testing_status(lua_State *L)
{
    lua_pushnumber(L, sl_test_client_status(check_client(L)));
    return 1;
}

/* open(client): its connection id. */
static int testing_open(lua_State *L)
{
    struct sl_test_client *client = check_client(L);
    if (sl_test_client_status(client) != 200 ||
        sl_test_client_id(client)[0] != '\0')
        return luaL_error(L, "not to be opened");
    sl_test_client_open(client);
    lua_pushstring(L, sl_test_client_id(client));
    return 1;
}

static int testing_say(lua_State *L)
{
    sl_test_client_say(check_client(L), check_text(L, 2));
    return 0;
}

/* heard(client): new bytes; whether it is closed. */
static int testing_heard(lua_State *L)
{
    struct sl_test_client *client = check_client(L);
    struct sl_str *heard = sl_test_client_heard(client);
    sl_lua_push_slice(L, sl_str_slice(heard));
    sl_str_clear(heard);
    lua_pushboolean(L, sl_test_client_closed(client));
    return 2;
}

static int testing_leave(lua_State *L)
{
    sl_test_client_leave(check_client(L), lua_toboolean(L, 2));
    return 0;
}

/* ---- the log ---- */

/* logged(): what was logged since the last call, cut at SL_TEST_LOG_MAX. */
static int testing_logged(lua_State *L)
{
    struct sl_tester *tester = tester_of(L);
    off_t len = lseek(tester->log_fd, 0, SEEK_END);
    size_t most = SL_TEST_LOG_MAX;
    char *text = sl_alloc(most);
    ssize_t count = len <= 0 ? 0 : pread(tester->log_fd, text, most, 0);
    if (ftruncate(tester->log_fd, 0) == 0)
        lseek(tester->log_fd, 0, SEEK_SET);
    lua_pushlstring(L, text, count < 0 ? 0 : (size_t)count);
    sl_free(text);
    return 1;
}

/* ---- life ---- */

void sl_lua_testing_open(lua_State *L, struct sl_tester *tester)
{
    static const luaL_Reg functions[] = {
        { "testing_begin", testing_begin },
        { "testing_serves", testing_serves },
        { "testing_settle", testing_settle },
        { "testing_now", testing_now },
        { "testing_step", testing_step },
        { "testing_members", testing_members },
        { "testing_connect", testing_connect },
        { "testing_status", testing_status },
        { "testing_open", testing_open },
        { "testing_say", testing_say },
        { "testing_heard", testing_heard },
        { "testing_leave", testing_leave },
        { "testing_logged", testing_logged },
        { NULL, NULL },
    };
    lua_pushlightuserdata(L, tester);
    luaL_setfuncs(L, functions, 1);
}

static void on_home_error(void *user, const struct sl_report *report)
{
    (void)user;
    sl_fatal(__FILE__, __LINE__, "%s", report->text);
}

void sl_tester_init(struct sl_tester *tester,
                    const struct sl_test_pod_setup *setup, int log_fd)
{
    static const struct sl_script_set nothing = { .version = "tests" };
    *tester = (struct sl_tester){ .setup = setup, .log_fd = log_fd };
    tester->home = sl_test_pod_new(
        &(struct sl_test_pod_setup){ .set = &nothing,
                                     .settings = setup->settings,
                                     .setting_count = setup->setting_count },
        on_home_error, NULL);
}

void sl_tester_release(struct sl_tester *tester)
{
    end_pod(tester);
    sl_test_pod_free(tester->home);
    sl_free(tester->clients);
    sl_str_release(&tester->errors);
    *tester = (struct sl_tester){ .log_fd = -1 };
}
