// SPDX-License-Identifier: MIT
/*
 * A request waits for the script as a `pending`, which outlives it: a peer that
 * goes away takes the request with it, and what the script says then is heard
 * by nobody.
 *
 * Tokens are never logged, nor are the query strings they may stand in.
 */
#include "transport/auth.h"

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/jwt.h"

struct pending {
    struct sl_list node; /* in endpoint->undecided */
    struct sl_endpoint *endpoint;
    struct sl_http_request *request; /* NULL: its peer has gone */
    sl_serve_cb serve;
    bool bad_token;
};

/* ---- the token ---- */

#define SCHEME SL_SLICE("bearer")

/* Another scheme is somebody else's. */
static bool header_token(const struct sl_http_request *request,
                         struct sl_str *out)
{
    struct sl_slice value = sl_http_header(request, SL_SLICE("authorization"));
    if (value.len <= SCHEME.len || value.ptr[SCHEME.len] != ' ' ||
        !sl_slice_eq_nocase(sl_slice_of(value.ptr, SCHEME.len), SCHEME))
        return false;
    sl_str_add_slice(out, sl_slice_trim(sl_slice_of(value.ptr + SCHEME.len,
                                                    value.len - SCHEME.len)));
    return out->len > 0;
}

/* Browsers cannot set headers of a WebSocket or an event stream. */
static bool query_token(const struct sl_http_request *request,
                        struct sl_str *out)
{
    struct sl_slice encoded;
    if (!sl_query_get(request->url.query, SL_SLICE("access_token"), &encoded,
                      NULL))
        return false;
    sl_url_decode(out, encoded, true);
    return out->len > 0;
}

static int verify(const struct sl_transport *transport, struct sl_slice token,
                  const char *where, struct sl_identity **identity)
{
    const char *why = "there is no key (setting jwt_key)";
    int err =
        transport->jwt == NULL
            ? SL_E_FORGED
            : sl_jwt_verify(transport->jwt, token,
                            sl_clock_wall_ms(transport->clock), identity, &why);
    if (err == 0)
        return 0;
    sl_metric_add(
        transport->loop->metrics,
        err == SL_E_EXPIRED ? SL_M_BEARER_EXPIRED : SL_M_BEARER_REFUSED, 1);
    sl_log_debug("bearer token refused", SL_F_STR("at", where),
                 SL_F_STR("why", why));
    return err;
}

/* The header wins over the query. */
struct sl_identity *sl_auth_identify(const struct sl_transport *transport,
                                     const struct sl_http_request *request,
                                     const char *where, bool *bad)
{
    struct sl_str token = { 0 };
    struct sl_identity *identity = NULL;
    *bad = false;
    if (header_token(request, &token) || query_token(request, &token))
        *bad = verify(transport, sl_str_slice(&token), where, &identity) != 0;
    if (token.ptr != NULL)
        explicit_bzero(token.ptr, token.cap);
    sl_str_release(&token);
    return identity;
}

/* ---- the script's word ---- */

/* RFC 6750, 3: without a token no error is named. */
static void refuse(struct sl_http_request *request, unsigned status,
                   bool bad_token)
{
    static const char plain[] = "Bearer";
    static const char invalid[] = "Bearer error=\"invalid_token\"";
    struct sl_header header = {
        SL_SLICE("WWW-Authenticate"),
        sl_slice_str(bad_token ? invalid : plain),
    };
    sl_http_answer(request, &(struct sl_http_answer){
                                .status = status,
                                .headers = &header,
                                .header_count = status == 401 ? 1 : 0,
                            });
}

static void on_gone(struct sl_http_request *request)
{
    struct pending *pending = request->tag;
    pending->request = NULL;
}

/* NULL: its peer has gone, or it is answered. */
static struct sl_http_request *take_request(struct pending *pending)
{
    struct sl_http_request *request = pending->request;
    pending->request = NULL;
    if (request == NULL)
        return NULL;
    request->on_gone = NULL;
    request->tag = NULL;
    return request;
}

static void on_decided(void *user, unsigned refused,
                       struct sl_identity *identity)
{
    struct pending *pending = user;
    struct sl_endpoint *endpoint = pending->endpoint;
    bool bad_token = pending->bad_token;
    sl_serve_cb serve = pending->serve;
    struct sl_http_request *request = take_request(pending);
    sl_list_remove(&pending->node);
    sl_free(pending);
    if (request == NULL)
        return;
    if (refused == 0) {
        serve(endpoint, request, identity);
        return;
    }
    sl_metric_add(endpoint->transport->loop->metrics, SL_M_UNAUTHORIZED, 1);
    refuse(request, refused, bad_token);
}

void sl_auth_admit(struct sl_endpoint *endpoint,
                   struct sl_http_request *request, sl_serve_cb serve)
{
    struct sl_hub_entry *entry = endpoint->entry;
    bool bad_token;
    struct sl_identity *identity =
        sl_auth_identify(endpoint->transport, request, entry->path, &bad_token);
    if (!entry->options.guarded) {
        serve(endpoint, request, identity);
    } else {
        struct pending *pending = sl_alloc(sizeof(*pending));
        *pending = (struct pending){
            .endpoint = endpoint,
            .request = request,
            .serve = serve,
            .bad_token = bad_token,
        };
        sl_list_push_back(&endpoint->undecided, &pending->node);
        request->tag = pending;
        request->on_gone = on_gone;
        entry->ops->authorize(entry->script, request, identity, on_decided,
                              pending);
    }
    sl_identity_unref(identity);
}

void sl_auth_abandon(struct sl_endpoint *endpoint)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&endpoint->undecided)) != NULL) {
        struct sl_http_request *request =
            take_request(SL_CONTAINER_OF(node, struct pending, node));
        if (request != NULL)
            sl_http_answer_text(request, 404, (struct sl_slice){ 0 });
    }
}

uint64_t sl_auth_lifetime_ms(const struct sl_endpoint *endpoint,
                             const struct sl_identity *identity)
{
    if (endpoint->entry->options.close_on_expiry == 0 || identity == NULL ||
        identity->expires_ms == 0)
        return 0;
    uint64_t now_ms = sl_clock_wall_ms(endpoint->transport->clock);
    return identity->expires_ms > now_ms ? identity->expires_ms - now_ms : 1;
}
