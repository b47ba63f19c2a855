// SPDX-License-Identifier: MIT
/*
 * Hub messages in MessagePack, server to client: a length of 7-bit groups,
 * then one array. Its elements are those of the reference server.
 */
#include "base/base.h"
#include "base/check.h"
#include "base/err.h"
#include "base/utf8.h"
#include "wire/internal.h"
#include "wire/msgpack_pack.h"

#define NO_HEADERS "\x80"
#define INVOCATION "\x96\x01" NO_HEADERS
#define ITEM "\x94\x02" NO_HEADERS
#define COMPLETION_VOID "\x94\x03" NO_HEADERS
#define COMPLETION "\x95\x03" NO_HEADERS
#define CLOSE "\x93\x07"
#define ACK "\x92\x08"
#define SEQUENCE "\x92\x09"
#define KIND_ERROR '\x01'
#define KIND_VOID '\x02'
#define KIND_RESULT '\x03'

const struct sl_slice sl_hub_msgpack_ping = { .ptr = "\x02\x91\x06", .len = 3 };

/* ---- framing ---- */

/* Nearly every message is shorter than 128 bytes: room for one byte of length
 * is made, and the message moved where it was not enough. */
static size_t begin(struct sl_str *out)
{
    size_t start = out->len;
    sl_str_add_char(out, '\0');
    return start;
}

static void widen_length(struct sl_str *out, size_t start, size_t len)
{
    char prefix[5] = { 0 };
    size_t count = 0;
    for (size_t rest = len; rest > 0; rest >>= 7)
        prefix[count++] = (char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    sl_str_reserve(out, count - 1);
    memmove(out->ptr + start + count, out->ptr + start + 1, len);
    memcpy(out->ptr + start, prefix, count);
    out->len += count - 1;
}

/* Ends what `begin` began; after an error nothing of it stays. */
static int finish(struct sl_str *out, size_t start, int err)
{
    size_t len = out->len - start - 1;
    if (err == 0 && len > INT32_MAX) /* as the length's five bytes end */
        err = SL_E_TOO_LARGE;
    if (SL_UNLIKELY(err < 0))
        out->len = start;
    else if (SL_LIKELY(len < 0x80))
        out->ptr[start] = (char)len;
    else
        widen_length(out, start, len);
    return err;
}

/* ---- parts ---- */

static int add_values(struct sl_str *out, sl_write_cb write, void *user)
{
    struct sl_writer writer;
    sl_writer_init(&writer, SL_PROTOCOL_MESSAGEPACK, out);
    int err = write(&writer, user);
    sl_assert(err < 0 || writer.depth == 0);
    return err < 0 ? err : 0;
}

static int add_value(struct sl_str *out, sl_write_cb write, void *user)
{
    if (write != NULL)
        return add_values(out, write, user);
    msgpack_pack_nil(out);
    return 0;
}

/* With U+FFFD for what is not UTF-8. */
static void add_text_lossy(struct sl_str *out, struct sl_slice text)
{
    if (SL_LIKELY(sl_msgpack_add_text(out, text) == 0))
        return;
    struct sl_str repaired = { 0 };
    sl_json_repair_utf8(&repaired, text);
    if (sl_msgpack_add_text(out, sl_str_slice(&repaired)) < 0)
        msgpack_pack_nil(out); /* over 4 GB */
    sl_str_release(&repaired);
}

/* ---- messages ---- */

static int add_invocation(struct sl_str *out, struct sl_slice id,
                          struct sl_slice target, size_t arg_count,
                          sl_write_cb args, void *user)
{
    int err = 0;
    sl_str_add_lit(out, INVOCATION);
    if (id.len > 0)
        err = sl_msgpack_add_text(out, id);
    else
        msgpack_pack_nil(out);
    if (err == 0)
        err = sl_msgpack_add_text(out, target);
    if (err < 0)
        return err;
    msgpack_pack_array(out, arg_count);
    if (args != NULL)
        err = add_values(out, args, user);
    msgpack_pack_array(out, 0); /* stream ids: a server has none */
    return err;
}

int sl_hub_msgpack_write_invocation(struct sl_str *out, struct sl_slice id,
                                    struct sl_slice target, size_t arg_count,
                                    sl_write_cb args, void *user)
{
    sl_assert(args != NULL || arg_count == 0);
    size_t start = begin(out);
    return finish(out, start,
                  add_invocation(out, id, target, arg_count, args, user));
}

int sl_hub_msgpack_write_result(struct sl_str *out, struct sl_slice id,
                                sl_write_cb result, void *user)
{
    size_t start = begin(out);
    sl_str_add_lit(out, COMPLETION);
    int err = sl_msgpack_add_text(out, id);
    if (err == 0) {
        sl_str_add_char(out, KIND_RESULT);
        err = add_value(out, result, user);
    }
    return finish(out, start, err);
}

int sl_hub_msgpack_write_item(struct sl_str *out, struct sl_slice id,
                              sl_write_cb item, void *user)
{
    size_t start = begin(out);
    sl_str_add_lit(out, ITEM);
    int err = sl_msgpack_add_text(out, id);
    if (err == 0)
        err = add_value(out, item, user);
    return finish(out, start, err);
}

void sl_hub_msgpack_write_end(struct sl_str *out, struct sl_slice id)
{
    size_t start = begin(out);
    sl_str_add_lit(out, COMPLETION_VOID);
    add_text_lossy(out, id);
    sl_str_add_char(out, KIND_VOID);
    (void)finish(out, start, 0);
}

void sl_hub_msgpack_write_error(struct sl_str *out, struct sl_slice id,
                                struct sl_slice error)
{
    size_t start = begin(out);
    sl_str_add_lit(out, COMPLETION);
    add_text_lossy(out, id);
    sl_str_add_char(out, KIND_ERROR);
    add_text_lossy(out, error);
    (void)finish(out, start, 0);
}

void sl_hub_msgpack_write_ping(struct sl_str *out)
{
    sl_str_add_slice(out, sl_hub_msgpack_ping);
}

void sl_hub_msgpack_write_close(struct sl_str *out, struct sl_slice error,
                                bool allow_reconnect)
{
    size_t start = begin(out);
    sl_str_add_lit(out, CLOSE);
    if (error.len > 0)
        add_text_lossy(out, error);
    else
        msgpack_pack_nil(out);
    if (allow_reconnect)
        msgpack_pack_true(out);
    else
        msgpack_pack_false(out);
    (void)finish(out, start, 0);
}

static void write_numbered(struct sl_str *out, struct sl_slice head,
                           int64_t sequence_id)
{
    size_t start = begin(out);
    sl_str_add_slice(out, head);
    msgpack_pack_int64(out, sequence_id);
    (void)finish(out, start, 0);
}

void sl_hub_msgpack_write_ack(struct sl_str *out, int64_t sequence_id)
{
    write_numbered(out, SL_SLICE(ACK), sequence_id);
}

void sl_hub_msgpack_write_sequence(struct sl_str *out, int64_t sequence_id)
{
    write_numbered(out, SL_SLICE(SEQUENCE), sequence_id);
}
