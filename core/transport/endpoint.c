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
#include "transport/auth.h"
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

static void refuse_transport(struct sl_http_request *request,
                             enum sl_transport_kind kind)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s transport not supported by this end point type",
                   sl_transport_names[kind]);
    refuse(request, kind, 404, sl_str_slice(&text));
    sl_str_release(&text);
}

static bool is_stateful(const struct sl_endpoint *endpoint,
                        const struct sl_token *token)
{
    return token->stateful &&
           endpoint->entry->options.stateful_reconnect_buffer > 0;
}

/* An admitted request of PATH. */
struct ask {
    struct sl_endpoint *endpoint;
    struct sl_http_request *request;
    struct sl_identity *identity; /* NULL: anonymous */
    struct sl_slice id;           /* a token, if it is one; empty: none */
    unsigned wants;
};

/* token NULL: nobody will ask for the connection again. */
static void open_transport(const struct ask *ask, const struct sl_token *token,
                           struct sl_slice conn_id, struct sl_slice early)
{
    struct sl_endpoint *endpoint = ask->endpoint;
    struct sl_websocket_setup setup = {
        .transport = endpoint->transport,
        .entry = endpoint->entry,
        .conn_id = conn_id,
        .early = early,
        .identity = ask->identity,
        .lifetime_ms = sl_auth_lifetime_ms(endpoint, ask->identity),
    };
    if (token != NULL) {
        setup.token = sl_slice_str(token->text);
        setup.stateful = is_stateful(endpoint, token);
    }
    if (ask->wants == SL_TRANSPORT_WEBSOCKETS)
        sl_websocket_accept(ask->request, &setup);
    else if (ask->wants == SL_TRANSPORT_SSE)
        sl_sse_accept(ask->request, &setup);
    else
        sl_long_polling_open(ask->request, &setup);
}

/* skipNegotiation: an id of our own, never told to the client. */
static void connect_unasked(const struct ask *ask)
{
    char fresh[SL_ID_LEN + 1];
    sl_random_id(fresh);
    open_transport(ask, NULL, sl_slice_str(fresh), (struct sl_slice){ 0 });
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
static void begin(const struct ask *ask)
{
    struct sl_endpoint *endpoint = ask->endpoint;
    struct sl_http_request *request = ask->request;
    struct sl_token token;
    int owner;
    if (ask->wants == WANTS_DELETE) {
        answer(request, 400, TEXT_NO_DELETE);
        return;
    }
    int err = claim(endpoint, ask->id, &token, &owner);
    if (err == 0 && ask->wants == WANTS_POST)
        sl_early_post(
            sl_early_open(endpoint->transport, ask->id, ask->identity,
                          endpoint->entry->options.disconnect_timeout),
            request);
    else if (err == 0)
        open_transport(ask, &token, sl_slice_str(token.conn_id),
                       (struct sl_slice){ 0 });
    else if (err == SL_E_CLAIMED && move(endpoint, request, owner))
        return; /* two first requests at once: the other one won */
    else if (err == SL_E_FULL)
        refuse(request, ask->wants, 503, TEXT_FULL);
    else
        refuse(request, ask->wants, 404, TEXT_UNKNOWN);
}

/* The transport after the first POST. */
static void begin_late(const struct ask *ask, const struct sl_token *token,
                       struct sl_link *link)
{
    struct sl_str early = { 0 };
    sl_early_take(link, &early);
    open_transport(ask, token, sl_slice_str(token->conn_id),
                   sl_str_slice(&early));
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

static struct sl_slice user_of(const struct sl_identity *identity)
{
    struct sl_slice nobody = { 0 };
    return identity == NULL ? nobody : identity->user_id;
}

/* Another user's token: the connection is not touched. As in the reference,
 * somebody without a (good) token may still use what is open to all: whose
 * token ran out goes on polling. */
static bool is_strangers(const struct ask *ask, const struct sl_link *link)
{
    if (link->kind == SL_LINK_EARLY)
        return !sl_identity_same_user(sl_early_identity(link), ask->identity);
    const struct sl_conn *conn = sl_link_conn(link);
    return link->kind != SL_TRANSPORT_WEBSOCKETS && conn != NULL &&
           ask->identity != NULL &&
           !sl_conn_is_of(conn, user_of(ask->identity));
}

/* The token of this request may be newer than the connection's. */
static void renew(const struct ask *ask, struct sl_conn *conn)
{
    if (conn != NULL && ask->identity != NULL)
        sl_conn_set_lifetime(conn,
                             sl_auth_lifetime_ms(ask->endpoint, ask->identity));
}

/* A WebSocket for a connection that has one, or lost it. */
static void come_back(const struct ask *ask, struct sl_link *link)
{
    struct sl_conn *conn = link->conn;
    if (conn->reconnect == NULL) {
        answer(ask->request, 409, (struct sl_slice){ 0 });
    } else if (!sl_conn_is_of(conn, user_of(ask->identity))) {
        answer(ask->request, 403, (struct sl_slice){ 0 });
    } else if (!sl_conn_may_attach(conn)) {
        answer(ask->request, 404, TEXT_UNKNOWN);
    } else {
        renew(ask, conn);
        sl_websocket_resume(ask->request, link);
    }
}

static void poll(const struct ask *ask, struct sl_link *link)
{
    renew(ask, sl_link_conn(link));
    sl_long_polling_poll(link, ask->request);
}

/* A request of a connection that is here. */
static void go_on(const struct ask *ask, struct sl_link *link)
{
    struct sl_http_request *request = ask->request;
    unsigned wants = ask->wants;
    bool polls = link->kind == SL_TRANSPORT_LONG_POLLING;
    if (is_strangers(ask, link))
        refuse(request, wants, 403, (struct sl_slice){ 0 });
    else if (wants == WANTS_POST)
        on_post(request, link);
    else if (wants == WANTS_DELETE && polls)
        sl_long_polling_delete(link, request);
    else if (wants == WANTS_DELETE)
        answer(request, 400, TEXT_NO_DELETE);
    else if (wants != link->kind)
        refuse(request, wants, 400, TEXT_OTHER_TRANSPORT);
    else if (polls)
        poll(ask, link);
    else if (link->kind == SL_TRANSPORT_WEBSOCKETS)
        come_back(ask, link);
    else
        answer(request, 409, (struct sl_slice){ 0 });
}

static void handle(const struct ask *ask)
{
    struct sl_token token;
    int owner = -1;
    struct sl_endpoint *endpoint = ask->endpoint;
    struct sl_http_request *request = ask->request;
    unsigned wants = ask->wants;
    unsigned transports = endpoint->entry->options.transports;
    sl_claims_owner(endpoint->transport->claims, ask->id, &owner);
    if (move(endpoint, request, owner)) /* while the script decided */
        return;
    struct sl_link *link = sl_link_find(endpoint->transport, ask->id);
    if (verify(endpoint, ask->id, &token) != 0)
        refuse(request, wants, 404, TEXT_UNKNOWN);
    else if (wants < SL_TRANSPORT_COUNT && !(transports & 1u << wants))
        refuse_transport(request, (enum sl_transport_kind)wants);
    else if (link == NULL && owner < 0 &&
             sl_claims_owner(endpoint->transport->claims, ask->id, &owner))
        refuse(request, wants, 404, TEXT_UNKNOWN); /* used and gone */
    else if (link == NULL)
        begin(ask);
    else if (link->kind == SL_LINK_EARLY && wants < SL_TRANSPORT_COUNT &&
             !is_strangers(ask, link))
        begin_late(ask, &token, link);
    else
        go_on(ask, link);
}

static void serve_path(struct sl_endpoint *endpoint,
                       struct sl_http_request *request,
                       struct sl_identity *identity)
{
    if (!method_is(request, "GET") && !method_is(request, "POST") &&
        !method_is(request, "DELETE")) {
        answer(request, 405, (struct sl_slice){ 0 });
        return;
    }
    struct sl_str id = { 0 };
    bool named = request_id(request, &id);
    bool websockets =
        endpoint->entry->options.transports & 1u << SL_TRANSPORT_WEBSOCKETS;
    struct ask ask = {
        .endpoint = endpoint,
        .request = request,
        .identity = identity,
        .id = sl_str_slice(&id),
        .wants = wanted(request),
    };
    if (named)
        handle(&ask);
    else if (ask.wants != SL_TRANSPORT_WEBSOCKETS)
        refuse(request, ask.wants, 400, TEXT_NO_ID);
    else if (websockets)
        connect_unasked(&ask);
    else
        refuse_transport(request, SL_TRANSPORT_WEBSOCKETS);
    sl_str_release(&id);
}

/* A connection's own worker is the one that asks who comes. */
static void on_path(struct sl_http_request *request, void *user)
{
    struct sl_endpoint *endpoint = user;
    struct sl_str id = { 0 };
    int owner = -1;
    if (request_id(request, &id))
        sl_claims_owner(endpoint->transport->claims, sl_str_slice(&id), &owner);
    sl_str_release(&id);
    if (!move(endpoint, request, owner))
        sl_auth_admit(endpoint, request, serve_path);
}

static void serve_negotiate(struct sl_endpoint *endpoint,
                            struct sl_http_request *request,
                            struct sl_identity *identity)
{
    const struct sl_transport *transport = endpoint->transport;
    (void)identity; /* the token of a connection is nobody's before it opens */
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

static void on_negotiate(struct sl_http_request *request, void *user)
{
    sl_auth_admit(user, request, serve_negotiate);
}

struct sl_endpoint *sl_endpoint_new(struct sl_transport *transport,
                                    struct sl_hub_entry *entry,
                                    struct sl_http_router *router)
{
    struct sl_endpoint *endpoint = sl_zalloc(sizeof(*endpoint));
    sl_list_init(&endpoint->node);
    sl_list_init(&endpoint->undecided);
    endpoint->transport = transport;
    endpoint->entry = entry;
    endpoint->path = sl_strdup(entry->path);
    struct sl_str negotiate = { 0 };
    sl_str_add_fmt(&negotiate, "%s/negotiate", entry->path);
    endpoint->negotiate_path = sl_slice_dup(sl_str_slice(&negotiate));
    sl_str_release(&negotiate);
    struct sl_slice any = { 0 };
    sl_http_router_add(router, any, sl_slice_str(endpoint->path), on_path,
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
    sl_auth_abandon(endpoint);
    sl_list_remove(&endpoint->node);
    sl_free(endpoint->path);
    sl_free(endpoint->negotiate_path);
    sl_free(endpoint);
}
