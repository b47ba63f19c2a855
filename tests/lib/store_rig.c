// SPDX-License-Identifier: MIT
#include "tests/lib/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

uint64_t store_rig_now_ms;

static uint64_t fake_monotonic_ns(void *user)
{
    (void)user;
    return store_rig_now_ms * 1000000;
}

const struct sl_clock store_rig_clock = {
    .monotonic_ns = fake_monotonic_ns,
};

int store_rig_make(void **state)
{
    store_rig_now_ms = 1000000;
    *state = sl_store_memory_new(&store_rig_clock, STORE_RIG_BYTES_MAX);
    return 0;
}

int store_rig_free(void **state)
{
    sl_store_free(*state);
    return 0;
}

void store_rig_print(void *user, const struct sl_reply *reply)
{
    struct sl_str *out = user;
    switch (reply->kind) {
    case SL_REPLY_NIL: sl_str_add_lit(out, "nil"); break;
    case SL_REPLY_INTEGER:
        sl_str_add_fmt(out, "(integer) %lld", (long long)reply->integer);
        break;
    case SL_REPLY_STRING:
        sl_str_add_fmt(out, "\"%.*s\"", (int)reply->text.len, reply->text.ptr);
        break;
    case SL_REPLY_STATUS:
    case SL_REPLY_ERROR: sl_str_add_slice(out, reply->text); break;
    case SL_REPLY_ARRAY:
        sl_str_add_char(out, '[');
        for (unsigned i = 0; i < reply->item_count; i++) {
            sl_str_add_lit(out, " ");
            sl_str_add_slice(out, reply->items[i]);
        }
        sl_str_add_lit(out, " ]");
        break;
    }
}

unsigned store_rig_split(const char *line,
                         struct sl_slice words[STORE_RIG_ARGS_MAX])
{
    unsigned count = 0;
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        assert_true(count < STORE_RIG_ARGS_MAX);
        words[count] = sl_slice_of(line, len);
        if (sl_slice_eq(words[count], SL_SLICE("''")))
            words[count].len = 0;
        count++;
        line += len + (line[len] == ' ');
    }
    return count;
}

void store_rig_expect(struct sl_store *store, const char *line,
                      const char *want)
{
    struct sl_slice words[STORE_RIG_ARGS_MAX];
    unsigned count = store_rig_split(line, words);
    struct sl_str out = { 0 };
    sl_store_command(store, words, count, store_rig_print, &out);
    if (strcmp(sl_str_cstr(&out), want) != 0)
        fail_msg("%s\n  answered %s\n  not      %s", line, sl_str_cstr(&out),
                 want);
    sl_str_release(&out);
}
