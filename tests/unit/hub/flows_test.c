// SPDX-License-Identifier: MIT
/*
 * What streams need is made with the first of them and goes with the
 * connection; others do without.
 */
#include "hub/internal.h"
#include "tests/lib/expect.h"

static void test_made_when_needed(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_invoke(&alone.a, "1", "Echo", "[1]");
    peer_say(&alone.a, "{'type':2,'invocationId':'u','item':1}");
    peer_say(&alone.a, "{'type':3,'invocationId':'u'}");
    peer_say(&alone.a, "{'type':5,'invocationId':'u'}");
    assert_null(alone.a.conn->flows);
    peer_say(&alone.a, "{'type':4,'invocationId':'2','target':'Hang',"
                       "'arguments':[]}");
    struct sl_flows *flows = alone.a.conn->flows;
    assert_non_null(flows);
    assert_ptr_equal(sl_flows_of(alone.a.conn), flows);
    assert_int_equal(flows->downloads.count, 1);
    alone_release(&alone);
}

static void test_nothing_stays_after_the_ends(void **state)
{
    (void)state;
    struct alone alone;
    alone_init(&alone, NULL);
    alone_join(&alone, &alone.a, "a");
    peer_say(&alone.a, "{'type':4,'invocationId':'1','target':'Hang',"
                       "'arguments':[]}");
    peer_say(&alone.a, "{'type':1,'invocationId':'2','target':'Sum',"
                       "'arguments':[],'streamIds':['u']}");
    struct sl_flows *flows = alone.a.conn->flows;
    assert_int_equal(flows->uploads.count, 1);
    peer_say(&alone.a, "{'type':5,'invocationId':'1'}");
    peer_say(&alone.a, "{'type':3,'invocationId':'u'}");
    assert_int_equal(flows->downloads.count, 0);
    assert_int_equal(flows->uploads.count, 0);
    assert_int_equal(flows->full, 0);
    alone_release(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_when_needed),
        cmocka_unit_test(test_nothing_stays_after_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
