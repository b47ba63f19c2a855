// SPDX-License-Identifier: MIT
/*
 * Hub messages in JSON, server to client. Members and their order are those
 * of the reference server.
 */
#include "wire/internal.h"

#include "base/check.h"

#define RS "\x1e"

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

static int add_result(struct sl_str *out, struct sl_slice id,
                      sl_write_cb result, void *user)
{
    sl_str_add_lit(out, "{\"type\":3,\"invocationId\":");
    int err = sl_json_add_text(out, id);
    if (err < 0)
        return err;
    sl_str_add_lit(out, ",\"result\":");
    if (result == NULL)
        sl_str_add_lit(out, "null");
    err = add_values(out, result, user);
    if (err < 0)
        return err;
    sl_str_add_lit(out, "}" RS);
    return 0;
}

int sl_hub_json_write_result(struct sl_str *out, struct sl_slice id,
                             sl_write_cb result, void *user)
{
    size_t start = out->len;
    int err = add_result(out, id, result, user);
    if (err < 0)
        out->len = start;
    return err;
}

void sl_hub_json_write_error(struct sl_str *out, struct sl_slice id,
                             struct sl_slice error)
{
    sl_str_add_lit(out, "{\"type\":3,\"invocationId\":");
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
