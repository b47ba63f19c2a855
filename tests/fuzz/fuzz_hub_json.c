// SPDX-License-Identifier: MIT
/*
 * Any bytes as a stream of JSON hub messages. Whatever parses is walked to its
 * leaves and sent back, which must parse again to the same.
 */
#include "resend.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_resend(&sl_hub_json, sl_slice_of(bytes, len), NULL);
    return 0;
}
