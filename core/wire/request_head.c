// SPDX-License-Identifier: MIT
/*
 * One block: the struct, then path, query and address, then for each header
 * its two lengths and its bytes. There are few headers and scripts ask rarely,
 * so they are found by walking, and no index is kept in memory.
 */
#include "wire/request_head.h"

#include "base/check.h"
#include "base/mem.h"

struct sl_request_head {
    uint32_t path_len, query_len, remote_len; /* bytes */
    uint32_t header_count;
    uint32_t text_len; /* bytes of `text` */
    char text[];
};

struct header_lens {
    uint32_t name_len, value_len;
};

/* Credentials, and what only concerns the hop. */
static const struct sl_slice dropped_headers[] = {
    { "authorization", 13 },
    { "proxy-authorization", 19 },
    { "cookie", 6 },
    { "connection", 10 },
    { "proxy-connection", 16 },
    { "keep-alive", 10 },
    { "upgrade", 7 },
    { "http2-settings", 14 },
    { "te", 2 },
    { "trailer", 7 },
    { "transfer-encoding", 17 },
    { "content-length", 14 },
    { "expect", 6 },
};

static bool keeps_header(struct sl_slice name)
{
    for (size_t i = 0; i < SL_COUNT(dropped_headers); i++)
        if (sl_slice_eq_nocase(name, dropped_headers[i]))
            return false;
    const struct sl_slice websocket = SL_SLICE("sec-websocket-");
    return name.len < websocket.len ||
           !sl_slice_eq_nocase(sl_slice_of(name.ptr, websocket.len), websocket);
}

/* The name is compared decoded, since "%69d" is "id" to who reads the query. */
static bool keeps_parameter(struct sl_slice name)
{
    struct sl_str decoded = { 0 };
    sl_url_decode(&decoded, name, true);
    struct sl_slice plain = sl_str_slice(&decoded);
    bool secret = sl_slice_eq_nocase(plain, SL_SLICE("id")) ||
                  sl_slice_eq_nocase(plain, SL_SLICE("access_token"));
    sl_str_release(&decoded);
    return !secret;
}

/* Appends what the query may keep, as it was sent. */
static void trim_query(struct sl_str *out, struct sl_slice query)
{
    while (query.len > 0) {
        const char *end = memchr(query.ptr, '&', query.len);
        size_t len = end == NULL ? query.len : (size_t)(end - query.ptr);
        const char *equals = memchr(query.ptr, '=', len);
        size_t name_len = equals == NULL ? len : (size_t)(equals - query.ptr);
        if (len > 0 && keeps_parameter(sl_slice_of(query.ptr, name_len))) {
            if (out->len > 0)
                sl_str_add_char(out, '&');
            sl_str_add(out, query.ptr, len);
        }
        size_t skip = end == NULL ? len : len + 1;
        query = sl_slice_of(query.ptr + skip, query.len - skip);
    }
}

static char *put(char *to, struct sl_slice bytes)
{
    if (bytes.len > 0)
        memcpy(to, bytes.ptr, bytes.len);
    return to + bytes.len;
}

static char *put_header(char *to, const struct sl_header *header)
{
    struct header_lens lens = { (uint32_t)header->name.len,
                                (uint32_t)header->value.len };
    to = put(to, sl_slice_of(&lens, sizeof(lens)));
    to = put(to, header->name);
    return put(to, header->value);
}

struct sl_request_head *sl_request_head_new(const struct sl_url *url,
                                            struct sl_slice remote_address,
                                            const struct sl_header *headers,
                                            unsigned header_count)
{
    struct sl_str query = { 0 };
    trim_query(&query, url->query);
    size_t text_len = url->path.len + query.len + remote_address.len;
    for (unsigned i = 0; i < header_count; i++)
        if (keeps_header(headers[i].name))
            text_len += sizeof(struct header_lens) + headers[i].name.len +
                        headers[i].value.len;
    sl_assert(text_len < UINT32_MAX); /* heads are bounded far below */

    struct sl_request_head *head = sl_alloc(sizeof(*head) + text_len);
    head->path_len = (uint32_t)url->path.len;
    head->query_len = (uint32_t)query.len;
    head->remote_len = (uint32_t)remote_address.len;
    head->header_count = 0;
    head->text_len = (uint32_t)text_len;
    char *to = put(head->text, url->path);
    to = put(to, sl_str_slice(&query));
    to = put(to, remote_address);
    for (unsigned i = 0; i < header_count; i++) {
        if (!keeps_header(headers[i].name))
            continue;
        to = put_header(to, &headers[i]);
        head->header_count++;
    }
    sl_assert(to == head->text + text_len);
    sl_str_release(&query);
    return head;
}

void sl_request_head_free(struct sl_request_head *head)
{
    sl_free(head);
}

struct sl_slice sl_request_head_path(const struct sl_request_head *head)
{
    return sl_slice_of(head->text, head->path_len);
}

struct sl_slice sl_request_head_query(const struct sl_request_head *head)
{
    return sl_slice_of(head->text + head->path_len, head->query_len);
}

struct sl_slice sl_request_head_remote(const struct sl_request_head *head)
{
    return sl_slice_of(head->text + head->path_len + head->query_len,
                       head->remote_len);
}

unsigned sl_request_head_count(const struct sl_request_head *head)
{
    return head->header_count;
}

struct sl_header sl_request_head_at(const struct sl_request_head *head,
                                    unsigned index)
{
    sl_assert(index < head->header_count);
    const char *at =
        head->text + head->path_len + head->query_len + head->remote_len;
    for (;;) {
        struct header_lens lens;
        memcpy(&lens, at, sizeof(lens));
        at += sizeof(lens);
        if (index-- == 0)
            return (struct sl_header){
                .name = sl_slice_of(at, lens.name_len),
                .value = sl_slice_of(at + lens.name_len, lens.value_len),
            };
        at += lens.name_len + lens.value_len;
    }
}

size_t sl_request_head_size(const struct sl_request_head *head)
{
    return sizeof(*head) + head->text_len;
}
