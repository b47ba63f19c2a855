// SPDX-License-Identifier: MIT
/*
 * Negotiate. The answer's members stand in the order the reference writes
 * them; errors are answers with status 200 too (spec: transports, section 2).
 */
#include "transport/negotiate.h"

#include "base/check.h"
#include "wire/url.h"
#include "wire/writer.h"

#include <stdio.h>

#define VERSION_MAX 1

static void must(int err)
{
    sl_assert(err == 0); /* literals and ids of ours always encode */
}

static void write_error(struct sl_str *out, const char *text)
{
    struct sl_writer w;
    sl_writer_init(&w, SL_PROTOCOL_JSON, out);
    must(sl_write_object(&w, 1));
    must(sl_write_key(&w, SL_SLICE("error")));
    must(sl_write_string(&w, sl_slice_str(text)));
    sl_write_end(&w);
}

/* An int32 as .NET reads one: white space around it is fine. */
static bool parse_version(struct sl_slice text, int32_t *version)
{
    text = sl_slice_trim(text);
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = text.len > 0 && (negative || text.ptr[0] == '+');
    if (at == text.len)
        return false;
    int64_t value = 0;
    for (; at < text.len; at++) {
        if (text.ptr[at] < '0' || text.ptr[at] > '9')
            return false;
        value = value * 10 + (text.ptr[at] - '0');
        if (value > (int64_t)INT32_MAX + 1)
            return false;
    }
    value = negative ? -value : value;
    *version = (int32_t)value;
    return value <= INT32_MAX;
}

/* False: the parameter is there and is no integer. Absent: version 0. */
static bool requested_version(struct sl_slice query, int32_t *version)
{
    struct sl_slice encoded;
    unsigned count = 0;
    *version = 0;
    if (!sl_query_get(query, SL_SLICE("negotiateVersion"), &encoded, &count))
        return true;
    struct sl_str text = { 0 };
    sl_url_decode(&text, encoded, true);
    bool ok = count == 1 && parse_version(sl_str_slice(&text), version);
    sl_str_release(&text);
    return ok;
}

static void write_transport(struct sl_writer *w, const char *name, bool binary)
{
    must(sl_write_object(w, 2));
    must(sl_write_key(w, SL_SLICE("transport")));
    must(sl_write_string(w, sl_slice_str(name)));
    must(sl_write_key(w, SL_SLICE("transferFormats")));
    must(sl_write_array(w, binary ? 2 : 1));
    must(sl_write_string(w, SL_SLICE("Text")));
    if (binary)
        must(sl_write_string(w, SL_SLICE("Binary")));
    sl_write_end(w);
    sl_write_end(w);
}

static void write_transports(struct sl_writer *w, unsigned transports)
{
    must(sl_write_key(w, SL_SLICE("availableTransports")));
    must(sl_write_array(w, (size_t)__builtin_popcount(transports)));
    for (unsigned i = 0; i < SL_TRANSPORT_COUNT; i++)
        if (transports & 1u << i)
            write_transport(w, sl_transport_names[i], i != SL_TRANSPORT_SSE);
    sl_write_end(w);
}

/* A boolean as .NET reads one: any case, white space around it is fine. */
static bool wants_stateful(struct sl_slice query)
{
    struct sl_slice encoded;
    unsigned count = 0;
    if (!sl_query_get(query, SL_SLICE("useStatefulReconnect"), &encoded,
                      &count) ||
        count != 1)
        return false;
    struct sl_str text = { 0 };
    sl_url_decode(&text, encoded, true);
    bool wants = sl_slice_eq_nocase(sl_slice_trim(sl_str_slice(&text)),
                                    SL_SLICE("true"));
    sl_str_release(&text);
    return wants;
}

static void write_answer(struct sl_str *out, const struct sl_token *token,
                         unsigned transports)
{
    struct sl_writer w;
    sl_writer_init(&w, SL_PROTOCOL_JSON, out);
    must(sl_write_object(&w, 3u + !token->version0 + token->stateful));
    if (token->stateful) {
        must(sl_write_key(&w, SL_SLICE("useStatefulReconnect")));
        sl_write_bool(&w, true);
    }
    must(sl_write_key(&w, SL_SLICE("negotiateVersion")));
    sl_write_int(&w, token->version0 ? 0 : 1);
    must(sl_write_key(&w, SL_SLICE("connectionId")));
    must(sl_write_string(&w, sl_slice_str(token->conn_id)));
    if (!token->version0) {
        must(sl_write_key(&w, SL_SLICE("connectionToken")));
        must(sl_write_string(&w, sl_slice_str(token->text)));
    }
    write_transports(&w, transports);
    sl_write_end(&w);
}

void sl_negotiate_write(struct sl_str *out, const struct sl_hub_entry *entry,
                        const struct sl_token_keys *keys, uint64_t wall_ms,
                        struct sl_slice query)
{
    int32_t version;
    if (!requested_version(query, &version)) {
        write_error(out, "The client requested a non-integer protocol "
                         "version.");
        return;
    }
    if (version < 0) {
        char text[128];
        snprintf(text, sizeof(text),
                 "The client requested version '%d', but the server does not "
                 "support this version.",
                 (int)version);
        write_error(out, text);
        return;
    }
    struct sl_token token;
    bool stateful = entry->options.stateful_reconnect_buffer > 0 &&
                    wants_stateful(query);
    sl_token_issue(keys, sl_slice_str(entry->hub->name), wall_ms,
                   version < VERSION_MAX, stateful, &token);
    write_answer(out, &token, entry->options.transports);
}
