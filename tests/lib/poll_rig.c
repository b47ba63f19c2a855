// SPDX-License-Identifier: MIT
/*
 * Answers are read by their Content-Length.
 */
#include "tests/lib/poll_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

void poll_negotiate(struct ws_rig *rig, char target[64])
{
    struct ws_client client;
    struct sl_str body = { 0 };
    ws_client_open(&client, rig);
    assert_int_equal(ws_client_request(&client, "POST",
                                       "/chat/negotiate?negotiateVersion=1",
                                       &body),
                     200);
    const char *at = strstr(body.ptr, "\"connectionToken\":\"");
    assert_non_null(at);
    snprintf(target, 64, "/chat?id=%.*s", SL_TOKEN_LEN, at + 19);
    sl_str_release(&body);
    ws_client_close(&client);
}

void poll_send(struct ws_client *client, const char *method, const char *target,
               const char *headers, const char *body)
{
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text,
                   "%s %s HTTP/1.1\r\nHost: test\r\n%s"
                   "Content-Length: %zu\r\n\r\n",
                   method, target, headers, strlen(body));
    for (const char *at = body; *at != '\0'; at++)
        sl_str_add_char(&text, *at == '\'' ? '"' : *at == '\n' ? 0x1e : *at);
    ws_client_send(client, sl_str_slice(&text));
    sl_str_release(&text);
}

static void receive(struct ws_client *client)
{
    assert_false(client->ended);
    test_loop_turn(&client->rig->loop);
    if (!test_recv(client->fd, &client->in, NULL))
        client->ended = true;
}

void poll_hears(struct ws_client *client, unsigned status, const char *text)
{
    static const char name[] = "Content-Length: ";
    while (client->in.len == 0 ||
           memmem(client->in.ptr, client->in.len, "\r\n\r\n", 4) == NULL)
        receive(client);
    const char *at = strstr(sl_str_cstr(&client->in), name);
    size_t len = at == NULL ? 0 : strtoul(at + sizeof(name) - 1, NULL, 10);
    assert_int_equal(ws_client_answer(client), status);
    while (client->in.len < len)
        receive(client);
    for (size_t i = 0; i < len; i++)
        if (client->in.ptr[i] == '"')
            client->in.ptr[i] = '\'';
        else if (client->in.ptr[i] == 0x1e)
            client->in.ptr[i] = '\n';
    assert_string_equal(sl_str_cstr(&client->in), text);
    sl_str_clear(&client->in);
}

void poll_ask(struct ws_rig *rig, const char *method, const char *target,
              const char *body, unsigned status, const char *text)
{
    struct ws_client client;
    ws_client_open(&client, rig);
    poll_send(&client, method, target, "", body);
    poll_hears(&client, status, text);
    ws_client_close(&client);
}

void poll_join(struct ws_rig *rig, const char *target)
{
    poll_ask(rig, "GET", target, "", 200, "");
    poll_ask(rig, "POST", target, "{'protocol':'json','version':1}\n", 200, "");
    poll_ask(rig, "GET", target, "", 200, "{}\n");
}
