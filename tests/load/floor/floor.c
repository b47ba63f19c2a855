// SPDX-License-Identifier: MIT
/*
 * The floor: the least that any server written in C with one send() per
 * message can cost on this machine.  It is no SignalR server: it looks for the
 * fixed byte patterns that sigload's JSON sends and answers with hand-made
 * frames, so that what remains is the kernel, epoll and WebSocket framing.
 * What signalua costs is quoted as a multiple of it.
 *
 * One process, one thread, one epoll set, for one run: it serves until it is
 * told to stop and then says what it did.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/fatal.h"
#include "conn.h"
#include "hub.h"

/* Events taken from the kernel at once. */
#define EVENTS_MAX 1024
/* Connections accepted in one go, so that the others get their turn. */
#define ACCEPTS_MAX 64
/* Connections the kernel may keep until they are accepted. */
#define BACKLOG 4096
/* Bytes taken from a socket at once; a frame must fit. */
#define READ_SIZE ((size_t)1 << 18)

static void accept_some(struct sl_floor *floor, int listener)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        const int fd =
            accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sl_floor_conn_new(floor, fd);
    }
}

/* Puts what was left over and what is new into `buf`; 0: nothing to do. */
static size_t receive(struct sl_floor *floor, struct sl_floor_conn *conn,
                      uint8_t buf[READ_SIZE])
{
    const size_t kept = conn->in.size;
    if (kept > 0)
        memcpy(buf, conn->in.data, kept);
    const ssize_t got = recv(conn->fd, buf + kept, READ_SIZE - kept, 0);
    if (got > 0) {
        conn->in.size = 0;
        return kept + (size_t)got;
    }
    if (got == 0 || errno != EAGAIN)
        sl_floor_conn_free(floor, conn);
    return 0;
}

static void on_readable(struct sl_floor *floor, struct sl_floor_conn *conn)
{
    static uint8_t buf[READ_SIZE];
    const int fd = conn->fd;
    const size_t size = receive(floor, conn, buf);
    if (size == 0)
        return;
    const size_t used = sl_floor_handle(floor, conn, buf, size);
    if (floor->by_fd[fd] != conn)
        return; /* it broke while it was sent a broadcast */
    if (used < size)
        sl_bytes_append(&conn->in, buf + used, size - used);
    else if (conn->in.cap > 0)
        sl_bytes_release(&conn->in);
    if (sl_floor_conn_flush(floor, conn) && conn->is_closing)
        sl_floor_conn_free(floor, conn);
}

static void on_event(struct sl_floor *floor, const struct epoll_event *event)
{
    struct sl_floor_conn *conn = floor->by_fd[event->data.fd];
    if (conn == NULL)
        return;
    if ((event->events & EPOLLOUT) != 0 && !sl_floor_conn_flush(floor, conn))
        return;
    if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        on_readable(floor, conn);
}

static void watch(struct sl_floor *floor, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        sl_fatal("epoll_ctl: %s", strerror(errno));
}

static void serve(struct sl_floor *floor, int listener, int signals)
{
    static struct epoll_event events[EVENTS_MAX];
    bool stopping = false;
    while (!stopping) {
        const int count = epoll_wait(floor->epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_some(floor, listener);
            else if (events[i].data.fd == signals)
                stopping = true;
            else
                on_event(floor, &events[i]);
        }
        sl_floor_end_turn(floor);
    }
}

static int listen_on(uint16_t port)
{
    const int fd =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0)
        sl_fatal("listen on 127.0.0.1:%u: %s", port, strerror(errno));
    return fd;
}

/* SIGINT and SIGTERM as events of the loop. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        sl_fatal("signalfd: %s", strerror(errno));
    return fd;
}

static uint16_t parse_port(const char *text)
{
    char *end;
    const long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || port < 1 || port > UINT16_MAX)
        sl_fatal("%s: a port from 1 to 65535 is needed", text);
    return (uint16_t)port;
}

static enum sl_floor_mode parse_mode(const char *text)
{
    if (strcmp(text, "send") == 0)
        return SL_FLOOR_SEND;
    if (strcmp(text, "batch") == 0)
        return SL_FLOOR_BATCH;
    sl_fatal("%s: send or batch is needed", text);
}

static void release(struct sl_floor *floor)
{
    while (floor->conn_count > 0)
        sl_floor_conn_free(floor, floor->list[floor->conn_count - 1]);
    sl_bytes_release(&floor->turn);
    sl_bytes_release(&floor->frame);
    close(floor->epoll_fd);
}

int main(int argc, char **argv)
{
    static struct sl_floor floor; /* its tables are too large for a stack */
    if (argc != 3)
        sl_fatal("usage: sl_floor PORT send|batch");
    const uint16_t port = parse_port(argv[1]);
    floor.mode = parse_mode(argv[2]);

    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    floor.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const int listener = listen_on(port);
    const int signals = open_signals();
    watch(&floor, listener);
    watch(&floor, signals);
    serve(&floor, listener, signals);
    fprintf(stderr, "broadcasts %lu sends %lu turns %lu\n",
            (unsigned long)floor.broadcast_count,
            (unsigned long)floor.send_count, (unsigned long)floor.turn_count);
    release(&floor);
    close(listener);
    close(signals);
    return EXIT_SUCCESS;
}
