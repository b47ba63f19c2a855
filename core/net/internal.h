// SPDX-License-Identifier: MIT
/*
 * What the files of this folder share and nobody else includes: the free lists
 * that a loop keeps for streams and their queues.
 */
#pragma once

#include "net/loop.h"

void sl_stream_pools_init(struct sl_loop *loop);
void sl_stream_pools_release(struct sl_loop *loop);

void sl_outq_pools_init(struct sl_loop *loop);
void sl_outq_pools_release(struct sl_loop *loop);
