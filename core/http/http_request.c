// SPDX-License-Identifier: MIT
/*
 * From the parser's spans to the slices that a handler sees, once per request,
 * when the strings they point into grow no more.
 */
#include "http/internal.h"

struct sl_http_exchange *sl_http_exchange_new(struct sl_http_server *server)
{
    struct sl_http_exchange *exchange;
    struct sl_list *node = sl_list_pop_front(&server->spare);
    if (node != NULL) {
        server->spare_count--;
        exchange = SL_CONTAINER_OF(node, struct sl_http_exchange, spare);
    } else {
        exchange = sl_alloc(sizeof(*exchange));
        sl_list_init(&exchange->spare);
        sl_http_parser_init(&exchange->parser);
    }
    exchange->request = (struct sl_http_request){ 0 };
    sl_http_parser_start(&exchange->parser, server->limits.head_max,
                         server->limits.body_max);
    return exchange;
}

static void destroy(struct sl_http_exchange *exchange)
{
    sl_http_parser_release(&exchange->parser);
    sl_free(exchange);
}

void sl_http_exchange_free(struct sl_http_server *server,
                           struct sl_http_exchange *exchange)
{
    if (exchange == NULL)
        return;
    if (server->closing || server->spare_count >= SL_HTTP_REQUESTS_KEPT) {
        destroy(exchange);
        return;
    }
    exchange->conn = NULL;
    sl_list_push_front(&server->spare, &exchange->spare);
    server->spare_count++;
}

void sl_http_exchange_free_spare(struct sl_http_server *server)
{
    struct sl_list *node;
    while ((node = sl_list_pop_front(&server->spare)) != NULL)
        destroy(SL_CONTAINER_OF(node, struct sl_http_exchange, spare));
    server->spare_count = 0;
}

bool sl_http_exchange_fill(struct sl_http_exchange *exchange,
                           const struct sockaddr_storage *peer)
{
    const struct sl_http_parser *parser = &exchange->parser;
    struct sl_http_request *request = &exchange->request;
    for (unsigned i = 0; i < parser->field_count; i++) {
        const struct sl_http_field *field = &parser->fields[i];
        exchange->headers[i] = (struct sl_header){
            .name = sl_http_parser_text(parser, field->name),
            .value = sl_http_parser_text(parser, field->value),
        };
    }
    sl_address_text(peer, exchange->remote);
    request->method = sl_http_parser_method(parser);
    request->target = sl_http_parser_text(parser, parser->target);
    request->headers = exchange->headers;
    request->header_count = parser->field_count;
    request->body = sl_str_slice(&parser->body);
    request->remote = exchange->remote;
    request->http11 = parser->llhttp.http_minor == 1;
    request->upgrade =
        parser->llhttp.upgrade && parser->llhttp.method != HTTP_CONNECT;

    if (sl_slice_eq(request->target, SL_SLICE("*")) &&
        parser->llhttp.method == HTTP_OPTIONS) {
        request->url = (struct sl_url){ .path = request->target };
        return true;
    }
    return parser->llhttp.method != HTTP_CONNECT &&
           sl_url_parse(request->target, &request->url);
}

/* What told how long the body was is said anew; nobody waits for a 100. */
static bool is_framing(struct sl_slice name)
{
    return sl_slice_eq(name, SL_SLICE("content-length")) ||
           sl_slice_eq(name, SL_SLICE("transfer-encoding")) ||
           sl_slice_eq(name, SL_SLICE("expect"));
}

void sl_http_request_write(const struct sl_http_request *request,
                           struct sl_str *out)
{
    sl_str_add_slice(out, request->method);
    sl_str_add_char(out, ' ');
    sl_str_add_slice(out, request->target);
    sl_str_add_fmt(out, " HTTP/1.%d\r\n", request->http11 ? 1 : 0);
    for (unsigned i = 0; i < request->header_count; i++) {
        if (is_framing(request->headers[i].name))
            continue;
        sl_str_add_slice(out, request->headers[i].name);
        sl_str_add_char(out, ':');
        sl_str_add_slice(out, request->headers[i].value);
        sl_str_add_lit(out, "\r\n");
    }
    if (request->body.len > 0) {
        sl_str_add_lit(out, "content-length:");
        sl_str_add_u64(out, request->body.len);
        sl_str_add_lit(out, "\r\n");
    }
    sl_str_add_lit(out, "\r\n");
    sl_str_add_slice(out, request->body);
}

struct sl_slice sl_http_header(const struct sl_http_request *request,
                               struct sl_slice name)
{
    for (unsigned i = 0; i < request->header_count; i++)
        if (sl_slice_eq(request->headers[i].name, name))
            return request->headers[i].value;
    return (struct sl_slice){ 0 };
}

static bool list_has(struct sl_slice list, struct sl_slice token)
{
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma == NULL ? list.len : (size_t)(comma - list.ptr);
        struct sl_slice item = sl_slice_trim(sl_slice_of(list.ptr, len));
        if (sl_slice_eq_nocase(item, token))
            return true;
        size_t skip = comma == NULL ? len : len + 1;
        list = sl_slice_of(list.ptr + skip, list.len - skip);
    }
    return false;
}

bool sl_http_header_has(const struct sl_http_request *request,
                        struct sl_slice name, struct sl_slice token)
{
    for (unsigned i = 0; i < request->header_count; i++)
        if (sl_slice_eq(request->headers[i].name, name) &&
            list_has(request->headers[i].value, token))
            return true;
    return false;
}
