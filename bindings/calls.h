// SPDX-License-Identifier: MIT
/*
 * Calls of hub methods: the part of hub/script.h that runs them. A call is one
 * coroutine from its preparation to its end; one that streams runs the
 * stream's function in the same coroutine after the method has returned it.
 */
#pragma once

#include "bindings/generation.h"
#include "hub/script.h"

/* For sl_script_ops; described there. */
enum sl_prepared sl_call_prepare(void *script, struct sl_invocation *invocation,
                                 const struct sl_message *message,
                                 struct sl_str *detail);
void sl_call_start(struct sl_invocation *invocation);
void sl_call_cancel(struct sl_invocation *invocation);
void sl_call_resume(struct sl_invocation *invocation);
bool sl_call_upload_item(struct sl_invocation *invocation, unsigned index,
                         const struct sl_value *item);
void sl_call_upload_end(struct sl_invocation *invocation, unsigned index,
                        bool failed, struct sl_slice error);
void sl_call_drop(struct sl_invocation *invocation);
