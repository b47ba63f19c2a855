// SPDX-License-Identifier: MIT
/*
 * The commands, told by their replies: a table of what Redis 7 answers to the
 * same words (taken down from redis-server 7.0.15), expiry under a clock that
 * the test moves, the bound, binary safety, and threads that share one store.
 */
#include "tests/lib/store_rig.h"

#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARGS_MAX STORE_RIG_ARGS_MAX
#define BYTES_MAX STORE_RIG_BYTES_MAX
#define expect store_rig_expect

/* ---- the table ---- */

static const struct store_line redis_replies[] = {
    /* strings */
    { "get a", "nil" },
    { "set a 1", "OK" },
    { "GET a", "\"1\"" },
    { "GeT a", "\"1\"" },
    { "set a ''", "OK" },
    { "get a", "\"\"" },
    { "set '' empty", "OK" },
    { "get ''", "\"empty\"" },
    { "get A", "nil" },
    { "set a 2 nx", "nil" },
    { "set new 2 NX", "OK" },
    { "set none 2 xx", "nil" },
    { "get none", "nil" },
    { "set new 3 XX", "OK" },
    { "get new", "\"3\"" },
    { "set a 1 nx xx", "ERR syntax error" },
    { "set a 1 xx nx", "ERR syntax error" },
    { "set a 1 nx nx", "nil" },
    { "set a 1 ex", "ERR syntax error" },
    { "set a 1 ex 5 px 5", "ERR syntax error" },
    { "set a 1 px 5 ex 5", "ERR syntax error" },
    { "set a 1 ex x ex 5", "OK" },
    { "set a 1 often", "ERR syntax error" },
    { "set a 1 ex x", NOT_INTEGER },
    { "set a 1 ex 1.5", NOT_INTEGER },
    { "set a 1 ex 0", "ERR invalid expire time in 'set' command" },
    { "set a 1 px -1", "ERR invalid expire time in 'set' command" },
    { "set a 1 ex 9223372036854775807",
      "ERR invalid expire time in 'set' command" },
    { "set a 1 px 9223372036854775807",
      "ERR invalid expire time in 'set' command" },
    { "set a 1 ex 9223372036854775808", NOT_INTEGER },
    { "set a 1 nx ex 10", "nil" },
    { "set a 1 ex 10 xx", "OK" },
    { "ttl a", "(integer) 10" },
    { "set a 1", "OK" },
    { "ttl a", "(integer) -1" },
    /* integers */
    { "incr fresh", "(integer) 1" },
    { "incr fresh", "(integer) 2" },
    { "get fresh", "\"2\"" },
    { "set i -1", "OK" },
    { "incr i", "(integer) 0" },
    { "incr i", "(integer) 1" },
    { "set i 9223372036854775806", "OK" },
    { "incr i", "(integer) 9223372036854775807" },
    { "incr i", "ERR increment or decrement would overflow" },
    { "get i", "\"9223372036854775807\"" },
    { "set i 9223372036854775808", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i -9223372036854775808", "OK" },
    { "incr i", "(integer) -9223372036854775807" },
    { "set i -9223372036854775809", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i 99999999999999999999", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i +1", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i 01", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i -0", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i -", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i 1x", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i 1.0", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i ''", "OK" },
    { "incr i", NOT_INTEGER },
    { "set i 0", "OK" },
    { "incr i", "(integer) 1" },
    /* lists */
    { "lrange l 0 -1", "[ ]" },
    { "rpush l a b", "(integer) 2" },
    { "rpush l c", "(integer) 3" },
    { "lrange l 0 -1", "[ a b c ]" },
    { "lrange l 0 0", "[ a ]" },
    { "lrange l 1 1", "[ b ]" },
    { "lrange l -2 -1", "[ b c ]" },
    { "lrange l -2 10", "[ b c ]" },
    { "lrange l -100 100", "[ a b c ]" },
    { "lrange l -100 -100", "[ ]" },
    { "lrange l 2 1", "[ ]" },
    { "lrange l 3 5", "[ ]" },
    { "lrange l 0 -4", "[ ]" },
    { "lrange l -9223372036854775808 9223372036854775807", "[ a b c ]" },
    { "lrange l 9223372036854775807 -9223372036854775808", "[ ]" },
    { "lrange l x 1", NOT_INTEGER },
    { "lrange l 0 9223372036854775808", NOT_INTEGER },
    { "rpush l ''", "(integer) 4" },
    { "lrange l -1 -1", "[  ]" },
    /* kinds */
    { "get l", WRONG_TYPE },
    { "incr l", WRONG_TYPE },
    { "rpush a x", WRONG_TYPE },
    { "lrange a 0 -1", WRONG_TYPE },
    { "lrange a x -1", NOT_INTEGER },
    { "set l now-a-string", "OK" },
    { "get l", "\"now-a-string\"" },
    { "rpush l x", WRONG_TYPE },
    { "del l", "(integer) 1" },
    { "rpush l x", "(integer) 1" },
    /* keys */
    { "del none", "(integer) 0" },
    { "set k1 1", "OK" },
    { "set k2 1", "OK" },
    { "del k1 none k2 k2", "(integer) 2" },
    { "ttl none", "(integer) -2" },
    { "ttl a", "(integer) -1" },
    { "expire none 10", "(integer) 0" },
    { "expire a 10", "(integer) 1" },
    { "ttl a", "(integer) 10" },
    { "expire a x", NOT_INTEGER },
    { "expire a 9223372036854775807",
      "ERR invalid expire time in 'expire' command" },
    { "expire a -9223372036854775808",
      "ERR invalid expire time in 'expire' command" },
    { "expire a 10 often", "ERR Unsupported option often" },
    { "expire a 0", "(integer) 1" },
    { "get a", "nil" },
    { "set a 1", "OK" },
    { "expire a -1", "(integer) 1" },
    { "ttl a", "(integer) -2" },
    { "expire l 100", "(integer) 1" },
    { "rpush l y", "(integer) 2" },
    { "ttl l", "(integer) 100" },
    { "set n 1 ex 100", "OK" },
    { "incr n", "(integer) 2" },
    { "ttl n", "(integer) 100" },
    /* arity, unknown names */
    { "get", "ERR wrong number of arguments for 'get' command" },
    { "GET a b", "ERR wrong number of arguments for 'get' command" },
    { "set a", "ERR wrong number of arguments for 'set' command" },
    { "del", "ERR wrong number of arguments for 'del' command" },
    { "incr", "ERR wrong number of arguments for 'incr' command" },
    { "incr a 2", "ERR wrong number of arguments for 'incr' command" },
    { "expire a", "ERR wrong number of arguments for 'expire' command" },
    { "ttl a b", "ERR wrong number of arguments for 'ttl' command" },
    { "rpush l", "ERR wrong number of arguments for 'rpush' command" },
    { "lrange l 0", "ERR wrong number of arguments for 'lrange' command" },
    { "Foo", "ERR unknown command 'Foo', with args beginning with: " },
    { "foo a bc",
      "ERR unknown command 'foo', with args beginning with: 'a' 'bc' " },
};

static void answers_as_redis_does(void **state)
{
    for (size_t i = 0; i < SL_COUNT(redis_replies); i++)
        expect(*state, redis_replies[i].line, redis_replies[i].reply);
}

static void no_command_at_all(void **state)
{
    struct sl_str out = { 0 };
    sl_store_command(*state, NULL, 0, store_rig_print, &out);
    assert_string_equal(sl_str_cstr(&out), "ERR empty command");
    sl_str_release(&out);
}

static void unknown_command_is_cut_and_cleaned(void **state)
{
    char name[300], argument[300];
    memset(name, 'n', sizeof(name));
    memset(argument, 'a', sizeof(argument));
    argument[0] = '\n';
    struct sl_slice words[3] = { sl_slice_of(name, sizeof(name)),
                                 sl_slice_of(argument, sizeof(argument)),
                                 SL_SLICE("unseen") };
    struct sl_str out = { 0 };
    sl_store_command(*state, words, 3, store_rig_print, &out);
    const char *text = sl_str_cstr(&out);
    assert_true(out.len < 350);
    assert_null(strchr(text, '\n'));
    assert_null(strstr(text, "unseen"));
    sl_str_release(&out);
}

static void zero_bytes_are_ordinary(void **state)
{
    struct sl_slice set[] = { SL_SLICE("set"), SL_SLICE("k\0a"),
                              SL_SLICE("v\0w\r\n") };
    struct sl_slice other[] = { SL_SLICE("get"), SL_SLICE("k\0b") };
    struct sl_str out = { 0 };
    sl_store_command(*state, set, 3, store_rig_print, &out);
    sl_store_command(*state, other, 2, store_rig_print, &out);
    assert_string_equal(sl_str_cstr(&out), "OKnil");
    sl_str_release(&out);

    /* Not the printer: its %s would stop at the zero. */
    struct sl_slice push[] = { SL_SLICE("rpush"), SL_SLICE("l"),
                               SL_SLICE("\0\0"), SL_SLICE("b") };
    sl_store_command(*state, push, 4, store_rig_print, &out);
    struct sl_slice range[] = { SL_SLICE("lrange"), SL_SLICE("l"),
                                SL_SLICE("0"), SL_SLICE("-1") };
    sl_str_clear(&out);
    sl_store_command(*state, range, 4, store_rig_print, &out);
    assert_true(sl_slice_eq(sl_str_slice(&out), SL_SLICE("[ \0\0 b ]")));
    sl_str_release(&out);
}

/* ---- expiry ---- */

static void keys_die_at_their_time(void **state)
{
    expect(*state, "set s 1 ex 10", "OK");
    expect(*state, "set p 1 px 1500", "OK");
    expect(*state, "rpush l a", "(integer) 1");
    expect(*state, "expire l 20", "(integer) 1");
    store_rig_now_ms += 1499;
    expect(*state, "get p", "\"1\"");
    store_rig_now_ms += 1;
    expect(*state, "get p", "nil");
    expect(*state, "ttl p", "(integer) -2");
    store_rig_now_ms += 8499;
    expect(*state, "get s", "\"1\"");
    expect(*state, "ttl s", "(integer) 0");
    store_rig_now_ms += 1;
    expect(*state, "ttl s", "(integer) -2");
    expect(*state, "del s", "(integer) 0");
    expect(*state, "lrange l 0 -1", "[ a ]");
    store_rig_now_ms += 10000;
    expect(*state, "lrange l 0 -1", "[ ]");
    assert_int_equal(sl_store_memory_bytes(*state), 0);
}

static void ttl_is_rounded_to_the_nearest_second(void **state)
{
    expect(*state, "set a 1 px 1400", "OK");
    expect(*state, "ttl a", "(integer) 1");
    expect(*state, "set a 1 px 1500", "OK");
    expect(*state, "ttl a", "(integer) 2");
}

static void an_expired_key_is_a_missing_one(void **state)
{
    expect(*state, "set a 5 px 1", "OK");
    expect(*state, "set b 5 px 1", "OK");
    expect(*state, "rpush c x", "(integer) 1");
    expect(*state, "expire c 1", "(integer) 1");
    store_rig_now_ms += 1000;
    expect(*state, "set a 6 xx", "nil");
    expect(*state, "incr b", "(integer) 1");
    expect(*state, "ttl b", "(integer) -1");
    expect(*state, "expire c 5", "(integer) 0");
    expect(*state, "set c now-text nx", "OK");
}

static void writes_sweep_what_nobody_asks_for(void **state)
{
    for (int i = 0; i < 100; i++) {
        char line[32];
        snprintf(line, sizeof(line), "set k%d v px 10", i);
        expect(*state, line, "OK");
    }
    expect(*state, "set stays 1", "OK");
    size_t full = sl_store_memory_bytes(*state);
    store_rig_now_ms += 10;
    /* Bounded: one write removes some of them, a few remove all. */
    expect(*state, "incr n", "(integer) 1");
    size_t once = sl_store_memory_bytes(*state);
    assert_true(once < full && once > full / 2);
    for (int i = 0; i < 10; i++)
        expect(*state, "set n 1", "OK");
    assert_true(sl_store_memory_bytes(*state) < full / 20);
    expect(*state, "get stays", "\"1\"");
}

/* ---- the bound ---- */

static void bound_refuses_writes_only(void **state)
{
    struct sl_store *store = *state;
    char line[1100] = "rpush l ";
    memset(line + 8, 'x', 1000);
    int pushes = 0;
    expect(store, "set small 1", "OK");
    while (sl_store_memory_refused(store) == 0) {
        struct sl_slice words[ARGS_MAX];
        struct sl_str out = { 0 };
        sl_store_command(store, words, store_rig_split(line, words),
                         store_rig_print, &out);
        if (sl_store_memory_refused(store) != 0)
            assert_string_equal(sl_str_cstr(&out), OOM);
        sl_str_release(&out);
        assert_true(++pushes < 2000);
    }
    assert_true(pushes > 900);
    assert_true(sl_store_memory_bytes(store) <= BYTES_MAX);
    /* Reads, deletes and writes that free go on. */
    expect(store, "get small", "\"1\"");
    expect(store, "expire small 100", "(integer) 1");
    expect(store, "lrange l 5 4", "[ ]");
    expect(store, "set l short", "OK");
    expect(store, "rpush m y", "(integer) 1");
    assert_int_equal(sl_store_memory_refused(store), 1);
}

static void full_store_makes_room_from_the_expired(void **state)
{
    struct sl_store *store = *state;
    char line[1100];
    int count = 0;
    for (; sl_store_memory_bytes(store) < BYTES_MAX - 4096; count++) {
        int len = snprintf(line, sizeof(line), "set k%d ", count);
        memset(line + len, 'x', 1000);
        snprintf(line + len + 1000, 16, " px 10");
        expect(store, line, "OK");
    }
    store_rig_now_ms += 10;
    /* More than the bounded sweep frees: only a wider one lets it in. */
    char *big = test_malloc(BYTES_MAX / 2);
    memset(big, 'b', BYTES_MAX / 2);
    struct sl_slice words[] = { SL_SLICE("set"), SL_SLICE("big"),
                                sl_slice_of(big, BYTES_MAX / 2) };
    struct sl_str out = { 0 };
    sl_store_command(store, words, 3, store_rig_print, &out);
    assert_string_equal(sl_str_cstr(&out), "OK");
    sl_str_release(&out);
    test_free(big);
    assert_int_equal(sl_store_memory_refused(store), 0);
}

static void a_refused_write_changes_nothing(void **state)
{
    (void)state;
    struct sl_store *store = sl_store_memory_new(&store_rig_clock, 400);
    expect(store, "set a 12345678 ex 100", "OK");
    size_t before = sl_store_memory_bytes(store);
    char line[600] = "set a ";
    memset(line + 6, 'x', 500);
    expect(store, line, OOM);
    expect(store, "get a", "\"12345678\"");
    expect(store, "ttl a", "(integer) 100");
    memcpy(line, "rpush l ", 8);
    expect(store, line, OOM);
    expect(store, "lrange l 0 -1", "[ ]");
    assert_int_equal(sl_store_memory_bytes(store), before);
    assert_int_equal(sl_store_memory_refused(store), 2);
    sl_store_free(store);
}

static void nothing_fits_in_nothing(void **state)
{
    (void)state;
    struct sl_store *store = sl_store_memory_new(&store_rig_clock, 0);
    expect(store, "set a 1", OOM);
    expect(store, "incr a", OOM);
    expect(store, "get a", "nil");
    sl_store_free(store);
    sl_store_free(NULL);
}

/* ---- threads, and commands inside of replies ---- */

static void count_again(void *user, const struct sl_reply *reply)
{
    struct sl_store *store = user;
    assert_int_equal(reply->kind, SL_REPLY_INTEGER);
    expect(store, "incr n", "(integer) 2");
}

static void a_reply_may_command(void **state)
{
    struct sl_slice words[] = { SL_SLICE("incr"), SL_SLICE("n") };
    sl_store_command(*state, words, 2, count_again, *state);
    expect(*state, "get n", "\"2\"");
}

#define THREADS 4
#define ROUNDS 5000

static void ignore(void *user, const struct sl_reply *reply)
{
    (void)reply;
    (void)user;
}

static void *hammer(void *user)
{
    static const char *const lines[] = {
        "incr total",        "set shared value px 1",
        "get shared",        "rpush list x",
        "lrange list -3 -1", "expire list 1000",
        "ttl list",          "del gone",
    };
    for (int i = 0; i < ROUNDS; i++) {
        struct sl_slice words[ARGS_MAX];
        unsigned count =
            store_rig_split(lines[(unsigned)i % SL_COUNT(lines)], words);
        sl_store_command(user, words, count, ignore, NULL);
        (void)sl_store_memory_bytes(user);
    }
    return NULL;
}

static void threads_share_one_store(void **state)
{
    (void)state;
    struct sl_store *store = sl_store_memory_new(&sl_clock_system, BYTES_MAX);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, store), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    /* One in eight commands of each thread is the incr, and one the push. */
    expect(store, "get total", "\"2500\"");
    expect(store, "rpush list last", "(integer) 2501");
    sl_store_free(store);
}

#define STORE_TEST(function) \
    cmocka_unit_test_setup_teardown(function, store_rig_make, store_rig_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(answers_as_redis_does),
        STORE_TEST(no_command_at_all),
        STORE_TEST(unknown_command_is_cut_and_cleaned),
        STORE_TEST(zero_bytes_are_ordinary),
        STORE_TEST(keys_die_at_their_time),
        STORE_TEST(ttl_is_rounded_to_the_nearest_second),
        STORE_TEST(an_expired_key_is_a_missing_one),
        STORE_TEST(writes_sweep_what_nobody_asks_for),
        STORE_TEST(bound_refuses_writes_only),
        STORE_TEST(full_store_makes_room_from_the_expired),
        cmocka_unit_test(a_refused_write_changes_nothing),
        cmocka_unit_test(nothing_fits_in_nothing),
        STORE_TEST(a_reply_may_command),
        cmocka_unit_test(threads_share_one_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
