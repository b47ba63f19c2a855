// SPDX-License-Identifier: MIT
/*
 * What the files of this folder share: the request as its connection sees it,
 * and writing answers.
 */
#pragma once

#include "http/http.h"
#include "http/http_parser.h"
#include "net/listener.h"

struct sl_http_conn;

/* Exists from a request's first byte until it is answered; kept for reuse. */
struct sl_http_exchange {
    struct sl_http_request request; /* what the handler sees */
    struct sl_http_conn *conn;
    struct sl_list spare; /* in server->spare while unused */
    struct sl_http_parser parser;
    struct sl_header headers[SL_HTTP_HEADERS_MAX];
    char remote[SL_ADDRESS_TEXT_MAX];
};

/* Returns owned, its parser started. */
struct sl_http_exchange *sl_http_exchange_new(struct sl_http_server *server);

/* Takes; keeps it for reuse, or frees it. */
void sl_http_exchange_free(struct sl_http_server *server,
                           struct sl_http_exchange *exchange);

/* Frees what is kept. */
void sl_http_exchange_free_spare(struct sl_http_server *server);

/* Fills `request` from the parser. False: the target does not read. */
bool sl_http_exchange_fill(struct sl_http_exchange *exchange,
                           const struct sockaddr_storage *peer);

/* "OK"; "" for a status that has no name. */
const char *sl_http_status_text(unsigned status);

struct sl_http_answer_form {
    const struct sl_header *added; /* of the request */
    unsigned added_count;
    bool head;     /* the request was HEAD */
    bool http10;   /* and by HTTP/1.0, which must be told of keep-alive */
    bool keep;     /* the connection stays open */
    bool chunked;  /* the body follows in chunks */
    bool streamed; /* the body follows, chunked or up to the socket's end */
};

/* Appends the request as a server can read it again: no longer than it came,
 * its body in one piece. */
void sl_http_request_write(const struct sl_http_request *request,
                           struct sl_str *out);

/* Queues the whole answer; of a streamed one the head. */
void sl_http_response_send(struct sl_http_server *server,
                           struct sl_stream *stream,
                           const struct sl_http_answer *answer,
                           struct sl_http_answer_form form);
