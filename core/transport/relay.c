// SPDX-License-Identifier: MIT
/*
 * The letter carries the descriptor and the bytes that were read from it.
 */
#include "transport/relay.h"

#include "base/check.h"
#include "base/mem.h"

struct port {
    struct sl_http_server *server;
    struct sl_loop *loop;
};

struct sl_relay {
    unsigned worker_count;
    struct port ports[];
};

struct moved {
    int fd;
    struct sockaddr_storage peer;
    struct sl_str bytes;
};

struct sl_relay *sl_relay_new(unsigned worker_count)
{
    struct sl_relay *relay =
        sl_zalloc(sizeof(*relay) + worker_count * sizeof(relay->ports[0]));
    relay->worker_count = worker_count;
    return relay;
}

void sl_relay_free(struct sl_relay *relay)
{
    sl_free(relay);
}

void sl_relay_attach(struct sl_relay *relay, unsigned worker,
                     struct sl_http_server *server, struct sl_loop *loop)
{
    sl_assert(worker < relay->worker_count);
    relay->ports[worker] = (struct port){ .server = server, .loop = loop };
}

/* A server that closes takes it and closes it. */
static void on_moved(void *context, void *item)
{
    const struct port *port = context;
    struct moved *moved = item;
    sl_http_adopt(port->server, moved->fd, &moved->peer,
                  sl_str_slice(&moved->bytes));
    sl_str_release(&moved->bytes);
    sl_free(moved);
}

bool sl_relay_move(struct sl_relay *relay, unsigned worker,
                   struct sl_http_request *request)
{
    sl_assert(worker < relay->worker_count);
    struct port *port = &relay->ports[worker];
    struct moved *moved = sl_zalloc(sizeof(*moved));
    moved->fd = sl_http_detach(request, &moved->bytes, &moved->peer);
    if (moved->fd < 0) {
        sl_free(moved);
        return false;
    }
    sl_loop_post(port->loop, (struct sl_letter){ .deliver = on_moved,
                                                 .context = port,
                                                 .item = moved });
    return true;
}
