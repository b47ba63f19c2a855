// SPDX-License-Identifier: MIT
/*
 * `authorize` of hubs and methods in all its forms, the hook `authenticate`,
 * and what scripts see of an identity. Requests are given to the engine as
 * the transports would.
 */
#include "http/http.h"
#include "tests/lib/lua_rig.h"
#include "wire/identity.h"

#include <stdio.h>

#define HUB(options)                        \
    "local signalua = require 'signalua'\n" \
    "local Hub = signalua.hub" options "\n"
#define DONE "return Hub\n"
#define REFUSED(method)                                           \
    FAILURE("1", "Failed to invoke '" method "' because user is " \
                 "unauthorized")

static struct lua_rig rig;

/* The last decision; refused 1: there was none. */
static struct {
    unsigned refused;
    char user[64], claims[128];
} decision;

static void on_decided(void *user, unsigned refused,
                       struct sl_identity *identity)
{
    assert_ptr_equal(user, &decision);
    assert_int_equal(decision.refused, 1);
    decision.refused = refused;
    if (identity == NULL)
        return;
    snprintf(decision.user, sizeof(decision.user), "%.*s",
             (int)identity->user_id.len, identity->user_id.ptr);
    snprintf(decision.claims, sizeof(decision.claims), "%.*s",
             (int)identity->claims.len, identity->claims.ptr);
}

/* Asks for somebody with these claims (NULL: nobody) and this query. */
static void begin(const char *claims, const char *query)
{
    static const struct sl_header header = { { "x-key", 5 }, { "k", 1 } };
    struct sl_http_request request = {
        .method = SL_SLICE("POST"),
        .url = { SL_SLICE("/chat/negotiate"), sl_slice_str(query) },
        .headers = &header,
        .header_count = 1,
        .remote = "10.0.0.1",
    };
    struct sl_identity *identity =
        claims == NULL
            ? NULL
            : sl_identity_new(SL_SLICE("ann"), sl_slice_str(claims), 7000);
    memset(&decision, 0, sizeof(decision));
    decision.refused = 1;
    rig.entry->ops->authorize(rig.entry->script, &request, identity, on_decided,
                              &decision);
    sl_identity_unref(identity);
}

static unsigned ask(const char *claims, const char *query)
{
    begin(claims, query);
    cluster_settle(&rig.cluster);
    return decision.refused;
}

static void load(const char *text)
{
    lua_rig_init(&rig, 1);
    lua_rig_file(&rig, "chat.lua", text);
    if (lua_rig_load(&rig) != 0)
        fail_msg("%s", rig.errors.ptr);
}

/* ---- hubs ---- */

static void hubs_are_open_unless_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool guarded;
    } cases[] = {
        { HUB("()") DONE, false },
        { HUB("{authorize = false}") DONE, false },
        { HUB("{authorize = true}") DONE, true },
        { HUB("{authorize = function() return true end}") DONE, true },
        { HUB("()") "function Hub.authenticate() return {} end " DONE, true },
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        load(cases[i].text);
        assert_int_equal(rig.entry->options.guarded, cases[i].guarded);
        lua_rig_release(&rig);
    }
}

static void true_asks_for_a_user(void **state)
{
    (void)state;
    load(HUB("{authorize = true}") DONE);
    assert_int_equal(ask(NULL, ""), 401);
    assert_int_equal(ask("{}", ""), 0);
    assert_string_equal(decision.user, "ann");
    lua_rig_release(&rig);
}

static void roles_and_claims(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        unsigned refused;
    } cases[] = {
        { NULL, 401 },
        { "{}", 403 },
        { "{\"role\":\"admin\"}", 403 },
        { "{\"level\":3}", 403 },
        { "{\"role\":\"admin\",\"level\":3}", 0 },
        { "{\"role\":[\"x\",\"boss\"],\"level\":[1,3]}", 0 },
        { "{\"role\":\"Admin\",\"level\":3}", 403 },
        { "{\"role\":\"admin\",\"level\":\"3\"}", 403 },
        { "{\"role\":{\"a\":\"admin\"},\"level\":3}", 403 },
        { "{\"role\":null,\"level\":3}", 403 },
    };
    load(HUB("{authorize = {roles = {'admin', 'boss'}, claims = {level = 3}}}")
             DONE);
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        if (ask(cases[i].claims, "") != cases[i].refused)
            fail_msg("%s: %u", cases[i].claims, decision.refused);
    lua_rig_release(&rig);
}

/* It sees the request, may wait, and says why. */
static void functions_decide(void **state)
{
    (void)state;
    load(HUB("{authorize = function(context)\n"
             "  signalua.sleep(1)\n"
             "  if context.query.key == 'open' then return true end\n"
             "  if context.query.key == 'fail' then error('oops') end\n"
             "  return false, context.path .. ' ' .. context.headers['x-key']\n"
             "    .. ' ' .. context.remote_address .. ' '\n"
             "    .. tostring(context.user_id)\n"
             "    .. tostring(context.authenticated)\n"
             "end}") DONE);
    begin(NULL, "key=open");
    assert_int_equal(decision.refused, 1);
    cluster_advance(&rig.cluster, 1000);
    assert_int_equal(decision.refused, 0);
    lua_rig_logged(&rig);
    begin("{}", "");
    cluster_advance(&rig.cluster, 1000);
    assert_int_equal(decision.refused, 403);
    expect_logged(&rig, "\"reason\":\"/chat/negotiate k 10.0.0.1 anntrue\"");
    begin(NULL, "");
    cluster_advance(&rig.cluster, 1000);
    assert_int_equal(decision.refused, 401);
    expect_logged(&rig, "nilfalse");
    begin(NULL, "key=fail");
    cluster_advance(&rig.cluster, 1000);
    assert_int_equal(decision.refused, 500);
    expect_logged(&rig, "oops");
    lua_rig_release(&rig);
}

static void a_stop_ends_decisions(void **state)
{
    (void)state;
    load(HUB("{authorize = function() signalua.sleep(60) return true end}")
             DONE);
    begin(NULL, "");
    sl_lua_engine_ops.stop(rig.engine);
    cluster_settle(&rig.cluster);
    assert_int_equal(decision.refused, 503);
    assert_int_equal(ask(NULL, ""), 503);
    lua_rig_release(&rig);
}

/* ---- authenticate ---- */

#define HOOK                                                            \
    "function Hub.authenticate(request)\n"                              \
    "  local key = request.query.key\n"                                 \
    "  signalua.sleep(1)\n"                                             \
    "  if key == 'number' then return {user_id = 42} end\n"             \
    "  if key == 'claims' then\n"                                       \
    "    return {user_id = request.user_id, claims = {role = 'admin'}}" \
    "  end\n"                                                           \
    "  if key == 'guest' then return {} end\n"                          \
    "  if key == 'text' then return 'ann' end\n"                        \
    "  if key == 'id' then return {user_id = {}} end\n"                 \
    "  if key == 'bad' then return {claims = 5} end\n"                  \
    "  return nil, 'wrong key'\n"                                       \
    "end\n"

static void the_hook_says_who_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        unsigned refused;
        const char *user, *claims, *logged;
    } cases[] = {
        { "", 401, "", "", "\"reason\":\"wrong key\"" },
        { "key=number", 0, "42", "{}", "" },
        { "key=claims", 0, "ann", "{\"role\":\"admin\"}", "" },
        { "key=guest", 0, "", "{}", "" },
        { "key=text", 500, "", "", "authenticate must return a table" },
        { "key=id", 500, "", "", "user_id must be a text, not a table" },
        { "key=bad", 500, "", "", "claims must be a table, not a number" },
    };
    load(HUB("()") HOOK DONE);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        lua_rig_logged(&rig);
        begin("{\"iss\":\"x\"}", cases[i].query);
        cluster_advance(&rig.cluster, 1000);
        assert_int_equal(decision.refused, cases[i].refused);
        assert_string_equal(decision.user, cases[i].user);
        assert_string_equal(decision.claims, cases[i].claims);
        expect_logged(&rig, cases[i].logged);
    }
    lua_rig_release(&rig);
}

static void the_hook_comes_before_authorize(void **state)
{
    (void)state;
    load(HUB("{authorize = {roles = {'admin'}}}") HOOK DONE);
    begin("{\"role\":\"admin\"}", "key=guest");
    cluster_advance(&rig.cluster, 1000);
    assert_int_equal(decision.refused, 403);
    begin(NULL, "key=claims");
    cluster_advance(&rig.cluster, 1000);
    assert_int_equal(decision.refused, 0);
    lua_rig_release(&rig);
}

/* ---- methods ---- */

#define METHODS                                                        \
    HUB("{methods = {User = {authorize = true},\n"                     \
        "  Admin = {authorize = {roles = {'admin'}}},\n"               \
        "  Own = {authorize = function(context)\n"                     \
        "    return context.user_id == 'ann' end},\n"                  \
        "  Free = {authorize = false},\n"                              \
        "  Feed = {stream = true, authorize = {roles = {'admin'}}}}}") \
    "function Hub:User() return 'user' end\n"                          \
    "function Hub:Admin(a) return self.context.claims.role .. a end\n" \
    "function Hub:Own() return self.context.user_id end\n"             \
    "function Hub:Free() return self.context.authenticated end\n"      \
    "function Hub:Feed() return signalua.stream(function() end) end\n" \
    "function Hub:Claims() return self.context.claims end\n"

static void join(const char *user, const char *claims)
{
    rig.claims = sl_slice_str(claims);
    lua_rig_join(&rig, &rig.a, 0, "a", user);
}

static void methods_have_policies_of_their_own(void **state)
{
    (void)state;
    load(METHODS DONE);
    join("ann", "{\"role\":\"admin\",\"n\":[1]}");
    assert_string_equal(lua_rig_call(&rig, "User", "[]"),
                        RESULT("1", "'user'"));
    assert_string_equal(lua_rig_call(&rig, "admin", "['!']"),
                        RESULT("1", "'admin!'"));
    assert_string_equal(lua_rig_call(&rig, "Own", "[]"), RESULT("1", "'ann'"));
    assert_string_equal(lua_rig_call(&rig, "Claims", "[]"),
                        RESULT("1", "{'n':[1],'role':'admin'}"));
    lua_rig_release(&rig);
}

static void methods_refuse_others(void **state)
{
    (void)state;
    load(METHODS DONE);
    join("bob", "{\"role\":\"clerk\"}");
    assert_string_equal(lua_rig_call(&rig, "User", "[]"),
                        RESULT("1", "'user'"));
    assert_string_equal(lua_rig_call(&rig, "admin", "[1]"), REFUSED("Admin"));
    assert_string_equal(lua_rig_call(&rig, "Own", "[]"), REFUSED("Own"));
    peer_say(&rig.a, "{'type':4,'invocationId':'1','target':'Feed',"
                     "'arguments':[]}");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, REFUSED("Feed"));
    assert_null(strstr(lua_rig_logged(&rig), "error"));
    lua_rig_release(&rig);

    load(METHODS DONE);
    join(NULL, "");
    assert_string_equal(lua_rig_call(&rig, "User", "[]"), REFUSED("User"));
    assert_string_equal(lua_rig_call(&rig, "Admin", "[]"), REFUSED("Admin"));
    assert_string_equal(lua_rig_call(&rig, "Free", "[]"), RESULT("1", "false"));
    assert_string_equal(lua_rig_call(&rig, "Claims", "[]"), RESULT("1", "{}"));
    lua_rig_release(&rig);
}

/* The hook does not even hear of a call that is refused. */
static void around_invoke_stands_behind(void **state)
{
    (void)state;
    load(METHODS "function Hub:around_invoke(name, next, ...)\n"
                 "  return name .. '+' .. tostring(next(...)) end\n" DONE);
    join("ann", "{\"role\":\"admin\"}");
    assert_string_equal(lua_rig_call(&rig, "Admin", "['?']"),
                        RESULT("1", "'Admin+admin?'"));
    lua_rig_release(&rig);
    load(METHODS "function Hub:around_invoke() error('heard') end\n" DONE);
    join("bob", "{}");
    assert_string_equal(lua_rig_call(&rig, "Admin", "['?']"), REFUSED("Admin"));
    assert_string_equal(lua_rig_call(&rig, "Own", "[]"), REFUSED("Own"));
    lua_rig_release(&rig);
}

/* ---- what is wrong at load ---- */

static void odd_policies_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "'admin'",
        "5",
        "{}",
        "{'admin'}",
        "{roles = 'admin'}",
        "{roles = {}}",
        "{roles = {1}}",
        "{claims = 'a'}",
        "{role = {'admin'}}",
    };
    for (size_t i = 0; i < SL_COUNT(wrong); i++)
        for (int of_method = 0; of_method < 2; of_method++) {
            char text[256];
            snprintf(text, sizeof(text),
                     of_method ? HUB("{methods = {A = {authorize = %s}}}") DONE
                               : HUB("{authorize = %s}") DONE,
                     wrong[i]);
            lua_rig_init(&rig, 1);
            lua_rig_file(&rig, "chat.lua", text);
            assert_int_not_equal(lua_rig_load(&rig), 0);
            if (strstr(rig.errors.ptr,
                       of_method ? "chat.lua:2: methods.A.authorize must be"
                                 : "chat.lua:2: option \"authorize\" must be "
                                   "true, {roles = {\"admin\"}}, {claims = "
                                   "{name = value}} or a function") == NULL)
                fail_msg("%s: %s", wrong[i], rig.errors.ptr);
            lua_rig_release(&rig);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hubs_are_open_unless_told),
        cmocka_unit_test(true_asks_for_a_user),
        cmocka_unit_test(roles_and_claims),
        cmocka_unit_test(functions_decide),
        cmocka_unit_test(a_stop_ends_decisions),
        cmocka_unit_test(the_hook_says_who_it_is),
        cmocka_unit_test(the_hook_comes_before_authorize),
        cmocka_unit_test(methods_have_policies_of_their_own),
        cmocka_unit_test(methods_refuse_others),
        cmocka_unit_test(around_invoke_stands_behind),
        cmocka_unit_test(odd_policies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
