// SPDX-License-Identifier: MIT
/*
 * The handshake. Texts and the order of checks are the reference's: protocol,
 * version, transfer format.
 */
#include "wire/handshake.h"

#include "base/check.h"
#include "base/err.h"
#include "wire/internal.h"

#include <inttypes.h>

const struct sl_slice sl_handshake_ok = { .ptr = "{}\x1e", .len = 3 };
const struct sl_slice sl_handshake_canceled = {
    .ptr = "Handshake was canceled.",
    .len = sizeof("Handshake was canceled.") - 1,
};

void sl_handshake_write_error(struct sl_str *out, struct sl_slice error)
{
    sl_str_add_lit(out, "{\"error\":");
    sl_json_add_text_lossy(out, error);
    sl_str_add_lit(out, "}\x1e");
}

/* A request as it was sent; the name borrows from the reader. */
struct request {
    struct sl_slice protocol;
    int32_t version;
    bool has_protocol, has_version;
    bool incomplete; /* well-formed, but one of the two is missing */
};

static int read_protocol(const struct sl_value *value, struct request *request,
                         struct sl_hub_error *error)
{
    if (sl_value_kind(value) != SL_VALUE_STRING)
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Expected 'protocol' to be of type String.");
    request->protocol = sl_value_string(value);
    request->has_protocol = true;
    return 0;
}

/* null counts as missing. */
static int read_version(const struct sl_value *value, struct request *request,
                        struct sl_hub_error *error)
{
    request->has_version = sl_value_kind(value) != SL_VALUE_NULL;
    if (!request->has_version)
        return 0;
    return sl_hub_read_int32(value, "version", &request->version, error);
}

static int read_members(const struct sl_value *root, struct request *request,
                        struct sl_hub_error *error)
{
    struct sl_value_iter iter;
    struct sl_slice key;
    struct sl_value value;
    int err = 0;
    sl_value_iter_init(&iter, root);
    while (err == 0 && sl_value_next(&iter, &key, &value)) {
        if (sl_slice_eq(key, SL_SLICE("protocol")))
            err = read_protocol(&value, request, error);
        else if (sl_slice_eq(key, SL_SLICE("version")))
            err = read_version(&value, request, error);
    }
    return err;
}

static int read_request(struct sl_hub_reader *reader, struct sl_slice payload,
                        struct request *request, struct sl_hub_error *error)
{
    struct sl_value root;
    if (sl_json_read_head(&reader->json, payload, &root) < 0)
        return sl_hub_error_set(error, "JsonReaderException",
                                "Error reading JSON.");
    if (sl_value_kind(&root) != SL_VALUE_OBJECT)
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Unexpected JSON Token Type '%s'. Expected a "
                                "JSON Object.",
                                sl_hub_token_name(&root));
    int err = read_members(&root, request, error);
    if (err < 0)
        return err;
    request->incomplete = !request->has_protocol || !request->has_version;
    if (!request->has_protocol)
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Missing required property 'protocol'.");
    if (!request->has_version)
        return sl_hub_error_set(error, sl_hub_invalid_data,
                                "Missing required property 'version'.");
    return 0;
}

/* The general sentence; with detailed errors the cause too, and the message
 * itself when something was missing in it. */
static void refuse_malformed(struct sl_str *response,
                             const struct sl_hub_error *error, bool missing,
                             struct sl_slice payload, bool detailed_errors)
{
    struct sl_str text = { 0 };
    sl_str_add_lit(&text, "An unexpected error occurred during connection "
                          "handshake.");
    if (detailed_errors) {
        sl_str_add_fmt(&text, " %s: %s", error->kind, error->text);
        if (missing) {
            sl_str_add_lit(&text, " Message content: ");
            sl_str_add_slice(&text, payload);
        }
    }
    sl_handshake_write_error(response, sl_str_slice(&text));
    sl_str_release(&text);
}

/* Fills the sentence when the request is not one we can serve. */
static bool choose_protocol(const struct request *request, bool text_only,
                            struct sl_handshake *handshake,
                            struct sl_str *sentence)
{
    const struct sl_hub_protocol *protocol =
        sl_hub_protocol_find(request->protocol);
    if (protocol == NULL) {
        sl_str_add_lit(sentence, "The protocol '");
        sl_str_add_slice(sentence, request->protocol);
        sl_str_add_lit(sentence, "' is not supported.");
        return false;
    }
    if (request->version > SL_HUB_PROTOCOL_VERSION_MAX) {
        sl_str_add_fmt(sentence,
                       "The server does not support version %" PRId32
                       " of the '",
                       request->version);
        sl_str_add_slice(sentence, request->protocol); /* as it was sent */
        sl_str_add_lit(sentence, "' protocol.");
        return false;
    }
    if (text_only && protocol->binary) {
        sl_str_add_fmt(sentence,
                       "Cannot use the '%s' protocol on the current "
                       "transport. The transport does not support 'Binary' "
                       "transfer format.",
                       protocol->name);
        return false;
    }
    handshake->protocol = protocol;
    handshake->version = request->version;
    return true;
}

ssize_t sl_handshake_read(struct sl_hub_reader *reader, struct sl_slice bytes,
                          bool text_only, bool detailed_errors,
                          struct sl_handshake *handshake,
                          struct sl_str *response)
{
    struct request request = { 0 };
    struct sl_hub_error error;
    struct sl_slice payload;
    /* Framed like a JSON message, whatever protocol is asked for. */
    ssize_t taken = sl_hub_json.split(bytes, &payload, &error);
    if (taken <= 0)
        return taken;
    if (read_request(reader, payload, &request, &error) < 0) {
        refuse_malformed(response, &error, request.incomplete, payload,
                         detailed_errors);
        return SL_E_PROTOCOL;
    }
    struct sl_str sentence = { 0 };
    if (!choose_protocol(&request, text_only, handshake, &sentence)) {
        sl_handshake_write_error(response, sl_str_slice(&sentence));
        taken = SL_E_PROTOCOL;
    }
    sl_str_release(&sentence);
    return taken;
}
