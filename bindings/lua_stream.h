// SPDX-License-Identifier: MIT
/*
 * Streams to the client: what signalua.stream makes, and emit. The emitter is
 * what emit holds on to: it lives as long as a script keeps emit and knows its
 * call no longer than that runs.
 */
#pragma once

#include "bindings/coroutine.h"

/* Whether the value at the index of the coroutine's stack is a stream; its
 * function is pushed then. */
bool sl_lua_stream_function(struct sl_co *co, int index);

/* Inside on_end of the method, the function on top: the coroutine goes on with
 * it. Sets co->stream. */
void sl_lua_stream_run(struct sl_co *co);

/* It ended, or its call did: clears co->stream. */
void sl_lua_stream_end(struct sl_co *co);

/* The client cancelled or is gone: emit raises signalua.cancelled. */
void sl_lua_stream_cancel(struct sl_emitter *emitter);

/* The client took what was queued. */
void sl_lua_stream_resume(struct sl_emitter *emitter);
