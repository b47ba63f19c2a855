// SPDX-License-Identifier: MIT
/*
 * Binding: the number of arguments first, then each against its type, as the
 * reference server does. Types are strict, 1.0 is no int and "1" no number;
 * only text stands for what JSON has no word for, base64 for binary and ISO
 * 8601 for timestamps. MessagePack has both; for binary it may also say a text
 * or a list of bytes. What does not bind leaves the stack as it was.
 */
#include "bindings/lua_args.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "bindings/generation.h"
#include "bindings/lua_value.h"

#define STACK_PER_VALUE (3 * SL_JSON_DEPTH_MAX) /* slots while one is pushed */

static const char *const kind_names[SL_ARG_KIND_COUNT] = {
    [SL_ARG_ANY] = "any",       [SL_ARG_BOOLEAN] = "boolean",
    [SL_ARG_NUMBER] = "number", [SL_ARG_INT] = "int",
    [SL_ARG_INT64] = "int64",   [SL_ARG_STRING] = "string",
    [SL_ARG_BINARY] = "binary", [SL_ARG_TIMESTAMP] = "timestamp",
    [SL_ARG_ARRAY] = "array",   [SL_ARG_OBJECT] = "object",
};

/* ---- declarations ---- */

static bool parse_kind(struct sl_slice text, struct sl_arg *arg)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '?') {
        arg->nullable = true;
        text.len--;
    }
    for (unsigned i = 0; i < SL_COUNT(kind_names); i++)
        if (sl_slice_eq(text, sl_slice_str(kind_names[i]))) {
            arg->kind = (uint8_t)i;
            return true;
        }
    return false;
}

bool sl_arg_parse(struct sl_slice text, struct sl_arg *arg)
{
    static const struct sl_slice stream = { "stream", 6 };
    *arg = (struct sl_arg){ .kind = SL_ARG_ANY };
    if (!sl_slice_starts(text, stream))
        return parse_kind(text, arg);
    arg->stream = true;
    if (text.len == stream.len)
        return true;
    if (text.len < stream.len + 2 || text.ptr[stream.len] != '<' ||
        text.ptr[text.len - 1] != '>')
        return false;
    return parse_kind(
        sl_slice_of(text.ptr + stream.len + 1, text.len - stream.len - 2), arg);
}

/* ---- ISO 8601 ---- */

struct digits {
    const char *at, *end;
};

static bool take_number(struct digits *in, unsigned width, unsigned most,
                        unsigned *value)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < width; i++) {
        if (in->at == in->end || *in->at < '0' || *in->at > '9')
            return false;
        sum = sum * 10 + (unsigned)(*in->at++ - '0');
    }
    *value = sum;
    return sum <= most;
}

static bool take_char(struct digits *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar, counted in years
 * that begin with March, so that the leap day comes last. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t m = month > 2 ? month - 3 : month + 9;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * m + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static bool take_date(struct digits *in, int64_t *days)
{
    static const unsigned lengths[] = { 31, 29, 31, 30, 31, 30,
                                        31, 31, 30, 31, 30, 31 };
    unsigned year, month, day;
    if (!take_number(in, 4, 9999, &year) || !take_char(in, '-') ||
        !take_number(in, 2, 12, &month) || !take_char(in, '-') ||
        !take_number(in, 2, 31, &day))
        return false;
    if (year == 0 || month == 0 || day == 0 || day > lengths[month - 1])
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2 && day == 29 && !leap)
        return false;
    *days = days_of(year, month, day);
    return true;
}

static bool take_fraction(struct digits *in, uint32_t *nanoseconds)
{
    uint32_t scale = 100000000, sum = 0;
    const char *begin = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        sum += scale * (uint32_t)(*in->at++ - '0');
        scale /= 10;
    }
    *nanoseconds = sum;
    return in->at > begin && in->at - begin <= 16;
}

static bool take_time(struct digits *in, int64_t *seconds,
                      uint32_t *nanoseconds)
{
    unsigned hour, minute, second = 0;
    if (!take_number(in, 2, 23, &hour) || !take_char(in, ':') ||
        !take_number(in, 2, 59, &minute))
        return false;
    if (take_char(in, ':')) {
        if (!take_number(in, 2, 59, &second))
            return false;
        if (take_char(in, '.') && !take_fraction(in, nanoseconds))
            return false;
    }
    *seconds += (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return true;
}

static bool take_zone(struct digits *in, int64_t *seconds)
{
    if (in->at == in->end || take_char(in, 'Z'))
        return true;
    int sign = take_char(in, '+') ? -1 : take_char(in, '-') ? 1 : 0;
    unsigned hour, minute;
    if (sign == 0 || !take_number(in, 2, 14, &hour) || !take_char(in, ':') ||
        !take_number(in, 2, 59, &minute))
        return false;
    *seconds += sign * ((int64_t)hour * 3600 + (int64_t)minute * 60);
    return true;
}

bool sl_timestamp_parse(struct sl_slice text, int64_t *seconds,
                        uint32_t *nanoseconds)
{
    struct digits in = { text.ptr, text.ptr + text.len };
    int64_t days;
    *nanoseconds = 0;
    if (!take_date(&in, &days))
        return false;
    *seconds = days * 86400;
    if (take_char(&in, 'T') &&
        !(take_time(&in, seconds, nanoseconds) && take_zone(&in, seconds)))
        return false;
    return in.at == in.end;
}

/* ---- binding ---- */

static bool decode_base64(struct sl_str *out, const struct sl_value *value)
{
    return sl_base64_decode(out, sl_value_string(value)) == 0;
}

/* A list of bytes as numbers. */
static bool collect_bytes(struct sl_str *out, const struct sl_value *value)
{
    struct sl_value_iter iter;
    struct sl_value item;
    sl_value_iter_init(&iter, value);
    while (sl_value_next(&iter, NULL, &item)) {
        if (sl_value_kind(&item) != SL_VALUE_INT || sl_value_int(&item) < 0 ||
            sl_value_int(&item) > UINT8_MAX)
            return false;
        sl_str_add_char(out, (char)sl_value_int(&item));
    }
    return true;
}

/* MessagePack has bytes; older packers write texts or lists for them. */
static bool push_binary(struct sl_engine *engine, lua_State *L,
                        const struct sl_value *value, enum sl_value_kind kind)
{
    bool json = value->protocol == SL_PROTOCOL_JSON;
    if (kind == SL_VALUE_BINARY || (kind == SL_VALUE_STRING && !json)) {
        sl_lua_push_binary(L, sl_value_string(value));
        return true;
    }
    sl_str_clear(&engine->scratch);
    bool good =
        json ? kind == SL_VALUE_STRING && decode_base64(&engine->scratch, value)
             : kind == SL_VALUE_ARRAY && collect_bytes(&engine->scratch, value);
    if (good)
        sl_lua_push_binary(L, sl_str_slice(&engine->scratch));
    sl_str_trim(&engine->scratch, SL_SCRATCH_KEEP_MAX);
    return good;
}

static bool push_timestamp_text(lua_State *L, struct sl_slice text)
{
    struct sl_timestamp time;
    if (!sl_timestamp_parse(text, &time.seconds, &time.nanoseconds))
        return false;
    sl_lua_push_timestamp(L, time);
    return true;
}

static bool is_int32(const struct sl_value *value)
{
    int64_t number = sl_value_int(value);
    return number >= INT32_MIN && number <= INT32_MAX;
}

static bool push_number(lua_State *L, const struct sl_value *value,
                        enum sl_value_kind kind)
{
    if (kind == SL_VALUE_INT)
        lua_pushnumber(L, (lua_Number)sl_value_int(value));
    else if (kind == SL_VALUE_UINT)
        lua_pushnumber(L, (lua_Number)sl_value_uint(value));
    else if (kind == SL_VALUE_DOUBLE)
        lua_pushnumber(L, sl_value_double(value));
    else
        return false;
    return true;
}

static bool fits(enum sl_arg_kind want, enum sl_value_kind kind,
                 const struct sl_value *value)
{
    switch (want) {
    case SL_ARG_ANY: return true;
    case SL_ARG_BOOLEAN: return kind == SL_VALUE_BOOL;
    case SL_ARG_INT: return kind == SL_VALUE_INT && is_int32(value);
    case SL_ARG_INT64: return kind == SL_VALUE_INT;
    case SL_ARG_STRING: return kind == SL_VALUE_STRING;
    case SL_ARG_TIMESTAMP: return kind == SL_VALUE_TIMESTAMP;
    case SL_ARG_ARRAY: return kind == SL_VALUE_ARRAY;
    case SL_ARG_OBJECT: return kind == SL_VALUE_OBJECT;
    default: return false;
    }
}

bool sl_arg_bind(struct sl_engine *engine, lua_State *L,
                 const struct sl_arg *arg, const struct sl_value *value)
{
    enum sl_value_kind kind = sl_value_kind(value);
    if (kind == SL_VALUE_NULL) {
        lua_pushnil(L);
        return arg->nullable || arg->kind == SL_ARG_ANY;
    }
    if (arg->kind == SL_ARG_NUMBER)
        return push_number(L, value, kind);
    if (arg->kind == SL_ARG_BINARY)
        return push_binary(engine, L, value, kind);
    if (arg->kind == SL_ARG_TIMESTAMP && kind == SL_VALUE_STRING &&
        value->protocol == SL_PROTOCOL_JSON)
        return push_timestamp_text(L, sl_value_string(value));
    if (!fits(arg->kind, kind, value))
        return false;
    sl_value_push(engine, L, value, false);
    return true;
}

static int refuse_count(struct sl_str *detail, size_t given, size_t wanted)
{
    sl_str_add_fmt(detail,
                   "InvalidDataException: Invocation provides %zu argument(s) "
                   "but target expects %zu.",
                   given, wanted);
    return -1;
}

static int refuse_type(struct sl_str *detail)
{
    sl_str_add_lit(detail,
                   "InvalidDataException: Error binding arguments. Make sure "
                   "that the types of the provided values match the types of "
                   "the hub method being invoked.");
    return -1;
}

static int refuse_list(struct sl_str *detail)
{
    sl_str_add_lit(detail, "InvalidDataException: Reading array length for "
                           "'arguments' failed.");
    return -1;
}

/* Streams take a place on the stack and none in the message. */
static int bind_declared(struct sl_engine *engine, lua_State *L,
                         const struct sl_args *args, struct sl_value_iter *iter)
{
    for (unsigned i = 0; i < args->count; i++) {
        struct sl_value value;
        if (args->items[i].stream)
            lua_pushnil(L);
        else if (!sl_value_next(iter, NULL, &value) ||
                 !sl_arg_bind(engine, L, &args->items[i], &value))
            return -1;
    }
    return (int)args->count;
}

static int bind_plain(struct sl_engine *engine, lua_State *L, size_t most,
                      unsigned streams, struct sl_value_iter *iter)
{
    int count = 0;
    struct sl_value value;
    while ((size_t)count < most && sl_value_next(iter, NULL, &value)) {
        sl_value_push(engine, L, &value, false);
        count++;
    }
    for (unsigned i = 0; i < streams; i++)
        lua_pushnil(L);
    return count + (int)streams;
}

/* Of a method without a declaration: the parameters that the other arguments
 * leave free, as far as streams came. With strict all of them, so that a wrong
 * number is refused. */
static unsigned count_streams(const struct sl_method *method, bool strict,
                              const struct sl_message *message, size_t given)
{
    unsigned sent = message->stream_id_count;
    if (method->variadic || sent == 0)
        return sent;
    unsigned room =
        method->param_count > given ? method->param_count - (unsigned)given : 0;
    return strict || room < sent ? room : sent;
}

int sl_args_bind(struct sl_engine *engine, lua_State *L,
                 const struct sl_method *method,
                 const struct sl_message *message, struct sl_binding *binding)
{
    const struct sl_args *args = &method->args;
    struct sl_str *detail = binding->detail;
    bool strict = binding->strict && !method->variadic;
    if (message->args_missing)
        return refuse_list(detail);
    if (message->args_bad || sl_value_kind(&message->args) != SL_VALUE_ARRAY)
        return refuse_type(detail);
    size_t given = sl_value_count(&message->args);
    size_t own = args->declared ? args->count : method->param_count;
    unsigned streams = args->declared
                           ? args->streams
                           : count_streams(method, strict, message, given);
    own -= streams < own ? streams : own;
    if (given != own && (args->declared || strict))
        return refuse_count(detail, given, own);
    /* What the function does not name is not even read. */
    size_t most = method->variadic && !args->declared ? given : own;
    if (most > SL_CALL_ARGS_MAX ||
        !lua_checkstack(L, (int)(most + streams) + STACK_PER_VALUE))
        return refuse_count(detail, given, own);

    binding->streams = streams;
    int top = lua_gettop(L);
    struct sl_value_iter iter;
    sl_value_iter_init(&iter, &message->args);
    int count = args->declared ? bind_declared(engine, L, args, &iter)
                               : bind_plain(engine, L, most, streams, &iter);
    if (count >= 0)
        return count;
    lua_settop(L, top);
    return refuse_type(detail);
}
