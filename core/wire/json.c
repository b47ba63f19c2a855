// SPDX-License-Identifier: MIT
/*
 * Memory and limits around yyjson.
 *
 * Small documents are read into one block that is kept: nothing is allocated
 * and nothing freed from message to message. A document that would make the
 * block larger than what a worker may keep is read with the ordinary allocator
 * and freed at the next read.
 */
#include "wire/json.h"

#include "base/base.h"
#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "wire/internal.h"

#include <yyjson.h>

#define POOL_SIZE_MIN 16384 /* bytes; fits messages of 1 KiB */

void sl_json_init(struct sl_json *json)
{
    *json = (struct sl_json){ 0 };
}

/* Documents inside the block need no freeing. */
static void drop_doc(struct sl_json *json)
{
    if (json->doc_on_heap)
        yyjson_doc_free(json->doc);
    json->doc_on_heap = false;
    json->doc = NULL;
}

void sl_json_release(struct sl_json *json)
{
    drop_doc(json);
    sl_free(json->pool);
    sl_json_init(json);
}

static void grow_pool(struct sl_json *json, size_t need)
{
    size_t size = POOL_SIZE_MIN;
    while (size < need)
        size *= 2;
    sl_free(json->pool);
    json->pool = sl_alloc(size);
    json->pool_size = size;
}

/* Brackets in the text, those inside strings too. '[' and '{' differ in one
 * bit. */
static size_t count_brackets(struct sl_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & '\xdf') == '[';
    return count;
}

/* A document of few values cannot be deep, nor one with few brackets. */
static bool too_deep(yyjson_doc *doc, struct sl_slice text)
{
    if (SL_LIKELY(yyjson_doc_get_val_count(doc) <= SL_JSON_DEPTH_MAX))
        return false;
    text.len = yyjson_doc_get_read_size(doc);
    return count_brackets(text) > SL_JSON_DEPTH_MAX &&
           sl_json_deeper(text, SL_JSON_DEPTH_MAX);
}

static int read_doc(struct sl_json *json, struct sl_slice text,
                    yyjson_read_flag flags, struct sl_value *root)
{
    /* yyjson wants the flag to size for short texts that it may not end. */
    size_t need =
        yyjson_read_max_memory_usage(text.len, YYJSON_READ_STOP_WHEN_DONE);
    bool on_heap = need == 0 || need > SL_SCRATCH_KEEP_MAX;
    yyjson_alc pool;
    yyjson_read_err err;

    *root = (struct sl_value){ 0 };
    drop_doc(json);
    if (!on_heap) {
        if (SL_UNLIKELY(need > json->pool_size))
            grow_pool(json, need);
        bool ok = yyjson_alc_pool_init(&pool, json->pool, json->pool_size);
        sl_assert(ok);
    }
    /* Without YYJSON_READ_INSITU the text is not written to. */
    json->doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, flags,
                                 on_heap ? NULL : &pool, &err);
    if (SL_UNLIKELY(json->doc == NULL))
        return err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? SL_E_TOO_LARGE
                                                               : SL_E_JSON;
    json->doc_on_heap = on_heap;
    if (SL_UNLIKELY(too_deep(json->doc, text))) {
        drop_doc(json);
        return SL_E_DEPTH;
    }
    root->protocol = SL_PROTOCOL_JSON;
    root->json = yyjson_doc_get_root(json->doc);
    return 0;
}

int sl_json_read(struct sl_json *json, struct sl_slice text,
                 struct sl_value *root)
{
    return read_doc(json, text, 0, root);
}

int sl_json_read_head(struct sl_json *json, struct sl_slice text,
                      struct sl_value *root)
{
    return read_doc(json, text, YYJSON_READ_STOP_WHEN_DONE, root);
}
