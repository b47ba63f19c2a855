// SPDX-License-Identifier: MIT
/*
 * The rig turns the loop whenever it waits for something.
 */
#include "tests/lib/ws_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t wall_ms(void *user)
{
    return *(uint64_t *)user;
}

void ws_rig_open(struct ws_rig *rig)
{
    *rig = (struct ws_rig){ .wall_ms = 1764040000000ull };
    test_loop_open(&rig->loop);
    struct sl_loop *loop = &rig->loop.loop;
    rig->directory = sl_directory_new();
    rig->bus = sl_bus_new(rig->directory, 1);
    rig->claims = sl_claims_new(100);
    rig->clock = (struct sl_clock){ .wall_ms = wall_ms, .user = &rig->wall_ms };
    sl_token_keys_init(&rig->keys, (struct sl_slice){ 0 });
    sl_world_init(&rig->world, &loop->wheel, &loop->runq, loop->metrics);
    sl_world_attach(&rig->world, rig->bus, 0, &loop->mailbox);
    c_hub_init(&rig->hub, &rig->world);
    struct sl_hub_def def = {
        .name = SL_SLICE("chat"),
        .path = SL_SLICE("/chat"),
        .backplane_name = SL_SLICE("chat"),
        .ops = &c_hub_ops,
        .script = &rig->hub,
    };
    sl_hub_options_default(&def.options);
    rig->entry = sl_hub_add_entry(&rig->world, &def);
    rig->transport = (struct sl_transport){
        .loop = loop,
        .world = &rig->world,
        .claims = rig->claims,
        .keys = &rig->keys,
        .clock = &rig->clock,
    };
    sl_transport_init(&rig->transport);
    rig->router = sl_http_router_new();
    rig->endpoint = sl_endpoint_new(&rig->transport, rig->entry, rig->router);
    static const struct sl_http_limits limits = {
        .head_max = 8192,
        .body_max = 8192,
        .head_timeout_ms = 5000,
        .idle_timeout_ms = 5000,
    };
    sl_http_server_init(&rig->http, loop, &limits, sl_http_router_handle,
                        rig->router);
}

void ws_rig_close(struct ws_rig *rig)
{
    sl_http_server_close(&rig->http);
    sl_transport_abort(&rig->transport);
    test_loop_until(&rig->loop, rig->transport.socket_count == 0 &&
                                    sl_list_empty(&rig->http.conns));
    c_hub_release(&rig->hub);
    test_loop_until(&rig->loop, sl_world_conn_count(&rig->world) == 0);
    sl_endpoint_free(rig->endpoint, rig->router);
    sl_http_router_free(rig->router);
    sl_transport_release(&rig->transport);
    sl_world_release(&rig->world);
    test_loop_close(&rig->loop);
    sl_claims_free(rig->claims);
    sl_bus_free(rig->bus);
    sl_directory_free(rig->directory);
}

static void open_on(struct ws_client *client, struct ws_rig *rig,
                    const int pair[2])
{
    *client = (struct ws_client){ .rig = rig, .fd = pair[1] };
    struct sockaddr_storage peer = { .ss_family = AF_INET };
    sl_http_accept(&rig->http, pair[0], &peer);
}

void ws_client_open(struct ws_client *client, struct ws_rig *rig)
{
    int pair[2];
    test_tcp_pair(pair);
    open_on(client, rig, pair);
}

void ws_client_open_local(struct ws_client *client, struct ws_rig *rig)
{
    int pair[2];
    test_local_pair(pair);
    open_on(client, rig, pair);
}

void ws_client_close(struct ws_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    sl_str_release(&client->in);
}

void ws_client_send(struct ws_client *client, struct sl_slice bytes)
{
    test_send(client->fd, bytes);
}

static void receive(struct ws_client *client)
{
    test_loop_turn(&client->rig->loop);
    if (!client->ended && !test_recv(client->fd, &client->in, NULL))
        client->ended = true;
}

static void take(struct ws_client *client, size_t len)
{
    client->in.len -= len;
    memmove(client->in.ptr, client->in.ptr + len, client->in.len);
}

static const char *find(const struct sl_str *text, const char *word)
{
    return text->len == 0 ? NULL
                          : memmem(text->ptr, text->len, word, strlen(word));
}

unsigned ws_client_answer(struct ws_client *client)
{
    while (find(&client->in, "\r\n\r\n") == NULL) {
        assert_false(client->ended);
        receive(client);
    }
    unsigned status = (unsigned)strtoul(client->in.ptr + 9, NULL, 10);
    take(client, (size_t)(find(&client->in, "\r\n\r\n") - client->in.ptr) + 4);
    return status;
}

static size_t body_len(const struct sl_str *in)
{
    static const char name[] = "Content-Length: ";
    const char *at = find(in, name);
    return at == NULL ? 0 : strtoul(at + sizeof(name) - 1, NULL, 10);
}

unsigned ws_client_request(struct ws_client *client, const char *method,
                           const char *target, struct sl_str *body)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text,
                   "%s %s HTTP/1.1\r\nHost: test\r\n"
                   "Content-Length: 0\r\n\r\n",
                   method, target);
    ws_client_send(client, sl_str_slice(&text));
    sl_str_release(&text);
    while (find(&client->in, "\r\n\r\n") == NULL) {
        assert_false(client->ended);
        receive(client);
    }
    size_t len = body_len(&client->in);
    unsigned status = ws_client_answer(client);
    while (client->in.len < len)
        receive(client);
    sl_str_clear(body);
    sl_str_add(body, client->in.ptr, len);
    take(client, len);
    sl_str_cstr(body);
    return status;
}

void ws_upgrade_add(struct sl_str *out, const char *query)
{
    sl_str_add_fmt(out,
                   "GET /chat%s%s HTTP/1.1\r\nHost: test\r\n"
                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                   query[0] == '\0' ? "" : "?", query);
}

unsigned ws_client_upgrade(struct ws_client *client, const char *query)
{
    struct sl_str text = { 0 };
    ws_upgrade_add(&text, query);
    ws_client_send(client, sl_str_slice(&text));
    sl_str_release(&text);
    return ws_client_answer(client);
}

void ws_client_join(struct ws_client *client, const char *query)
{
    assert_int_equal(ws_client_upgrade(client, query), 101);
    ws_client_say(client, "{'protocol':'json','version':1}");
    ws_client_hears(client, "{}\n");
}

void ws_frame_add(struct sl_str *out, unsigned first, struct sl_slice payload)
{
    static const uint8_t mask[4] = { 1, 2, 3, 4 };
    sl_str_add_char(out, (char)first);
    if (payload.len < 126) {
        sl_str_add_char(out, (char)(0x80 | payload.len));
    } else if (payload.len < 65536) {
        sl_str_add_char(out, (char)(0x80 | 126));
        sl_str_add_char(out, (char)(payload.len >> 8));
        sl_str_add_char(out, (char)payload.len);
    } else {
        sl_str_add_char(out, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            sl_str_add_char(out, (char)((uint64_t)payload.len >> shift));
    }
    sl_str_add(out, mask, sizeof(mask));
    for (size_t i = 0; i < payload.len; i++)
        sl_str_add_char(out, (char)(payload.ptr[i] ^ mask[i % 4]));
}

void ws_client_frame(struct ws_client *client, unsigned first,
                     struct sl_slice payload)
{
    struct sl_str bytes = { 0 };
    ws_frame_add(&bytes, first, payload);
    ws_client_send(client, sl_str_slice(&bytes));
    sl_str_release(&bytes);
}

void ws_client_say(struct ws_client *client, const char *text)
{
    struct sl_str message = { 0 };
    for (const char *at = text; *at != '\0'; at++)
        sl_str_add_char(&message, *at == '\'' ? '"' : *at);
    sl_str_add_char(&message, '\x1e');
    ws_client_frame(client, 0x81, sl_str_slice(&message));
    sl_str_release(&message);
}

/* Bytes of the frame that stands in front, or 0. */
static size_t whole_frame(const struct sl_str *in, size_t *header)
{
    if (in->len < 2)
        return 0;
    const uint8_t *at = (const uint8_t *)in->ptr;
    assert_int_equal(at[1] & 0x80, 0); /* a server never masks */
    size_t len = at[1];
    *header = 2;
    if (len == 126) {
        *header = 4;
        len = in->len < 4 ? 0 : (size_t)at[2] << 8 | at[3];
    } else if (len == 127) {
        *header = 10;
        len = 0;
        for (unsigned i = 2; i < 10 && in->len >= 10; i++)
            len = len << 8 | at[i];
    }
    return in->len >= *header + len ? *header + len : 0;
}

bool ws_client_next(struct ws_client *client, unsigned *first,
                    struct sl_str *payload)
{
    size_t header, size;
    while ((size = whole_frame(&client->in, &header)) == 0) {
        if (client->ended)
            return false;
        receive(client);
    }
    *first = (uint8_t)client->in.ptr[0];
    sl_str_clear(payload);
    sl_str_add(payload, client->in.ptr + header, size - header);
    take(client, size);
    return true;
}

void ws_client_hears(struct ws_client *client, const char *text)
{
    unsigned first = 0;
    struct sl_str payload = { 0 }, heard = { 0 };
    while (heard.len < strlen(text)) {
        assert_true(ws_client_next(client, &first, &payload));
        assert_int_equal(first, 0x81);
        sl_str_add_slice(&heard, sl_str_slice(&payload));
    }
    for (size_t i = 0; i < heard.len; i++) {
        if (heard.ptr[i] == '"')
            heard.ptr[i] = '\'';
        else if (heard.ptr[i] == '\x1e')
            heard.ptr[i] = '\n';
    }
    assert_string_equal(sl_str_cstr(&heard), text);
    sl_str_release(&heard);
    sl_str_release(&payload);
}

void ws_client_hears_close(struct ws_client *client, unsigned code)
{
    unsigned first = 0;
    struct sl_str payload = { 0 };
    assert_true(ws_client_next(client, &first, &payload));
    assert_int_equal(first, 0x88);
    unsigned said = 0;
    if (payload.len >= 2)
        said = (unsigned)(uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1];
    assert_int_equal(said, code);
    sl_str_release(&payload);
    /* The peer's answer to the Close, so that the server need not wait. */
    if (!client->ended)
        ws_client_frame(client, 0x88, SL_SLICE("\x03\xe8"));
    while (!client->ended)
        receive(client);
    assert_int_equal(client->in.len, 0);
}
