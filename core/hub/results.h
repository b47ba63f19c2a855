// SPDX-License-Identifier: MIT
/*
 * Client results: the server calls a method of a client and waits for what it
 * returns. The client may be connected to any worker of the pod. While a
 * connection owes an answer its reading never pauses, since the answer may
 * stand behind whatever would make it pause.
 */
#pragma once

#include "base/slot.h"
#include "hub/hub.h"
#include "wire/value.h"
#include "wire/writer.h"

struct sl_ask {
    struct sl_slice conn_id; /* borrowed, as all here */
    struct sl_slice target;  /* the client's method */
    size_t arg_count;
    sl_write_cb args; /* appends arg_count values; may be called once per
                         protocol, or not at all */
    void *args_user;
};

/* How it ended. err 0: `value` is the answer. Otherwise value is NULL and
 * `error` a sentence:
 *   SL_E_SCRIPT     the client's own error, or it answered without a value
 *   SL_E_BINDING    the answer cannot be read
 *   SL_E_NOT_FOUND  "Connection 'x' does not exist."
 *   SL_E_CLOSED     "Connection 'x' disconnected."
 *   another         the arguments cannot be encoded
 * Both are borrowed until it returns. */
typedef void (*sl_answer_cb)(void *user, int err, const struct sl_value *value,
                             struct sl_slice error);

/* Asks. The callback comes exactly once, in this thread, unless cancelled; it
 * may come before this returns, which then returns 0. There is no time limit.
 * Otherwise returns what sl_hub_ask_cancel wants. */
sl_slot_id sl_hub_ask(struct sl_hub *hub, const struct sl_ask *ask,
                      sl_answer_cb answer, void *user);

/* Gives up: no callback any more, a late answer is ignored. Of an id that is
 * answered already: nothing. */
void sl_hub_ask_cancel(struct sl_hub *hub, sl_slot_id id);
