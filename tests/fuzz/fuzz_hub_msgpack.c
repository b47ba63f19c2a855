// SPDX-License-Identifier: MIT
/*
 * Any bytes as a stream of MessagePack hub messages. Whatever parses is walked
 * to its leaves and sent back, which must parse again to the same; and what it
 * carries must have a form in JSON too, since a hub sends what it was given to
 * the clients of both protocols.
 */
#include "resend.h"

#include "base/check.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void send_as_json(const struct sl_message *message)
{
    struct sl_value args = message->args;
    struct sl_str out = { 0 };
    if (sl_value_kind(&args) == SL_VALUE_NONE)
        return;
    int err = sl_hub_json.write_invocation(
        &out, message->invocation_id, message->target, sl_value_count(&args),
        fuzz_write_args, &args);
    /* Numbers that are not finite are all that JSON lacks. */
    sl_assert(err == 0 || (err == SL_E_VALUE && out.len == 0));
    if (err == 0)
        fuzz_resend(&sl_hub_json, sl_str_slice(&out), NULL);
    sl_str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_resend(&sl_hub_msgpack, sl_slice_of(bytes, len), send_as_json);
    return 0;
}
