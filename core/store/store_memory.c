// SPDX-License-Identifier: MIT
/*
 * Redis's commands over a keyspace. What a command answers is collected under
 * the lock and handed over after it: the caller may well raise a Lua error or
 * send the next command from inside its callback. Error texts and their order
 * (arity, then syntax, then type) are Redis 7's; only the test of the bound
 * comes last, since here it is known what a write would add.
 *
 * Deadlines run on the monotonic clock: nobody else sees them, and a step of
 * the wall clock must not empty the store.
 */
#include "store/store_memory.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/command.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define ERR_OVERFLOW "ERR increment or decrement would overflow"

#define INTEGER_TEXT_MAX 20  /* "-9223372036854775808" */
#define UNKNOWN_NAME_MAX 128 /* bytes of it, and of its arguments, repeated */

struct memory_store {
    struct sl_store store;
    const struct sl_clock *clock;
    pthread_mutex_t lock; /* guards what follows */
    struct sl_keyspace space;
    uint64_t refused_count; /* writes refused by the bound */
};

/* ---- commands ---- */

/* A time to live in units of unit_ms, as the deadline; false: out of range. */
static bool deadline_of(const struct sl_call *call, int64_t ttl,
                        int64_t unit_ms, int64_t *deadline_ms)
{
    return !__builtin_mul_overflow(ttl, unit_ms, deadline_ms) &&
           !__builtin_add_overflow(*deadline_ms, (int64_t)call->now_ms,
                                   deadline_ms);
}

static void run_get(struct sl_call *call)
{
    struct sl_key *key = sl_call_key(call);
    if (key == NULL || !sl_is_kind(call, key, SL_KEY_TEXT))
        return;
    sl_answer_text(call, SL_REPLY_STRING, key->text);
}

struct set_options {
    bool only_new;      /* NX */
    bool only_existing; /* XX */
    int64_t unit_ms;    /* of the time to live; 0: none given */
    struct sl_slice ttl;
};

static bool parse_set_option(struct sl_call *call, unsigned *at,
                             struct set_options *options)
{
    struct sl_slice word = call->argv[*at];
    if (sl_is_word(word, "nx") && !options->only_existing) {
        options->only_new = true;
        return true;
    }
    if (sl_is_word(word, "xx") && !options->only_new) {
        options->only_existing = true;
        return true;
    }
    int64_t unit_ms = sl_is_word(word, "ex")   ? 1000
                      : sl_is_word(word, "px") ? 1
                                               : 0;
    bool clashes = options->unit_ms != 0 && options->unit_ms != unit_ms;
    if (unit_ms != 0 && !clashes && *at + 1 < call->argc) {
        options->unit_ms = unit_ms;
        options->ttl = call->argv[++*at];
        return true;
    }
    return false;
}

/* False: answered with an error. */
static bool set_deadline(struct sl_call *call,
                         const struct set_options *options,
                         int64_t *deadline_ms)
{
    int64_t ttl;
    *deadline_ms = 0;
    if (options->unit_ms == 0)
        return true;
    if (!sl_parse_integer(options->ttl, &ttl)) {
        sl_answer_error(call, SL_STORE_E_INTEGER);
        return false;
    }
    if (ttl <= 0 || !deadline_of(call, ttl, options->unit_ms, deadline_ms)) {
        sl_answer_error(call, "ERR invalid expire time in 'set' command");
        return false;
    }
    return true;
}

static void run_set(struct sl_call *call)
{
    struct set_options options = { 0 };
    for (unsigned at = 3; at < call->argc; at++) {
        if (!parse_set_option(call, &at, &options)) {
            sl_answer_error(call, SL_STORE_E_SYNTAX);
            return;
        }
    }
    int64_t deadline_ms;
    if (!set_deadline(call, &options, &deadline_ms))
        return;

    bool exists = sl_call_key(call) != NULL;
    if ((options.only_new && exists) || (options.only_existing && !exists))
        return;
    if (sl_keyspace_put_text(call->space, call->argv[1], call->argv[2],
                             call->now_ms) != 0) {
        sl_answer_full(call);
        return;
    }
    struct sl_key *key = sl_call_key(call);
    sl_keyspace_expire(call->space, key, (uint64_t)deadline_ms);
    sl_answer_text(call, SL_REPLY_STATUS, SL_SLICE("OK"));
}

static void run_del(struct sl_call *call)
{
    struct sl_keyspace *space = call->space;
    int64_t removed_count = 0;
    for (unsigned i = 1; i < call->argc; i++) {
        struct sl_key *key =
            sl_keyspace_find(space, call->argv[i], call->now_ms);
        if (key == NULL)
            continue;
        sl_keyspace_remove(space, key);
        removed_count++;
    }
    sl_answer_integer(call, removed_count);
}

static void run_incr(struct sl_call *call)
{
    struct sl_key *key = sl_call_key(call);
    int64_t value = 0;
    if (!sl_is_kind(call, key, SL_KEY_TEXT))
        return;
    if (key != NULL && !sl_parse_integer(key->text, &value)) {
        sl_answer_error(call, SL_STORE_E_INTEGER);
        return;
    }
    if (value == INT64_MAX) {
        sl_answer_error(call, ERR_OVERFLOW);
        return;
    }
    value++;
    char text[INTEGER_TEXT_MAX + 1];
    int len = snprintf(text, sizeof(text), "%" PRId64, value);
    if (sl_keyspace_put_text(call->space, call->argv[1],
                             sl_slice_of(text, (size_t)len), call->now_ms) != 0)
        sl_answer_full(call);
    else
        sl_answer_integer(call, value);
}

static void run_expire(struct sl_call *call)
{
    struct sl_keyspace *space = call->space;
    if (call->argc > 3) {
        sl_str_add_lit(&call->bytes, "ERR Unsupported option ");
        sl_answer_text(call, SL_REPLY_ERROR, call->argv[3]);
        return;
    }
    int64_t seconds, deadline_ms;
    if (!sl_parse_integer(call->argv[2], &seconds)) {
        sl_answer_error(call, SL_STORE_E_INTEGER);
        return;
    }
    if (!deadline_of(call, seconds, 1000, &deadline_ms)) {
        sl_answer_error(call, "ERR invalid expire time in 'expire' command");
        return;
    }
    struct sl_key *key = sl_call_key(call);
    if (key != NULL && seconds <= 0)
        sl_keyspace_remove(space, key);
    else if (key != NULL)
        sl_keyspace_expire(space, key, (uint64_t)deadline_ms);
    sl_answer_integer(call, key != NULL);
}

static void run_ttl(struct sl_call *call)
{
    const struct sl_key *key = sl_call_key(call);
    if (key == NULL)
        sl_answer_integer(call, -2);
    else if (key->deadline_ms == 0)
        sl_answer_integer(call, -1);
    else
        sl_answer_integer(
            call, (int64_t)((key->deadline_ms - call->now_ms + 500) / 1000));
}

static void run_rpush(struct sl_call *call)
{
    if (!sl_is_kind(call, sl_call_key(call), SL_KEY_LIST))
        return;
    if (sl_keyspace_push(call->space, call->argv[1], call->argv + 2,
                         call->argc - 2, call->now_ms) != 0) {
        sl_answer_full(call);
        return;
    }
    sl_answer_integer(call, sl_call_key(call)->item_count);
}

static void run_lrange(struct sl_call *call)
{
    int64_t first, last;
    if (!sl_parse_range(call, 2, &first, &last))
        return;
    const struct sl_key *key = sl_call_key(call);
    if (!sl_is_kind(call, key, SL_KEY_LIST))
        return;
    if (key == NULL) {
        sl_answer_items(call, NULL, 0);
        return;
    }
    uint32_t count = sl_range(&first, last, key->item_count);
    sl_answer_items(call, count == 0 ? NULL : key->items + first, count);
}

static void run_ltrim(struct sl_call *call)
{
    int64_t first, last;
    if (!sl_parse_range(call, 2, &first, &last))
        return;
    struct sl_key *key = sl_call_key(call);
    if (!sl_is_kind(call, key, SL_KEY_LIST))
        return;
    if (key != NULL) {
        uint32_t count = sl_range(&first, last, key->item_count);
        sl_keyspace_trim(call->space, key, count == 0 ? 0 : (uint32_t)first,
                         count);
    }
    sl_answer_text(call, SL_REPLY_STATUS, SL_SLICE("OK"));
}

/* ---- the table ---- */

static const struct command {
    const char *name;
    int argc; /* the name included; negative: at least so many */
    bool is_write;
    void (*run)(struct sl_call *call);
} commands[] = {
    { "get", 2, false, run_get },
    { "set", -3, true, run_set },
    { "del", -2, true, run_del },
    { "incr", 2, true, run_incr },
    { "expire", -3, true, run_expire },
    { "ttl", 2, false, run_ttl },
    { "rpush", -3, true, run_rpush },
    { "lrange", 4, false, run_lrange },
    { "ltrim", 4, true, run_ltrim },
    { "hget", 3, false, sl_run_hget },
    { "hset", -4, true, sl_run_hset },
    { "hdel", -3, true, sl_run_hdel },
    { "hgetall", 2, false, sl_run_hgetall },
    { "sadd", -3, true, sl_run_sadd },
    { "srem", -3, true, sl_run_srem },
    { "smembers", 2, false, sl_run_smembers },
    { "zadd", -4, true, sl_run_zadd },
    { "zrem", -3, true, sl_run_zrem },
    { "zrange", -4, false, sl_run_zrange },
};

/* Line ends would end a RESP error early; Redis makes blanks of them too. */
static void blank_line_ends(struct sl_str *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] == '\r' || text->ptr[i] == '\n')
            text->ptr[i] = ' ';
}

static struct sl_slice at_most(struct sl_slice text, size_t len)
{
    return sl_slice_of(text.ptr, text.len < len ? text.len : len);
}

static void answer_unknown(struct sl_call *call)
{
    struct sl_str *text = &call->bytes;
    sl_str_add_lit(text, "ERR unknown command '");
    sl_str_add_slice(text, at_most(call->argv[0], UNKNOWN_NAME_MAX));
    sl_str_add_lit(text, "', with args beginning with: ");
    size_t args_at = text->len;
    for (unsigned i = 1;
         i < call->argc && text->len - args_at < UNKNOWN_NAME_MAX; i++) {
        size_t room = UNKNOWN_NAME_MAX - (text->len - args_at);
        sl_str_add_char(text, '\'');
        sl_str_add_slice(text, at_most(call->argv[i], room));
        sl_str_add_lit(text, "' ");
    }
    blank_line_ends(text);
    sl_answer_bytes(call, SL_REPLY_ERROR);
}

static void run(struct sl_call *call)
{
    if (call->argc == 0) {
        sl_answer_error(call, "ERR empty command");
        return;
    }
    for (size_t i = 0; i < SL_COUNT(commands); i++) {
        const struct command *command = &commands[i];
        if (!sl_is_word(call->argv[0], command->name))
            continue;
        unsigned argc =
            (unsigned)(command->argc < 0 ? -command->argc : command->argc);
        if (call->argc < argc || (command->argc > 0 && call->argc != argc)) {
            sl_answer_arity(call, command->name);
            return;
        }
        if (command->is_write)
            sl_keyspace_sweep(call->space, call->now_ms, SL_STORE_SWEEP_MAX);
        command->run(call);
        return;
    }
    answer_unknown(call);
}

/* ---- the store ---- */

static struct memory_store *memory_of(struct sl_store *store)
{
    return SL_CONTAINER_OF(store, struct memory_store, store);
}

static void memory_command(struct sl_store *store, const struct sl_slice *argv,
                           unsigned argc, sl_reply_cb on_reply, void *user)
{
    struct memory_store *memory = memory_of(store);
    struct sl_call call = {
        .space = &memory->space,
        .refused_count = &memory->refused_count,
        .argv = argv,
        .argc = argc,
        .now_ms = sl_clock_monotonic_ms(memory->clock),
        .reply = { .kind = SL_REPLY_NIL },
    };
    pthread_mutex_lock(&memory->lock);
    run(&call);
    pthread_mutex_unlock(&memory->lock);

    on_reply(user, &call.reply);
    sl_str_release(&call.bytes);
    sl_free(call.items);
}

static void memory_free(struct sl_store *store)
{
    struct memory_store *memory = memory_of(store);
    sl_keyspace_release(&memory->space);
    pthread_mutex_destroy(&memory->lock);
    sl_free(memory);
}

static const struct sl_store_ops memory_ops = {
    .command = memory_command,
    .free = memory_free,
};

struct sl_store *sl_store_memory_new(const struct sl_clock *clock,
                                     size_t bytes_max)
{
    struct memory_store *memory = sl_zalloc(sizeof(*memory));
    memory->store.ops = &memory_ops;
    memory->clock = clock;
    int err = pthread_mutex_init(&memory->lock, NULL);
    sl_assert(err == 0);
    sl_keyspace_init(&memory->space, bytes_max);
    return &memory->store;
}

size_t sl_store_memory_bytes(struct sl_store *store)
{
    struct memory_store *memory = memory_of(store);
    pthread_mutex_lock(&memory->lock);
    size_t bytes = memory->space.bytes;
    pthread_mutex_unlock(&memory->lock);
    return bytes;
}

uint64_t sl_store_memory_refused(struct sl_store *store)
{
    struct memory_store *memory = memory_of(store);
    pthread_mutex_lock(&memory->lock);
    uint64_t refused_count = memory->refused_count;
    pthread_mutex_unlock(&memory->lock);
    return refused_count;
}
