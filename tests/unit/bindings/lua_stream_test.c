// SPDX-License-Identifier: MIT
/*
 * Streams of Lua methods: items, ends, errors, cancels, and that a stream
 * neither fills memory nor keeps the worker.
 */
#include "tests/lib/lua_rig.h"

#include <stdio.h>

#define HUB(options)                        \
    "local signalua = require 'signalua'\n" \
    "local Hub = signalua.hub" options "\n"
#define DONE "return Hub\n"
#define ITEM(id, item) "{'type':2,'invocationId':'" id "','item':" item "}\n"
#define END(id) "{'type':3,'invocationId':'" id "'}\n"
#define STREAMING "An error occurred on the server while streaming results."

/* Methods that most of the tests need. */
#define COUNT                                         \
    "function Hub:Count(n, pause)\n"                  \
    "  return signalua.stream(function(emit)\n"       \
    "    for i = 1, n do\n"                           \
    "      emit(i)\n"                                 \
    "      if pause then signalua.sleep(pause) end\n" \
    "    end\n"                                       \
    "  end)\n"                                        \
    "end\n"

/* Says in `ended` how the function ended: "returned" or the error's text. */
#define WATCHED                                        \
    "local ended = 'runs'\n"                           \
    "local function watched(fn)\n"                     \
    "  return signalua.stream(function(emit)\n"        \
    "    local ok, err = pcall(fn, emit)\n"            \
    "    ended = ok and 'returned' or tostring(err)\n" \
    "    if not ok then error(err, 0) end\n"           \
    "  end)\n"                                         \
    "end\n"                                            \
    "function Hub:Ended() return ended end\n"

static void say_stream(struct peer *peer, const char *id, const char *target,
                       const char *args)
{
    char text[256];
    snprintf(text, sizeof(text),
             "{'type':4,'invocationId':'%s','target':'%s','arguments':%s}", id,
             target, args);
    peer_say(peer, text);
}

static void cancel(struct peer *peer, const char *id)
{
    char text[64];
    snprintf(text, sizeof(text), "{'type':5,'invocationId':'%s'}", id);
    peer_say(peer, text);
}

static const char *streamed(struct lua_rig *rig, const char *target,
                            const char *args)
{
    say_stream(&rig->a, "1", target, args);
    cluster_settle(&rig->cluster);
    return peer_heard(&rig->a);
}

/* ---- items and ends ---- */

static void sends_items_and_the_end(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") COUNT DONE);
    assert_string_equal(streamed(&rig, "count", "[2]"),
                        ITEM("1", "1") ITEM("1", "2") END("1"));
    assert_string_equal(streamed(&rig, "Count", "[0]"), END("1"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

static void sends_every_kind_of_value(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:All()\n"
                                 "  return signalua.stream(function(emit)\n"
                                 "    emit(nil) emit() emit(signalua.null)\n"
                                 "    emit('x', 'ignored') emit({a = {1}})\n"
                                 "  end)\n"
                                 "end\n" DONE);
    assert_string_equal(streamed(&rig, "All", "[]"),
                        ITEM("1", "null") ITEM("1", "null") ITEM("1", "null")
                            ITEM("1", "'x'") ITEM("1", "{'a':[1]}") END("1"));
    lua_rig_release(&rig);
}

static void waits_between_items_and_others_go_on(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") COUNT "function Hub:Add(a, b)\n"
                                       "  return a + b end\n" DONE);
    assert_string_equal(streamed(&rig, "Count", "[2,0.05]"), ITEM("1", "1"));
    peer_invoke(&rig.a, "2", "Add", "[1,2]");
    expect_heard(&rig.a, RESULT("2", "3"));
    say_stream(&rig.a, "3", "Count", "[1]");
    expect_heard(&rig.a, ITEM("3", "1") END("3"));
    cluster_advance(&rig.cluster, 51);
    expect_heard(&rig.a, ITEM("1", "2"));
    cluster_advance(&rig.cluster, 51);
    expect_heard(&rig.a, END("1"));
    lua_rig_release(&rig);
}

static void goes_through_around_invoke(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") COUNT "function Hub:around_invoke(name, next, n)\n"
                                 "  return next(n + 1)\n"
                                 "end\n" DONE);
    assert_string_equal(streamed(&rig, "Count", "[0]"),
                        ITEM("1", "1") END("1"));
    lua_rig_release(&rig);
}

/* Several coroutines may feed one stream; what is emitted after its end is an
 * error at their line. */
static void takes_items_of_spawned_tasks(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig,
                 HUB("()") "local late\n"
                           "function Hub:Tasks()\n"
                           "  return signalua.stream(function(emit)\n"
                           "    local task = signalua.spawn(emit, 'task')\n"
                           "    emit('own')\n"
                           "    task:wait()\n"
                           "    signalua.spawn(function()\n"
                           "      signalua.sleep(0.01)\n"
                           "      late = select(2, pcall(emit, 'late'))\n"
                           "    end)\n"
                           "  end)\n"
                           "end\n"
                           "function Hub:Late() return late end\n" DONE);
    assert_string_equal(streamed(&rig, "Tasks", "[]"),
                        ITEM("1", "'own'") ITEM("1", "'task'") END("1"));
    cluster_advance(&rig.cluster, 20);
    assert_non_null(
        strstr(lua_rig_call(&rig, "Late", "[]"), "the stream has ended"));
    lua_rig_release(&rig);
}

/* ---- errors ---- */

static const char failing[] = "function Hub:Fail(n, text)\n"
                              "  return signalua.stream(function(emit)\n"
                              "    for i = 1, n do emit(i) end\n"
                              "    error(text)\n"
                              "  end)\n"
                              "end\n"
                              "function Hub:FailHub(n)\n"
                              "  return signalua.stream(function(emit)\n"
                              "    for i = 1, n do emit(i) end\n"
                              "    error(signalua.hub_error('shown'))\n"
                              "  end)\n"
                              "end\n"
                              "function Hub:Before() error('no stream') end\n";

static void load_failing(struct lua_rig *rig, char *text, size_t size,
                         const char *options)
{
    snprintf(text, size,
             "local signalua = require 'signalua'\n"
             "local Hub = signalua.hub%s\n%sreturn Hub\n",
             options, failing);
    lua_rig_chat(rig, text);
}

static void hides_errors_unless_asked(void **state)
{
    (void)state;
    struct lua_rig rig;
    char text[1024];
    load_failing(&rig, text, sizeof(text), "()");
    assert_string_equal(streamed(&rig, "Fail", "[1,'secret']"),
                        ITEM("1", "1") FAILURE("1", STREAMING));
    expect_logged(&rig, "chat.lua:6: secret");
    assert_string_equal(streamed(&rig, "FailHub", "[0]"),
                        FAILURE("1", STREAMING " HubException: shown"));
    assert_string_equal(streamed(&rig, "Before", "[]"),
                        FAILURE("1", "An unexpected error occurred invoking "
                                     "'Before' on the server."));
    assert_int_equal(cluster_metric(rig.worker, SL_M_SCRIPT_ERRORS), 2);
    lua_rig_release(&rig);
}

static void shows_errors_where_asked(void **state)
{
    (void)state;
    struct lua_rig rig;
    char text[1024];
    load_failing(&rig, text, sizeof(text), "{detailed_errors = true}");
    assert_string_equal(
        streamed(&rig, "Fail", "[0,'seen']"),
        FAILURE("1", STREAMING " InvalidOperationException: seen"));
    assert_non_null(strstr(streamed(&rig, "Before", "[]"), "no stream'"));
    lua_rig_release(&rig);
}

static void names_what_is_wrong_with_an_item(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{detailed_errors = true}") //
                 "function Hub:Bad()\n"
                 "  return signalua.stream(function(emit)\n"
                 "    emit({a = print})\n"
                 "  end)\n"
                 "end\n"
                 "function Hub:Caught()\n"
                 "  return signalua.stream(function(emit)\n"
                 "    local ok, err = pcall(emit, 0/0)\n"
                 "    emit(err)\n"
                 "  end)\n"
                 "end\n" DONE);
    lua_rig_logged(&rig);
    const char *heard = streamed(&rig, "Bad", "[]");
    assert_non_null(strstr(heard, STREAMING));
    assert_non_null(strstr(heard, "the item: field \\'a\\' is a function"));
    expect_logged(&rig, "chat.lua:5: the item: field");
    assert_non_null(
        strstr(streamed(&rig, "Caught", "[]"), "the item is not a number"));
    lua_rig_release(&rig);
}

static void refuses_to_wait_in_an_authors_coroutine(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{detailed_errors = true}") //
                 "function Hub:Wrapped()\n"
                 "  return signalua.stream(function(emit)\n"
                 "    coroutine.wrap(function() emit(1) end)()\n"
                 "  end)\n"
                 "end\n"
                 "function Hub:Wrong() return signalua.stream(5) end\n" DONE);
    assert_non_null(strstr(streamed(&rig, "Wrapped", "[]"),
                           "cannot wait inside coroutine.wrap"));
    assert_non_null(strstr(streamed(&rig, "Wrong", "[]"),
                           "signalua.stream wants a function"));
    lua_rig_release(&rig);
}

/* ---- cancels ---- */

static void ends_at_the_next_wait_when_cancelled(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") WATCHED
                 "function Hub:Ticks()\n"
                 "  return watched(function(emit)\n"
                 "    while true do emit(1) signalua.sleep(10) end\n"
                 "  end)\n"
                 "end\n" DONE);
    lua_rig_logged(&rig);
    assert_string_equal(streamed(&rig, "Ticks", "[]"), ITEM("1", "1"));
    cancel(&rig.a, "1");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, END("1"));
    assert_string_equal(lua_rig_call(&rig, "Ended", "[]"),
                        RESULT("1", "'cancelled'"));
    assert_string_equal(lua_rig_logged(&rig), "");
    cancel(&rig.a, "1");
    expect_heard(&rig.a, "");
    lua_rig_release(&rig);
}

/* Only what comes after the cancel is an error. */
static void tells_what_fails_while_it_cleans_up(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") "function Hub:Messy()\n"
                                 "  return signalua.stream(function(emit)\n"
                                 "    pcall(signalua.sleep, 10)\n"
                                 "    error('broom')\n"
                                 "  end)\n"
                                 "end\n" DONE);
    streamed(&rig, "Messy", "[]");
    cancel(&rig.a, "1");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, FAILURE("1", STREAMING));
    expect_logged(&rig, "broom");
    lua_rig_release(&rig);
}

static void never_begins_when_cancelled_before(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") WATCHED
                 "function Hub:Slow()\n"
                 "  pcall(signalua.sleep, 10)\n"
                 "  return watched(function(emit) emit(1) end)\n"
                 "end\n"
                 "function Hub:Sleepy() signalua.sleep(10) end\n" DONE);
    streamed(&rig, "Slow", "[]");
    cancel(&rig.a, "1");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, END("1"));
    assert_string_equal(lua_rig_call(&rig, "Ended", "[]"),
                        RESULT("1", "'runs'"));
    streamed(&rig, "Sleepy", "[]");
    cancel(&rig.a, "1");
    cluster_settle(&rig.cluster);
    expect_heard(&rig.a, END("1"));
    lua_rig_release(&rig);
}

static void ends_when_the_client_leaves(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") WATCHED
                 "function Hub:Ticks()\n"
                 "  return watched(function(emit)\n"
                 "    while true do emit(1) signalua.sleep(0.5) end\n"
                 "  end)\n"
                 "end\n" DONE);
    lua_rig_join(&rig, &rig.b, 0, "b", NULL);
    say_stream(&rig.b, "1", "Ticks", "[]");
    cluster_settle(&rig.cluster);
    peer_leave(&rig.b, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_string_equal(lua_rig_call(&rig, "Ended", "[]"),
                        RESULT("1", "'cancelled'"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

/* ---- pace ---- */

static const char endless[] = HUB("{max_outbound = 4000}") WATCHED
    "local sent = 0\n"
    "function Hub:Endless()\n"
    "  return watched(function(emit)\n"
    "    while true do emit(sent) sent = sent + 1 end\n"
    "  end)\n"
    "end\n"
    "function Hub:Sent() return sent end\n" DONE;

static void waits_for_a_client_that_does_not_read(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, endless);
    rig.a.stuck = true;
    say_stream(&rig.a, "1", "Endless", "[]");
    cluster_advance(&rig.cluster, 100);
    assert_in_range(rig.a.queued, 1000, 1999);
    size_t queued = rig.a.queued;
    cluster_advance(&rig.cluster, 100);
    assert_int_equal(rig.a.queued, queued);

    peer_read(&rig.a);
    rig.a.stuck = true;
    cluster_settle(&rig.cluster);
    assert_in_range(rig.a.queued, 1000, 1999);
    cancel(&rig.a, "1");
    cluster_settle(&rig.cluster);
    peer_read(&rig.a);
    assert_non_null(strstr(peer_heard(&rig.a), END("1")));
    assert_string_equal(lua_rig_call(&rig, "Ended", "[]"),
                        RESULT("1", "'cancelled'"));
    lua_rig_release(&rig);
}

/* A client that reads at once never makes emit wait: the turn does, and then
 * the client's cancel is read. */
static void does_not_keep_the_worker(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, endless);
    lua_rig_join(&rig, &rig.b, 0, "b", NULL);
    say_stream(&rig.a, "1", "Endless", "[]");
    say_stream(&rig.b, "1", "Endless", "[]");
    cluster_settle(&rig.cluster);
    peer_invoke(&rig.b, "2", "Sent", "[]");
    cluster_settle(&rig.cluster);
    assert_non_null(strstr(peer_heard(&rig.b), "'type':3,'invocationId':'2',"
                                               "'result':1534}"));
    cluster_advance(&rig.cluster, 1);
    cancel(&rig.a, "1");
    cancel(&rig.b, "1");
    cluster_settle(&rig.cluster);
    assert_non_null(strstr(peer_heard(&rig.a), END("1")));
    assert_non_null(strstr(peer_heard(&rig.b), END("1")));
    lua_rig_release(&rig);
}

/* Whoever waits in emit is woken by the end, too. */
static void wakes_its_tasks_when_it_ends(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("{max_outbound = 1024}") //
                 "local seen = {}\n"
                 "function Hub:Tasks()\n"
                 "  return signalua.stream(function(emit)\n"
                 "    for i = 1, 2 do signalua.spawn(function()\n"
                 "      local ok, err = pcall(emit, ('x'):rep(300))\n"
                 "      if ok then ok, err = pcall(emit, 'y') end\n"
                 "      seen[i] = tostring(err)\n"
                 "    end) end\n"
                 "    signalua.sleep(0.1)\n"
                 "  end)\n"
                 "end\n"
                 "function Hub:Seen() return seen end\n" DONE);
    rig.a.stuck = true;
    say_stream(&rig.a, "1", "Tasks", "[]");
    cluster_advance(&rig.cluster, 200);
    peer_read(&rig.a);
    assert_non_null(strstr(peer_heard(&rig.a), END("1")));
    const char *seen = lua_rig_call(&rig, "Seen", "[]");
    assert_non_null(strstr(seen, "['"));
    assert_null(strstr(seen, "nil"));
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

/* ---- ends of everything ---- */

static void leaves_nothing_behind_when_destroyed_at_work(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") COUNT DONE);
    for (int i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        say_stream(&rig.a, id, "Count", i % 2 == 0 ? "[100,1]" : "[100000]");
    }
    rig.a.stuck = true;
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 50);
    lua_rig_release(&rig);
}

static void a_connection_takes_its_streams_along(void **state)
{
    (void)state;
    struct lua_rig rig;
    lua_rig_chat(&rig, HUB("()") COUNT DONE);
    rig.a.stuck = true;
    for (int i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        say_stream(&rig.a, id, "Count", i % 2 == 0 ? "[100,1]" : "[100000]");
    }
    cluster_settle(&rig.cluster);
    peer_leave(&rig.a, SL_CLOSE_LOST);
    cluster_settle(&rig.cluster);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    assert_int_equal(sl_world_conn_count(&rig.worker->world), 0);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_items_and_the_end),
        cmocka_unit_test(sends_every_kind_of_value),
        cmocka_unit_test(waits_between_items_and_others_go_on),
        cmocka_unit_test(goes_through_around_invoke),
        cmocka_unit_test(takes_items_of_spawned_tasks),
        cmocka_unit_test(hides_errors_unless_asked),
        cmocka_unit_test(shows_errors_where_asked),
        cmocka_unit_test(names_what_is_wrong_with_an_item),
        cmocka_unit_test(refuses_to_wait_in_an_authors_coroutine),
        cmocka_unit_test(ends_at_the_next_wait_when_cancelled),
        cmocka_unit_test(tells_what_fails_while_it_cleans_up),
        cmocka_unit_test(never_begins_when_cancelled_before),
        cmocka_unit_test(ends_when_the_client_leaves),
        cmocka_unit_test(waits_for_a_client_that_does_not_read),
        cmocka_unit_test(does_not_keep_the_worker),
        cmocka_unit_test(wakes_its_tasks_when_it_ends),
        cmocka_unit_test(leaves_nothing_behind_when_destroyed_at_work),
        cmocka_unit_test(a_connection_takes_its_streams_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
