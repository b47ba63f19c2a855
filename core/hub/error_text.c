// SPDX-License-Identifier: MIT
/*
 * Names are echoed as they are: whoever writes the message escapes them.
 */
#include "hub/error_text.h"

/* Static storage takes no compound literal, which SL_SLICE is. */
#define TEXT(literal)                                \
    {                                                \
        .ptr = (literal), .len = sizeof(literal) - 1 \
    }

const char sl_error_hub[] = "HubException";
const char sl_error_operation[] = "InvalidOperationException";
const char sl_error_data[] = "InvalidDataException";

const struct sl_slice sl_error_client_timeout =
    TEXT("Client hasn't sent a message/ping within the configured "
         "ClientTimeoutInterval.");
const struct sl_slice sl_error_truncated =
    TEXT("Connection terminated while reading a message.");
const struct sl_slice sl_error_slow =
    TEXT("Connection closed because the client does not read fast "
         "enough.");
const struct sl_slice sl_error_sequence =
    TEXT("Sequence ID greater than amount of messages we've received.");

const struct sl_slice sl_error_item_unbound =
    TEXT("Failed to bind Stream message.");
const struct sl_slice sl_error_upload_cut =
    TEXT("The underlying connection was closed.");
const struct sl_slice sl_error_upload_full =
    TEXT("The stream is ahead of its reader while the client owes a result.");
const struct sl_slice sl_error_no_result =
    TEXT("The client answered without a result.");
const struct sl_slice sl_error_result_unread =
    TEXT("Error trying to deserialize result.");

static void add_detail(struct sl_str *out, const char *kind,
                       struct sl_slice detail)
{
    if (kind == NULL)
        return;
    sl_str_add_char(out, ' ');
    sl_str_add_slice(out, sl_slice_str(kind));
    sl_str_add_lit(out, ": ");
    sl_str_add_slice(out, detail);
}

void sl_error_closed(struct sl_str *out, const char *kind,
                     struct sl_slice detail)
{
    sl_str_add_lit(out, "Connection closed with an error.");
    add_detail(out, kind, detail);
}

void sl_error_invoking(struct sl_str *out, struct sl_slice method,
                       const char *kind, struct sl_slice detail)
{
    sl_str_add_lit(out, "An unexpected error occurred invoking '");
    sl_str_add_slice(out, method);
    sl_str_add_lit(out, "' on the server.");
    add_detail(out, kind, detail);
}

static void add_failed(struct sl_str *out, struct sl_slice target)
{
    sl_str_add_lit(out, "Failed to invoke '");
    sl_str_add_slice(out, target);
    sl_str_add_lit(out, "' due to an error on the server.");
}

void sl_error_unbound(struct sl_str *out, struct sl_slice target,
                      struct sl_slice detail)
{
    add_failed(out, target);
    if (detail.len == 0)
        return;
    sl_str_add_char(out, ' ');
    sl_str_add_slice(out, detail);
}

void sl_error_unauthorized(struct sl_str *out, struct sl_slice method)
{
    sl_str_add_lit(out, "Failed to invoke '");
    sl_str_add_slice(out, method);
    sl_str_add_lit(out, "' because user is unauthorized");
}

void sl_error_unknown_method(struct sl_str *out, struct sl_slice target)
{
    add_failed(out, target);
    add_detail(out, sl_error_hub, SL_SLICE("Method does not exist."));
}

void sl_error_too_many(struct sl_str *out, const char *what,
                       const struct sl_rate *rate)
{
    sl_str_add_fmt(out, "Too many %s: at most ", what);
    sl_rate_describe(rate, out);
    sl_str_add_char(out, '.');
}

void sl_error_is_stream(struct sl_str *out, struct sl_slice method)
{
    sl_str_add_lit(out, "The client attempted to invoke the streaming '");
    sl_str_add_slice(out, method);
    sl_str_add_lit(out, "' method with a non-streaming invocation.");
}

void sl_error_not_stream(struct sl_str *out, struct sl_slice method)
{
    sl_str_add_lit(out, "The client attempted to invoke the non-streaming '");
    sl_str_add_slice(out, method);
    sl_str_add_lit(out, "' method with a streaming invocation.");
}

void sl_error_no_stream(struct sl_str *out, struct sl_slice method)
{
    sl_str_add_lit(out, "The value returned by the streaming method '");
    sl_str_add_slice(out, method);
    sl_str_add_lit(out, "' is not a ChannelReader<> or IAsyncEnumerable<>.");
}

void sl_error_stream_count(struct sl_str *out, struct sl_slice method,
                           unsigned sent, unsigned expected)
{
    sl_error_invoking(out, method, sl_error_hub, SL_SLICE("Client sent "));
    sl_str_add_u64(out, sent);
    sl_str_add_lit(out, " stream(s), Hub method expects ");
    sl_str_add_u64(out, expected);
    sl_str_add_char(out, '.');
}

void sl_error_streaming(struct sl_str *out, const char *kind,
                        struct sl_slice detail)
{
    sl_str_add_lit(out, "An error occurred on the server while streaming "
                        "results.");
    add_detail(out, kind, detail);
}

void sl_error_id_in_use(struct sl_str *out, struct sl_slice id)
{
    sl_str_add_lit(out, "Invocation ID '");
    sl_str_add_slice(out, id);
    sl_str_add_lit(out, "' is already in use.");
}

static void add_connection(struct sl_str *out, struct sl_slice id)
{
    sl_str_add_lit(out, "Connection '");
    sl_str_add_slice(out, id);
}

void sl_error_no_connection(struct sl_str *out, struct sl_slice id)
{
    add_connection(out, id);
    sl_str_add_lit(out, "' does not exist.");
}

void sl_error_disconnected(struct sl_str *out, struct sl_slice id)
{
    add_connection(out, id);
    sl_str_add_lit(out, "' disconnected.");
}

void sl_error_wrong_answerer(struct sl_str *out, struct sl_slice conn_id,
                             struct sl_slice id)
{
    sl_str_add_lit(out, "Connection ID '");
    sl_str_add_slice(out, conn_id);
    sl_str_add_lit(out, "' is not valid for invocation ID '");
    sl_str_add_slice(out, id);
    sl_str_add_lit(out, "'.");
}

void sl_error_too_large(struct sl_str *out, uint64_t limit)
{
    sl_str_add_lit(out, "The maximum message size of ");
    sl_str_add_u64(out, limit);
    sl_str_add_lit(out, "B was exceeded. The message size can be configured in "
                        "AddHubOptions.");
}
