// SPDX-License-Identifier: MIT
/*
 * Workers as real threads: connections come, join groups, send, change groups
 * of each other's connections and go, all at once. Watched by the thread
 * sanitizer; the counts at the end say that nothing was lost between them.
 */
#include "tests/lib/expect.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define WORKERS 4
#define ROUNDS 150

struct runner {
    struct cluster_worker *worker;
    unsigned index;
    atomic_uint *done;
    struct peer steady; /* stays all the time, counts what it hears */
    unsigned heard_all, answers;
};

static unsigned count(const char *text, const char *what)
{
    unsigned found = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        found++;
    return found;
}

static void listen(struct runner *runner)
{
    const char *text = peer_heard(&runner->steady);
    runner->heard_all += count(text, "['all']");
    runner->answers += count(text, "'invocationId':'g'");
}

static void run_round(struct runner *runner, unsigned round)
{
    struct peer guest;
    char name[32], args[64];
    snprintf(name, sizeof(name), "g%u.%u", runner->index, round);
    peer_join(&guest, runner->worker, name, "ann");
    peer_invoke(&guest, NULL, "JoinGroup", "['g']");
    peer_invoke(&runner->steady, NULL, "SendAll", "['all']");
    peer_invoke(&runner->steady, NULL, "SendGroup", "['g','group']");
    peer_invoke(&runner->steady, NULL, "SendUser", "['ann','user']");
    snprintf(args, sizeof(args), "['h','s%u--------------------']",
             round % WORKERS);
    peer_invoke(&runner->steady, "g", round % 2 == 0 ? "AddTo" : "RemoveFrom",
                args);
    cluster_turn(runner->worker);
    listen(runner);
    peer_release(&guest);
}

static void *run_worker(void *user)
{
    struct runner *runner = user;
    for (unsigned round = 0; round < ROUNDS; round++)
        run_round(runner, round);
    atomic_fetch_add(runner->done, 1);
    /* Letters come until the last worker is done. */
    while (atomic_load(runner->done) < WORKERS)
        if (!cluster_turn(runner->worker))
            sched_yield();
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct cluster cluster;
    static struct runner runners[WORKERS];
    pthread_t threads[WORKERS];
    atomic_uint done = 0;
    cluster_init(&cluster, (struct cluster_options){ .worker_count = WORKERS });
    for (unsigned i = 0; i < WORKERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "s%u", i);
        runners[i] = (struct runner){
            .worker = cluster_worker(&cluster, 0, i),
            .index = i,
            .done = &done,
        };
        peer_join(&runners[i].steady, runners[i].worker, name, NULL);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_worker, &runners[i]), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    cluster_settle(&cluster);
    for (unsigned i = 0; i < WORKERS; i++) {
        listen(&runners[i]);
        assert_int_equal(runners[i].heard_all, WORKERS * ROUNDS);
        assert_int_equal(runners[i].answers, ROUNDS);
        peer_release(&runners[i].steady);
    }
    cluster_release(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
