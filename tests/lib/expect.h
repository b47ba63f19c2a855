// SPDX-License-Identifier: MIT
/*
 * What tests of the hub layer say most often. Brings cmocka with it.
 */
#pragma once

#include "tests/lib/cluster.h"
#include "tests/lib/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The peer heard exactly this since it was last asked. */
#define expect_heard(peer, text) assert_string_equal(peer_heard(peer), (text))

/* The hub of the worker saw exactly these events since it was last asked. */
#define expect_log(worker, text) \
    assert_string_equal(c_hub_log(&(worker)->hub), (text))

#define RESULT(id, value) \
    "{'type':3,'invocationId':'" id "','result':" value "}\n"
#define FAILURE(id, text) \
    "{'type':3,'invocationId':'" id "','error':'" text "'}\n"
#define HEAR(text) "{'type':1,'target':'Hear','arguments':['" text "']}\n"
#define CLOSE "{'type':7}\n"
#define CLOSE_RECONNECT "{'type':7,'allowReconnect':true}\n"
#define CLOSE_ERROR                                          \
    "{'type':7,'error':'Connection closed with an error.','" \
    "allowReconnect':true}\n"
#define PING "{'type':6}\n"

/* One pod with one worker, and a peer for each test that wants one. */
struct alone {
    struct cluster cluster;
    struct cluster_worker *worker;
    struct peer a, b;
};

static inline void alone_init(struct alone *alone,
                              void (*tune)(struct sl_hub_options *options))
{
    memset(alone, 0, sizeof(*alone));
    cluster_init(&alone->cluster, (struct cluster_options){ .tune = tune });
    alone->worker = cluster_worker(&alone->cluster, 0, 0);
}

static inline void alone_join(struct alone *alone, struct peer *peer,
                              const char *name)
{
    peer_join(peer, alone->worker, name, NULL);
    c_hub_log(&alone->worker->hub);
}

static inline void alone_release(struct alone *alone)
{
    peer_release(&alone->a);
    peer_release(&alone->b);
    cluster_release(&alone->cluster);
}

#define alone_metric(alone, id) cluster_metric((alone)->worker, SL_M_##id)
