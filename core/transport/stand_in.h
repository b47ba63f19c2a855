// SPDX-License-Identifier: MIT
/*
 * What a stateful connection has instead of a socket while its client is away:
 * it keeps the token, so that the client's next WebSocket finds the connection,
 * and hears of the connection's end. How long that may take, and how many may
 * be away, is the hub's (core/hub/reconnect.c). One thread.
 */
#pragma once

#include "transport/internal.h"

/* A WebSocket was lost without a goodbye. True: its connection is kept, and the
 * link has none any more. False: there is none, or it is not stateful. */
bool sl_stand_in_take(struct sl_link *lost);
