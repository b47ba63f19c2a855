// SPDX-License-Identifier: MIT
/*
 * The thin seam to yyjson: a reader whose memory is reused from message to
 * message (one per worker), with our limits on size and nesting.
 */
#pragma once

#include "base/slice.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stddef.h>

struct sl_json {
    void *pool;             /* memory handed to yyjson */
    size_t pool_size;       /* bytes */
    struct yyjson_doc *doc; /* of the last read; NULL when it failed */
    bool doc_on_heap;       /* too large for the pool */
};

void sl_json_init(struct sl_json *json);
void sl_json_release(struct sl_json *json);

/* Reads a whole document (strict RFC 8259). The value borrows from the reader
 * until the next read or release; text may be reused at once (yyjson copies).
 * SL_E_JSON; SL_E_DEPTH when nested deeper than SL_JSON_DEPTH_MAX; or
 * SL_E_TOO_LARGE when there is no memory for a large document. */
int sl_json_read(struct sl_json *json, struct sl_slice text,
                 struct sl_value *root);

/* The same, but whatever follows the first value is ignored. */
int sl_json_read_head(struct sl_json *json, struct sl_slice text,
                      struct sl_value *root);
