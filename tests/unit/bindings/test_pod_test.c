// SPDX-License-Identifier: MIT
/*
 * The pod of `signalua test` without its Lua side: time, rest, admission,
 * clients, and that it can be ended at any moment. (What tests see of it is in
 * tests/lua/lua_testing_test.lua.)
 */
#include "bindings/test_pod.h"

#include "base/base.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TOP "local signalua = require 'signalua'\n"
#define HUB TOP "local Hub = signalua.hub()\n"
#define END "\nreturn Hub\n"

static struct sl_str errors;

static void on_error(void *user, const struct sl_report *report)
{
    (void)user;
    char text[SL_REPORT_FILE_MAX + SL_REPORT_TEXT_MAX + 32];
    sl_str_add_fmt(&errors, "%s\n",
                   sl_report_format(report, text, sizeof(text)));
}

static struct sl_script_file file;
static struct sl_script_set set;
static struct sl_test_pod_setup setup;

static struct sl_test_pod *open_pod(const char *text)
{
    file = (struct sl_script_file){ SL_SLICE("chat.lua"), sl_slice_str(text) };
    set = (struct sl_script_set){ .files = &file, .file_count = 1 };
    setup = (struct sl_test_pod_setup){ .set = &set };
    sl_str_clear(&errors);
    return sl_test_pod_new(&setup, on_error, NULL);
}

static struct sl_test_client *knock(struct sl_test_pod *pod, const char *user)
{
    struct sl_test_client *client = sl_test_client_new(
        pod, &(struct sl_test_client_setup){ .hub = SL_SLICE("chat"),
                                             .authenticated = user != NULL,
                                             .user_id = sl_slice_str(user),
                                             .remote_address = "127.0.0.1" });
    assert_true(sl_test_pod_settle(pod));
    return client;
}

static void say(struct sl_test_pod *pod, struct sl_test_client *client,
                const char *text)
{
    sl_test_client_say(client, sl_slice_str(text));
    sl_test_client_say(client, SL_SLICE("\x1e"));
    assert_true(sl_test_pod_settle(pod));
}

static struct sl_test_client *join(struct sl_test_pod *pod)
{
    struct sl_test_client *client = knock(pod, NULL);
    assert_int_equal(sl_test_client_status(client), 200);
    assert_string_equal(sl_test_client_id(client), "");
    sl_test_client_open(client);
    assert_int_equal(strlen(sl_test_client_id(client)), 22);
    say(pod, client, "{\"protocol\":\"json\",\"version\":1}");
    return client;
}

static void expect_heard(struct sl_test_client *client, const char *text)
{
    struct sl_str *heard = sl_test_client_heard(client);
    assert_string_equal(sl_str_cstr(heard), text);
    sl_str_clear(heard);
}

static void tells_what_does_not_load(void **state)
{
    (void)state;
    assert_null(open_pod("local x = = 1\n"));
    assert_string_equal(errors.ptr, "chat.lua:1: unexpected symbol near '='\n");
}

static void talks(void **state)
{
    (void)state;
    struct sl_test_pod *pod =
        open_pod(HUB "function Hub:Add(a, b) return a + b end" END);
    assert_true(sl_test_pod_serves(pod, SL_SLICE("chat")));
    assert_false(sl_test_pod_serves(pod, SL_SLICE("lobby")));
    struct sl_test_client *client = join(pod);
    expect_heard(client, "{}\x1e");
    say(pod, client,
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\","
        "\"arguments\":[1,2]}");
    expect_heard(client,
                 "{\"type\":3,\"invocationId\":\"1\",\"result\":3}\x1e");
    assert_false(sl_test_client_closed(client));
    sl_test_client_leave(client, false);
    assert_true(sl_test_client_closed(client));
    sl_test_client_leave(client, true); /* twice is once */
    say(pod, client, "into the void");
    expect_heard(client, "");
    sl_test_pod_free(pod);
}

static void time_goes_from_due_to_due(void **state)
{
    (void)state;
    struct sl_test_pod *pod =
        open_pod(HUB "local n = 0\n"
                     "signalua.every(2, function() n = n + 1\n"
                     "  Hub.clients.all:send('Tick', n, signalua.now()) end)\n"
                     "signalua.after(0.5, function()\n"
                     "  Hub.clients.all:send('Once') end)" END);
    struct sl_test_client *client = join(pod);
    expect_heard(client, "{}\x1e");
    uint64_t last = 0;
    unsigned steps = 0;
    while (sl_test_pod_step(pod, 4500)) {
        assert_true(sl_test_pod_settle(pod));
        assert_true(sl_test_pod_elapsed_ms(pod) > last);
        last = sl_test_pod_elapsed_ms(pod);
        steps++;
    }
    assert_int_equal(last, 4500);
    assert_true(steps < 1000); /* not each millisecond */
    /* The clock of scripts began at 1000. */
    expect_heard(client, "{\"type\":1,\"target\":\"Once\",\"arguments\":[]}\x1e"
                         "{\"type\":1,\"target\":\"Tick\",\"arguments\":[1,"
                         "1002]}\x1e"
                         "{\"type\":1,\"target\":\"Tick\",\"arguments\":[2,"
                         "1004]}\x1e");
    assert_false(sl_test_pod_step(pod, 4500));
    assert_false(sl_test_pod_step(pod, 0));
    sl_test_pod_free(pod);
}

static void says_that_it_does_not_rest(void **state)
{
    (void)state;
    struct sl_test_pod *pod = open_pod(
        HUB "function Hub:Endless() return signalua.stream(function(emit)\n"
            "  while true do emit(0) end end) end" END);
    struct sl_test_client *client = join(pod);
    sl_test_client_say(client, SL_SLICE("{\"type\":4,\"invocationId\":\"1\","
                                        "\"target\":\"Endless\","
                                        "\"arguments\":[]}\x1e"));
    assert_false(sl_test_pod_settle(pod));
    sl_test_pod_free(pod); /* all the same */
}

static void asks_the_hub_who_may_come(void **state)
{
    (void)state;
    struct sl_test_pod *pod = open_pod(
        TOP "local Hub = signalua.hub{authorize = function(context)\n"
            "  if context.user_id == 'slow' then signalua.sleep(1) end\n"
            "  if context.user_id == 'bad' then error('x') end\n"
            "  return context.user_id ~= 'eve' end}" END);
    assert_int_equal(sl_test_client_status(knock(pod, "ann")), 200);
    assert_int_equal(sl_test_client_status(knock(pod, "eve")), 403);
    assert_int_equal(sl_test_client_status(knock(pod, "bad")), 500);
    struct sl_test_client *slow = knock(pod, "slow");
    assert_int_equal(sl_test_client_status(slow), 0);
    while (sl_test_pod_step(pod, 1000))
        assert_true(sl_test_pod_settle(pod));
    assert_int_equal(sl_test_client_status(slow), 200);
    assert_int_equal(sl_test_client_status(knock(pod, "slow")), 0);
    sl_test_pod_free(pod); /* while it decides */
}

static void ends_in_the_middle(void **state)
{
    (void)state;
    struct sl_test_pod *pod = open_pod(
        HUB "local function wait() signalua.sleep(1e6) end\n"
            "function Hub:Wait() signalua.spawn(wait) wait() end\n"
            "function Hub:on_disconnected() signalua.sleep(1) end" END);
    struct sl_test_client *client = join(pod);
    say(pod, client,
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Wait\","
        "\"arguments\":[]}");
    join(pod);
    sl_test_pod_free(pod);
    sl_test_pod_free(NULL);
}

int main(void)
{
    sl_log_setup(2, SL_LOG_OFF, SL_LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_does_not_load),
        cmocka_unit_test(talks),
        cmocka_unit_test(time_goes_from_due_to_due),
        cmocka_unit_test(says_that_it_does_not_rest),
        cmocka_unit_test(asks_the_hub_who_may_come),
        cmocka_unit_test(ends_in_the_middle),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sl_str_release(&errors);
    return failed;
}
