// SPDX-License-Identifier: MIT
/*
 * The head of the HTTP request that opened a connection, kept as one trimmed
 * block as long as the connection lives: path, query, headers and the peer's
 * address. What is secret is left out: the headers authorization,
 * proxy-authorization and cookie, the query parameters `id` and
 * `access_token`; so are headers that only concern the hop (connection,
 * upgrade, sec-websocket-*, content-length ...).
 */
#pragma once

#include "base/slice.h"
#include "wire/url.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_header {
    struct sl_slice name; /* lower case */
    struct sl_slice value;
};

struct sl_request_head; /* one allocation */

/* Returns owned; copies everything. `url` is still percent-encoded. */
struct sl_request_head *sl_request_head_new(const struct sl_url *url,
                                            struct sl_slice remote_address,
                                            const struct sl_header *headers,
                                            unsigned header_count);
void sl_request_head_free(struct sl_request_head *head);

/* All borrow from the head. */
struct sl_slice sl_request_head_path(const struct sl_request_head *head);
struct sl_slice sl_request_head_query(const struct sl_request_head *head);
struct sl_slice sl_request_head_remote(const struct sl_request_head *head);
unsigned sl_request_head_count(const struct sl_request_head *head);
struct sl_header sl_request_head_at(const struct sl_request_head *head,
                                    unsigned index);
size_t sl_request_head_size(const struct sl_request_head *head); /* bytes */
