// SPDX-License-Identifier: MIT
/*
 * Hashes, sets, sorted sets and ltrim, told by their replies: what Redis 7
 * answers to the same words (taken down from redis-server 7.0.15), the bound,
 * expiry, and that what is removed is gone from the count, too.
 */
#include "tests/lib/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOT_FLOAT "ERR value is not a valid float"
#define expect store_rig_expect

static const struct store_line redis_replies[] = {
    /* ltrim */
    { "ltrim l 0 -1", "OK" },
    { "rpush l a b c d e", "(integer) 5" },
    { "ltrim l 0 -1", "OK" },
    { "lrange l 0 -1", "[ a b c d e ]" },
    { "ltrim l -4 -2", "OK" },
    { "lrange l 0 -1", "[ b c d ]" },
    { "ltrim l 1 100", "OK" },
    { "lrange l 0 -1", "[ c d ]" },
    { "rpush l e", "(integer) 3" },
    { "ltrim l -2 -1", "OK" },
    { "lrange l 0 -1", "[ d e ]" },
    { "expire l 100", "(integer) 1" },
    { "ltrim l 0 0", "OK" },
    { "ttl l", "(integer) 100" },
    { "ltrim l x -1", NOT_INTEGER },
    { "ltrim l 0", "ERR wrong number of arguments for 'ltrim' command" },
    { "ltrim l 5 9", "OK" },
    { "ttl l", "(integer) -2" },
    { "rpush l a b", "(integer) 2" },
    { "ltrim l 1 0", "OK" },
    { "lrange l 0 -1", "[ ]" },
    /* hashes */
    { "hget h a", "nil" },
    { "hgetall h", "[ ]" },
    { "hset h a 1", "(integer) 1" },
    { "hset h a 2", "(integer) 0" },
    { "hget h a", "\"2\"" },
    { "HGET h A", "nil" },
    { "hset h b x c y", "(integer) 2" },
    { "hset h a 3 d z d zz", "(integer) 1" },
    { "hgetall h", "[ a 3 b x c y d zz ]" },
    { "hset h '' ''", "(integer) 1" },
    { "hget h ''", "\"\"" },
    { "hdel h ''", "(integer) 1" },
    { "hdel h b none c c", "(integer) 2" },
    { "hget h b", "nil" },
    { "hset h a", "ERR wrong number of arguments for 'hset' command" },
    { "hset h a 1 b", "ERR wrong number of arguments for 'hset' command" },
    { "hget h", "ERR wrong number of arguments for 'hget' command" },
    { "hget h a b", "ERR wrong number of arguments for 'hget' command" },
    { "hdel h", "ERR wrong number of arguments for 'hdel' command" },
    { "hgetall h x", "ERR wrong number of arguments for 'hgetall' command" },
    { "expire h 100", "(integer) 1" },
    { "hset h e 1", "(integer) 1" },
    { "ttl h", "(integer) 100" },
    { "hdel h a d e", "(integer) 3" },
    { "ttl h", "(integer) -2" },
    { "hdel h a", "(integer) 0" },
    { "hset h a 1", "(integer) 1" },
    { "del h", "(integer) 1" },
    { "hgetall h", "[ ]" },
    /* sets */
    { "smembers s", "[ ]" },
    { "srem s 1", "(integer) 0" },
    { "sadd s 1", "(integer) 1" },
    { "sadd s 1", "(integer) 0" },
    { "sadd s 1 2 2 3", "(integer) 2" },
    { "smembers s", "[ 1 2 3 ]" },
    { "srem s 3 3 4", "(integer) 1" },
    { "smembers s", "[ 1 2 ]" },
    { "sadd s", "ERR wrong number of arguments for 'sadd' command" },
    { "srem s", "ERR wrong number of arguments for 'srem' command" },
    { "smembers s 1", "ERR wrong number of arguments for 'smembers' command" },
    { "srem s 1 2", "(integer) 2" },
    { "ttl s", "(integer) -2" },
    { "sadd s ''", "(integer) 1" },
    { "smembers s", "[  ]" },
    /* sorted sets */
    { "zrange z 0 -1", "[ ]" },
    { "zrem z a", "(integer) 0" },
    { "zadd z 1 a", "(integer) 1" },
    { "zadd z 1 a", "(integer) 0" },
    { "zadd z 3 c 2 b", "(integer) 2" },
    { "zrange z 0 -1", "[ a b c ]" },
    { "ZRANGE z 0 -1 WITHSCORES", "[ a 1 b 2 c 3 ]" },
    { "zrange z 0 -1 rev withscores", "[ c 3 b 2 a 1 ]" },
    { "zrange z 0 0 rev", "[ c ]" },
    { "zrange z -2 -1", "[ b c ]" },
    { "zrange z -2 -1 rev", "[ b a ]" },
    { "zrange z 5 9", "[ ]" },
    { "zrange z 2 1", "[ ]" },
    { "zadd z 2.5 a", "(integer) 0" },
    { "zrange z 0 -1 withscores", "[ b 2 a 2.5 c 3 ]" },
    { "zadd z 2 ab 2 aa 2 ''", "(integer) 3" },
    { "zrange z 0 -1", "[  aa ab b a c ]" },
    { "zrem z aa ab '' none", "(integer) 3" },
    { "zadd z -inf low +inf high inf high2", "(integer) 3" },
    { "zrange z 0 -1 withscores",
      "[ low -inf b 2 a 2.5 c 3 high inf high2 inf ]" },
    { "zadd z 0x10 hex 1e3 k .5 half -0.25 minus", "(integer) 4" },
    { "zrange z 1 -3 withscores",
      "[ minus -0.25 half 0.5 b 2 a 2.5 c 3 hex 16 k 1000 ]" },
    { "zadd z 0.1 tenth", "(integer) 1" },
    { "zrange z 2 2 withscores", "[ tenth 0.10000000000000001 ]" },
    { "zadd z nan n", NOT_FLOAT },
    { "zadd z x n", NOT_FLOAT },
    { "zadd z '' n", NOT_FLOAT },
    { "zadd z 1x n", NOT_FLOAT },
    { "zadd z 1e999 n", NOT_FLOAT },
    { "zadd z 5 new x bad", NOT_FLOAT },
    { "zrange z 0 0", "[ low ]" },
    { "zadd z 1", "ERR wrong number of arguments for 'zadd' command" },
    { "zadd z 1 a 2", "ERR syntax error" },
    { "zadd z nx xx", "ERR syntax error" },
    { "zadd z nx xx 1 a",
      "ERR XX and NX options at the same time are not compatible" },
    { "zadd z nx gt 1 a",
      "ERR GT, LT, and/or NX options at the same time are not compatible" },
    { "zadd z lt gt 1 a",
      "ERR GT, LT, and/or NX options at the same time are not compatible" },
    { "zadd z incr 1 a 2 b",
      "ERR INCR option supports a single increment-element pair" },
    { "del z", "(integer) 1" },
    { "zadd z xx 1 a", "(integer) 0" },
    { "zadd z xx incr 1 a", "nil" },
    { "ttl z", "(integer) -2" },
    { "zadd z nx 1 a 2 b", "(integer) 2" },
    { "zadd z nx 9 a 3 c", "(integer) 1" },
    { "zadd z xx 5 a 9 none", "(integer) 0" },
    { "zadd z ch 6 a 2 b 4 d", "(integer) 2" },
    { "zadd z XX CH 7 a", "(integer) 1" },
    { "zadd z gt ch 6 a 9 b", "(integer) 1" },
    { "zadd z lt ch 6 a 10 b", "(integer) 1" },
    { "zadd z gt 1 e", "(integer) 1" },
    { "zrange z 0 -1 withscores", "[ e 1 c 3 d 4 a 6 b 9 ]" },
    { "zadd z incr 1.5 a", "\"7.5\"" },
    { "zadd z incr 2 f", "\"2\"" },
    { "zadd z nx incr 2 a", "nil" },
    { "zadd z gt incr -1 a", "nil" },
    { "zadd z lt incr -1 a", "\"6.5\"" },
    { "zadd z inf a", "(integer) 0" },
    { "zadd z incr -inf a", "ERR resulting score is not a number (NaN)" },
    { "zadd z 6 a 1 a", "(integer) 0" },
    { "zrange z 0 1 withscores", "[ a 1 e 1 ]" },
    { "zrange z x 1", NOT_INTEGER },
    { "zrange z 0 1 often", "ERR syntax error" },
    { "zrange z 0 1 rev rev", "ERR syntax error" },
    { "zrange z x 1 rev rev", "ERR syntax error" },
    { "zrange z 0 1 withscores withscores", "[ a 1 e 1 ]" },
    { "zrange z 0", "ERR wrong number of arguments for 'zrange' command" },
    { "zrem z", "ERR wrong number of arguments for 'zrem' command" },
    { "zrem z a b c d e f", "(integer) 6" },
    { "ttl z", "(integer) -2" },
    /* kinds */
    { "set t x", "OK" },
    { "hset h a 1", "(integer) 1" },
    { "zadd z 1 a", "(integer) 1" },
    { "hget t a", WRONG_TYPE },
    { "hset t a 1", WRONG_TYPE },
    { "hset t a", "ERR wrong number of arguments for 'hset' command" },
    { "hdel s a", WRONG_TYPE },
    { "hgetall z", WRONG_TYPE },
    { "sadd h a", WRONG_TYPE },
    { "srem h a", WRONG_TYPE },
    { "smembers t", WRONG_TYPE },
    { "zadd s 1 a", WRONG_TYPE },
    { "zadd s x a", NOT_FLOAT },
    { "zadd s xx 1 a", WRONG_TYPE },
    { "zrem h a", WRONG_TYPE },
    { "zrange t 0 -1", WRONG_TYPE },
    { "zrange t x -1", NOT_INTEGER },
    { "ltrim h 0 -1", WRONG_TYPE },
    { "ltrim h x -1", NOT_INTEGER },
    { "get h", WRONG_TYPE },
    { "incr s", WRONG_TYPE },
    { "rpush z x", WRONG_TYPE },
    { "set h now-a-string", "OK" },
    { "get h", "\"now-a-string\"" },
    { "del h s z t", "(integer) 4" },
};

static void answers_as_redis_does(void **state)
{
    for (size_t i = 0; i < SL_COUNT(redis_replies); i++)
        expect(*state, redis_replies[i].line, redis_replies[i].reply);
    assert_int_equal(sl_store_memory_bytes(*state), 0);
}

/* Redis has more of zrange: what is not there says so. */
static void zrange_by_score_is_refused(void **state)
{
    static const char *const lines[] = { "zrange z 0 1 byscore",
                                         "zrange z 0 1 BYLEX",
                                         "zrange z 0 1 limit 0 1" };
    for (size_t i = 0; i < SL_COUNT(lines); i++)
        expect(*state, lines[i],
               "ERR zrange in memory takes indexes, REV and WITHSCORES only");
}

static void collections_expire(void **state)
{
    expect(*state, "hset h a 1", "(integer) 1");
    expect(*state, "sadd s a", "(integer) 1");
    expect(*state, "zadd z 1 a", "(integer) 1");
    expect(*state, "expire h 1", "(integer) 1");
    expect(*state, "expire s 1", "(integer) 1");
    expect(*state, "expire z 1", "(integer) 1");
    store_rig_now_ms += 1000;
    expect(*state, "hget h a", "nil");
    expect(*state, "sadd s b", "(integer) 1");
    expect(*state, "ttl s", "(integer) -1");
    expect(*state, "smembers s", "[ b ]");
    expect(*state, "zadd z incr 1 a", "\"1\"");
    expect(*state, "del s z", "(integer) 2");
    assert_int_equal(sl_store_memory_bytes(*state), 0);
}

/* Writes until one is refused; what they look like is `format`'s, by number. */
static void fill(struct sl_store *store, const char *format)
{
    struct sl_str out = { 0 };
    uint64_t before = sl_store_memory_refused(store);
    for (int i = 0; sl_store_memory_refused(store) == before; i++) {
        struct sl_slice words[STORE_RIG_ARGS_MAX];
        char line[128];
        assert_true(i < 100000);
        snprintf(line, sizeof(line), format, i, i);
        sl_str_clear(&out);
        sl_store_command(store, words, store_rig_split(line, words),
                         store_rig_print, &out);
    }
    assert_string_equal(sl_str_cstr(&out), OOM);
    sl_str_release(&out);
    assert_true(sl_store_memory_bytes(store) <= STORE_RIG_BYTES_MAX);
    assert_true(sl_store_memory_bytes(store) > STORE_RIG_BYTES_MAX * 9 / 10);
}

static void bound_holds_for_each_kind(void **state)
{
    static const char *const formats[] = { "hset k field%d value%d",
                                           "sadd k member%d",
                                           "zadd k %d member%d" };
    for (size_t i = 0; i < SL_COUNT(formats); i++) {
        fill(*state, formats[i]);
        expect(*state, "del k", "(integer) 1");
        assert_int_equal(sl_store_memory_bytes(*state), 0);
    }
}

static void a_refused_write_changes_nothing(void **state)
{
    struct sl_store *store = sl_store_memory_new(&store_rig_clock, 700);
    char line[900];
    char big[600];
    (void)state;
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    expect(store, "hset h a 1", "(integer) 1");
    size_t before = sl_store_memory_bytes(store);
    snprintf(line, sizeof(line), "hset h b 2 c %s", big);
    expect(store, line, OOM);
    expect(store, "hgetall h", "[ a 1 ]");
    snprintf(line, sizeof(line), "hset h a %s", big);
    expect(store, line, OOM);
    expect(store, "hget h a", "\"1\"");
    snprintf(line, sizeof(line), "sadd s b %s", big);
    expect(store, line, OOM);
    expect(store, "smembers s", "[ ]");
    snprintf(line, sizeof(line), "zadd z 1 b 2 %s", big);
    expect(store, line, OOM);
    expect(store, "zrange z 0 -1", "[ ]");
    assert_int_equal(sl_store_memory_bytes(store), before);
    /* Less is always let in. */
    expect(store, "hset h a ''", "(integer) 0");
    sl_store_free(store);
}

#define STORE_TEST(function) \
    cmocka_unit_test_setup_teardown(function, store_rig_make, store_rig_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(answers_as_redis_does),
        STORE_TEST(zrange_by_score_is_refused),
        STORE_TEST(collections_expire),
        STORE_TEST(bound_holds_for_each_kind),
        cmocka_unit_test(a_refused_write_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
