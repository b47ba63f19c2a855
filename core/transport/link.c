// SPDX-License-Identifier: MIT
/*
 * Which connection a token stands for on this worker, and the answers that
 * several transports give.
 */
#include "base/check.h"
#include "transport/internal.h"
#include "transport/long_polling.h"
#include "transport/sse.h"

void sl_link_init(struct sl_link *link, struct sl_transport *transport,
                  unsigned kind, struct sl_slice token)
{
    *link = (struct sl_link){ .transport = transport, .kind = kind };
    sl_list_init(&link->list);
    if (token.len == 0)
        return;
    sl_assert(token.len == SL_TOKEN_LEN);
    memcpy(link->token, token.ptr, SL_TOKEN_LEN);
    link->node.key = sl_slice_of(link->token, SL_TOKEN_LEN);
    sl_map_add(&transport->by_token, &link->node);
}

struct sl_link *sl_link_find(const struct sl_transport *transport,
                             struct sl_slice token)
{
    struct sl_map_node *node = sl_map_find(&transport->by_token, token);
    return node == NULL ? NULL : SL_CONTAINER_OF(node, struct sl_link, node);
}

struct sl_conn *sl_link_conn(const struct sl_link *link)
{
    switch (link->kind) {
    case SL_TRANSPORT_SSE: return sl_sse_conn(link);
    case SL_TRANSPORT_LONG_POLLING: return sl_long_polling_conn(link);
    default: return link->conn;
    }
}

void sl_link_remove(struct sl_link *link)
{
    if (link->token[0] != '\0')
        sl_map_remove(&link->transport->by_token, &link->node);
    link->token[0] = '\0';
}

void sl_link_inherit(struct sl_link *link, struct sl_link *from)
{
    char token[SL_TOKEN_LEN + 1];
    memcpy(token, from->token, sizeof(token));
    sl_link_remove(from);
    sl_link_init(link, from->transport, from->kind, sl_slice_str(token));
    link->conn = from->conn;
    from->conn = NULL;
}

void sl_link_drop(struct sl_link *link)
{
    struct sl_transport *transport = link->transport;
    if (link->token[0] == '\0')
        return;
    sl_map_remove(&transport->by_token, &link->node);
    sl_claims_drop(transport->claims, sl_slice_str(link->token),
                   sl_clock_wall_ms(transport->clock));
    link->token[0] = '\0';
}

void sl_link_abort_all(struct sl_transport *transport)
{
    struct sl_list links;
    sl_list_init(&links);
    sl_list_splice_back(&links, &transport->links);
    struct sl_list *node;
    while ((node = sl_list_pop_front(&links)) != NULL) {
        struct sl_link *link = SL_CONTAINER_OF(node, struct sl_link, list);
        sl_list_push_back(&transport->links, node);
        link->abort(link);
    }
}

void sl_answer_plain(struct sl_http_request *request, unsigned status,
                     struct sl_slice body)
{
    sl_http_answer(request, &(struct sl_http_answer){
                                .status = status,
                                .content_type = SL_SLICE("text/plain"),
                                .body = body,
                            });
}

/* body_buf instead of body, or NULL. */
static void answer_uncached(struct sl_http_request *request, unsigned status,
                            struct sl_slice type, struct sl_slice body,
                            struct sl_buf *body_buf)
{
    const struct sl_header headers[] = {
        { SL_SLICE("Cache-Control"), SL_SLICE("no-cache, no-store") },
        { SL_SLICE("Pragma"), SL_SLICE("no-cache") },
        { SL_SLICE("Expires"), SL_SLICE("Thu, 01 Jan 1970 00:00:00 GMT") },
    };
    sl_http_answer(
        request,
        &(struct sl_http_answer){
            .status = status,
            .headers = headers,
            .header_count = SL_COUNT(headers),
            .content_type = type.len > 0 ? type : SL_SLICE("text/plain"),
            .body = body,
            .body_buf = body_buf,
        });
}

void sl_answer_poll(struct sl_http_request *request, unsigned status,
                    struct sl_slice type, struct sl_slice body)
{
    answer_uncached(request, status, type, body, NULL);
}

void sl_answer_poll_shared(struct sl_http_request *request,
                           struct sl_slice type, struct sl_buf *body)
{
    answer_uncached(request, 200, type, (struct sl_slice){ 0 }, body);
}
