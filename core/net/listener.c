// SPDX-License-Identifier: MIT
/*
 * accept4 in a loop over uv_poll: libuv's own listener accepts one socket per
 * callback into a handle of its loop, and a socket of ours may belong to
 * another thread's loop.
 *
 * Without descriptors the waiting connection stays in the backlog and the
 * socket stays readable: polling on would spin, so the listener rests.
 */
#include "net/listener.h"

#include "base/check.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

struct sl_listener {
    struct sl_loop *loop;
    uv_poll_t poll;
    struct sl_wheel_entry rest; /* set while it rests */
    int fd;
    unsigned port;
    uint64_t warn_again_ms; /* a lack of descriptors is logged not sooner */
    bool paused;            /* by the owner */
    bool closing;
    sl_accept_cb on_accept;
    void *user;
};

/* ---- addresses ---- */

static bool parse_port(struct sl_slice text, unsigned *port)
{
    *port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        *port = *port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return *port <= 65535;
}

/* Takes "[::1]:80" and "host:80" apart. False: there is no port, or a bare
 * IPv6 address, whose last group would be taken for one. */
static bool split_address(struct sl_slice text, struct sl_slice *host,
                          struct sl_slice *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    *port = sl_slice_of(text.ptr + colon, text.len - colon);
    *host = sl_slice_of(text.ptr, colon - 1);
    if (host->len >= 2 && host->ptr[0] == '[') {
        if (host->ptr[host->len - 1] != ']')
            return false;
        *host = sl_slice_of(host->ptr + 1, host->len - 2);
        return host->len > 0;
    }
    return host->len == 0 || memchr(host->ptr, ':', host->len) == NULL;
}

/* Digits and colons are no name: nobody is asked about them. */
static bool is_numeric(struct sl_slice host, struct sl_slice text)
{
    if (text.len > 0 && text.ptr[0] == '[')
        return true;
    for (size_t i = 0; i < host.len; i++)
        if ((host.ptr[i] < '0' || host.ptr[i] > '9') && host.ptr[i] != '.')
            return false;
    return true;
}

/* IPv4 first where a name has both ("localhost"): clients of either kind reach
 * it by that name, and 127.0.0.1 is what people type. */
static const struct addrinfo *choose(const struct addrinfo *list)
{
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        if (at->ai_family == AF_INET)
            return at;
    return list;
}

int sl_address_parse(struct sl_slice text, struct sockaddr_storage *address,
                     struct sl_report *report)
{
    struct sl_slice host, port_text;
    unsigned port;
    char name[256], service[8];
    if (!split_address(text, &host, &port_text) ||
        !parse_port(port_text, &port) || host.len >= sizeof(name) ||
        memchr(text.ptr, '\0', text.len) != NULL) {
        sl_report_set(report, NULL, 0,
                      "\"%.*s\" is not an address to listen on: HOST:PORT is "
                      "wanted, like 127.0.0.1:8080, [::1]:8080 or :8080, with "
                      "a port from 0 to 65535",
                      (int)(text.len < 300 ? text.len : 300), text.ptr);
        return SL_E_CONFIG;
    }
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';
    snprintf(service, sizeof(service), "%u", port);

    struct addrinfo hints = {
        .ai_family = host.len == 0 ? AF_INET : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV |
                    (is_numeric(host, text) ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *list = NULL;
    int err = getaddrinfo(host.len == 0 ? NULL : name, service, &hints, &list);
    if (err != 0) {
        sl_report_set(report, NULL, 0,
                      "the host \"%s\" of the address to listen on is not "
                      "known: %s",
                      name, gai_strerror(err));
        return SL_E_CONFIG;
    }
    const struct addrinfo *chosen = choose(list);
    memset(address, 0, sizeof(*address));
    memcpy(address, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(list);
    return 0;
}

void sl_address_text(const struct sockaddr_storage *address,
                     char out[SL_ADDRESS_TEXT_MAX])
{
    out[0] = '\0';
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const void *)address;
        inet_ntop(AF_INET, &in4->sin_addr, out, SL_ADDRESS_TEXT_MAX);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        /* An IPv4 client of a socket for both is named by its IPv4 address. */
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out,
                      SL_ADDRESS_TEXT_MAX);
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, out, SL_ADDRESS_TEXT_MAX);
    }
}

static unsigned port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return ntohs(
            ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

static socklen_t size_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* ---- accepting ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void update_polling(struct sl_listener *listener)
{
    if (listener->closing)
        return;
    if (listener->paused || sl_wheel_is_set(&listener->rest))
        uv_poll_stop(&listener->poll);
    else
        uv_poll_start(&listener->poll, UV_READABLE, on_ready);
}

static void on_rested(struct sl_wheel_entry *entry)
{
    update_polling(SL_CONTAINER_OF(entry, struct sl_listener, rest));
}

static void rest(struct sl_listener *listener, int err)
{
    sl_metric_add(listener->loop->metrics, SL_M_ACCEPT_FAILED, 1);
    uint64_t now_ms = sl_loop_now(listener->loop);
    if (now_ms >= listener->warn_again_ms) {
        sl_log_warn("cannot accept connections, trying on",
                    SL_F_INT("port", listener->port),
                    SL_F_STR("reason", sl_err_text(err)));
        listener->warn_again_ms = now_ms + SL_ACCEPT_WARN_MS;
    }
    sl_wheel_set(&listener->loop->wheel, &listener->rest,
                 now_ms + SL_ACCEPT_REST_MS);
    update_polling(listener);
}

/* Errors of the one connection that was to be accepted (accept(2)). */
static bool concerns_one(int err)
{
    switch (err) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM: /* a firewall forbids it */ return true;
    default: return false;
    }
}

/* Returns whether to go on. */
static bool accept_one(struct sl_listener *listener)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        listener->on_accept(listener, fd, &peer, listener->user);
        return true;
    }
    int err = errno;
    if (err == EAGAIN)
        return false;
    if (concerns_one(err)) {
        sl_metric_add(listener->loop->metrics, SL_M_ACCEPT_FAILED, 1);
        return true;
    }
    rest(listener, -err);
    return false;
}

/* Level-triggered: what is left after a turn is reported again. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status; /* accept4 says it again */
    (void)events;
    struct sl_listener *listener = poll->data;
    sl_loop_enter(listener->loop);
    for (int i = 0; i < SL_ACCEPT_TURN; i++)
        if (!accept_one(listener) || listener->paused || listener->closing)
            return;
}

/* ---- life ---- */

/* Accepted sockets inherit these from the listening one (tcp(7)), which saves
 * five system calls for each. Probes at a third and two thirds of the time-out
 * find a peer that vanished without a word; the time-out itself ends what was
 * sent and never acknowledged. Failures leave the system's own time-outs. */
static void set_inherited_options(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, SL_PEER_TIMEOUT_MS / 3000 },
        { IPPROTO_TCP, TCP_KEEPINTVL, SL_PEER_TIMEOUT_MS / 3000 },
        { IPPROTO_TCP, TCP_USER_TIMEOUT, SL_PEER_TIMEOUT_MS },
    };
    for (size_t i = 0; i < SL_COUNT(options); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
}

/* A bound and listening socket; negative: an error. */
static int open_socket(struct sockaddr_storage *address, unsigned backlog)
{
    int fd = socket(address->ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_inherited_options(fd);
    int on = 1;
    socklen_t size = sizeof(*address);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)address, size_of(address)) != 0 ||
        listen(fd, (int)backlog) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

struct sl_listener *sl_listener_open(struct sl_loop *loop,
                                     struct sl_slice address, unsigned backlog,
                                     sl_accept_cb on_accept, void *user,
                                     struct sl_report *report)
{
    struct sockaddr_storage bound;
    if (sl_address_parse(address, &bound, report) < 0)
        return NULL;
    int fd = open_socket(&bound, backlog);
    if (fd < 0) {
        sl_report_set(report, NULL, 0, "cannot listen on %.*s: %s%s",
                      (int)address.len, address.ptr, sl_err_text(fd),
                      fd == -EADDRINUSE ? " (is another server running?)" : "");
        return NULL;
    }

    struct sl_listener *listener = sl_zalloc(sizeof(*listener));
    listener->loop = loop;
    listener->fd = fd;
    listener->port = port_of(&bound);
    listener->on_accept = on_accept;
    listener->user = user;
    sl_wheel_entry_init(&listener->rest, on_rested);
    int err = uv_poll_init(&loop->uv, &listener->poll, fd);
    if (err < 0) {
        sl_report_set(report, NULL, 0, "cannot watch the socket of %.*s: %s",
                      (int)address.len, address.ptr, sl_err_text(err));
        close(fd);
        sl_free(listener);
        return NULL;
    }
    listener->poll.data = listener;
    update_polling(listener);
    return listener;
}

unsigned sl_listener_port(const struct sl_listener *listener)
{
    return listener->port;
}

void sl_listener_pause(struct sl_listener *listener)
{
    listener->paused = true;
    update_polling(listener);
}

void sl_listener_resume(struct sl_listener *listener)
{
    listener->paused = false;
    update_polling(listener);
}

static void on_poll_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void sl_listener_close(struct sl_listener *listener)
{
    if (listener->closing)
        return;
    listener->closing = true;
    sl_wheel_cancel(&listener->loop->wheel, &listener->rest);
    uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
    /* uv_close took it out of the poll: nobody connects any more. */
    close(listener->fd);
}
