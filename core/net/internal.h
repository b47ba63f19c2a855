// SPDX-License-Identifier: MIT
/*
 * What the files of this folder share and nobody else includes.
 */
#pragma once

#include "net/loop.h"

/* The streams' free lists in a loop. */
void sl_stream_pools_init(struct sl_loop *loop);
void sl_stream_pools_release(struct sl_loop *loop);
