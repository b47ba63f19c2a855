// SPDX-License-Identifier: MIT
/*
 * Runs wire cases: scripts of the bytes that clients send and of the bytes
 * they must get, one case per file. See tests/wire/README.md for the language.
 *
 *   wire_test FILE...          prints "ok FILE" or the first difference
 *   wire_test --wrong FILE...  each must fail in the line after "# wrong"
 *
 * Clients sit on local socket pairs and the time stands still but for `pass`:
 * after each line everything that it causes has happened, so "nothing" is as
 * certain as something, and no case waits.
 */
#include "base/log.h"
#include "tests/lib/ws_rig.h"
#include "tests/wire/notation.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CLIENTS_MAX 32
#define CLIENT_NAME_MAX 23
#define TEXT_FRAME 0x81u
#define BINARY_FRAME 0x82u
#define CLOSE_FRAME 0x88u

struct client {
    char name[CLIENT_NAME_MAX + 1];
    struct ws_client socket;
    struct sl_str head; /* of the HTTP answer taken last */
};

struct run {
    struct ws_rig rig;
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
    struct client *current;
    struct notation_names names;
    struct sl_str log; /* of the hub, not looked at */
    const char *path;
    unsigned line;
    struct sl_str fault; /* what was got instead, or what is wrong */
};

/* What stands behind the command's name. True: the case goes on. */
typedef bool (*command_fn)(struct run *run, struct sl_slice rest);

static bool fail(struct run *run, const char *why)
{
    sl_str_add_fmt(&run->fault, "%s", why);
    return false;
}

static bool fail_got(struct run *run, struct sl_slice bytes)
{
    sl_str_add_lit(&run->fault, "got ");
    notation_show(&run->fault, bytes);
    return false;
}

static struct sl_slice next_word(struct sl_slice *rest)
{
    const char *space = memchr(rest->ptr, ' ', rest->len);
    size_t len = space == NULL ? rest->len : (size_t)(space - rest->ptr);
    struct sl_slice word = sl_slice_of(rest->ptr, len);
    size_t skip = space == NULL ? len : len + 1;
    *rest = sl_slice_of(rest->ptr + skip, rest->len - skip);
    return word;
}

/* ---- sending ---- */

/* Everything that was done has its consequences. */
static void settle(struct run *run)
{
    test_loop_settle(&run->rig.loop);
    for (unsigned i = 0; i < run->client_count; i++) {
        struct ws_client *socket = &run->clients[i].socket;
        if (socket->fd >= 0 && !socket->ended &&
            !test_recv(socket->fd, &socket->in, NULL))
            socket->ended = true;
    }
    sl_str_add_fmt(&run->log, "%s", c_hub_log(&run->rig.hub));
}

/* The server may have closed: what it does not take is lost. */
static bool send_bytes(struct run *run, struct sl_slice bytes)
{
    if (run->current == NULL || run->current->socket.fd < 0)
        return fail(run, "no client is open");
    while (bytes.len > 0) {
        ssize_t sent = send(run->current->socket.fd, bytes.ptr, bytes.len,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes = sl_slice_of(bytes.ptr + sent, bytes.len - (size_t)sent);
        else if (errno != EAGAIN)
            break;
        settle(run);
    }
    return true;
}

static bool send_text(struct run *run, const char *before, struct sl_slice text,
                      const char *after)
{
    struct sl_str bytes = { 0 };
    sl_str_add_slice(&bytes, sl_slice_str(before));
    bool known = notation_expand(&bytes, text, &run->names);
    sl_str_add_slice(&bytes, sl_slice_str(after));
    bool ok = known ? send_bytes(run, sl_str_slice(&bytes))
                    : fail(run, "a name without a value");
    sl_str_release(&bytes);
    return ok;
}

static bool send_frame(struct run *run, unsigned first, struct sl_slice text)
{
    struct sl_str payload = { 0 }, frame = { 0 };
    bool known = notation_expand(&payload, text, &run->names);
    ws_frame_add(&frame, first, sl_str_slice(&payload));
    bool ok = known ? send_bytes(run, sl_str_slice(&frame))
                    : fail(run, "a name without a value");
    sl_str_release(&payload);
    sl_str_release(&frame);
    return ok;
}

static bool run_send(struct run *run, struct sl_slice rest)
{
    return send_text(run, "", rest, "");
}

static bool run_text(struct run *run, struct sl_slice rest)
{
    return send_frame(run, TEXT_FRAME, rest);
}

static bool run_binary(struct run *run, struct sl_slice rest)
{
    return send_frame(run, BINARY_FRAME, rest);
}

static bool run_frame(struct run *run, struct sl_slice rest)
{
    struct sl_slice first = next_word(&rest);
    char digits[3] = { 0 };
    if (first.len != 2)
        return fail(run, "a frame begins with two hexadecimal digits");
    memcpy(digits, first.ptr, 2);
    return send_frame(run, (unsigned)strtoul(digits, NULL, 16), rest);
}

static bool run_request(struct run *run, struct sl_slice rest)
{
    return send_text(run, "", rest,
                     " HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
}

/* One to the hub; `query` is its first word and may hold names. */
static bool send_request(struct run *run, const char *method,
                         const char *headers, struct sl_slice query,
                         struct sl_slice text)
{
    struct sl_str head = { 0 }, body = { 0 };
    sl_str_add_fmt(&head, "%s /chat?", method);
    bool known = notation_expand(&head, query, &run->names) &&
                 notation_expand(&body, text, &run->names);
    sl_str_add_fmt(&head,
                   " HTTP/1.1\r\nHost: test\r\n%sContent-Length: %zu\r\n\r\n",
                   headers, body.len);
    sl_str_add_slice(&head, sl_str_slice(&body));
    bool ok = known ? send_bytes(run, sl_str_slice(&head))
                    : fail(run, "a name without a value");
    sl_str_release(&head);
    sl_str_release(&body);
    return ok;
}

static bool run_poll(struct run *run, struct sl_slice rest)
{
    return send_request(run, "GET", "", rest, SL_SLICE(""));
}

static bool run_listen(struct run *run, struct sl_slice rest)
{
    return send_request(run, "GET", "Accept: text/event-stream\r\n", rest,
                        SL_SLICE(""));
}

static bool run_delete(struct run *run, struct sl_slice rest)
{
    return send_request(run, "DELETE", "", rest, SL_SLICE(""));
}

static bool run_post(struct run *run, struct sl_slice rest)
{
    struct sl_slice query = next_word(&rest);
    return send_request(run, "POST", "", query, rest);
}

/* ---- what came ---- */

static void take(struct ws_client *socket, size_t len)
{
    socket->in.len -= len;
    memmove(socket->in.ptr, socket->in.ptr + len, socket->in.len);
}

static bool expect_raw(struct run *run, struct sl_slice rest)
{
    struct ws_client *socket = &run->current->socket;
    if (!notation_matches(rest, sl_str_slice(&socket->in), &run->names))
        return fail_got(run, sl_str_slice(&socket->in));
    sl_str_clear(&socket->in);
    return true;
}

/* The size of the frame in front, 0: there is no whole one. */
static size_t frame_size(const struct sl_str *in, size_t *header)
{
    if (in->len < 2)
        return 0;
    const uint8_t *at = (const uint8_t *)in->ptr;
    size_t wide = at[1] == 127 ? 8 : at[1] == 126 ? 2 : 0;
    size_t len = wide == 0 ? at[1] : 0;
    *header = 2 + wide;
    if (in->len < *header)
        return 0;
    for (size_t i = 0; i < wide; i++)
        len = len << 8 | at[2 + i];
    return in->len - *header < len ? 0 : *header + len;
}

static bool expect_payload(struct run *run, unsigned first,
                           struct sl_slice text)
{
    struct sl_str *in = &run->current->socket.in;
    size_t header, size = frame_size(in, &header);
    if (size == 0 || (uint8_t)in->ptr[0] != first)
        return fail_got(run, sl_str_slice(in));
    struct sl_slice payload = sl_slice_of(in->ptr + header, size - header);
    if (!notation_matches(text, payload, &run->names))
        return fail_got(run, payload);
    take(&run->current->socket, size);
    return true;
}

static bool expect_text(struct run *run, struct sl_slice rest)
{
    return expect_payload(run, TEXT_FRAME, rest);
}

static bool expect_frame(struct run *run, struct sl_slice rest)
{
    struct sl_slice first = next_word(&rest);
    char digits[3] = { 0 };
    if (first.len != 2)
        return fail(run, "a frame begins with two hexadecimal digits");
    memcpy(digits, first.ptr, 2);
    return expect_payload(run, (unsigned)strtoul(digits, NULL, 16), rest);
}

/* The code alone: a server gives no reason. */
static bool expect_close(struct run *run, struct sl_slice rest)
{
    struct sl_str *in = &run->current->socket.in;
    size_t header, size = frame_size(in, &header);
    if (size != 4 || (uint8_t)in->ptr[0] != CLOSE_FRAME)
        return fail_got(run, sl_str_slice(in));
    char code[8];
    snprintf(code, sizeof(code), "%u",
             (unsigned)(uint8_t)in->ptr[2] << 8 | (uint8_t)in->ptr[3]);
    if (!sl_slice_eq(rest, sl_slice_str(code)))
        return fail_got(run, sl_slice_str(code));
    take(&run->current->socket, size);
    return true;
}

static bool expect_nothing(struct run *run, struct sl_slice rest)
{
    const struct ws_client *socket = &run->current->socket;
    if (socket->in.len > 0 || rest.len > 0)
        return fail_got(run, sl_str_slice(&socket->in));
    return socket->ended ? fail(run, "the server has ended the socket") : true;
}

static bool expect_end(struct run *run, struct sl_slice rest)
{
    const struct ws_client *socket = &run->current->socket;
    if (socket->in.len > 0 || rest.len > 0)
        return fail_got(run, sl_str_slice(&socket->in));
    return socket->ended ? true : fail(run, "the socket is still open");
}

/* Takes the head of an answer off. */
static bool expect_status(struct run *run, struct sl_slice rest)
{
    struct client *client = run->current;
    struct sl_str *in = &client->socket.in;
    const char *end =
        in->len == 0 ? NULL : memmem(in->ptr, in->len, "\r\n\r\n", 4);
    if (end == NULL || in->len < 12)
        return fail_got(run, sl_str_slice(in));
    sl_str_clear(&client->head);
    sl_str_add(&client->head, in->ptr, (size_t)(end - in->ptr) + 2);
    take(&client->socket, (size_t)(end - in->ptr) + 4);
    struct sl_slice status = sl_slice_of(client->head.ptr + 9, 3);
    return sl_slice_eq(status, rest)
               ? true
               : fail_got(run, sl_str_slice(&client->head));
}

static bool expect_header(struct run *run, struct sl_slice rest)
{
    struct sl_str line = { 0 };
    sl_str_add_lit(&line, "\r\n");
    sl_str_add_slice(&line, rest);
    sl_str_add_lit(&line, "\r\n");
    const struct sl_str *head = &run->current->head;
    bool found = head->len > 0 &&
                 memmem(head->ptr, head->len, line.ptr, line.len) != NULL;
    sl_str_release(&line);
    return found ? true : fail_got(run, sl_str_slice(head));
}

static bool expect_body(struct run *run, struct sl_slice rest)
{
    static const char name[] = "Content-Length: ";
    struct client *client = run->current;
    const char *at =
        client->head.len == 0 ? NULL : strstr(sl_str_cstr(&client->head), name);
    size_t len = at == NULL ? 0 : strtoul(at + sizeof(name) - 1, NULL, 10);
    if (len > client->socket.in.len)
        return fail_got(run, sl_str_slice(&client->socket.in));
    struct sl_slice body = sl_slice_of(client->socket.in.ptr, len);
    if (!notation_matches(rest, body, &run->names))
        return fail_got(run, body);
    take(&client->socket, len);
    return true;
}

static bool expect_answer(struct run *run, struct sl_slice rest)
{
    struct sl_slice status = next_word(&rest);
    return expect_status(run, status) && expect_body(run, rest);
}

/* One chunk that is one event of one line. */
static bool expect_event(struct run *run, struct sl_slice rest)
{
    static const char before[] = "data: ", after[] = "\r\n\r\n\r\n";
    const size_t framing = sizeof(before) + sizeof(after) - 2;
    struct sl_str *in = &run->current->socket.in;
    char *data = NULL;
    size_t len = in->len == 0 ? 0 : strtoul(sl_str_cstr(in), &data, 16) + 2;
    size_t head = data == NULL ? 0 : (size_t)(data - in->ptr) + 2;
    if (len < framing || in->len < head + len)
        return fail_got(run, sl_str_slice(in));
    struct sl_slice event = sl_slice_of(in->ptr + head, len);
    if (memcmp(event.ptr, before, sizeof(before) - 1) != 0 ||
        memcmp(event.ptr + len - sizeof(after) + 1, after, sizeof(after) - 1) !=
            0 ||
        !notation_matches(
            rest, sl_slice_of(event.ptr + sizeof(before) - 1, len - framing),
            &run->names))
        return fail_got(run, event);
    take(&run->current->socket, head + len);
    return true;
}

/* The hub's view of the ends so far, oldest first: "disconnected ID WHY". */
static bool expect_reason(struct run *run, struct sl_slice rest)
{
    static const char event[] = "disconnected ";
    char *at = run->log.len == 0 ? NULL
                                 : memmem(run->log.ptr, run->log.len, event,
                                          sizeof(event) - 1);
    if (at == NULL)
        return fail_got(run, sl_str_slice(&run->log));
    size_t before = (size_t)(at - run->log.ptr);
    struct sl_slice line = sl_slice_of(at, run->log.len - before);
    line.len = (size_t)((char *)memchr(line.ptr, '\n', line.len) - line.ptr);
    struct sl_slice reason = line;
    next_word(&reason);
    next_word(&reason);
    if (!sl_slice_eq(reason, rest))
        return fail_got(run, reason);
    size_t used = before + line.len + 1;
    run->log.len -= used;
    memmove(run->log.ptr, run->log.ptr + used, run->log.len);
    return true;
}

/* ---- the rest ---- */

static bool run_option(struct run *run, struct sl_slice rest)
{
    struct sl_slice name = next_word(&rest);
    struct sl_hub_options *options = &run->rig.entry->options;
    if (sl_slice_eq(name, SL_SLICE("transports"))) {
        options->transports = 0;
        for (unsigned i = 0; i < SL_TRANSPORT_COUNT; i++)
            if (sl_slice_eq(rest, sl_slice_str(sl_transport_names[i])))
                options->transports = 1u << i;
        return options->transports != 0 ? true : fail(run, "no transport");
    }
    const struct sl_option_info *info = sl_option_find(name);
    if (info == NULL)
        return fail(run, "no such option");
    char number[32];
    snprintf(number, sizeof(number), "%.*s", (int)rest.len, rest.ptr);
    struct sl_report report;
    return sl_hub_options_set(options, info, strtod(number, NULL), &report) == 0
               ? true
               : fail(run, report.text);
}

/* Goes on as this client, which is opened when it is new. */
static bool run_client(struct run *run, struct sl_slice rest)
{
    for (unsigned i = 0; i < run->client_count; i++) {
        run->current = &run->clients[i];
        if (sl_slice_eq(sl_slice_str(run->current->name), rest))
            return true;
    }
    if (run->client_count == CLIENTS_MAX || rest.len > CLIENT_NAME_MAX)
        return fail(run, "too many clients, or too long a name");
    run->current = &run->clients[run->client_count++];
    *run->current = (struct client){ 0 };
    memcpy(run->current->name, rest.ptr, rest.len);
    ws_client_open_local(&run->current->socket, &run->rig);
    return true;
}

static bool run_upgrade(struct run *run, struct sl_slice rest)
{
    struct sl_str query = { 0 }, request = { 0 };
    bool known = notation_expand(&query, rest, &run->names);
    ws_upgrade_add(&request, sl_str_cstr(&query));
    bool ok = known ? send_bytes(run, sl_str_slice(&request))
                    : fail(run, "a name without a value");
    sl_str_release(&query);
    sl_str_release(&request);
    return ok;
}

static bool run_join(struct run *run, struct sl_slice rest)
{
    return run_upgrade(run, rest) && expect_status(run, SL_SLICE("101")) &&
           run_text(run, SL_SLICE("{\"protocol\":\"json\",\"version\":1}"
                                  "\x1e")) &&
           expect_text(run, SL_SLICE("{}\x1e"));
}

static bool run_negotiate(struct run *run, struct sl_slice rest)
{
    return send_text(run, "POST /chat/negotiate?", rest,
                     " HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n") &&
           expect_status(run, SL_SLICE("200"));
}

/* Negotiates and names the token. */
static bool run_token(struct run *run, struct sl_slice rest)
{
    struct sl_str body = { 0 };
    sl_str_add_lit(&body, "{\"negotiateVersion\":1,\"connectionId\":\"$");
    sl_str_add_slice(&body, rest);
    sl_str_add_lit(&body, "id\",\"connectionToken\":\"$");
    sl_str_add_slice(&body, rest);
    sl_str_add_lit(&body, "\",\"availableTransports\":[");
    const char *comma = "";
    for (unsigned i = 0; i < SL_TRANSPORT_COUNT; i++) {
        if (!(run->rig.entry->options.transports & 1u << i))
            continue;
        sl_str_add_fmt(&body,
                       "%s{\"transport\":\"%s\",\"transferFormats\":"
                       "[\"Text\"%s]}",
                       comma, sl_transport_names[i],
                       i == SL_TRANSPORT_SSE ? "" : ",\"Binary\"");
        comma = ",";
    }
    sl_str_add_lit(&body, "]}");
    bool ok = run_negotiate(run, SL_SLICE("negotiateVersion=1")) &&
              expect_body(run, sl_str_slice(&body));
    sl_str_release(&body);
    return ok;
}

static bool run_pass(struct run *run, struct sl_slice rest)
{
    char number[32];
    snprintf(number, sizeof(number), "%.*s", (int)rest.len, rest.ptr);
    uint64_t ms = (uint64_t)(strtod(number, NULL) * 1000 + 0.5);
    run->rig.wall_ms += ms;
    test_loop_pass(&run->rig.loop, ms);
    return true;
}

static bool run_finish(struct run *run, struct sl_slice rest)
{
    (void)rest;
    return c_hub_finish(&run->rig.hub) ? true : fail(run, "no call is held");
}

static bool run_hang_up(struct run *run, struct sl_slice rest)
{
    (void)rest;
    shutdown(run->current->socket.fd, SHUT_WR);
    return true;
}

static bool run_leave(struct run *run, struct sl_slice rest)
{
    (void)rest;
    ws_client_close(&run->current->socket);
    return true;
}

static const struct command {
    const char *name;
    command_fn run;
    bool alone; /* needs no client */
} commands[] = {
    { "option", run_option, true },
    { "client", run_client, true },
    { "pass", run_pass, true },
    { "finish", run_finish, true },
    { "send", run_send, false },
    { "request", run_request, false },
    { "negotiate", run_negotiate, false },
    { "token", run_token, false },
    { "poll", run_poll, false },
    { "listen", run_listen, false },
    { "post", run_post, false },
    { "delete", run_delete, false },
    { "upgrade", run_upgrade, false },
    { "join", run_join, false },
    { "text", run_text, false },
    { "binary", run_binary, false },
    { "frame", run_frame, false },
    { "hang-up", run_hang_up, false },
    { "leave", run_leave, false },
    { "expect raw", expect_raw, false },
    { "expect text", expect_text, false },
    { "expect frame", expect_frame, false },
    { "expect close", expect_close, false },
    { "expect nothing", expect_nothing, false },
    { "expect end", expect_end, false },
    { "expect status", expect_status, false },
    { "expect header", expect_header, false },
    { "expect body", expect_body, false },
    { "expect answer", expect_answer, false },
    { "expect event", expect_event, false },
    { "expect reason", expect_reason, true },
};

/* Takes the command's name off the line. */
static const struct command *find_command(struct sl_slice *line)
{
    for (unsigned i = 0; i < SL_COUNT(commands); i++) {
        size_t len = strlen(commands[i].name);
        if (line->len < len || memcmp(line->ptr, commands[i].name, len) != 0 ||
            (line->len > len && line->ptr[len] != ' '))
            continue;
        size_t skip = line->len > len ? len + 1 : len;
        *line = sl_slice_of(line->ptr + skip, line->len - skip);
        return &commands[i];
    }
    return NULL;
}

static bool run_line(struct run *run, struct sl_slice line)
{
    const struct command *command = find_command(&line);
    if (command == NULL)
        return fail(run, "no such command");
    if (!command->alone && run->current == NULL)
        return fail(run, "no client yet");
    bool ok = command->run(run, line);
    settle(run);
    return ok;
}

/* Whatever came must have been expected. */
static bool check_nothing_is_left(struct run *run)
{
    for (unsigned i = 0; i < run->client_count; i++) {
        run->current = &run->clients[i];
        if (run->current->socket.in.len == 0)
            continue;
        sl_str_add_fmt(&run->fault, "%s was sent more: ", run->current->name);
        return fail_got(run, sl_str_slice(&run->current->socket.in));
    }
    return true;
}

/* ---- files ---- */

static void open_run(struct run *run, const char *path)
{
    *run = (struct run){ .path = path };
    ws_rig_open(&run->rig);
    test_loop_stop_time(&run->rig.loop);
}

static void close_run(struct run *run)
{
    for (unsigned i = 0; i < run->client_count; i++) {
        ws_client_close(&run->clients[i].socket);
        sl_str_release(&run->clients[i].head);
    }
    ws_rig_close(&run->rig);
    sl_str_release(&run->log);
    sl_str_release(&run->fault);
}

static bool run_lines(struct run *run, FILE *file, unsigned *wrong_line)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool ok = true;
    while (ok && (len = getline(&line, &size, file)) >= 0) {
        run->line++;
        if (len > 0 && line[len - 1] == '\n')
            len--;
        struct sl_slice text = sl_slice_of(line, (size_t)len);
        if (sl_slice_eq(text, SL_SLICE("# wrong")))
            *wrong_line = run->line + 1;
        if (len > 0 && line[0] != '#')
            ok = run_line(run, text);
        if (!ok)
            printf("%s:%u: %.*s\n", run->path, run->line, (int)len, line);
    }
    free(line);
    if (!ok)
        return false;
    run->line++;
    ok = check_nothing_is_left(run);
    if (!ok)
        printf("%s:%u: the end\n", run->path, run->line);
    return ok;
}

/* True when the case ends as it should. */
static bool run_file(const char *path, bool wrong)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return false;
    }
    struct run run;
    unsigned wrong_line = 0;
    open_run(&run, path);
    bool ok = run_lines(&run, file, &wrong_line);
    fclose(file);
    if (!ok)
        printf("  %s\n", sl_str_cstr(&run.fault));
    bool right = wrong ? !ok && run.line == wrong_line : ok;
    printf("%s %s\n", right ? "ok" : "not ok", path);
    close_run(&run);
    return right;
}

int main(int argc, char **argv)
{
    sl_log_setup(2, SL_LOG_OFF, SL_LOG_TEXT);
    bool wrong = argc > 1 && strcmp(argv[1], "--wrong") == 0;
    int at = wrong ? 2 : 1, failed = at == argc;
    for (; at < argc; at++)
        failed |= !run_file(argv[at], wrong);
    return failed;
}
