// SPDX-License-Identifier: MIT
/*
 * Any bytes as a handshake: each answer is either a protocol or one whole JSON
 * message with an error.
 */
#include "base/check.h"
#include "wire/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_response(struct sl_hub_reader *reader,
                           const struct sl_str *response)
{
    struct sl_value root;
    sl_assert(response->len > 0);
    sl_assert(response->ptr[response->len - 1] == SL_RECORD_SEPARATOR);
    struct sl_slice text = sl_slice_of(response->ptr, response->len - 1);
    sl_assert(sl_json_read(&reader->json, text, &root) == 0);
    sl_assert(sl_value_kind(&root) == SL_VALUE_OBJECT);
    sl_assert(sl_value_count(&root) == 1);
}

static void shake(struct sl_hub_reader *reader, struct sl_slice bytes,
                  bool text_only, bool detailed_errors)
{
    struct sl_handshake handshake = { 0 };
    struct sl_str response = { 0 };
    ssize_t taken = sl_handshake_read(reader, bytes, text_only, detailed_errors,
                                      &handshake, &response);
    if (taken > 0) {
        sl_assert((size_t)taken <= bytes.len && response.len == 0);
        sl_assert(handshake.protocol != NULL);
        sl_assert(handshake.version <= SL_HUB_PROTOCOL_VERSION_MAX);
    } else if (taken < 0) {
        check_response(reader, &response);
    }
    sl_str_release(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sl_slice text = sl_slice_of(bytes, len);
    struct sl_hub_reader reader;
    sl_hub_reader_init(&reader);
    for (unsigned flags = 0; flags < 4; flags++)
        shake(&reader, text, (flags & 1) != 0, (flags & 2) != 0);
    sl_hub_reader_release(&reader);
    return 0;
}
