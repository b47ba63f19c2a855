// SPDX-License-Identifier: MIT
/*
 * Each type of message does what it should, and errors come in the order of
 * the checks: method, arguments, slot, mode, number of streams.
 */
#include "tests/lib/expect.h"

#define NO_SUCH_METHOD(id, name)                                              \
    FAILURE(id, "Failed to invoke '" name "' due to an error on the server. " \
                "HubException: Method does not exist.")

static void test_unknown_method_overtakes(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "2", "Echo", "[2]");
    peer_invoke(&alone.a, "3", "Nope", "[]");
    peer_invoke(&alone.a, "4", "Add", "[1]");
    peer_invoke(&alone.a, NULL, "Nope", "[]");
    expect_heard(&alone.a, NO_SUCH_METHOD("3", "Nope") FAILURE(
                               "4", "Failed to invoke 'Add' due to an error on "
                                    "the server."));
    assert_int_equal(alone_metric(&alone, INVOCATIONS), 5);
    assert_int_equal(alone_metric(&alone, INVOCATIONS_FAILED), 3);
    c_hub_finish(&alone.worker->hub);
    cluster_settle(&alone.cluster);
    expect_heard(&alone.a, RESULT("1", "1") RESULT("2", "2"));
    alone_release(&alone);
}

static void tune_details(struct sl_hub_options *options)
{
    options->detailed_errors = 1;
}

static void test_binding_failures(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, tune_details);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "add", "[1,2,3]");
    expect_heard(&alone.a,
                 FAILURE("1", "Failed to invoke 'add' due to an error on the "
                              "server. InvalidDataException: Invocation "
                              "provides 3 argument(s) but target expects 2."));
    peer_invoke(&alone.a, "2", "Add", "['1',2]");
    expect_heard(&alone.a,
                 FAILURE("2", "Failed to invoke 'Add' due to an error on the "
                              "server. InvalidDataException: Error binding "
                              "arguments."));
    /* Broken arguments alone do not end the connection. */
    peer_invoke(&alone.a, "3", "Add", "[1,2,]");
    expect_heard(&alone.a,
                 FAILURE("3", "Failed to invoke 'Add' due to an error on the "
                              "server. InvalidDataException: Error binding "
                              "arguments."));
    peer_invoke(&alone.a, "4", "Add", "[1,2]");
    expect_heard(&alone.a, RESULT("4", "3"));
    alone_release(&alone);
}

static void test_empty_target_and_empty_id(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "", "[]");
    expect_heard(&alone.a, NO_SUCH_METHOD("1", ""));
    peer_invoke(&alone.a, "", "Echo", "[1]");
    peer_invoke(&alone.a, "", "Nope", "[1]");
    expect_heard(&alone.a, "");
    assert_int_equal(alone.worker->hub.started, 1);
    alone_release(&alone);
}

static void test_modes(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "stream", "[]");
    expect_heard(&alone.a,
                 FAILURE("1", "The client attempted to invoke the streaming "
                              "'Stream' method with a non-streaming "
                              "invocation."));
    peer_say(&alone.a, "{'type':4,'invocationId':'2','target':'eCHO',"
                       "'arguments':[1]}");
    expect_heard(&alone.a,
                 FAILURE("2", "The client attempted to invoke the "
                              "non-streaming 'Echo' method with a streaming "
                              "invocation."));
    peer_say(&alone.a, "{'type':4,'invocationId':'3','target':'Nope',"
                       "'arguments':[]}");
    expect_heard(&alone.a, NO_SUCH_METHOD("3", "Nope"));
    assert_int_equal(alone.worker->hub.started, 0);
    expect_log(alone.worker, "drop Stream\ndrop Echo\n");
    alone_release(&alone);
}

static void test_stream_counts(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Upload", "[]");
    expect_heard(&alone.a,
                 FAILURE("1", "An unexpected error occurred invoking 'Upload' "
                              "on the server. HubException: Client sent 0 "
                              "stream(s), Hub method expects 1."));
    peer_say(&alone.a, "{'type':1,'invocationId':'2','target':'Echo',"
                       "'arguments':[1],'streamIds':['u','v']}");
    expect_heard(&alone.a,
                 FAILURE("2", "An unexpected error occurred invoking 'Echo' "
                              "on the server. HubException: Client sent 2 "
                              "stream(s), Hub method expects 0."));
    peer_say(&alone.a, "{'type':1,'invocationId':'3','target':'Upload',"
                       "'arguments':[],'streamIds':['u']}");
    expect_heard(&alone.a, RESULT("3", "null"));
    alone_release(&alone);
}

/* Plain calls are checked for their mode when they have their slot. */
static void test_mode_is_checked_in_order(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Slow", "[1]");
    peer_invoke(&alone.a, "2", "Stream", "[]");
    expect_heard(&alone.a, "");
    c_hub_finish(&alone.worker->hub);
    cluster_settle(&alone.cluster);
    assert_non_null(strstr(peer_heard(&alone.a), "'1','result':1}\n"
                                                 "{'type':3,'invocationId':"
                                                 "'2','error':"));
    alone_release(&alone);
}

static void test_ignored_messages(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':2,'invocationId':'x','item':1}");
    peer_say(&alone.a, "{'type':3,'invocationId':'x','result':1}");
    peer_say(&alone.a, "{'type':5,'invocationId':'x'}");
    peer_say(&alone.a, "{'type':6}");
    peer_say(&alone.a, "{'type':8,'sequenceId':1}");
    peer_say(&alone.a, "{'type':9,'sequenceId':1}");
    peer_say(&alone.a, "{'type':77}");
    expect_heard(&alone.a, "");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    expect_heard(&alone.a, RESULT("1", "1"));
    assert_int_equal(alone_metric(&alone, MESSAGES_IN), 8);
    alone_release(&alone);
}

static void test_close_by_the_client(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    alone_join(&alone, &alone.b, "b");
    peer_say(&alone.a, "{'type':7}");
    expect_heard(&alone.a, CLOSE);
    peer_say(&alone.b, "{'type':7,'error':'my fault','allowReconnect':true}");
    expect_heard(&alone.b, CLOSE);
    assert_true(alone.a.closed && alone.b.closed);
    assert_false(alone.a.failed || alone.a.dropped);
    cluster_settle(&alone.cluster);
    expect_log(alone.worker, "disconnected a client\n"
                             "disconnected b client: my fault\n"
                             "forget a\nforget b\n");
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_method_overtakes),
        cmocka_unit_test(test_binding_failures),
        cmocka_unit_test(test_empty_target_and_empty_id),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_stream_counts),
        cmocka_unit_test(test_mode_is_checked_in_order),
        cmocka_unit_test(test_ignored_messages),
        cmocka_unit_test(test_close_by_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
