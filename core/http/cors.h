// SPDX-License-Identifier: MIT
/*
 * Pages of other origins: which of them may read answers, with credentials
 * (cookies, tokens), and open WebSockets. Preflights are answered here, for
 * every path. Read-only once made: any thread.
 *
 * Without a list nothing is said, and browsers keep to their own rule: a page
 * reads what comes from its own origin only.
 */
#pragma once

#include "http/http.h"

struct sl_cors;

/* Returns owned; NULL when there are no origins. Copies. */
struct sl_cors *sl_cors_new(char *const *origins, unsigned origin_count);
void sl_cors_free(struct sl_cors *cors); /* NULL is fine */

/* What is wrong with an origin ("has a path ..."), or NULL. */
const char *sl_cors_origin_fault(const char *origin);

/* Before any handler. True: it is answered, as a preflight, or as a WebSocket
 * of an origin that is neither listed nor the request's own. False: its answer
 * will carry what the list says. cors outlives the request; NULL is fine. */
bool sl_cors_handle(const struct sl_cors *cors,
                    struct sl_http_request *request);
