// SPDX-License-Identifier: MIT
/*
 * What clients of Server-Sent Events and Long Polling may do with one token, in
 * any order and over several sockets: poll, listen, post, delete, send anything
 * at all, stop reading, leave, let time pass. Every answer must be a proper one
 * with a status that the request may get, a stream is made of events, and once
 * all clients have left nothing may be left.
 *
 *   | how | step, argument ... | step, argument ... | ...
 *
 * how: see below. A step is one byte: what is done, and by which client; its
 * argument is a byte, and a text of that length where one is sent.
 */
#include "base/check.h"
#include "base/log.h"
#include "tests/lib/ws_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CUTS 15u   /* bits of `how`: sends in pieces; 0: whole */
#define SHAKEN 16u /* the handshake is sent before the steps */
#define TEN 32u    /* requests are HTTP/1.0 */

#define CLIENTS 4
#define STEP_MASK 15u
#define PASS_UNIT_MS 100
#define END_STEP_MS 5000
#define END_STEPS 8       /* longer than anything waits */
#define TOKEN_SIGN '\x01' /* stands for the token in a text */
#define MAX_OUTBOUND 4096

enum step {
    POLL,
    LISTEN,
    POST,
    CHUNKED,
    CALL,
    DELETE,
    UPGRADE,
    SEND,
    DEAF,
    HANG_UP,
    LEAVE,
    PASS,
    FINISH,
};

struct client {
    struct ws_client socket; /* fd negative: not opened yet */
    bool deaf;               /* it does not read */
    bool wild;               /* it sent anything at all */
    bool streams, chunked;   /* an event stream is what it gets */
    bool upgraded, over;     /* no HTTP follows; nothing at all may */
    unsigned asked, heard;   /* requests and their answers */
    struct sl_str events;    /* of its stream */
};

static struct ws_rig rig;
static struct client clients[CLIENTS];
static char token[SL_TOKEN_LEN + 1];
static uint8_t how;

/* ---- what is heard ---- */

static void take(struct sl_str *in, size_t len)
{
    in->len -= len;
    memmove(in->ptr, in->ptr + len, in->len);
}

static size_t number_of(const char *head, const char *name)
{
    const char *at = strstr(head, name);
    return at == NULL ? 0 : strtoul(at + strlen(name), NULL, 10);
}

static bool is_expected(unsigned status, bool wild)
{
    switch (status) {
    case 200:
    case 202:
    case 204:
    case 400:
    case 404:
    case 405:
    case 409:
    case 413: return true;
    default: return wild && status >= 400 && status < 506;
    }
}

/* The stream so far: a comment, then events, each of whole messages. */
static void check_events(struct client *client)
{
    struct sl_str *events = &client->events;
    const char *end;
    while (events->len > 0 &&
           (end = memmem(events->ptr, events->len, "\r\n", 2)) != NULL) {
        struct sl_slice line =
            sl_slice_of(events->ptr, (size_t)(end - events->ptr));
        bool data = line.len > 6 && memcmp(line.ptr, "data: ", 6) == 0;
        sl_assert(data || line.len == 0 || sl_slice_eq(line, SL_SLICE(":")));
        sl_assert(!data || line.ptr[line.len - 1] == 0x1e);
        take(events, line.len + 2);
    }
}

/* Takes a chunk off. False: it is not there yet. */
static bool hear_chunk(struct client *client)
{
    struct sl_str *in = &client->socket.in;
    char *data;
    if (in->len == 0 || memmem(in->ptr, in->len, "\r\n", 2) == NULL)
        return false;
    size_t len = strtoul(sl_str_cstr(in), &data, 16);
    sl_assert(data > in->ptr && data[0] == '\r' && data[1] == '\n');
    size_t head = (size_t)(data - in->ptr) + 2;
    if (in->len < head + len + 2)
        return false;
    sl_assert(memcmp(in->ptr + head + len, "\r\n", 2) == 0);
    sl_str_add(&client->events, in->ptr + head, len);
    take(in, head + len + 2);
    client->over = len == 0;
    check_events(client);
    return !client->over;
}

/* Takes an answer off. False: it is not there yet. */
static bool hear_answer(struct client *client)
{
    struct sl_str *in = &client->socket.in;
    const char *end =
        in->len == 0 ? NULL : memmem(in->ptr, in->len, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    size_t head_len = (size_t)(end - in->ptr) + 4;
    char head[1024];
    sl_assert(head_len < sizeof(head));
    memcpy(head, in->ptr, head_len);
    head[head_len] = '\0';
    sl_assert(memcmp(head, "HTTP/1.1 ", 9) == 0);
    unsigned status = (unsigned)strtoul(head + 9, NULL, 10);
    size_t len = number_of(head, "Content-Length: ");
    if (in->len < head_len + len)
        return false;
    take(in, head_len);
    if (status == 100) {
        sl_assert(client->wild);
        return true;
    }
    client->heard++;
    sl_assert(client->wild || client->heard <= client->asked);
    client->upgraded = status == 101;
    sl_assert(client->upgraded || is_expected(status, client->wild));
    if (strstr(head, "text/event-stream") != NULL) {
        client->streams = true;
        client->chunked = strstr(head, "chunked") != NULL;
    }
    take(in, len);
    return !client->upgraded && !client->streams;
}

static void hear(struct client *client)
{
    struct ws_client *socket = &client->socket;
    if (socket->fd < 0 || client->deaf)
        return;
    if (!socket->ended && !test_recv(socket->fd, &socket->in, NULL))
        socket->ended = true;
    if (client->upgraded) {
        sl_str_clear(&socket->in);
        return;
    }
    while (!client->streams && hear_answer(client))
        continue;
    while (client->chunked && !client->over && hear_chunk(client))
        continue;
    if (client->streams && !client->chunked && socket->in.len > 0) {
        sl_str_add_slice(&client->events, sl_str_slice(&socket->in));
        sl_str_clear(&socket->in);
        check_events(client);
    }
    sl_assert(!client->over || socket->in.len == 0);
}

static void settle(void)
{
    test_loop_settle(&rig.loop);
    for (unsigned i = 0; i < CLIENTS; i++)
        hear(&clients[i]);
    sl_assert(sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES) <
              2 * CLIENTS * MAX_OUTBOUND + (1 << 18));
}

/* ---- what is done ---- */

static void leave(struct client *client)
{
    if (client->socket.fd >= 0)
        ws_client_close(&client->socket);
    sl_str_release(&client->events);
    *client = (struct client){ .socket = { .fd = -1 } };
}

static void say(struct client *client, struct sl_slice bytes)
{
    unsigned state = how & CUTS;
    if (client->socket.fd < 0)
        ws_client_open_local(&client->socket, &rig);
    while (bytes.len > 0) {
        state = state * 1103515245u + 12345u;
        size_t piece = how & CUTS ? 1 + (state >> 16) % 64 : bytes.len;
        if (piece > bytes.len)
            piece = bytes.len;
        ssize_t sent = send(client->socket.fd, bytes.ptr, piece,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) /* the server has ended it, or does not read */
            break;
        bytes = sl_slice_of(bytes.ptr + sent, bytes.len - (size_t)sent);
        if (how & CUTS)
            test_loop_turn(&rig.loop);
    }
}

static void ask(struct client *client, const char *method, const char *headers,
                struct sl_slice body)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text,
                   "%s /chat?id=%s HTTP/1.%d\r\nHost: test\r\n%s"
                   "Content-Length: %zu\r\n\r\n",
                   method, token, how & TEN ? 0 : 1, headers, body.len);
    sl_str_add_slice(&text, body);
    client->asked++;
    say(client, sl_str_slice(&text));
    sl_str_release(&text);
}

/* One byte in a chunk, so that the cuts fall anywhere in them. */
static void post_chunked(struct client *client, struct sl_slice body)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text,
                   "POST /chat?id=%s HTTP/1.1\r\nHost: test\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n",
                   token);
    for (size_t i = 0; i < body.len; i++) {
        sl_str_add_lit(&text, "1;a=b\r\n");
        sl_str_add_char(&text, body.ptr[i]);
        sl_str_add_lit(&text, "\r\n");
    }
    sl_str_add_lit(&text, "0\r\nx: y\r\n\r\n");
    client->asked++;
    say(client, sl_str_slice(&text));
    sl_str_release(&text);
}

static const char *const messages[] = {
    "{\"protocol\":\"json\",\"version\":1}",
    "{\"protocol\":\"messagepack\",\"version\":1}",
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[1,2]}",
    "{\"type\":1,\"target\":\"Slow\",\"arguments\":[1]}",
    "{\"type\":1,\"invocationId\":\"2\",\"target\":\"Slow\",\"arguments\":[1]}",
    "{\"type\":1,\"target\":\"Abort\",\"arguments\":[]}",
    "{\"type\":1,\"target\":\"SendAll\",\"arguments\":[\"short\"]}",
    ("{\"type\":4,\"invocationId\":\"3\",\"target\":\"Count\",\"arguments\":"
     "[3]}"),
    ("{\"type\":4,\"invocationId\":\"4\",\"target\":\"Count\",\"arguments\":"
     "[5000]}"),
    "{\"type\":4,\"invocationId\":\"5\",\"target\":\"Hang\",\"arguments\":[]}",
    "{\"type\":5,\"invocationId\":\"5\"}",
    ("{\"type\":1,\"invocationId\":\"6\",\"target\":\"Sum\",\"arguments\":[],"
     "\"streamIds\":[\"u\"]}"),
    "{\"type\":2,\"invocationId\":\"u\",\"item\":7}",
    "{\"type\":3,\"invocationId\":\"u\"}",
    "{\"type\":6}",
    "{\"type\":7}",
};

#define LARGE 16u /* bit of a call's argument: a message of 1000 bytes */

static void call(struct client *client, uint8_t argument)
{
    struct sl_str body = { 0 };
    if (argument & LARGE) {
        sl_str_add_lit(&body, "{\"type\":1,\"target\":\"SendAll\","
                              "\"arguments\":[\"");
        for (unsigned i = 0; i < 1000; i++)
            sl_str_add_char(&body, 'x');
        sl_str_add_lit(&body, "\"]}");
    } else {
        sl_str_add_fmt(&body, "%s", messages[argument % SL_COUNT(messages)]);
    }
    sl_str_add_char(&body, 0x1e);
    ask(client, "POST", "", sl_str_slice(&body));
    sl_str_release(&body);
}

static void send_text(struct client *client, struct sl_slice text)
{
    struct sl_str bytes = { 0 };
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == TOKEN_SIGN)
            sl_str_add(&bytes, token, SL_TOKEN_LEN);
        else
            sl_str_add_char(&bytes, text.ptr[i]);
    client->wild = true;
    say(client, sl_str_slice(&bytes));
    sl_str_release(&bytes);
}

static void upgrade(struct client *client)
{
    struct sl_str text = { 0 };
    char query[64];
    snprintf(query, sizeof(query), "id=%s", token);
    ws_upgrade_add(&text, query);
    client->asked++;
    say(client, sl_str_slice(&text));
    sl_str_release(&text);
}

static void pass(uint64_t ms)
{
    rig.loop.now_ms += ms;
    rig.wall_ms += ms;
}

/* The text behind a step that sends one. */
static struct sl_slice take_text(struct sl_slice *rest, size_t len)
{
    struct sl_slice text =
        sl_slice_of(rest->ptr, len < rest->len ? len : rest->len);
    *rest = sl_slice_of(rest->ptr + text.len, rest->len - text.len);
    return text;
}

static void do_step(struct client *client, uint8_t step, uint8_t argument,
                    struct sl_slice *rest)
{
    struct sl_slice none = { 0 };
    switch (step & STEP_MASK) {
    case POLL: ask(client, "GET", "", none); break;
    case LISTEN:
        ask(client, "GET", "Accept: text/event-stream\r\n", none);
        break;
    case POST: ask(client, "POST", "", take_text(rest, argument)); break;
    case CHUNKED: post_chunked(client, take_text(rest, argument)); break;
    case CALL: call(client, argument); break;
    case DELETE: ask(client, "DELETE", "", none); break;
    case UPGRADE: upgrade(client); break;
    case SEND: send_text(client, take_text(rest, argument)); break;
    case DEAF: client->deaf = argument & 1; break;
    case HANG_UP:
        if (client->socket.fd >= 0)
            shutdown(client->socket.fd, SHUT_WR);
        break;
    case LEAVE: leave(client); break;
    case PASS: pass((uint64_t)argument * PASS_UNIT_MS); break;
    case FINISH: c_hub_finish(&rig.hub); break;
    default: break;
    }
    settle();
}

/* ---- a run ---- */

static void set_up(void)
{
    ws_rig_open(&rig);
    test_loop_stop_time(&rig.loop);
    struct sl_hub_options *options = &rig.entry->options;
    options->max_message_size = 2048;
    options->max_outbound = MAX_OUTBOUND;
    options->keep_alive = 3000;
    options->client_timeout = 6000;
    options->poll_timeout = 10000;
    options->disconnect_timeout = 5000;
    for (unsigned i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){ .socket = { .fd = -1 } };
}

static void negotiate(void)
{
    static const char name[] = "\"connectionToken\":\"";
    struct ws_client client;
    struct sl_str body = { 0 };
    ws_client_open_local(&client, &rig);
    ws_client_request(&client, "POST", "/chat/negotiate?negotiateVersion=1",
                      &body);
    const char *at = strstr(sl_str_cstr(&body), name);
    sl_assert(at != NULL);
    memcpy(token, at + sizeof(name) - 1, SL_TOKEN_LEN);
    sl_str_release(&body);
    ws_client_close(&client);
}

static void end_all(void)
{
    while (c_hub_finish(&rig.hub))
        settle();
    for (unsigned i = 0; i < CLIENTS; i++)
        leave(&clients[i]);
    for (unsigned i = 0; i < END_STEPS; i++) {
        test_loop_settle(&rig.loop);
        while (c_hub_finish(&rig.hub)) /* those that waited for a slot */
            test_loop_settle(&rig.loop);
        pass(END_STEP_MS);
    }
    test_loop_settle(&rig.loop);
    c_hub_log(&rig.hub);
}

static void check_nothing_is_left(void)
{
    sl_assert(rig.transport.socket_count == 0);
    sl_assert(rig.transport.early_bytes == 0);
    sl_assert(sl_list_empty(&rig.transport.links));
    sl_assert(sl_list_empty(&rig.http.conns));
    sl_assert(sl_world_conn_count(&rig.world) == 0);
    sl_assert(sl_metric_get(&rig.loop.metrics, SL_M_SOCKETS) == 0);
    sl_assert(sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES) == 0);
    sl_assert(sl_metric_get(&rig.loop.metrics, SL_M_CONNECTIONS) == 0);
    sl_assert(rig.hub.live_calls == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2 || len > 4096)
        return 0;
    how = bytes[0];
    sl_log_setup(2, SL_LOG_OFF, SL_LOG_TEXT);
    set_up();
    negotiate();
    if (how & SHAKEN)
        call(&clients[0], 0);
    settle();
    struct sl_slice rest = sl_slice_of(bytes + 1, len - 1);
    while (rest.len >= 2) {
        uint8_t step = (uint8_t)rest.ptr[0], argument = (uint8_t)rest.ptr[1];
        rest = sl_slice_of(rest.ptr + 2, rest.len - 2);
        do_step(&clients[(step >> 4) % CLIENTS], step, argument, &rest);
    }
    end_all();
    check_nothing_is_left();
    ws_rig_close(&rig);
    return 0;
}
