// SPDX-License-Identifier: MIT
/*
 * Who may have a request of a hub served: the bearer token is verified, then a
 * guarded hub's script decides, which may take a while. Every request of a hub
 * path passes here first, negotiate and each poll and POST alike.
 *
 * A token that is no good makes a client anonymous, it does not refuse it: an
 * open hub takes everybody, a guarded one refuses by its own rule (spec:
 * contract, "Identity").
 */
#pragma once

#include "http/http.h"
#include "transport/endpoint.h"
#include "wire/identity.h"

/* Serves an admitted request. identity is borrowed; NULL: anonymous. */
typedef void (*sl_serve_cb)(struct sl_endpoint *endpoint,
                            struct sl_http_request *request,
                            struct sl_identity *identity);

/* Whose bearer token a request carries. Returns owned; NULL: none that is good;
 * *bad: one that is not. `where` is for the log. */
struct sl_identity *sl_auth_identify(const struct sl_transport *transport,
                                     const struct sl_http_request *request,
                                     const char *where, bool *bad);

/* Answers 401, 403, 500 or 503, or calls serve, now or later. */
void sl_auth_admit(struct sl_endpoint *endpoint,
                   struct sl_http_request *request, sl_serve_cb serve);

/* The endpoint goes: what waits for the script is answered 404, as if it had
 * come a moment later. */
void sl_auth_abandon(struct sl_endpoint *endpoint);

/* How long a connection of this identity may live, in milliseconds; 0: as long
 * as it likes. */
uint64_t sl_auth_lifetime_ms(const struct sl_endpoint *endpoint,
                             const struct sl_identity *identity);
