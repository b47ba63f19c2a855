// SPDX-License-Identifier: MIT
/*
 * The sentences that clients see, those of the reference server: a base text
 * and, where it may be shown, " Kind: detail". Each function appends.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"
#include "hub/rate.h"

extern const char sl_error_hub[];       /* "HubException": always shown */
extern const char sl_error_operation[]; /* "InvalidOperationException" */
extern const char sl_error_data[];      /* "InvalidDataException" */

/* kind NULL: the base text alone. */
void sl_error_closed(struct sl_str *out, const char *kind,
                     struct sl_slice detail);
void sl_error_invoking(struct sl_str *out, struct sl_slice method,
                       const char *kind, struct sl_slice detail);

/* detail is whole ("InvalidDataException: ..."); empty: the base alone. */
void sl_error_unbound(struct sl_str *out, struct sl_slice target,
                      struct sl_slice detail);
void sl_error_unauthorized(struct sl_str *out, struct sl_slice method);
void sl_error_unknown_method(struct sl_str *out, struct sl_slice target);

/* More messages, or calls of a method, than the rate ("5 in 1 s"). */
void sl_error_too_many(struct sl_str *out, const char *what,
                       const struct sl_rate *rate);

/* A stream method called as a plain one, and the other way round. */
void sl_error_is_stream(struct sl_str *out, struct sl_slice method);
void sl_error_not_stream(struct sl_str *out, struct sl_slice method);

/* A stream method returned something else. */
void sl_error_no_stream(struct sl_str *out, struct sl_slice method);

void sl_error_stream_count(struct sl_str *out, struct sl_slice method,
                           unsigned sent, unsigned expected);

/* A stream failed after it had begun. */
void sl_error_streaming(struct sl_str *out, const char *kind,
                        struct sl_slice detail);
void sl_error_id_in_use(struct sl_str *out, struct sl_slice id);

/* What a method is told that asked a client, or reads an upload. */
void sl_error_no_connection(struct sl_str *out, struct sl_slice id);
void sl_error_disconnected(struct sl_str *out, struct sl_slice id);
extern const struct sl_slice sl_error_item_unbound;
extern const struct sl_slice sl_error_upload_cut;
extern const struct sl_slice sl_error_upload_full;
extern const struct sl_slice sl_error_no_result;
extern const struct sl_slice sl_error_result_unread;

/* Who answers a question that another was asked is closed. */
void sl_error_wrong_answerer(struct sl_str *out, struct sl_slice conn_id,
                             struct sl_slice id);

/* What on_disconnected is told. */
void sl_error_too_large(struct sl_str *out, uint64_t limit);
extern const struct sl_slice sl_error_client_timeout;
extern const struct sl_slice sl_error_truncated;
extern const struct sl_slice sl_error_slow;
extern const struct sl_slice sl_error_sequence;
