// SPDX-License-Identifier: MIT
/*
 * The routes of one hub path. Order of the checks, status codes and texts are
 * those of the reference (spec: transports, sections 1 and 3), but for one
 * thing: a token is claimed by its first request and needs no memory before
 * it, so any worker takes it.
 */
#include "transport/endpoint.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "hub/conn.h"
#include "transport/internal.h"
#include "transport/long_polling.h"
#include "transport/negotiate.h"
#include "transport/post.h"
#include "transport/relay.h"
#include "transport/sse.h"
#include "transport/websocket.h"
#include "wire/url.h"

#define TEXT_NO_ID SL_SLICE("Connection ID required")
#define TEXT_UNKNOWN SL_SLICE("No Connection with that ID")
#define TEXT_OTHER_TRANSPORT SL_SLICE("Cannot change transports mid-connection")
#define TEXT_NO_POST \
    SL_SLICE("POST requests are not allowed for WebSocket connections.")
#define TEXT_NO_DELETE \
    SL_SLICE("Cannot terminate this connection using the DELETE endpoint.")
#define TEXT_FULL SL_SLICE("Too many connections, try again later.")
#define TEXT_BUSY SL_SLICE("Busy, try again.")

static bool method_is(const struct sl_http_request *request, const char *name)
{
    return sl_slice_eq(request->method, sl_slice_str(name));
}

static void answer(struct sl_http_request *request, unsigned status,
                   struct sl_slice body)
{
    sl_answer_plain(request, status, body);
}

static void refuse_transport(struct sl_http_request *request,
                             enum sl_transport_kind kind)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s transport not supported by this end point type",
                   sl_transport_names[kind]);
    answer(request, 404, sl_str_slice(&text));
    sl_str_release(&text);
}

/* Appends the decoded `id`; false: there is none, or an empty one. */
static bool request_id(const struct sl_http_request *request, struct sl_str *id)
{
    struct sl_slice encoded;
    if (!sl_query_get(request->url.query, SL_SLICE("id"), &encoded, NULL))
        return false;
    sl_url_decode(id, encoded, true);
    return id->len > 0;
}

static int verify(const struct sl_endpoint *endpoint, struct sl_slice id,
                  struct sl_token *token)
{
    const struct sl_transport *transport = endpoint->transport;
    /* Claims outlive the time in which a token may be claimed, so an old token
     * that is claimed is still known as such: expiry is judged at the claim. */
    return sl_token_verify(
        transport->keys, sl_slice_str(endpoint->entry->hub->name), id,
        sl_clock_wall_ms(transport->clock), UINT64_MAX, token);
}

/* Until when a token that is claimed now must be remembered: as long as any
 * entry of its hub would take it. */
static uint64_t remember_until_ms(const struct sl_hub *hub, uint64_t now_ms)
{
    uint64_t longest_ms = 0;
    SL_LIST_FOREACH(node, &hub->entries) {
        const struct sl_hub_entry *entry =
            SL_CONTAINER_OF(node, const struct sl_hub_entry, node);
        if (entry->options.negotiate_timeout > longest_ms)
            longest_ms = entry->options.negotiate_timeout;
    }
    return now_ms + longest_ms + SL_TOKEN_AGE_ERROR_MS;
}

/* Takes the token for this worker; negative: see sl_claims_take, SL_E_EXPIRED,
 * or SL_E_FORGED. *owner: the worker whose connection has it, or -1. */
static int claim(const struct sl_endpoint *endpoint, struct sl_slice id,
                 struct sl_token *token, int *owner)
{
    const struct sl_transport *transport = endpoint->transport;
    *owner = -1;
    int err = verify(endpoint, id, token);
    if (err != 0)
        return err;
    uint64_t now_ms = sl_clock_wall_ms(transport->clock);
    uint64_t lifetime_ms = endpoint->entry->options.negotiate_timeout;
    if (token->age_ms > lifetime_ms)
        return sl_claims_owner(transport->claims, id, owner) ? SL_E_CLAIMED
                                                             : SL_E_EXPIRED;
    return sl_claims_take(transport->claims, id, transport->worker, now_ms,
                          remember_until_ms(endpoint->entry->hub, now_ms),
                          owner);
}

/* What a request of PATH wants: a transport, or what only methods say. */
#define WANTS_POST SL_TRANSPORT_COUNT
#define WANTS_DELETE (SL_TRANSPORT_COUNT + 1)

static unsigned wanted(const struct sl_http_request *request)
{
    if (method_is(request, "POST"))
        return WANTS_POST;
    if (method_is(request, "DELETE"))
        return WANTS_DELETE;
    if (sl_http_header_has(request, SL_SLICE("accept"),
                           SL_SLICE("text/event-stream")))
        return SL_TRANSPORT_SSE;
    return sl_websocket_wanted(request) ? SL_TRANSPORT_WEBSOCKETS
                                        : SL_TRANSPORT_LONG_POLLING;
}

static void refuse(struct sl_http_request *request, unsigned wants,
                   unsigned status, struct sl_slice text)
{
    if (wants == SL_TRANSPORT_LONG_POLLING)
        sl_answer_poll(request, status, (struct sl_slice){ 0 }, text);
    else
        answer(request, status, text);
}

static bool is_stateful(const struct sl_endpoint *endpoint,
                        const struct sl_token *token)
{
    return token->stateful &&
           endpoint->entry->options.stateful_reconnect_buffer > 0;
}

static void open_transport(struct sl_http_request *request, unsigned wants,
                           const struct sl_websocket_setup *setup)
{
    if (wants == SL_TRANSPORT_WEBSOCKETS)
        sl_websocket_accept(request, setup);
    else if (wants == SL_TRANSPORT_SSE)
        sl_sse_accept(request, setup);
    else
        sl_long_polling_open(request, setup);
}

/* skipNegotiation: an id of our own, never told to the client. */
static void connect_unasked(struct sl_endpoint *endpoint,
                            struct sl_http_request *request)
{
    char fresh[SL_ID_LEN + 1];
    sl_random_id(fresh);
    sl_websocket_accept(request, &(struct sl_websocket_setup){
                                     .transport = endpoint->transport,
                                     .entry = endpoint->entry,
                                     .conn_id = sl_slice_str(fresh),
                                 });
}

/* The token's worker is another one: it answers. */
static bool move(struct sl_endpoint *endpoint, struct sl_http_request *request,
                 int owner)
{
    const struct sl_transport *transport = endpoint->transport;
    if (owner < 0 || (unsigned)owner == transport->worker ||
        transport->relay == NULL)
        return false;
    if (!sl_relay_move(transport->relay, (unsigned)owner, request))
        answer(request, 503, TEXT_BUSY);
    return true;
}

/* The first request of its token. */
static void begin(struct sl_endpoint *endpoint, struct sl_http_request *request,
                  unsigned wants, struct sl_slice id)
{
    struct sl_token token;
    int owner;
    if (wants == WANTS_DELETE) {
        answer(request, 400, TEXT_NO_DELETE);
        return;
    }
    int err = claim(endpoint, id, &token, &owner);
    if (err == 0 && wants == WANTS_POST)
        sl_early_post(
            sl_early_open(endpoint->transport, id,
                          endpoint->entry->options.disconnect_timeout),
            request);
    else if (err == 0)
        open_transport(request, wants,
                       &(struct sl_websocket_setup){
                           .transport = endpoint->transport,
                           .entry = endpoint->entry,
                           .conn_id = sl_slice_str(token.conn_id),
                           .token = sl_slice_str(token.text),
                           .stateful = is_stateful(endpoint, &token),
                       });
    else if (err == SL_E_CLAIMED && move(endpoint, request, owner))
        return; /* two first requests at once: the other one won */
    else if (err == SL_E_FULL)
        refuse(request, wants, 503, TEXT_FULL);
    else
        refuse(request, wants, 404, TEXT_UNKNOWN);
}

/* The transport after the first POST. */
static void begin_late(struct sl_endpoint *endpoint,
                       struct sl_http_request *request, unsigned wants,
                       const struct sl_token *token, struct sl_link *link)
{
    struct sl_str early = { 0 };
    sl_early_take(link, &early);
    open_transport(request, wants,
                   &(struct sl_websocket_setup){
                       .transport = endpoint->transport,
                       .entry = endpoint->entry,
                       .conn_id = sl_slice_str(token->conn_id),
                       .token = sl_slice_str(token->text),
                       .early = sl_str_slice(&early),
                       .stateful = is_stateful(endpoint, token),
                   });
    sl_str_release(&early);
}

static void on_post(struct sl_http_request *request, struct sl_link *link)
{
    if (link->kind == SL_LINK_EARLY)
        sl_early_post(link, request);
    else if (link->kind == SL_TRANSPORT_SSE)
        sl_sse_post(link, request);
    else if (link->kind == SL_TRANSPORT_LONG_POLLING)
        sl_long_polling_post(link, request);
    else
        answer(request, 405, TEXT_NO_POST);
}

/* A WebSocket for a connection that has one, or lost it. */
static void come_back(struct sl_http_request *request, struct sl_link *link,
                      struct sl_slice user_id)
{
    const struct sl_conn *conn = link->conn;
    if (conn->reconnect == NULL)
        answer(request, 409, (struct sl_slice){ 0 });
    else if (!sl_conn_is_of(conn, user_id))
        answer(request, 403, (struct sl_slice){ 0 });
    else if (!sl_conn_may_attach(conn))
        answer(request, 404, TEXT_UNKNOWN);
    else
        sl_websocket_resume(request, link);
}

/* A request of a connection that is here. */
static void go_on(struct sl_http_request *request, unsigned wants,
                  struct sl_link *link)
{
    bool polls = link->kind == SL_TRANSPORT_LONG_POLLING;
    if (wants == WANTS_POST)
        on_post(request, link);
    else if (wants == WANTS_DELETE && polls)
        sl_long_polling_delete(link, request);
    else if (wants == WANTS_DELETE)
        answer(request, 400, TEXT_NO_DELETE);
    else if (wants != link->kind)
        refuse(request, wants, 400, TEXT_OTHER_TRANSPORT);
    else if (polls)
        sl_long_polling_poll(link, request);
    else if (link->kind == SL_TRANSPORT_WEBSOCKETS)
        come_back(request, link, (struct sl_slice){ 0 });
    else
        answer(request, 409, (struct sl_slice){ 0 });
}

static void handle(struct sl_endpoint *endpoint,
                   struct sl_http_request *request, unsigned wants,
                   struct sl_slice id)
{
    struct sl_token token;
    int owner = -1;
    unsigned transports = endpoint->entry->options.transports;
    sl_claims_owner(endpoint->transport->claims, id, &owner);
    if (move(endpoint, request, owner))
        return;
    struct sl_link *link = sl_link_find(endpoint->transport, id);
    if (verify(endpoint, id, &token) != 0)
        refuse(request, wants, 404, TEXT_UNKNOWN);
    else if (wants < SL_TRANSPORT_COUNT && !(transports & 1u << wants))
        refuse_transport(request, (enum sl_transport_kind)wants);
    else if (link == NULL && owner < 0 &&
             sl_claims_owner(endpoint->transport->claims, id, &owner))
        refuse(request, wants, 404, TEXT_UNKNOWN); /* used and gone */
    else if (link == NULL)
        begin(endpoint, request, wants, id);
    else if (link->kind == SL_LINK_EARLY && wants < SL_TRANSPORT_COUNT)
        begin_late(endpoint, request, wants, &token, link);
    else
        go_on(request, wants, link);
}

static void on_connect(struct sl_http_request *request, void *user)
{
    struct sl_endpoint *endpoint = user;
    if (!method_is(request, "GET") && !method_is(request, "POST") &&
        !method_is(request, "DELETE")) {
        answer(request, 405, (struct sl_slice){ 0 });
        return;
    }
    unsigned wants = wanted(request);
    struct sl_str id = { 0 };
    bool websockets =
        endpoint->entry->options.transports & 1u << SL_TRANSPORT_WEBSOCKETS;
    if (request_id(request, &id))
        handle(endpoint, request, wants, sl_str_slice(&id));
    else if (wants != SL_TRANSPORT_WEBSOCKETS)
        refuse(request, wants, 400, TEXT_NO_ID);
    else if (websockets)
        connect_unasked(endpoint, request);
    else
        refuse_transport(request, SL_TRANSPORT_WEBSOCKETS);
    sl_str_release(&id);
}

static void on_negotiate(struct sl_http_request *request, void *user)
{
    struct sl_endpoint *endpoint = user;
    const struct sl_transport *transport = endpoint->transport;
    if (!method_is(request, "POST")) {
        answer(request, 405, (struct sl_slice){ 0 });
        return;
    }
    sl_metric_add(transport->loop->metrics, SL_M_NEGOTIATES, 1);
    struct sl_str body = { 0 };
    sl_negotiate_write(&body, endpoint->entry, transport->keys,
                       sl_clock_wall_ms(transport->clock), request->url.query);
    sl_http_answer(request, &(struct sl_http_answer){
                                .status = 200,
                                .content_type = SL_SLICE("application/json"),
                                .body = sl_str_slice(&body),
                            });
    sl_str_release(&body);
}

struct sl_endpoint *sl_endpoint_new(struct sl_transport *transport,
                                    struct sl_hub_entry *entry,
                                    struct sl_http_router *router)
{
    struct sl_endpoint *endpoint = sl_zalloc(sizeof(*endpoint));
    sl_list_init(&endpoint->node);
    endpoint->transport = transport;
    endpoint->entry = entry;
    endpoint->path = sl_strdup(entry->path);
    struct sl_str negotiate = { 0 };
    sl_str_add_fmt(&negotiate, "%s/negotiate", entry->path);
    endpoint->negotiate_path = sl_slice_dup(sl_str_slice(&negotiate));
    sl_str_release(&negotiate);
    struct sl_slice any = { 0 };
    sl_http_router_add(router, any, sl_slice_str(endpoint->path), on_connect,
                       endpoint);
    sl_http_router_add(router, any, sl_slice_str(endpoint->negotiate_path),
                       on_negotiate, endpoint);
    return endpoint;
}

void sl_endpoint_free(struct sl_endpoint *endpoint,
                      struct sl_http_router *router)
{
    if (router != NULL) {
        sl_http_router_remove(router, sl_slice_str(endpoint->path), endpoint);
        sl_http_router_remove(router, sl_slice_str(endpoint->negotiate_path),
                              endpoint);
    }
    sl_list_remove(&endpoint->node);
    sl_free(endpoint->path);
    sl_free(endpoint->negotiate_path);
    sl_free(endpoint);
}
