// SPDX-License-Identifier: MIT
/*
 * What a peer that speaks MessagePack says and hears.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"

/* Appends what whole messages of a server say, as the peer's JSON text. */
void peer_msgpack_read(struct sl_slice bytes, struct sl_str *out);

/* Appends an invocation; args are strings only, as in "['a','b']". */
void peer_msgpack_invoke(struct sl_str *out, const char *id, const char *target,
                         const char *args);
