// SPDX-License-Identifier: MIT
/*
 * The two HTTP requests that stand before a WebSocket connection.  Answers are
 * searched for what is needed, not parsed: servers under load test speak HTTP.
 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../common/fatal.h"

/* Bytes of a request: a path and a token of the command line's size. */
#define REQUEST_SIZE_MAX 2048

static const char header_end[] = "\r\n\r\n";

static void append_request(struct sl_bytes *out, const char *request, int size)
{
    if (size < 0 || size >= REQUEST_SIZE_MAX)
        sl_fatal("the request for the hub's path is too long");
    sl_bytes_append(out, request, (size_t)size);
}

void sl_http_append_negotiate(struct sl_bytes *out,
                              const struct sl_options *options, uint16_t port)
{
    char request[REQUEST_SIZE_MAX];
    append_request(out, request,
                   snprintf(request, sizeof request,
                            "POST %s/negotiate?negotiateVersion=1 HTTP/1.1\r\n"
                            "Host: %s:%u\r\n"
                            "Content-Length: 0\r\n\r\n",
                            options->path, options->host, port));
}

void sl_http_append_upgrade(struct sl_bytes *out,
                            const struct sl_options *options, uint16_t port,
                            struct sl_text token)
{
    char request[REQUEST_SIZE_MAX];
    append_request(out, request,
                   snprintf(request, sizeof request,
                            "GET %s%s%.*s HTTP/1.1\r\n"
                            "Host: %s:%u\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            "Sec-WebSocket-Version: 13\r\n\r\n",
                            options->path, token.size > 0 ? "?id=" : "",
                            (int)token.size, token.size > 0 ? token.data : "",
                            options->host, port));
}

/* The bytes of the header with its empty line; 0: not all there yet. */
static size_t find_body(const uint8_t *data, size_t size)
{
    const uint8_t *end = memmem(data, size, header_end, sizeof header_end - 1);
    if (end == NULL)
        return 0;
    return (size_t)(end - data) + sizeof header_end - 1;
}

static bool has_status(const uint8_t *data, size_t size, const char *status)
{
    const size_t status_size = strlen(status);
    return size >= status_size && memcmp(data, status, status_size) == 0;
}

/* Is the body there to its end?  With Content-Length, or chunked. */
static bool is_whole(const char *data, size_t size, size_t body_at)
{
    static const char length_name[] = "\r\ncontent-length:";
    for (size_t i = 0; i + sizeof length_name - 1 <= body_at; i++) {
        if (strncasecmp(data + i, length_name, sizeof length_name - 1) != 0)
            continue;
        const char *value = data + i + sizeof length_name - 1;
        return size - body_at >= strtoul(value, NULL, 10);
    }
    static const char last_chunk[] = "0\r\n\r\n";
    const size_t last_size = sizeof last_chunk - 1;
    return size - body_at >= last_size &&
           memcmp(data + size - last_size, last_chunk, last_size) == 0;
}

enum sl_http_outcome sl_http_read_negotiate(const uint8_t *data, size_t size,
                                            struct sl_text *token)
{
    static const char token_name[] = "\"connectionToken\":\"";
    const char *const text = (const char *)data;
    const size_t body_at = find_body(data, size);
    if (body_at == 0 || !is_whole(text, size, body_at))
        return SL_HTTP_INCOMPLETE;
    if (!has_status(data, size, "HTTP/1.1 200"))
        return SL_HTTP_REFUSED;
    const char *start = memmem(text + body_at, size - body_at, token_name,
                               sizeof token_name - 1);
    if (start == NULL)
        return SL_HTTP_REFUSED;
    start += sizeof token_name - 1;
    const char *end = memchr(start, '"', size - (size_t)(start - text));
    if (end == NULL)
        return SL_HTTP_REFUSED;
    *token = (struct sl_text){ start, (size_t)(end - start) };
    return SL_HTTP_DONE;
}

enum sl_http_outcome sl_http_read_upgrade(const uint8_t *data, size_t size,
                                          size_t *used)
{
    *used = find_body(data, size);
    if (*used == 0)
        return SL_HTTP_INCOMPLETE;
    if (!has_status(data, size, "HTTP/1.1 101"))
        return SL_HTTP_REFUSED;
    return SL_HTTP_DONE;
}
