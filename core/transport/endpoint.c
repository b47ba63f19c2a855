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
#include "transport/negotiate.h"
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

static bool method_is(const struct sl_http_request *request, const char *name)
{
    return sl_slice_eq(request->method, sl_slice_str(name));
}

/* As the reference: plain text also where there is none. */
static void answer(struct sl_http_request *request, unsigned status,
                   struct sl_slice body)
{
    sl_http_answer(request, &(struct sl_http_answer){
                                .status = status,
                                .content_type = SL_SLICE("text/plain"),
                                .body = body,
                            });
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

static void connect_websocket(struct sl_endpoint *endpoint,
                              struct sl_http_request *request)
{
    struct sl_websocket_setup setup = {
        .transport = endpoint->transport,
        .entry = endpoint->entry,
    };
    if (!(endpoint->entry->options.transports &
          1u << SL_TRANSPORT_WEBSOCKETS)) {
        refuse_transport(request, SL_TRANSPORT_WEBSOCKETS);
        return;
    }
    struct sl_str id = { 0 };
    char fresh[SL_ID_LEN + 1];
    struct sl_token token;
    int owner, err = 0;
    if (request_id(request, &id)) {
        err = claim(endpoint, sl_str_slice(&id), &token, &owner);
        setup.token = sl_slice_str(token.text);
        setup.conn_id = sl_slice_str(token.conn_id);
    } else {
        /* skipNegotiation: an id of our own, never told to the client */
        sl_random_id(fresh);
        setup.conn_id = sl_slice_str(fresh);
    }
    if (err == 0)
        sl_websocket_accept(request, &setup);
    else if (err == SL_E_CLAIMED && owner >= 0)
        answer(request, 409, (struct sl_slice){ 0 });
    else if (err == SL_E_FULL)
        answer(request, 503, TEXT_FULL);
    else
        answer(request, 404, TEXT_UNKNOWN);
    sl_str_release(&id);
}

/* What is not a WebSocket upgrade: the transports of these requests are not
 * built yet, so a live connection can only be a WebSocket. */
static void handle_other(struct sl_endpoint *endpoint,
                         struct sl_http_request *request)
{
    struct sl_str id = { 0 };
    struct sl_token token;
    int owner = -1;
    bool live = false, has_id = request_id(request, &id);
    bool known = has_id && verify(endpoint, sl_str_slice(&id), &token) == 0;
    if (known)
        live = sl_claims_owner(endpoint->transport->claims, sl_str_slice(&id),
                               &owner) &&
               owner >= 0;
    sl_str_release(&id);

    if (!has_id)
        answer(request, 400, TEXT_NO_ID);
    else if (!known || (!live && !method_is(request, "GET")))
        answer(request, 404, TEXT_UNKNOWN);
    else if (method_is(request, "POST"))
        answer(request, 405, TEXT_NO_POST);
    else if (method_is(request, "DELETE"))
        answer(request, 400, TEXT_NO_DELETE);
    else if (live)
        answer(request, 400, TEXT_OTHER_TRANSPORT);
    else
        refuse_transport(request, SL_TRANSPORT_LONG_POLLING);
}

static void on_connect(struct sl_http_request *request, void *user)
{
    struct sl_endpoint *endpoint = user;
    if (!method_is(request, "GET") && !method_is(request, "POST") &&
        !method_is(request, "DELETE"))
        answer(request, 405, (struct sl_slice){ 0 });
    else if (sl_websocket_wanted(request))
        connect_websocket(endpoint, request);
    else
        handle_other(endpoint, request);
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
    struct sl_slice any = { 0 }, path = sl_slice_str(entry->path);
    sl_http_router_add(router, any, path, on_connect, endpoint);
    struct sl_str negotiate = { 0 };
    sl_str_add_slice(&negotiate, path);
    sl_str_add_lit(&negotiate, "/negotiate");
    sl_http_router_add(router, any, sl_str_slice(&negotiate), on_negotiate,
                       endpoint);
    sl_str_release(&negotiate);
    return endpoint;
}
