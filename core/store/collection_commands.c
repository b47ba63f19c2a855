// SPDX-License-Identifier: MIT
/*
 * Redis's commands over hashes, sets and sorted sets. A write first counts what
 * it would add, so that it is done whole or refused whole.
 */
#include "store/command.h"

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>

#define SCORE_TEXT_MAX 32 /* "%.17g" */

static const struct sl_slice no_value = { 0 };

/* The members of a key of that kind; NULL: none, or *wrong and answered. */
static struct sl_collection *members_of(struct sl_call *call,
                                        enum sl_key_kind kind, bool *wrong)
{
    struct sl_key *key = sl_call_key(call);
    *wrong = !sl_is_kind(call, key, kind);
    return key == NULL || *wrong ? NULL : key->members;
}

static struct sl_slice name_at(const struct sl_collection *members, uint32_t at)
{
    sl_assert(members != NULL);
    return members->order[at]->node.key;
}

/* hdel, srem, zrem: everything from argv[2] on. */
static void remove_members(struct sl_call *call, enum sl_key_kind kind)
{
    bool wrong;
    struct sl_collection *members = members_of(call, kind, &wrong);
    if (wrong)
        return;
    int64_t removed_count = 0;
    for (unsigned i = 2; members != NULL && i < call->argc; i++) {
        struct sl_member *member = sl_collection_find(members, call->argv[i]);
        if (member == NULL)
            continue;
        sl_collection_remove(members, member);
        removed_count++;
    }
    if (removed_count > 0)
        sl_keyspace_changed(call->space, sl_call_key(call));
    sl_answer_integer(call, removed_count);
}

/* ---- hashes ---- */

void sl_run_hget(struct sl_call *call)
{
    bool wrong;
    const struct sl_collection *members = members_of(call, SL_KEY_HASH, &wrong);
    const struct sl_member *member =
        members == NULL ? NULL : sl_collection_find(members, call->argv[2]);
    if (member != NULL)
        sl_answer_text(call, SL_REPLY_STRING, member->value);
}

/* Bytes that the fields and values add at most. */
static size_t cost_of_fields(const struct sl_call *call,
                             const struct sl_collection *members)
{
    size_t cost = 0;
    for (unsigned i = 2; i < call->argc; i += 2) {
        struct sl_slice name = call->argv[i], value = call->argv[i + 1];
        const struct sl_member *member =
            members == NULL ? NULL : sl_collection_find(members, name);
        if (member == NULL)
            cost += sl_collection_cost(name, value);
        else if (value.len > member->value.len)
            cost += value.len - member->value.len;
    }
    return cost;
}

void sl_run_hset(struct sl_call *call)
{
    if (call->argc % 2 != 0) {
        sl_answer_arity(call, "hset");
        return;
    }
    bool wrong;
    const struct sl_collection *before = members_of(call, SL_KEY_HASH, &wrong);
    if (wrong)
        return;
    struct sl_key *key =
        sl_keyspace_open(call->space, call->argv[1], SL_KEY_HASH,
                         cost_of_fields(call, before), call->now_ms);
    if (key == NULL) {
        sl_answer_full(call);
        return;
    }
    int64_t added_count = 0;
    for (unsigned i = 2; i < call->argc; i += 2) {
        struct sl_member *member =
            sl_collection_find(key->members, call->argv[i]);
        if (member == NULL) {
            member = sl_collection_add(key->members, call->argv[i], 0);
            added_count++;
        }
        sl_collection_set_value(key->members, member, call->argv[i + 1]);
    }
    sl_keyspace_changed(call->space, key);
    sl_answer_integer(call, added_count);
}

void sl_run_hdel(struct sl_call *call)
{
    remove_members(call, SL_KEY_HASH);
}

void sl_run_hgetall(struct sl_call *call)
{
    bool wrong;
    const struct sl_collection *members = members_of(call, SL_KEY_HASH, &wrong);
    if (wrong)
        return;
    uint32_t count = members == NULL ? 0 : members->map.count;
    struct sl_slice *items = sl_alloc(2 * sizeof(*items) * count);
    struct sl_slice *next = items;
    for (uint32_t i = 0; i < count; i++) {
        *next++ = name_at(members, i);
        *next++ = members->order[i]->value;
    }
    sl_answer_items(call, items, 2 * count);
    sl_free(items);
}

/* ---- sets ---- */

void sl_run_sadd(struct sl_call *call)
{
    bool wrong;
    const struct sl_collection *before = members_of(call, SL_KEY_SET, &wrong);
    if (wrong)
        return;
    size_t cost = 0;
    for (unsigned i = 2; i < call->argc; i++)
        if (before == NULL || sl_collection_find(before, call->argv[i]) == NULL)
            cost += sl_collection_cost(call->argv[i], no_value);
    struct sl_key *key = sl_keyspace_open(call->space, call->argv[1],
                                          SL_KEY_SET, cost, call->now_ms);
    if (key == NULL) {
        sl_answer_full(call);
        return;
    }
    int64_t added_count = 0;
    for (unsigned i = 2; i < call->argc; i++) {
        if (sl_collection_find(key->members, call->argv[i]) != NULL)
            continue;
        sl_collection_add(key->members, call->argv[i], 0);
        added_count++;
    }
    sl_keyspace_changed(call->space, key);
    sl_answer_integer(call, added_count);
}

void sl_run_srem(struct sl_call *call)
{
    remove_members(call, SL_KEY_SET);
}

void sl_run_smembers(struct sl_call *call)
{
    bool wrong;
    const struct sl_collection *members = members_of(call, SL_KEY_SET, &wrong);
    if (wrong)
        return;
    uint32_t count = members == NULL ? 0 : members->map.count;
    struct sl_slice *items = sl_alloc(count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++)
        items[i] = name_at(members, i);
    sl_answer_items(call, items, count);
    sl_free(items);
}

/* ---- sorted sets ---- */

/* As Redis prints scores in RESP2. */
static struct sl_slice score_text(double score, char text[SCORE_TEXT_MAX])
{
    if (isinf(score))
        return score > 0 ? SL_SLICE("inf") : SL_SLICE("-inf");
    int len = snprintf(text, SCORE_TEXT_MAX, "%.17g", score);
    return sl_slice_of(text, (size_t)len);
}

struct zadd {
    bool only_new;      /* NX */
    bool only_existing; /* XX */
    bool only_greater;  /* GT */
    bool only_less;     /* LT */
    bool count_changed; /* CH */
    bool increment;     /* INCR */
    unsigned pairs_at;  /* the first score in argv */
    double *scores;     /* owned */
    int64_t added_count, changed_count;
    double result;     /* of INCR */
    bool result_there; /* ... when it was not held back */
};

static bool parse_zadd_word(struct zadd *zadd, struct sl_slice word)
{
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        { "nx", &zadd->only_new },      { "xx", &zadd->only_existing },
        { "gt", &zadd->only_greater },  { "lt", &zadd->only_less },
        { "ch", &zadd->count_changed }, { "incr", &zadd->increment },
    };
    for (size_t i = 0; i < SL_COUNT(flags); i++) {
        if (!sl_is_word(word, flags[i].word))
            continue;
        *flags[i].flag = true;
        return true;
    }
    return false;
}

/* The error in its options; NULL: none. */
static const char *zadd_error(const struct zadd *zadd, unsigned rest)
{
    if (rest == 0 || rest % 2 != 0)
        return SL_STORE_E_SYNTAX;
    if (zadd->only_new && zadd->only_existing)
        return "ERR XX and NX options at the same time are not compatible";
    if ((zadd->only_greater && (zadd->only_new || zadd->only_less)) ||
        (zadd->only_less && zadd->only_new))
        return "ERR GT, LT, and/or NX options at the same time are not "
               "compatible";
    if (zadd->increment && rest > 2)
        return "ERR INCR option supports a single increment-element pair";
    return NULL;
}

/* Options and scores. False: answered with an error. */
static bool parse_zadd(struct sl_call *call, struct zadd *zadd)
{
    unsigned at = 2;
    while (at < call->argc && parse_zadd_word(zadd, call->argv[at]))
        at++;
    zadd->pairs_at = at;
    const char *error = zadd_error(zadd, call->argc - at);
    if (error != NULL) {
        sl_answer_error(call, error);
        return false;
    }
    zadd->scores = sl_alloc((call->argc - at) / 2 * sizeof(*zadd->scores));
    for (unsigned i = 0; at + 2 * i < call->argc; i++) {
        if (sl_parse_float(call->argv[at + 2 * i], &zadd->scores[i]))
            continue;
        sl_answer_error(call, SL_STORE_E_FLOAT);
        return false;
    }
    return true;
}

static size_t cost_of_pairs(const struct sl_call *call, const struct zadd *zadd,
                            const struct sl_collection *members)
{
    size_t cost = 0;
    if (zadd->only_existing)
        return 0;
    for (unsigned i = zadd->pairs_at + 1; i < call->argc; i += 2)
        if (members == NULL ||
            sl_collection_find(members, call->argv[i]) == NULL)
            cost += sl_collection_cost(call->argv[i], no_value);
    return cost;
}

static void zadd_existing(struct sl_call *call, struct zadd *zadd,
                          struct sl_collection *members,
                          struct sl_member *member, double score)
{
    if (zadd->only_new)
        return;
    if (zadd->increment)
        score += member->score;
    if (isnan(score)) {
        sl_answer_error(call, "ERR resulting score is not a number (NaN)");
        return;
    }
    if ((zadd->only_greater && score <= member->score) ||
        (zadd->only_less && score >= member->score))
        return;
    zadd->result = score;
    zadd->result_there = true;
    if (score == member->score)
        return;
    sl_collection_set_score(members, member, score);
    zadd->changed_count++;
}

static void zadd_one(struct sl_call *call, struct zadd *zadd,
                     struct sl_collection *members, struct sl_slice name,
                     double score)
{
    struct sl_member *member = sl_collection_find(members, name);
    if (member != NULL) {
        zadd_existing(call, zadd, members, member, score);
    } else if (!zadd->only_existing) {
        sl_collection_add(members, name, score);
        zadd->added_count++;
        zadd->result = score;
        zadd->result_there = true;
    }
}

static void answer_zadd(struct sl_call *call, const struct zadd *zadd)
{
    char text[SCORE_TEXT_MAX];
    if (call->reply.kind == SL_REPLY_ERROR)
        return;
    if (!zadd->increment)
        sl_answer_integer(call,
                          zadd->added_count +
                              (zadd->count_changed ? zadd->changed_count : 0));
    else if (zadd->result_there)
        sl_answer_text(call, SL_REPLY_STRING, score_text(zadd->result, text));
}

static void zadd_pairs(struct sl_call *call, struct zadd *zadd)
{
    bool wrong;
    const struct sl_collection *before =
        members_of(call, SL_KEY_SORTED, &wrong);
    if (wrong)
        return;
    if (before == NULL && zadd->only_existing) {
        answer_zadd(call, zadd);
        return;
    }
    struct sl_key *key =
        sl_keyspace_open(call->space, call->argv[1], SL_KEY_SORTED,
                         cost_of_pairs(call, zadd, before), call->now_ms);
    if (key == NULL) {
        sl_answer_full(call);
        return;
    }
    for (unsigned i = 0; zadd->pairs_at + 2 * i < call->argc; i++)
        zadd_one(call, zadd, key->members,
                 call->argv[zadd->pairs_at + 2 * i + 1], zadd->scores[i]);
    sl_keyspace_changed(call->space, key);
    answer_zadd(call, zadd);
}

void sl_run_zadd(struct sl_call *call)
{
    struct zadd zadd = { 0 };
    if (parse_zadd(call, &zadd))
        zadd_pairs(call, &zadd);
    sl_free(zadd.scores);
}

void sl_run_zrem(struct sl_call *call)
{
    remove_members(call, SL_KEY_SORTED);
}

/* False: answered with an error. */
static bool parse_zrange(struct sl_call *call, bool *reverse, bool *scores)
{
    for (unsigned i = 4; i < call->argc; i++) {
        struct sl_slice word = call->argv[i];
        if (sl_is_word(word, "withscores")) {
            *scores = true;
        } else if (sl_is_word(word, "rev") && !*reverse) {
            *reverse = true;
        } else if (sl_is_word(word, "byscore") || sl_is_word(word, "bylex") ||
                   sl_is_word(word, "limit")) {
            sl_answer_error(call, "ERR zrange in memory takes indexes, REV "
                                  "and WITHSCORES only");
            return false;
        } else {
            sl_answer_error(call, SL_STORE_E_SYNTAX);
            return false;
        }
    }
    return true;
}

static void answer_members(struct sl_call *call,
                           const struct sl_collection *members, uint32_t first,
                           uint32_t count, bool reverse, bool scores)
{
    unsigned each = scores ? 2 : 1;
    struct sl_slice *items = sl_alloc(sizeof(*items) * each * count);
    struct sl_slice *next = items;
    char(*texts)[SCORE_TEXT_MAX] =
        sl_alloc((scores ? count : 0) * sizeof(*texts));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = first + i;
        if (reverse)
            at = members->map.count - 1 - at;
        *next++ = name_at(members, at);
        if (scores)
            *next++ = score_text(members->order[at]->score, texts[i]);
    }
    sl_answer_items(call, items, each * count);
    sl_free(items);
    sl_free(texts);
}

void sl_run_zrange(struct sl_call *call)
{
    bool reverse = false, scores = false, wrong;
    int64_t first, last;
    if (!parse_zrange(call, &reverse, &scores) ||
        !sl_parse_range(call, 2, &first, &last))
        return;
    const struct sl_collection *members =
        members_of(call, SL_KEY_SORTED, &wrong);
    if (wrong)
        return;
    uint32_t count =
        sl_range(&first, last, members == NULL ? 0 : members->map.count);
    answer_members(call, members, (uint32_t)first, count, reverse, scores);
}
