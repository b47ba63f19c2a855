// SPDX-License-Identifier: MIT
/* What the two hub protocols share: their names and the handshake's framing. */
#include "protocol.h"

#include <string.h>

#define RECORD_SEPARATOR 0x1e

size_t sl_protocol_split_record(const uint8_t *data, size_t size,
                                struct sl_text *body)
{
    const uint8_t *end = memchr(data, RECORD_SEPARATOR, size);
    if (end == NULL)
        return 0;
    body->data = (const char *)data;
    body->size = (size_t)(end - data);
    return body->size + 1;
}

const struct sl_protocol *sl_protocol_find(const char *name)
{
    static const struct sl_protocol *const protocols[] = {
        &sl_protocol_json,
        &sl_protocol_msgpack,
    };
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (strcmp(protocols[i]->name, name) == 0)
            return protocols[i];
    return NULL;
}
