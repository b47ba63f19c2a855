// SPDX-License-Identifier: MIT
/*
 * A store in memory under a clock that stands still, its commands as lines of
 * text, its replies as redis-cli prints them. Used by one test program each.
 */
#pragma once

#include "store/store_memory.h"

#include <stdint.h>

#define STORE_RIG_ARGS_MAX 16
#define STORE_RIG_BYTES_MAX ((size_t)1 << 20)

#define NOT_INTEGER "ERR value is not an integer or out of range"
#define WRONG_TYPE \
    "WRONGTYPE Operation against a key holding the wrong kind of value"
#define OOM "OOM command not allowed when used memory > 'maxmemory'."

/* What a real server answers to the same words, one after another. */
struct store_line {
    const char *line, *reply;
};

extern uint64_t store_rig_now_ms;
extern const struct sl_clock store_rig_clock;

/* cmocka's fixture: *state is the store. */
int store_rig_make(void **state);
int store_rig_free(void **state);

/* A sl_reply_cb that appends to the struct sl_str that is its user. */
void store_rig_print(void *user, const struct sl_reply *reply);

/* Splits at single blanks; "''" is the empty word. */
unsigned store_rig_split(const char *line,
                         struct sl_slice words[STORE_RIG_ARGS_MAX]);

void store_rig_expect(struct sl_store *store, const char *line,
                      const char *want);
