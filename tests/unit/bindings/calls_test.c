// SPDX-License-Identifier: MIT
/*
 * Plain and streaming calls of plain and streaming methods: which are refused,
 * when, and in which words. (What else happens to calls: engine_test.c.)
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>

#define HUB(options)                        \
    "local signalua = require 'signalua'\n" \
    "local Hub = signalua.hub" options "\n"
#define DONE "return Hub\n"
#define ITEM(id, item) "{'type':2,'invocationId':'" id "','item':" item "}\n"
#define END(id) "{'type':3,'invocationId':'" id "'}\n"
#define IS_STREAM(method)                                                \
    FAILURE("1", "The client attempted to invoke the streaming '" method \
                 "' method with a non-streaming invocation.")
#define NOT_STREAM(method)                                                   \
    FAILURE("1", "The client attempted to invoke the non-streaming '" method \
                 "' method with a streaming invocation.")

/* Both say in `runs` how often they ran. */
#define METHODS                                                 \
    "local runs = 0\n"                                          \
    "function Hub:Stream()\n"                                   \
    "  runs = runs + 1\n"                                       \
    "  return signalua.stream(function(emit) emit(runs) end)\n" \
    "end\n"                                                     \
    "function Hub:Plain() runs = runs + 1 return runs end\n"    \
    "function Hub:Runs() return runs end\n"

static const char *streamed(struct lua_rig *rig, const char *target)
{
    char text[128];
    snprintf(text, sizeof(text),
             "{'type':4,'invocationId':'1','target':'%s','arguments':[]}",
             target);
    peer_say(&rig->a, text);
    cluster_settle(&rig->cluster);
    return peer_heard(&rig->a);
}

static void declared_ones_are_refused_before_they_run(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{methods = {Stream = {stream = true},"
                           " Plain = {stream = false}}}") METHODS DONE);
    assert_string_equal(lua_rig_call(&rig, "stream", "[]"),
                        IS_STREAM("Stream"));
    assert_string_equal(streamed(&rig, "plain"), NOT_STREAM("Plain"));
    assert_string_equal(lua_rig_call(&rig, "Runs", "[]"), RESULT("1", "0"));
    lua_rig_release(&rig);
}

/* Nothing is known before the first return of a stream. */
static void others_are_known_by_what_they_returned(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") METHODS DONE);
    assert_string_equal(lua_rig_call(&rig, "Stream", "[]"),
                        IS_STREAM("Stream"));
    assert_string_equal(lua_rig_call(&rig, "Stream", "[]"),
                        IS_STREAM("Stream"));
    assert_string_equal(lua_rig_call(&rig, "Runs", "[]"), RESULT("1", "1"));
    assert_string_equal(streamed(&rig, "Stream"), ITEM("1", "2") END("1"));
    assert_string_equal(streamed(&rig, "Plain"), NOT_STREAM("Plain"));
    assert_string_equal(lua_rig_call(&rig, "Plain", "[]"), RESULT("1", "4"));
    lua_rig_release(&rig);
}

static void a_declared_stream_must_return_one(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("{methods = {Plain = {stream = true}}}") METHODS DONE);
    lua_rig_logged(&rig);
    assert_string_equal(
        streamed(&rig, "Plain"),
        FAILURE("1", "The value returned by the streaming method 'Plain' is "
                     "not a ChannelReader<> or IAsyncEnumerable<>."));
    expect_logged(&rig, "a streaming method returned no signalua.stream");
    lua_rig_release(&rig);
}

static void a_stream_is_only_a_result(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{detailed_errors = true}") //
                 "local function stream()\n"
                 "  return signalua.stream(function() end)\n"
                 "end\n"
                 "function Hub:Inside() return {stream()} end\n"
                 "function Hub:Send()\n"
                 "  self.clients.caller:send('Hear', stream())\n"
                 "end\n" DONE);
    assert_non_null(strstr(lua_rig_call(&rig, "Inside", "[]"),
                           "\\'[1].stream\\' is a function"));
    assert_non_null(strstr(lua_rig_call(&rig, "Send", "[]"),
                           "field \\'stream\\' is a function"));
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declared_ones_are_refused_before_they_run),
        cmocka_unit_test(others_are_known_by_what_they_returned),
        cmocka_unit_test(a_declared_stream_must_return_one),
        cmocka_unit_test(a_stream_is_only_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
