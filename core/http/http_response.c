// SPDX-License-Identifier: MIT
/*
 * An answer's head is written into one string of the server and copied into
 * the stream's queue together with a small body: one block, one system call.
 */
#include "base/clock.h"
#include "http/internal.h"

#include <time.h>

static const struct {
    unsigned status;
    const char *text;
} statuses[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

const char *sl_http_status_text(unsigned status)
{
    for (size_t i = 0; i < SL_COUNT(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "";
}

/* The names are English whatever the locale, hence no strftime. */
static const char *date_text(struct sl_http_server *server)
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed",
                                     "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr",
                                        "May", "Jun", "Jul", "Aug",
                                        "Sep", "Oct", "Nov", "Dec" };
    uint64_t now_s = sl_clock_wall_ms(&sl_clock_system) / 1000;
    if (now_s == server->date_s)
        return server->date;
    time_t seconds = (time_t)now_s;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    struct sl_str text = { 0 };
    sl_str_add_fmt(&text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                   days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    size_t len =
        text.len < sizeof(server->date) ? text.len : sizeof(server->date) - 1;
    memcpy(server->date, text.ptr, len);
    server->date[len] = '\0';
    server->date_s = now_s;
    sl_str_release(&text);
    return server->date;
}

static bool is_header_text(struct sl_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0')
            return false;
    return true;
}

static void add_header(struct sl_str *out, struct sl_slice name,
                       struct sl_slice value)
{
    /* Names and values may come from a script, and that from a client. */
    if (name.len == 0 || !is_header_text(name) || !is_header_text(value))
        return;
    sl_str_add_slice(out, name);
    sl_str_add_lit(out, ": ");
    sl_str_add_slice(out, value);
    sl_str_add_lit(out, "\r\n");
}

/* RFC 9110 8.6: not with 1xx and 204; with 304 it would have to be that of the
 * 200 which was not sent. */
static bool has_length(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void write_head(struct sl_http_server *server, struct sl_str *out,
                       const struct sl_http_answer *answer, size_t body_len,
                       struct sl_http_answer_form form)
{
    sl_str_add_lit(out, "HTTP/1.1 ");
    sl_str_add_u64(out, answer->status);
    sl_str_add_char(out, ' ');
    sl_str_add_slice(out, sl_slice_str(sl_http_status_text(answer->status)));
    sl_str_add_lit(out, "\r\n");
    add_header(out, SL_SLICE("Date"), sl_slice_str(date_text(server)));
    if (server->server_name != NULL)
        add_header(out, SL_SLICE("Server"), sl_slice_str(server->server_name));
    if (answer->content_type.len > 0)
        add_header(out, SL_SLICE("Content-Type"), answer->content_type);
    if (form.chunked) {
        sl_str_add_lit(out, "Transfer-Encoding: chunked\r\n");
    } else if (has_length(answer->status) && !form.streamed) {
        sl_str_add_lit(out, "Content-Length: ");
        sl_str_add_u64(out, body_len);
        sl_str_add_lit(out, "\r\n");
    }
    if (!form.keep)
        sl_str_add_lit(out, "Connection: close\r\n");
    else if (form.http10)
        sl_str_add_lit(out, "Connection: keep-alive\r\n");
    for (unsigned i = 0; i < answer->header_count; i++)
        add_header(out, answer->headers[i].name, answer->headers[i].value);
    for (unsigned i = 0; i < form.added_count; i++)
        add_header(out, form.added[i].name, form.added[i].value);
    sl_str_add_lit(out, "\r\n");
}

void sl_http_response_send(struct sl_http_server *server,
                           struct sl_stream *stream,
                           const struct sl_http_answer *answer,
                           struct sl_http_answer_form form)
{
    struct sl_str *head = &server->scratch;
    struct sl_slice body = answer->body_buf != NULL
                               ? sl_buf_payload(answer->body_buf)
                               : answer->body;
    sl_str_clear(head);
    write_head(server, head, answer, body.len, form);
    bool bare = form.head || form.streamed || !has_length(answer->status);
    if (bare || answer->body_buf != NULL)
        body = (struct sl_slice){ 0 };
    sl_stream_send_copy(stream, sl_str_slice(head), body);
    if (!bare && answer->body_buf != NULL)
        sl_stream_send_payload(stream, answer->body_buf);
    sl_str_trim(head, SL_HTTP_TEXT_KEPT);
}
