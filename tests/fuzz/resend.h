// SPDX-License-Identifier: MIT
/*
 * What the targets of both hub protocols do with a message that parses: look
 * at it, and send what it carries back.
 */
#pragma once

#include "wire/hub_protocol.h"

/* Splits and parses `bytes` until they end or break the protocol. The values
 * of each message are walked to their leaves and sent as a server would; that
 * must read again, and then be sent in the very same bytes. `seen` is called
 * with each message that parses (NULL: nobody asks). */
void fuzz_resend(const struct sl_hub_protocol *protocol, struct sl_slice bytes,
                 void (*seen)(const struct sl_message *message));

/* Appends a value of either protocol in the writer's. */
int fuzz_write_value(struct sl_writer *w, const struct sl_value *value);

/* Appends the members of the array `user`, a struct sl_value. */
int fuzz_write_args(struct sl_writer *w, void *user);
