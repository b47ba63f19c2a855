// SPDX-License-Identifier: MIT
/*
 * A client's bytes, in any cut, from the socket through the WebSocket layer to
 * a hub in C. What the server must say to them is foretold by a decoder of our
 * own, which sees the whole stream at once: pongs, the close code, and the
 * bytes that the hub gets.
 *
 *   | how | cuts | tail | rest ...
 *
 * how: see below. cuts: seed of the sizes of the pieces, 0: one piece. rest:
 * the client's bytes, or (FRAMES) a description of frames, of whose bytes the
 * last `tail` are not sent.
 */
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "hub/conn.h"
#include "tests/lib/ws_rig.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SHAKEN 1u  /* the handshake is done already */
#define FRAMES 2u  /* the rest describes frames */
#define QUIET 4u   /* no record separator in them: the hub hears no message */
#define EAGER 8u   /* the first piece comes with the upgrade */
#define HALF 16u   /* ends by shutting down its side */
#define SILENT 32u /* says no more for a while before it ends */

#define SILENCE_STEP_MS 6000
#define SILENCE_STEPS 7 /* longer than a begun frame may take */

#define TEXT 1u
#define BINARY 2u
#define CLOSE 8u
#define PING 9u
#define PONG 10u

static struct ws_rig rig;

/* ---- frames from their description ---- */

/* Bits of the second byte of a description: first byte, form, length, payload.
 * A frame that is not AS_IT_IS is made to fit where it stands. */
#define FORM_MASK 3u /* 2: 16 bits of length, 3: 64; else as short as can be */
#define UNMASKED 12u /* when both are set */
#define ASCII 16u
#define TIMES_16 32u
#define AS_IT_IS 64u

static void add_header(struct sl_str *out, uint8_t first, uint8_t form,
                       size_t len)
{
    uint8_t mask = (form & UNMASKED) == UNMASKED ? 0 : 0x80;
    unsigned wide = form & FORM_MASK;
    unsigned bits = wide == 3 || len > 65535 ? 64
                    : wide == 2 || len > 125 ? 16
                                             : 0;
    sl_str_add_char(out, (char)first);
    sl_str_add_char(out, (char)(mask | (bits == 64   ? 127
                                        : bits == 16 ? 126
                                                     : len)));
    while (bits > 0) {
        bits -= 8;
        sl_str_add_char(out, (char)((uint64_t)len >> bits));
    }
    if (mask != 0)
        sl_str_add_lit(out, "\x11\x22\x33\x44");
}

static void add_payload(struct sl_str *out, uint8_t form, uint8_t how,
                        struct sl_slice payload)
{
    static const uint8_t mask[4] = { 0x11, 0x22, 0x33, 0x44 };
    size_t len = payload.len * (form & TIMES_16 ? 16 : 1);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)payload.ptr[i % payload.len];
        if (form & ASCII)
            c &= 0x7f;
        if ((how & QUIET) && c == 0x1e)
            c = ' ';
        if ((form & UNMASKED) != UNMASKED)
            c ^= mask[i % 4];
        sl_str_add_char(out, (char)c);
    }
}

/* The first byte of a frame that is allowed here. */
static uint8_t fitting(uint8_t first, bool *inside)
{
    bool fin = (first & 0x80) != 0;
    if (first & 8)
        return 0x80 | (first & 1 ? PING : PONG);
    uint8_t opcode = *inside ? 0 : first & 1 ? TEXT : BINARY;
    *inside = !fin;
    return (uint8_t)((fin ? 0x80 : 0) | opcode);
}

static void build(struct sl_str *out, uint8_t how, struct sl_slice rest)
{
    bool inside = false;
    while (rest.len >= 3) {
        uint8_t first = (uint8_t)rest.ptr[0], form = (uint8_t)rest.ptr[1];
        size_t len = (uint8_t)rest.ptr[2];
        rest = sl_slice_of(rest.ptr + 3, rest.len - 3);
        if (!(form & AS_IT_IS)) {
            first = fitting(first, &inside);
            form &= ASCII | TIMES_16;
            if (first & 8) {
                len &= 63;
                form &= ASCII;
            }
        }
        len = len < rest.len ? len : rest.len;
        add_header(out, first, form, form & TIMES_16 ? 16 * len : len);
        add_payload(out, form, how, sl_slice_of(rest.ptr, len));
        rest = sl_slice_of(rest.ptr + len, rest.len - len);
    }
}

/* ---- what is to be expected ---- */

struct forecast {
    unsigned code;       /* of the Close; 0: none */
    bool perhaps;        /* the stream ends where it may not be seen yet */
    bool inside;         /* the stream ends inside a frame */
    bool speaks;         /* the hub may have got a message */
    struct sl_str pongs; /* frames, as the server writes them */
    struct sl_str data;  /* payload for the hub */
    struct sl_str text;  /* payload of the text message being read */
    uint8_t message;     /* its opcode, 0: none */
};

/* RFC 3629, section 4: what may follow a first byte. */
static const struct lead {
    uint8_t first, last; /* bytes that begin such a character */
    uint8_t low, high;   /* of its second byte */
    uint8_t size;        /* bytes */
} leads[] = {
    { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
    { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Bytes of the character in front; 0: it is cut off; -1: no UTF-8. */
static int character(const uint8_t *at, size_t len)
{
    const struct lead *lead = leads;
    while (lead < leads + SL_COUNT(leads) && at[0] > lead->last)
        lead++;
    if (lead == leads + SL_COUNT(leads) || at[0] < lead->first)
        return -1;
    for (uint8_t i = 1; i < lead->size; i++) {
        if (i == len)
            return 0;
        if (at[i] < (i == 1 ? lead->low : 0x80) ||
            at[i] > (i == 1 ? lead->high : 0xbf))
            return -1;
    }
    return lead->size;
}

static bool is_text(const struct sl_str *text, bool whole)
{
    for (size_t i = 0; i < text->len;) {
        int size = character((const uint8_t *)text->ptr + i, text->len - i);
        if (size <= 0)
            return size == 0 && !whole;
        i += (size_t)size;
    }
    return true;
}

struct header {
    bool fin, masked, measured; /* measured: len is known */
    bool whole;                 /* all of the header is there */
    uint8_t rsv, opcode;
    uint64_t len;
    size_t size;
};

static struct header read_header(const uint8_t *at, size_t left)
{
    struct header header = { 0 };
    if (left < 2)
        return header;
    header.fin = at[0] & 0x80;
    header.rsv = at[0] & 0x70;
    header.opcode = at[0] & 15;
    header.masked = at[1] & 0x80;
    header.len = at[1] & 127;
    size_t wide = header.len == 127 ? 8 : header.len == 126 ? 2 : 0;
    header.size = 2 + wide + (header.masked ? 4 : 0);
    header.whole = left >= header.size;
    header.measured = left >= 2 + wide;
    if (wide > 0 && header.measured) {
        header.len = 0;
        for (size_t i = 0; i < wide; i++)
            header.len = header.len << 8 | at[2 + i];
    }
    return header;
}

/* RFC 6455, section 5: what a client may not send. */
static bool is_breach(const struct forecast *forecast,
                      const struct header *header, uint8_t short_len)
{
    bool control = header->opcode >= 8;
    if (!header->masked || header->rsv != 0 || header->opcode > PONG ||
        (header->opcode > BINARY && !control))
        return true;
    if (control)
        return !header->fin || short_len > 125;
    if (header->measured &&
        ((short_len == 126 && header->len < 126) ||
         (short_len == 127 && (header->len < 65536 || header->len >> 63 != 0))))
        return true;
    return (header->opcode == 0) != (forecast->message != 0);
}

static unsigned close_code(const struct sl_str *payload)
{
    if (payload->len == 0)
        return 1000;
    if (payload->len == 1)
        return 1002;
    struct sl_str reason = { .ptr = payload->ptr + 2, .len = payload->len - 2 };
    unsigned code =
        (unsigned)(uint8_t)payload->ptr[0] << 8 | (uint8_t)payload->ptr[1];
    bool known =
        (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
        (code >= 3000 && code <= 4999);
    return known && is_text(&reason, true) ? 1000 : 1002;
}

static void foresee_control(struct forecast *forecast, uint8_t opcode,
                            const struct sl_str *payload)
{
    if (opcode == PING) {
        sl_str_add_char(&forecast->pongs, (char)(0x80 | PONG));
        sl_str_add_char(&forecast->pongs, (char)payload->len);
        sl_str_add_slice(&forecast->pongs, sl_str_slice(payload));
    } else if (opcode == CLOSE) {
        forecast->code = close_code(payload);
    }
}

static void foresee_data(struct forecast *forecast, const struct header *header,
                         const struct sl_str *payload, bool whole)
{
    if (header->opcode != 0)
        forecast->message = header->opcode;
    sl_str_add_slice(&forecast->data, sl_str_slice(payload));
    if (payload->len > 0 && memchr(payload->ptr, 0x1e, payload->len) != NULL)
        forecast->speaks = true;
    bool ends = whole && header->fin;
    if (forecast->message == TEXT) {
        sl_str_add_slice(&forecast->text, sl_str_slice(payload));
        if (!is_text(&forecast->text, ends))
            forecast->code = 1007;
    }
    if (!ends)
        return;
    forecast->message = 0;
    sl_str_clear(&forecast->text);
}

/* Foresees the frame in front; returns its size. */
static size_t foresee_frame(struct forecast *forecast, const uint8_t *at,
                            size_t left)
{
    struct header header = read_header(at, left);
    forecast->inside = !header.whole;
    if (header.size > 0 &&
        is_breach(forecast, &header, (uint8_t)(at[1] & 127))) {
        /* Whether it is seen at its first byte or at its header's end is up to
         * the decoder, also whether that is the first of the payload. */
        forecast->code = 1002;
        forecast->perhaps =
            !header.whole || (left == header.size && header.len > 0);
        forecast->inside = true;
        return left;
    }
    if (!header.whole) {
        forecast->perhaps = header.size == 0;
        return left;
    }
    size_t got = left - header.size;
    bool whole = header.len <= got;
    got = whole ? (size_t)header.len : got;
    forecast->inside = !whole;
    struct sl_str payload = { 0 };
    for (size_t i = 0; i < got; i++)
        sl_str_add_char(&payload, (char)(at[header.size + i] ^
                                         at[header.size - 4 + i % 4]));
    if (header.opcode < 8)
        foresee_data(forecast, &header, &payload, whole);
    else if (whole)
        foresee_control(forecast, header.opcode, &payload);
    sl_str_release(&payload);
    return header.size + got;
}

static void foresee(struct forecast *forecast, struct sl_slice bytes)
{
    while (bytes.len > 0 && forecast->code == 0) {
        size_t size =
            foresee_frame(forecast, (const uint8_t *)bytes.ptr, bytes.len);
        bytes = sl_slice_of(bytes.ptr + size, bytes.len - size);
    }
}

static void release_forecast(struct forecast *forecast)
{
    sl_str_release(&forecast->pongs);
    sl_str_release(&forecast->data);
    sl_str_release(&forecast->text);
}

/* ---- what was heard ---- */

struct heard {
    unsigned code; /* of the Close; 0: none */
    struct sl_str pongs;
};

/* Every byte that the server writes must be part of a proper frame. */
static void hear(struct heard *heard, const struct sl_str *in)
{
    for (size_t at = 0; at < in->len;) {
        sl_assert(heard->code == 0); /* nothing follows a Close */
        const uint8_t *bytes = (const uint8_t *)in->ptr + at;
        struct header header = read_header(bytes, in->len - at);
        sl_assert(header.whole && header.fin && header.rsv == 0);
        sl_assert(!header.masked && in->len - at - header.size >= header.len);
        size_t size = header.size + (size_t)header.len;
        if (header.opcode == PONG) {
            sl_str_add(&heard->pongs, bytes, size);
        } else if (header.opcode == CLOSE) {
            sl_assert(header.len == 2);
            heard->code = (unsigned)bytes[2] << 8 | bytes[3];
        } else {
            sl_assert(header.opcode == TEXT && header.len > 0);
            sl_assert(bytes[size - 1] == 0x1e);
        }
        at += size;
    }
}

/* The one connection there is, or NULL. */
static const struct sl_conn *the_conn(void)
{
    struct sl_list *lists[] = { &rig.entry->hub->conns, &rig.world.apart };
    for (unsigned i = 0; i < SL_COUNT(lists); i++)
        SL_LIST_FOREACH(node, lists[i])
            return SL_CONTAINER_OF(node, const struct sl_conn, node);
    return NULL;
}

static void compare(const struct forecast *forecast, const struct heard *heard)
{
    bool breach = heard->code == 1002 || heard->code == 1007;
    sl_assert(!breach || heard->code == forecast->code ||
              (heard->code == 1002 && forecast->perhaps));
    if (forecast->speaks) {
        /* The hub may have closed before. */
        sl_assert(heard->pongs.len <= forecast->pongs.len);
        sl_assert(heard->code == forecast->code || heard->code == 1000 ||
                  heard->code == 0 || forecast->perhaps);
        sl_assert(heard->code != 0 || forecast->code == 0 || forecast->perhaps);
        return;
    }
    sl_assert(sl_slice_eq(sl_str_slice(&heard->pongs),
                          sl_str_slice(&forecast->pongs)));
    sl_assert(heard->code == forecast->code ||
              (forecast->perhaps && (heard->code == 0 || breach)));
    const struct sl_conn *conn = the_conn();
    sl_assert((conn == NULL) == (heard->code != 0));
    if (conn == NULL)
        return;
    sl_assert(sl_slice_eq(sl_str_slice(&conn->partial),
                          sl_str_slice(&forecast->data)));
    sl_assert(rig.transport.reader_count == (forecast->inside ? 1 : 0));
}

/* ---- the client ---- */

static void take_in(struct ws_client *client)
{
    if (!client->ended && !test_recv(client->fd, &client->in, NULL))
        client->ended = true;
}

static void read_all(struct ws_client *client)
{
    test_loop_settle(&rig.loop);
    take_in(client);
}

/* A turn to read and one to write. The server may have ended the socket: what
 * it does not take is lost. */
static void send_piece(struct ws_client *client, struct sl_slice piece)
{
    ssize_t sent =
        send(client->fd, piece.ptr, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    sl_assert(sent < 0 || (size_t)sent == piece.len);
    test_loop_turn(&rig.loop);
    test_loop_turn(&rig.loop);
    take_in(client);
}

static size_t next_piece(unsigned *state, uint8_t cuts, size_t left)
{
    *state = *state * 1103515245u + 12345u;
    size_t piece =
        cuts == 0 ? left : 1 + (*state >> 16) % (cuts & 128 ? 999 : 9);
    return piece < left ? piece : left;
}

/* Takes the head of the 101 off. */
static void take_head(struct ws_client *client)
{
    const char *end = memmem(client->in.ptr, client->in.len, "\r\n\r\n", 4);
    sl_assert(end != NULL && memcmp(client->in.ptr, "HTTP/1.1 101 ", 13) == 0);
    size_t size = (size_t)(end - client->in.ptr) + 4;
    client->in.len -= size;
    memmove(client->in.ptr, client->in.ptr + size, client->in.len);
}

static void say(struct ws_client *client, uint8_t how, uint8_t cuts,
                struct sl_slice stream)
{
    unsigned state = cuts;
    struct sl_str start = { 0 };
    ws_upgrade_add(&start, "");
    if (how & SHAKEN)
        ws_frame_add(&start, 0x81,
                     SL_SLICE("{\"protocol\":\"json\",\"version\":1}\x1e"));
    if (how & EAGER) {
        size_t piece = next_piece(&state, cuts, stream.len);
        sl_str_add(&start, stream.ptr, piece);
        stream = sl_slice_of(stream.ptr + piece, stream.len - piece);
    }
    send_piece(client, sl_str_slice(&start));
    sl_str_release(&start);
    take_head(client);
    while (stream.len > 0) {
        size_t piece = next_piece(&state, cuts, stream.len);
        send_piece(client, sl_slice_of(stream.ptr, piece));
        stream = sl_slice_of(stream.ptr + piece, stream.len - piece);
    }
    read_all(client);
}

static void leave(struct ws_client *client, uint8_t how)
{
    for (unsigned i = 0; (how & SILENT) && i < SILENCE_STEPS; i++) {
        rig.loop.now_ms += SILENCE_STEP_MS;
        read_all(client);
    }
    while (c_hub_finish(&rig.hub))
        read_all(client);
    if (how & HALF) {
        shutdown(client->fd, SHUT_WR);
        read_all(client);
        sl_assert(client->ended);
    }
    struct heard heard = { 0 };
    hear(&heard, &client->in);
    sl_str_release(&heard.pongs);
    ws_client_close(client);
    test_loop_settle(&rig.loop);
}

static void check_nothing_is_left(void)
{
    sl_assert(rig.transport.socket_count == 0);
    sl_assert(rig.transport.reader_count == 0);
    sl_assert(sl_world_conn_count(&rig.world) == 0);
    sl_assert(sl_list_empty(&rig.http.conns));
    sl_assert(sl_metric_get(&rig.loop.metrics, SL_M_SOCKETS) == 0);
    sl_assert(sl_metric_get(&rig.loop.metrics, SL_M_QUEUED_BYTES) == 0);
    sl_assert(rig.hub.live_calls == 0);
}

static void set_up(void)
{
    sl_log_setup(2, SL_LOG_OFF, SL_LOG_TEXT);
    ws_rig_open(&rig);
    test_loop_stop_time(&rig.loop);
    rig.entry->options.max_message_size = 1 << 24; /* never reached */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static bool ready;
    if (!ready)
        set_up();
    ready = true;
    if (len < 3 || len > 8192)
        return 0;
    uint8_t how = bytes[0];
    struct sl_str stream = { 0 };
    struct sl_slice rest = sl_slice_of(bytes + 3, len - 3);
    if (how & FRAMES) {
        build(&stream, how, rest);
        stream.len -= bytes[2] < stream.len ? bytes[2] : stream.len;
    } else {
        sl_str_add_slice(&stream, rest);
    }

    struct forecast forecast = { 0 };
    struct heard heard = { 0 };
    struct ws_client client;
    foresee(&forecast, sl_str_slice(&stream));
    test_loop_be_patient(&rig.loop);
    ws_client_open_local(&client, &rig);
    say(&client, how, bytes[1], sl_str_slice(&stream));
    hear(&heard, &client.in);
    compare(&forecast, &heard);
    sl_str_release(&heard.pongs);
    leave(&client, how);
    c_hub_log(&rig.hub);
    check_nothing_is_left();
    release_forecast(&forecast);
    sl_str_release(&stream);
    return 0;
}
