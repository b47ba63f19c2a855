// SPDX-License-Identifier: MIT
/*
 * Uploads: the streams of a client that are arguments of a call. Each is a
 * reader, which scripts call for the next item. It lives as long as a script
 * keeps it and knows its call no longer than that runs.
 */
#pragma once

#include "bindings/coroutine.h"
#include "bindings/lua_args.h"

/* The last `count` values on the coroutine's stack are the arguments, `streams`
 * of them places for uploads: they get their readers. Sets co->uploads. */
void sl_lua_uploads_open(struct sl_co *co, const struct sl_args *args,
                         int count, unsigned streams);

/* The call has ended: what was not read is dropped. Clears co->uploads. */
void sl_lua_uploads_end(struct sl_co *co);

/* For sl_script_ops; described there. */
bool sl_lua_upload_item(struct sl_co *co, unsigned index,
                        const struct sl_value *item);
void sl_lua_upload_end(struct sl_co *co, unsigned index, bool failed,
                       struct sl_slice error);
