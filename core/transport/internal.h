// SPDX-License-Identifier: MIT
/*
 * What the files of transport share.
 */
#pragma once

#include "base/list.h"

#include <stddef.h>

extern const size_t sl_websocket_size; /* bytes of a pool block */

/* node: of a socket in transport->sockets. Ends it at once; it leaves the
 * list when its stream is closed. */
void sl_websocket_abort(struct sl_list *node);
