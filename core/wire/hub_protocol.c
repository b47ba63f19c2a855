// SPDX-License-Identifier: MIT
/*
 * The table of hub protocols, and the memory their parsers share.
 */
#include "wire/hub_protocol.h"

#include "base/check.h"

static const struct sl_hub_protocol *const protocols[SL_PROTOCOL_COUNT] = {
    [SL_PROTOCOL_JSON] = &sl_hub_json,
    [SL_PROTOCOL_MESSAGEPACK] = &sl_hub_msgpack,
};

void sl_hub_reader_init(struct sl_hub_reader *reader)
{
    *reader = (struct sl_hub_reader){ 0 };
    sl_json_init(&reader->json);
}

void sl_hub_reader_release(struct sl_hub_reader *reader)
{
    sl_json_release(&reader->json);
    sl_str_release(&reader->text);
}

const struct sl_hub_protocol *sl_hub_protocol_find(struct sl_slice name)
{
    for (size_t i = 0; i < SL_COUNT(protocols); i++)
        if (protocols[i] != NULL &&
            sl_slice_eq_nocase(name, sl_slice_str(protocols[i]->name)))
            return protocols[i];
    return NULL;
}

const struct sl_hub_protocol *sl_hub_protocol_get(enum sl_protocol_id id)
{
    sl_assert((unsigned)id < SL_PROTOCOL_COUNT);
    return protocols[id];
}
