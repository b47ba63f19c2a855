// SPDX-License-Identifier: MIT
/*
 * HTTP/1.1 for one worker: requests, answers, and the hand-over of a socket at
 * an upgrade. A request is delivered when its head and body are complete
 * (bodies are bounded); its answer may come later, from the same thread.
 * Requests of one connection are answered in order: the next one is not looked
 * at before the answer of the last is given.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/stream.h"
#include "wire/request_head.h"
#include "wire/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct sl_http_request;

/* Borrowed: decides on one request. Must answer (now or later) or take the
 * stream by sl_http_upgrade. */
typedef void (*sl_http_handler)(struct sl_http_request *request, void *user);

struct sl_http_limits {
    size_t head_max;          /* bytes of request line and headers */
    size_t body_max;          /* bytes of a body */
    uint64_t head_timeout_ms; /* from the accept to the first byte, from there
                                  to the end of the head, and for the body */
    uint64_t idle_timeout_ms; /* between two requests; also for an answer of
                                  which the peer takes nothing */
};

/* One per worker (and one for the admin listener). */
struct sl_http_server {
    struct sl_loop *loop;
    struct sl_http_limits limits;
    sl_http_handler handler;
    void *user;
    struct sl_list conns;    /* open HTTP connections; empty: all are closed */
    const char *server_name; /* value of the Server header; NULL: none */
    bool closing;
    /* Inner: request objects for reuse, a head being written, the Date. */
    struct sl_list spare;
    unsigned spare_count;
    struct sl_str scratch;
    uint64_t date_s; /* that `date` says; seconds since 1970 */
    char date[32];   /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};

/* sl_http_server_close is its release: what it holds is freed with the last
 * connection, while the loop still turns. */
void sl_http_server_init(struct sl_http_server *server, struct sl_loop *loop,
                         const struct sl_http_limits *limits,
                         sl_http_handler handler, void *user);

/* Takes the socket; closes it when the server is closing. */
void sl_http_accept(struct sl_http_server *server, int fd,
                    const struct sockaddr_storage *peer);

/* Closes idle connections now, busy ones after their answer. The server must
 * stay where it is until `conns` is empty. May be called twice. */
void sl_http_server_close(struct sl_http_server *server);

/* Closes every connection at once; handlers of requests that are not answered
 * are told that their peer is gone. */
void sl_http_server_abort(struct sl_http_server *server);

/* What a handler sees; everything borrows from the request, which lives until
 * it is answered. */
struct sl_http_request {
    struct sl_slice method; /* "GET" */
    struct sl_slice target;
    struct sl_url url;               /* still percent-encoded */
    const struct sl_header *headers; /* names in lower case */
    unsigned header_count;
    struct sl_slice body;
    const char *remote; /* "127.0.0.1" */
    bool http11;
    bool upgrade; /* Connection: upgrade was asked for */
    /* Written in its answer, whoever gives it; they outlive the request. */
    const struct sl_header *added;
    unsigned added_count;
    void *tag; /* the handler's own */
    /* Called once when the peer goes away (or half-closes) before the answer;
     * the request is gone when it returns. NULL: the handler is not told, and
     * the request lives until it is answered into the void. */
    void (*on_gone)(struct sl_http_request *request);
};

/* First value of a header (name in lower case); empty slice: none. */
struct sl_slice sl_http_header(const struct sl_http_request *request,
                               struct sl_slice name);

/* Whether a comma-separated header has the token, any case. */
bool sl_http_header_has(const struct sl_http_request *request,
                        struct sl_slice name, struct sl_slice token);

struct sl_http_answer {
    unsigned status;
    const struct sl_header *headers; /* besides Date, Content-Length, ... */
    unsigned header_count;
    struct sl_slice content_type; /* empty: none */
    struct sl_slice body;         /* copied */
    struct sl_buf *body_buf;      /* instead of body; shares */
    bool close;                   /* end the connection afterwards */
};

/* Answers; the request is gone after the call (but not before the handler
 * returns). Once. Date, Content-Length (but with 1xx, 204 and 304) and what
 * Connection needs are added; HEAD gets no body. Headers with a line break
 * inside are left out. */
void sl_http_answer(struct sl_http_request *request,
                    const struct sl_http_answer *answer);

/* The short form: status, text/plain body (may be empty). */
void sl_http_answer_text(struct sl_http_request *request, unsigned status,
                         struct sl_slice body);

/* Gives the socket to a new owner: the caller owns the stream then, sets its
 * ops and user, and starts reading. rest: bytes that came after the head,
 * borrowed until the handler returns; the new owner handles them first. The
 * request (its headers too) lives until the handler returns, or the caller
 * returns to the loop. NULL: the peer is gone (only possible without
 * on_gone). */
struct sl_stream *sl_http_upgrade(struct sl_http_request *request,
                                  struct sl_slice *rest);

/* Begins an answer whose body comes piece by piece, and gives the stream to a
 * new owner as sl_http_upgrade does. *chunked: each piece must be a chunk, and
 * the last one says so; else the body ends with the socket. Either way the
 * socket is closed behind it. What came after the request is dropped. Neither
 * body nor body_buf may be set. */
struct sl_stream *sl_http_begin(struct sl_http_request *request,
                                const struct sl_http_answer *answer,
                                bool *chunked);

/* Takes a request away unanswered, its socket with it, for another server that
 * reads it anew. *bytes gets (appended) the request and whatever came after
 * it. Returns the descriptor, owned; or -1 and the request is still the
 * caller's: an earlier answer waits to be written, or descriptors have run
 * out. */
int sl_http_detach(struct sl_http_request *request, struct sl_str *bytes,
                   struct sockaddr_storage *peer);

/* Takes a socket that another server detached. Handles what it has read; the
 * bytes are copied. */
void sl_http_adopt(struct sl_http_server *server, int fd,
                   const struct sockaddr_storage *peer, struct sl_slice bytes);
