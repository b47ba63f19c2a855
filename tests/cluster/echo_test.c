// SPDX-License-Identifier: MIT
/*
 * The seam holds: a hub written in C answers calls, keeps their order, and
 * reaches connections of other workers.
 */
#include "tests/lib/cluster.h"
#include "tests/lib/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_echo(void **state)
{
    (void)state;
    struct cluster cluster;
    struct peer a;
    cluster_init(&cluster, (struct cluster_options){ 0 });
    peer_join(&a, cluster_worker(&cluster, 0, 0), "a", NULL);

    peer_invoke(&a, "1", "Echo", "['hi']");
    assert_string_equal(peer_heard(&a),
                        "{'type':3,'invocationId':'1','result':'hi'}\n");
    peer_invoke(&a, "2", "aDD", "[40,2]");
    assert_string_equal(peer_heard(&a),
                        "{'type':3,'invocationId':'2','result':42}\n");
    peer_invoke(&a, NULL, "Echo", "['unheard']");
    assert_string_equal(peer_heard(&a), "");

    peer_release(&a);
    cluster_release(&cluster);
}

static void test_sends_reach_other_workers(void **state)
{
    (void)state;
    struct cluster cluster;
    struct peer a, b, c;
    cluster_init(&cluster, (struct cluster_options){ .worker_count = 3 });
    peer_join(&a, cluster_worker(&cluster, 0, 0), "a", NULL);
    peer_join(&b, cluster_worker(&cluster, 0, 1), "b", NULL);
    peer_join(&c, cluster_worker(&cluster, 0, 2), "c", NULL);

    peer_invoke(&a, "1", "SendAll", "['m']");
    cluster_settle(&cluster);
    assert_string_equal(peer_heard(&a),
                        "{'type':1,'target':'Hear','arguments':['m']}\n"
                        "{'type':3,'invocationId':'1','result':null}\n");
    assert_string_equal(peer_heard(&b),
                        "{'type':1,'target':'Hear','arguments':['m']}\n");
    assert_string_equal(peer_heard(&c),
                        "{'type':1,'target':'Hear','arguments':['m']}\n");

    peer_release(&a);
    peer_release(&b);
    peer_release(&c);
    cluster_release(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_sends_reach_other_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
