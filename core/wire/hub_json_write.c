// SPDX-License-Identifier: MIT
/*
 * Hub messages in JSON, server to client. Members and their order are those
 * of the reference server.
 */
#include "wire/internal.h"

#include "base/check.h"

#define RS "\x1e"
#define COMPLETION "{\"type\":3,\"invocationId\":"

const struct sl_slice sl_hub_json_ping = {
    .ptr = "{\"type\":6}" RS,
    .len = sizeof("{\"type\":6}" RS) - 1,
};

/* Runs the callback on a fresh writer; NULL writes nothing. */
static int add_values(struct sl_str *out, sl_write_cb write, void *user)
{
    if (write == NULL)
        return 0;
    struct sl_writer writer;
    sl_writer_init(&writer, SL_PROTOCOL_JSON, out);
    int err = write(&writer, user);
    sl_assert(err < 0 || writer.depth == 0);
    return err < 0 ? err : 0;
}

static int add_invocation(struct sl_str *out, struct sl_slice id,
                          struct sl_slice target, sl_write_cb args, void *user)
{
    int err;
    sl_str_add_lit(out, "{\"type\":1,");
    if (id.len > 0) {
        sl_str_add_lit(out, "\"invocationId\":");
        err = sl_json_add_text(out, id);
        if (err < 0)
            return err;
        sl_str_add_char(out, ',');
    }
    sl_str_add_lit(out, "\"target\":");
    err = sl_json_add_text(out, target);
    if (err < 0)
        return err;
    sl_str_add_lit(out, ",\"arguments\":[");
    err = add_values(out, args, user);
    if (err < 0)
        return err;
    sl_str_add_lit(out, "]}" RS);
    return 0;
}

int sl_hub_json_write_invocation(struct sl_str *out, struct sl_slice id,
                                 struct sl_slice target, size_t arg_count,
                                 sl_write_cb args, void *user)
{
    size_t start = out->len;
    sl_assert(args != NULL || arg_count == 0);
    int err = add_invocation(out, id, target, args, user);
    if (err < 0)
        out->len = start;
    return err;
}

/* `head` begins the message, `name` its one value. */
static int add_valued(struct sl_str *out, struct sl_slice head,
                      struct sl_slice id, struct sl_slice name,
                      sl_write_cb value, void *user)
{
    sl_str_add_slice(out, head);
    int err = sl_json_add_text(out, id);
    if (err < 0)
        return err;
    sl_str_add_slice(out, name);
    if (value == NULL)
        sl_str_add_lit(out, "null");
    err = add_values(out, value, user);
    if (err < 0)
        return err;
    sl_str_add_lit(out, "}" RS);
    return 0;
}

int sl_hub_json_write_result(struct sl_str *out, struct sl_slice id,
                             sl_write_cb result, void *user)
{
    size_t start = out->len;
    int err = add_valued(out, SL_SLICE(COMPLETION), id,
                         SL_SLICE(",\"result\":"), result, user);
    if (err < 0)
        out->len = start;
    return err;
}

int sl_hub_json_write_item(struct sl_str *out, struct sl_slice id,
                           sl_write_cb item, void *user)
{
    size_t start = out->len;
    int err = add_valued(out, SL_SLICE("{\"type\":2,\"invocationId\":"), id,
                         SL_SLICE(",\"item\":"), item, user);
    if (err < 0)
        out->len = start;
    return err;
}

void sl_hub_json_write_end(struct sl_str *out, struct sl_slice id)
{
    sl_str_add_lit(out, COMPLETION);
    sl_json_add_text_lossy(out, id);
    sl_str_add_lit(out, "}" RS);
}

void sl_hub_json_write_error(struct sl_str *out, struct sl_slice id,
                             struct sl_slice error)
{
    sl_str_add_lit(out, COMPLETION);
    sl_json_add_text_lossy(out, id);
    if (error.len > 0) {
        sl_str_add_lit(out, ",\"error\":");
        sl_json_add_text_lossy(out, error);
    }
    sl_str_add_lit(out, "}" RS);
}

void sl_hub_json_write_ping(struct sl_str *out)
{
    sl_str_add_slice(out, sl_hub_json_ping);
}

void sl_hub_json_write_close(struct sl_str *out, struct sl_slice error,
                             bool allow_reconnect)
{
    sl_str_add_lit(out, "{\"type\":7");
    if (error.len > 0) {
        sl_str_add_lit(out, ",\"error\":");
        sl_json_add_text_lossy(out, error);
    }
    if (allow_reconnect)
        sl_str_add_lit(out, ",\"allowReconnect\":true");
    sl_str_add_lit(out, "}" RS);
}

static void write_numbered(struct sl_str *out, struct sl_slice head,
                           int64_t sequence_id)
{
    sl_str_add_slice(out, head);
    sl_str_add_i64(out, sequence_id);
    sl_str_add_lit(out, "}" RS);
}

void sl_hub_json_write_ack(struct sl_str *out, int64_t sequence_id)
{
    write_numbered(out, SL_SLICE("{\"type\":8,\"sequenceId\":"), sequence_id);
}

void sl_hub_json_write_sequence(struct sl_str *out, int64_t sequence_id)
{
    write_numbered(out, SL_SLICE("{\"type\":9,\"sequenceId\":"), sequence_id);
}
