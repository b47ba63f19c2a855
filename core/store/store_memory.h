// SPDX-License-Identifier: MIT
/*
 * The store in the memory of the pod: strings, lists, hashes, sets and sorted
 * sets, expiry, a bound on memory. Writes beyond the bound are refused with
 * Redis's own OOM error; reads and deletes always work.
 */
#pragma once

#include "base/clock.h"
#include "store/store.h"

#include <stddef.h>

/* Returns owned. Commands: get set(EX PX NX XX) del incr expire ttl rpush
 * lrange ltrim hget hset hdel hgetall sadd srem smembers zadd zrem zrange(by
 * index); anything else is an ERR reply. Expired keys are removed when met and
 * by a bounded sweep with each write. The reply is given before the command
 * returns and outside of the lock: its callback may send the next command, but
 * must come back (a Lua error from in it would leak the reply). */
struct sl_store *sl_store_memory_new(const struct sl_clock *clock,
                                     size_t bytes_max);

/* For gauges; any thread. */
size_t sl_store_memory_bytes(struct sl_store *store);
uint64_t sl_store_memory_refused(struct sl_store *store);
