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
#include "store/keyspace.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define ERR_INTEGER "ERR value is not an integer or out of range"
#define ERR_OVERFLOW "ERR increment or decrement would overflow"
#define ERR_SYNTAX "ERR syntax error"
#define ERR_TYPE \
    "WRONGTYPE Operation against a key holding the wrong kind of value"
#define ERR_FULL "OOM command not allowed when used memory > 'maxmemory'."

#define INTEGER_TEXT_MAX 20  /* "-9223372036854775808" */
#define UNKNOWN_NAME_MAX 128 /* bytes of it, and of its arguments, repeated */

struct memory_store {
    struct sl_store store;
    const struct sl_clock *clock;
    pthread_mutex_t lock; /* guards what follows */
    struct sl_keyspace space;
    uint64_t refused_count; /* writes refused by the bound */
};

/* One command as it runs, and its answer. */
struct call {
    struct memory_store *memory;
    const struct sl_slice *argv;
    unsigned argc;
    uint64_t now_ms;
    struct sl_reply reply;
    struct sl_str bytes;    /* what the reply's texts point into */
    struct sl_slice *items; /* of an array reply; owned */
};

/* ---- answers ---- */

static void answer_integer(struct call *call, int64_t integer)
{
    call->reply.kind = SL_REPLY_INTEGER;
    call->reply.integer = integer;
}

/* With what call->bytes holds. */
static void answer_bytes(struct call *call, enum sl_reply_kind kind)
{
    call->reply.kind = kind;
    call->reply.text = sl_str_slice(&call->bytes);
}

static void answer_text(struct call *call, enum sl_reply_kind kind,
                        struct sl_slice text)
{
    sl_str_add_slice(&call->bytes, text);
    answer_bytes(call, kind);
}

static void answer_error(struct call *call, const char *text)
{
    answer_text(call, SL_REPLY_ERROR, sl_slice_str(text));
}

static void answer_full(struct call *call)
{
    call->memory->refused_count++;
    answer_error(call, ERR_FULL);
}

/* A copy of a list's items: the offsets become pointers when all is in. */
static void answer_items(struct call *call, const struct sl_slice *items,
                         unsigned count)
{
    size_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += items[i].len;
    char *at = sl_str_reserve(&call->bytes, total);
    call->items = sl_alloc(count * sizeof(*call->items));
    for (unsigned i = 0; i < count; i++) {
        if (items[i].len > 0)
            memcpy(at, items[i].ptr, items[i].len);
        call->items[i] = sl_slice_of(at, items[i].len);
        at += items[i].len;
    }
    call->reply.kind = SL_REPLY_ARRAY;
    call->reply.items = call->items;
    call->reply.item_count = count;
}

/* ---- arguments ---- */

/* As strict as Redis: no blanks, no plus, no leading zeros. */
static bool parse_integer(struct sl_slice text, int64_t *out)
{
    size_t at = 0;
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative)
        at++;
    if (text.len == at || text.len > INTEGER_TEXT_MAX)
        return false;
    if (text.ptr[at] == '0' && text.len > 1)
        return false;
    uint64_t value = 0;
    for (; at < text.len; at++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[at] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (value > most)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool is_word(struct sl_slice text, const char *word)
{
    return sl_slice_eq_nocase(text, sl_slice_str(word));
}

static struct sl_key *find(struct call *call)
{
    return sl_keyspace_find(&call->memory->space, call->argv[1], call->now_ms);
}

/* False, and answered, when the key holds another kind. */
static bool is_kind(struct call *call, const struct sl_key *key,
                    enum sl_key_kind kind)
{
    if (key == NULL || key->kind == kind)
        return true;
    answer_error(call, ERR_TYPE);
    return false;
}

/* A time to live in units of unit_ms, as the deadline; false: out of range. */
static bool deadline_of(const struct call *call, int64_t ttl, int64_t unit_ms,
                        int64_t *deadline_ms)
{
    return !__builtin_mul_overflow(ttl, unit_ms, deadline_ms) &&
           !__builtin_add_overflow(*deadline_ms, (int64_t)call->now_ms,
                                   deadline_ms);
}

/* ---- commands ---- */

static void run_get(struct call *call)
{
    struct sl_key *key = find(call);
    if (key == NULL || !is_kind(call, key, SL_KEY_TEXT))
        return;
    answer_text(call, SL_REPLY_STRING, key->text);
}

struct set_options {
    bool only_new;      /* NX */
    bool only_existing; /* XX */
    int64_t unit_ms;    /* of the time to live; 0: none given */
    struct sl_slice ttl;
};

static bool parse_set_option(struct call *call, unsigned *at,
                             struct set_options *options)
{
    struct sl_slice word = call->argv[*at];
    if (is_word(word, "nx") && !options->only_existing) {
        options->only_new = true;
        return true;
    }
    if (is_word(word, "xx") && !options->only_new) {
        options->only_existing = true;
        return true;
    }
    int64_t unit_ms = is_word(word, "ex") ? 1000 : is_word(word, "px") ? 1 : 0;
    bool clashes = options->unit_ms != 0 && options->unit_ms != unit_ms;
    if (unit_ms != 0 && !clashes && *at + 1 < call->argc) {
        options->unit_ms = unit_ms;
        options->ttl = call->argv[++*at];
        return true;
    }
    return false;
}

/* False: answered with an error. */
static bool set_deadline(struct call *call, const struct set_options *options,
                         int64_t *deadline_ms)
{
    int64_t ttl;
    *deadline_ms = 0;
    if (options->unit_ms == 0)
        return true;
    if (!parse_integer(options->ttl, &ttl)) {
        answer_error(call, ERR_INTEGER);
        return false;
    }
    if (ttl <= 0 || !deadline_of(call, ttl, options->unit_ms, deadline_ms)) {
        answer_error(call, "ERR invalid expire time in 'set' command");
        return false;
    }
    return true;
}

static void run_set(struct call *call)
{
    struct set_options options = { 0 };
    for (unsigned at = 3; at < call->argc; at++) {
        if (!parse_set_option(call, &at, &options)) {
            answer_error(call, ERR_SYNTAX);
            return;
        }
    }
    int64_t deadline_ms;
    if (!set_deadline(call, &options, &deadline_ms))
        return;

    bool exists = find(call) != NULL;
    if ((options.only_new && exists) || (options.only_existing && !exists))
        return;
    if (sl_keyspace_put_text(&call->memory->space, call->argv[1], call->argv[2],
                             call->now_ms) != 0) {
        answer_full(call);
        return;
    }
    struct sl_key *key = find(call);
    sl_keyspace_expire(&call->memory->space, key, (uint64_t)deadline_ms);
    answer_text(call, SL_REPLY_STATUS, SL_SLICE("OK"));
}

static void run_del(struct call *call)
{
    struct sl_keyspace *space = &call->memory->space;
    int64_t removed_count = 0;
    for (unsigned i = 1; i < call->argc; i++) {
        struct sl_key *key =
            sl_keyspace_find(space, call->argv[i], call->now_ms);
        if (key == NULL)
            continue;
        sl_keyspace_remove(space, key);
        removed_count++;
    }
    answer_integer(call, removed_count);
}

static void run_incr(struct call *call)
{
    struct sl_key *key = find(call);
    int64_t value = 0;
    if (!is_kind(call, key, SL_KEY_TEXT))
        return;
    if (key != NULL && !parse_integer(key->text, &value)) {
        answer_error(call, ERR_INTEGER);
        return;
    }
    if (value == INT64_MAX) {
        answer_error(call, ERR_OVERFLOW);
        return;
    }
    value++;
    char text[INTEGER_TEXT_MAX + 1];
    int len = snprintf(text, sizeof(text), "%" PRId64, value);
    if (sl_keyspace_put_text(&call->memory->space, call->argv[1],
                             sl_slice_of(text, (size_t)len), call->now_ms) != 0)
        answer_full(call);
    else
        answer_integer(call, value);
}

static void run_expire(struct call *call)
{
    struct sl_keyspace *space = &call->memory->space;
    if (call->argc > 3) {
        sl_str_add_lit(&call->bytes, "ERR Unsupported option ");
        answer_text(call, SL_REPLY_ERROR, call->argv[3]);
        return;
    }
    int64_t seconds, deadline_ms;
    if (!parse_integer(call->argv[2], &seconds)) {
        answer_error(call, ERR_INTEGER);
        return;
    }
    if (!deadline_of(call, seconds, 1000, &deadline_ms)) {
        answer_error(call, "ERR invalid expire time in 'expire' command");
        return;
    }
    struct sl_key *key = find(call);
    if (key != NULL && seconds <= 0)
        sl_keyspace_remove(space, key);
    else if (key != NULL)
        sl_keyspace_expire(space, key, (uint64_t)deadline_ms);
    answer_integer(call, key != NULL);
}

static void run_ttl(struct call *call)
{
    const struct sl_key *key = find(call);
    if (key == NULL)
        answer_integer(call, -2);
    else if (key->deadline_ms == 0)
        answer_integer(call, -1);
    else
        answer_integer(
            call, (int64_t)((key->deadline_ms - call->now_ms + 500) / 1000));
}

static void run_rpush(struct call *call)
{
    if (!is_kind(call, find(call), SL_KEY_LIST))
        return;
    if (sl_keyspace_push(&call->memory->space, call->argv[1], call->argv + 2,
                         call->argc - 2, call->now_ms) != 0) {
        answer_full(call);
        return;
    }
    answer_integer(call, find(call)->item_count);
}

static void run_lrange(struct call *call)
{
    int64_t first, last;
    if (!parse_integer(call->argv[2], &first) ||
        !parse_integer(call->argv[3], &last)) {
        answer_error(call, ERR_INTEGER);
        return;
    }
    const struct sl_key *key = find(call);
    if (!is_kind(call, key, SL_KEY_LIST))
        return;
    int64_t count = key == NULL ? 0 : key->item_count;
    if (first < 0)
        first = first < -count ? 0 : first + count;
    if (last < 0)
        last = last < -count ? -1 : last + count;
    if (last >= count)
        last = count - 1;
    if (key == NULL || first > last)
        answer_items(call, NULL, 0);
    else
        answer_items(call, key->items + first, (unsigned)(last - first + 1));
}

/* ---- the table ---- */

static const struct command {
    const char *name;
    int argc; /* the name included; negative: at least so many */
    bool is_write;
    void (*run)(struct call *call);
} commands[] = {
    { "get", 2, false, run_get },       { "set", -3, true, run_set },
    { "del", -2, true, run_del },       { "incr", 2, true, run_incr },
    { "expire", -3, true, run_expire }, { "ttl", 2, false, run_ttl },
    { "rpush", -3, true, run_rpush },   { "lrange", 4, false, run_lrange },
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

static void answer_unknown(struct call *call)
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
    answer_bytes(call, SL_REPLY_ERROR);
}

static void answer_arity(struct call *call, const char *name)
{
    sl_str_add_fmt(&call->bytes,
                   "ERR wrong number of arguments for '%s' command", name);
    answer_bytes(call, SL_REPLY_ERROR);
}

static void run(struct call *call)
{
    if (call->argc == 0) {
        answer_error(call, "ERR empty command");
        return;
    }
    for (size_t i = 0; i < SL_COUNT(commands); i++) {
        const struct command *command = &commands[i];
        if (!is_word(call->argv[0], command->name))
            continue;
        unsigned argc =
            (unsigned)(command->argc < 0 ? -command->argc : command->argc);
        if (call->argc < argc || (command->argc > 0 && call->argc != argc)) {
            answer_arity(call, command->name);
            return;
        }
        if (command->is_write)
            sl_keyspace_sweep(&call->memory->space, call->now_ms,
                              SL_STORE_SWEEP_MAX);
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
    struct call call = {
        .memory = memory,
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
