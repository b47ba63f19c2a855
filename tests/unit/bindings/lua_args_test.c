// SPDX-License-Identifier: MIT
/*
 * Declared arguments: each type with what it takes and what it refuses, the
 * count, strictness, and the ISO 8601 reader against known seconds.
 */
#include "tests/lib/lua_rig.h"

#include "bindings/internal.h"
#include "bindings/lua_args.h"

#include <stdio.h>

#define WRONG_TYPE                                                             \
    "InvalidDataException: Error binding arguments. Make sure that the types " \
    "of the provided values match the types of the hub method being invoked."

static void parses_types(void **state)
{
    (void)state;
    struct sl_arg arg;
    assert_true(sl_arg_parse(SL_SLICE("int"), &arg));
    assert_int_equal(arg.kind, SL_ARG_INT);
    assert_false(arg.nullable || arg.stream);
    assert_true(sl_arg_parse(SL_SLICE("string?"), &arg));
    assert_true(arg.nullable);
    assert_true(sl_arg_parse(SL_SLICE("stream"), &arg));
    assert_true(arg.stream);
    assert_true(sl_arg_parse(SL_SLICE("stream<int64?>"), &arg));
    assert_true(arg.stream && arg.nullable && arg.kind == SL_ARG_INT64);
    static const char *const bad[] = { "",          "?",       "Int",
                                       "ints",      "stream<", "stream<>",
                                       "stream<x>", "streams", "stream<stream>",
                                       "int ?" };
    for (unsigned i = 0; i < SL_COUNT(bad); i++)
        assert_false(sl_arg_parse(sl_slice_str(bad[i]), &arg));
}

static void reads_timestamps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        uint32_t nanoseconds;
    } good[] = {
        { "1970-01-01", 0, 0 },
        { "2020-01-02T03:04:05.678Z", 1577934245, 678000000 },
        { "2020-01-02T03:04", 1577934240, 0 },
        { "2020-01-02T03:04:05.1234567+02:00", 1577927045, 123456700 },
        { "2020-01-02T03:04:05-01:30", 1577939645, 0 },
        { "2000-02-29T00:00:00Z", 951782400, 0 },
        { "1969-12-31T23:59:59Z", -1, 0 },
        { "0001-01-01T00:00:00Z", -62135596800, 0 },
        { "9999-12-31T23:59:59.9999999Z", 253402300799, 999999900 },
    };
    static const char *const bad[] = {
        "",
        "2020",
        "2020-13-01",
        "2020-00-01",
        "2020-01-00",
        "2020-01-32",
        "2021-02-29",
        "1900-02-29",
        "2020-04-31",
        "0000-01-01",
        "2020-01-02T",
        "2020-01-02T24:00",
        "2020-01-02T03:60",
        "2020-01-02T03:04:60",
        "2020-01-02T03:04:05.",
        "2020-01-02 03:04",
        "2020-01-02T03:04:05Zx",
        "2020-01-02T03:04:05+1",
        "2020-01-02T03:04:05+15:00",
        "2020-1-2",
        "x",
        "2020-01-02T03:04:05.12345678901234567Z",
    };
    int64_t seconds;
    uint32_t nanoseconds;
    for (unsigned i = 0; i < SL_COUNT(good); i++) {
        assert_true(sl_timestamp_parse(sl_slice_str(good[i].text), &seconds,
                                       &nanoseconds));
        assert_int_equal(seconds, good[i].seconds);
        assert_int_equal(nanoseconds, good[i].nanoseconds);
    }
    for (unsigned i = 0; i < SL_COUNT(bad); i++)
        if (sl_timestamp_parse(sl_slice_str(bad[i]), &seconds, &nanoseconds))
            fail_msg("taken: %s", bad[i]);
}

/* A hub with one method per type, which says what it got. */
static void setup(struct lua_rig *rig, const char *more)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(
        &text,
        "local signalua = require 'signalua'\n"
        "local types = {any = 'any', flag = 'boolean', num = 'number',"
        " int = 'int', long = 'int64', str = 'string', bin = 'binary',"
        " time = 'timestamp', arr = 'array', obj = 'object',"
        " maybe = 'string?', maybe_int = 'int?'}\n"
        "local methods = {}\n"
        "for name, t in pairs(types) do methods[name] = {args = {t}} end\n"
        "methods.up = {args = {'stream<int>', 'string', 'stream'}}\n"
        "local Hub = signalua.hub{detailed_errors = true, methods = methods%s}\n"
        "for name in pairs(types) do Hub[name] = function(self, x)"
        " return x end end\n"
        "function Hub:up() end\n"
        "function Hub:two(a, b) return signalua.array{a, b, n = 2} end\n"
        "function Hub:var(...) return select('#', ...) end\n"
        "return Hub\n",
        more);
    lua_rig_chat(rig, sl_str_cstr(&text));
    sl_str_release(&text);
}

static void expect_result(struct lua_rig *rig, const char *target,
                          const char *arg, const char *result)
{
    char args[128], wanted[256];
    snprintf(args, sizeof(args), "[%s]", arg);
    snprintf(wanted, sizeof(wanted),
             "{'type':3,'invocationId':'1','result':%s}\n", result);
    assert_string_equal(lua_rig_call(rig, target, args), wanted);
}

static void expect_refused(struct lua_rig *rig, const char *target,
                           const char *arg, const char *why)
{
    char args[128];
    snprintf(args, sizeof(args), "[%s]", arg);
    const char *heard = lua_rig_call(rig, target, args);
    if (strstr(heard, why) == NULL)
        fail_msg("%s(%s): %s", target, arg, heard);
}

static void takes_what_fits(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, "");
    static const char *const same[][2] = {
        { "any", "{'a':[1]}" },  { "any", "null" },
        { "flag", "true" },      { "num", "1.5" },
        { "num", "3" },          { "int", "-2147483648" },
        { "int", "2147483647" }, { "long", "9223372036854775807" },
        { "str", "'x'" },        { "bin", "'YQBi'" },
        { "bin", "''" },         { "time", "'2020-01-02T03:04:05.678Z'" },
        { "arr", "[1,[]]" },     { "obj", "{}" },
        { "maybe", "null" },     { "maybe", "'x'" },
        { "maybe_int", "null" },
    };
    for (unsigned i = 0; i < SL_COUNT(same); i++)
        expect_result(&rig, same[i][0], same[i][1], same[i][1]);
    expect_result(&rig, "num", "1.0", "1");
    lua_rig_release(&rig);
}

static void refuses_what_does_not(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, "");
    static const char *const bad[][2] = {
        { "flag", "1" },      { "num", "'1'" },
        { "int", "1.0" },     { "int", "2147483648" },
        { "int", "'1'" },     { "int", "null" },
        { "long", "1.5" },    { "long", "18446744073709551615" },
        { "str", "1" },       { "str", "null" },
        { "bin", "'*'" },     { "bin", "5" },
        { "time", "'soon'" }, { "time", "5" },
        { "arr", "{}" },      { "obj", "[]" },
        { "maybe", "5" },     { "maybe_int", "1.5" },
    };
    for (unsigned i = 0; i < SL_COUNT(bad); i++)
        expect_refused(&rig, bad[i][0], bad[i][1], WRONG_TYPE);
    assert_int_equal(cluster_metric(rig.worker, SL_M_COROUTINES), 0);
    lua_rig_release(&rig);
}

/* Binds one value in MessagePack; what tostring says of it, or "refused". */
static const char *bound(struct lua_rig *rig, const char *type,
                         struct sl_slice bytes)
{
    static char text[64];
    lua_State *L = rig->engine->L;
    struct sl_value value = { .protocol = SL_PROTOCOL_MESSAGEPACK,
                              .msgpack = bytes };
    struct sl_arg arg;
    int top = lua_gettop(L);
    assert_true(sl_arg_parse(sl_slice_str(type), &arg));
    snprintf(text, sizeof(text), "refused");
    if (sl_arg_bind(rig->engine, L, &arg, &value)) {
        lua_getglobal(L, "tostring");
        lua_insert(L, -2);
        lua_call(L, 1, 1);
        snprintf(text, sizeof(text), "%s", lua_tostring(L, -1));
    }
    lua_settop(L, top);
    return text;
}

/* MessagePack has words for what JSON says in text. */
static void binds_messagepack(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        struct sl_slice bytes;
        const char *got;
    } cases[] = {
        { "binary",
          SL_SLICE("\xc4\x03"
                   "abc"),
          "abc" },
        { "binary",
          SL_SLICE("\xa3"
                   "YWJ"),
          "YWJ" },
        { "binary",
          SL_SLICE("\x93"
                   "ab\x63"),
          "abc" },
        { "binary", SL_SLICE("\x92\x61\xcd\x01\x00"), "refused" },
        { "binary", SL_SLICE("\x91\xff"), "refused" },
        { "binary",
          SL_SLICE("\x91\xa1"
                   "a"),
          "refused" },
        { "binary", SL_SLICE("\x80"), "refused" },
        { "binary", SL_SLICE("\x05"), "refused" },
        { "timestamp", SL_SLICE("\xd6\xff\x5e\x0d\x5d\xa5"),
          "2020-01-02T03:04:05Z" },
        { "timestamp", SL_SLICE("\xd7\xff\xa1\xa5\xd6\x00\x5e\x0d\x5d\xa5"),
          "2020-01-02T03:04:05.678Z" },
        { "timestamp",
          SL_SLICE("\xaa"
                   "2020-01-02"),
          "refused" },
        { "timestamp", SL_SLICE("\x05"), "refused" },
        { "any", SL_SLICE("\xd6\xff\x00\x00\x00\x00"), "1970-01-01T00:00:00Z" },
        { "any", SL_SLICE("\xc4\x01x"), "x" },
        { "int", SL_SLICE("\xd3\x00\x00\x00\x00\x00\x00\x00\x07"), "7" },
        { "int", SL_SLICE("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), "refused" },
        { "int64", SL_SLICE("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
          "-9223372036854775808LL" },
        { "any", SL_SLICE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
          "18446744073709551615ULL" },
        { "string", SL_SLICE("\xc4\x01x"), "refused" },
    };
    struct lua_rig rig;
    setup(&rig, "");
    for (unsigned i = 0; i < SL_COUNT(cases); i++)
        assert_string_equal(bound(&rig, cases[i].type, cases[i].bytes),
                            cases[i].got);
    lua_rig_release(&rig);
}

static void counts(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, "");
    expect_refused(&rig, "int", "",
                   "Invocation provides 0 argument(s) but "
                   "target expects 1.");
    expect_refused(&rig, "int", "1,2",
                   "Invocation provides 2 argument(s) but "
                   "target expects 1.");
    /* streams are not in the message */
    expect_refused(&rig, "up", "1,'x',2",
                   "Invocation provides 3 argument(s) "
                   "but target expects 1.");
    expect_result(&rig, "two", "1", "[1,null]");
    expect_result(&rig, "two", "1,2,3", "[1,2]");
    expect_result(&rig, "var", "1,null,null", "3");
    lua_rig_release(&rig);
}

static void counts_strictly_where_asked(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, ", strict_arguments = true");
    expect_refused(&rig, "two", "1,2,3",
                   "Invocation provides 3 argument(s) but "
                   "target expects 2.");
    expect_result(&rig, "two", "1,2", "[1,2]");
    expect_result(&rig, "var", "1,2,3", "3");
    lua_rig_release(&rig);
}

static void bounds_the_count(void **state)
{
    (void)state;
    struct lua_rig rig;
    setup(&rig, "");
    struct sl_str args = { 0 };
    sl_str_add_char(&args, '[');
    for (int i = 0; i < 2000; i++)
        sl_str_add_fmt(&args, "%s1", i == 0 ? "" : ",");
    sl_str_add_char(&args, ']');
    const char *heard = lua_rig_call(&rig, "var", sl_str_cstr(&args));
    assert_non_null(strstr(heard, "Invocation provides 2000 argument(s)"));
    sl_str_release(&args);
    lua_rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_types),
        cmocka_unit_test(reads_timestamps),
        cmocka_unit_test(takes_what_fits),
        cmocka_unit_test(refuses_what_does_not),
        cmocka_unit_test(binds_messagepack),
        cmocka_unit_test(counts),
        cmocka_unit_test(counts_strictly_where_asked),
        cmocka_unit_test(bounds_the_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
