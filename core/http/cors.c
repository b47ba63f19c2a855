// SPDX-License-Identifier: MIT
/*
 * The headers that a listed origin gets are made once. An answer to any other
 * page differs from that one, so caches are told (Vary) in every answer.
 *
 * Nothing but the list is matched: no wildcard, no suffix, no other case, since
 * browsers send an origin in one form.
 */
#include "http/cors.h"

#include "base/mem.h"

#define ALLOW_METHODS SL_SLICE("Access-Control-Allow-Methods")
#define ALLOW_HEADERS SL_SLICE("Access-Control-Allow-Headers")
#define REQUEST_METHOD SL_SLICE("access-control-request-method")
#define REQUEST_HEADERS SL_SLICE("access-control-request-headers")

enum { VARY, ALLOW_ORIGIN, ALLOW_CREDENTIALS, HEADER_COUNT };

struct entry {
    char *origin; /* owned */
    struct sl_header headers[HEADER_COUNT];
};

struct sl_cors {
    unsigned count;
    struct entry entries[];
};

static void init_entry(struct entry *entry, const char *origin)
{
    entry->origin = sl_strdup(origin);
    entry->headers[VARY] =
        (struct sl_header){ SL_SLICE("Vary"), SL_SLICE("Origin") };
    entry->headers[ALLOW_ORIGIN] =
        (struct sl_header){ SL_SLICE("Access-Control-Allow-Origin"),
                            sl_slice_str(entry->origin) };
    entry->headers[ALLOW_CREDENTIALS] =
        (struct sl_header){ SL_SLICE("Access-Control-Allow-Credentials"),
                            SL_SLICE("true") };
}

struct sl_cors *sl_cors_new(char *const *origins, unsigned origin_count)
{
    if (origin_count == 0)
        return NULL;
    struct sl_cors *cors =
        sl_zalloc(sizeof(*cors) + origin_count * sizeof(cors->entries[0]));
    cors->count = origin_count;
    for (unsigned i = 0; i < origin_count; i++)
        init_entry(&cors->entries[i], origins[i]);
    return cors;
}

void sl_cors_free(struct sl_cors *cors)
{
    if (cors == NULL)
        return;
    for (unsigned i = 0; i < cors->count; i++)
        sl_free(cors->entries[i].origin);
    sl_free(cors);
}

const char *sl_cors_origin_fault(const char *origin)
{
    const char *colon = strstr(origin, "://");
    if (strchr(origin, '*') != NULL)
        return "has a wildcard: each origin is listed as it is";
    if (colon == NULL || colon == origin || colon[3] == '\0')
        return "is no origin: write it as in https://app.example";
    if (strpbrk(colon + 3, "/?#@ ") != NULL)
        return "has more than scheme, host and port";
    for (const char *at = origin; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            return "has capital letters: browsers send origins in lower case";
    return NULL;
}

/* NULL: not listed. */
static const struct entry *find(const struct sl_cors *cors,
                                struct sl_slice origin)
{
    for (unsigned i = 0; i < cors->count; i++)
        if (sl_slice_eq(cors->entries[i].headers[ALLOW_ORIGIN].value, origin))
            return &cors->entries[i];
    return NULL;
}

/* The page came from the host that is asked; by which scheme is not known
 * behind a proxy. */
static bool is_own(const struct sl_http_request *request,
                   struct sl_slice origin)
{
    struct sl_slice host = sl_http_header(request, SL_SLICE("host"));
    const char *slashes = memmem(origin.ptr, origin.len, "://", 3);
    if (slashes == NULL || host.len == 0)
        return false;
    size_t skip = (size_t)(slashes + 3 - origin.ptr);
    return sl_slice_eq_nocase(sl_slice_of(origin.ptr + skip, origin.len - skip),
                              host);
}

/* Whatever method and headers the page wants: what they may do is decided by
 * who handles the request. */
static void answer_preflight(struct sl_http_request *request, bool listed)
{
    struct sl_slice names = sl_http_header(request, REQUEST_HEADERS);
    const struct sl_header headers[] = {
        { ALLOW_METHODS, sl_http_header(request, REQUEST_METHOD) },
        { ALLOW_HEADERS, names },
    };
    sl_http_answer(request, &(struct sl_http_answer){
                                .status = 204,
                                .headers = headers,
                                .header_count = !listed          ? 0
                                                : names.len == 0 ? 1
                                                                 : 2,
                            });
}

bool sl_cors_handle(const struct sl_cors *cors, struct sl_http_request *request)
{
    if (cors == NULL)
        return false;
    struct sl_slice origin = sl_http_header(request, SL_SLICE("origin"));
    const struct entry *entry = find(cors, origin);
    request->added =
        entry != NULL ? entry->headers : &cors->entries[0].headers[VARY];
    request->added_count = entry != NULL ? HEADER_COUNT : 1;
    if (origin.len == 0)
        return false;
    if (sl_slice_eq(request->method, SL_SLICE("OPTIONS")) &&
        sl_http_header(request, REQUEST_METHOD).len > 0) {
        answer_preflight(request, entry != NULL);
        return true;
    }
    bool upgrades =
        request->upgrade &&
        sl_http_header_has(request, SL_SLICE("upgrade"), SL_SLICE("websocket"));
    if (!upgrades || entry != NULL || is_own(request, origin))
        return false;
    sl_http_answer_text(request, 403, (struct sl_slice){ 0 });
    return true;
}
