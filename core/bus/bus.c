// SPDX-License-Identifier: MIT
/*
 * Fan-out by masks: the directory says which workers have receivers, each of
 * them gets one letter with a copy of the envelope. The mask may be older than
 * the letter: a worker that has no receiver any more delivers to nobody.
 */
#include "bus/bus.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/mem.h"

struct sl_bus_port {
    struct sl_bus *bus;
    struct sl_mailbox *mailbox; /* NULL: not attached */
    struct sl_bus_receiver receiver;
    void *user;
    unsigned worker;
};

struct sl_bus {
    struct sl_directory *directory;
    unsigned worker_count;
    struct sl_bus_port ports[];
};

struct sl_bus *sl_bus_new(struct sl_directory *directory, unsigned worker_count)
{
    sl_assert(worker_count > 0 && worker_count <= SL_WORKERS_MAX);
    struct sl_bus *bus =
        sl_zalloc(sizeof(*bus) + worker_count * sizeof(bus->ports[0]));
    bus->directory = directory;
    bus->worker_count = worker_count;
    return bus;
}

void sl_bus_free(struct sl_bus *bus)
{
    sl_free(bus);
}

struct sl_bus_port *sl_bus_attach(struct sl_bus *bus, unsigned worker,
                                  struct sl_mailbox *mailbox,
                                  const struct sl_bus_receiver *receiver,
                                  void *user)
{
    sl_assert(worker < bus->worker_count);
    struct sl_bus_port *port = &bus->ports[worker];
    sl_assert(port->mailbox == NULL && mailbox != NULL);
    *port = (struct sl_bus_port){
        .bus = bus,
        .mailbox = mailbox,
        .receiver = *receiver,
        .user = user,
        .worker = worker,
    };
    return port;
}

struct sl_directory *sl_bus_directory(struct sl_bus_port *port)
{
    return port->bus->directory;
}

unsigned sl_bus_worker(const struct sl_bus_port *port)
{
    return port->worker;
}

static void post(struct sl_bus_port *to, sl_letter_cb deliver, void *item)
{
    sl_assert(to->mailbox != NULL);
    sl_mailbox_post(to->mailbox, (struct sl_letter){
                                     .deliver = deliver,
                                     .context = to,
                                     .item = item,
                                 });
}

void sl_bus_post(struct sl_bus_port *port, unsigned worker,
                 sl_letter_cb deliver, void *item)
{
    sl_assert(worker < port->bus->worker_count);
    struct sl_bus_port *to = &port->bus->ports[worker];
    sl_assert(to->mailbox != NULL);
    sl_mailbox_post(to->mailbox, (struct sl_letter){
                                     .deliver = deliver,
                                     .context = to->user,
                                     .item = item,
                                 });
}

unsigned sl_bus_worker_count(const struct sl_bus_port *port)
{
    return port->bus->worker_count;
}

/* ---- envelopes ---- */

static uint64_t workers_of(struct sl_directory *directory,
                           const struct sl_envelope *envelope)
{
    if (envelope->audience == SL_TO_ALL)
        return sl_directory_hub_workers(directory, envelope->hub);

    uint64_t workers = 0;
    for (unsigned i = 0; i < envelope->name_count; i++) {
        struct sl_slice name = envelope->names[i];
        if (envelope->audience == SL_TO_CLIENTS) {
            int worker = sl_directory_find_conn(directory, envelope->hub, name);
            workers |= worker < 0 ? 0 : UINT64_C(1) << worker;
            continue;
        }
        enum sl_set_kind kind =
            envelope->audience == SL_TO_GROUPS ? SL_SET_GROUP : SL_SET_USER;
        workers |=
            sl_directory_set_workers(directory, kind, envelope->hub, name);
    }
    return workers;
}

uint64_t sl_bus_receivers(struct sl_bus_port *port,
                          const struct sl_envelope *envelope)
{
    if (port->bus->worker_count == 1)
        return 1; /* spares a lone worker the directory's locks */
    return workers_of(port->bus->directory, envelope);
}

static void on_envelope(void *context, void *item)
{
    struct sl_bus_port *port = context;
    struct sl_envelope *envelope = item;
    sl_envelope_adopt(envelope);
    port->receiver.deliver(port->user, envelope);
    sl_envelope_free(envelope, true);
}

void sl_bus_publish(struct sl_bus_port *port,
                    const struct sl_envelope *envelope)
{
    struct sl_bus *bus = port->bus;
    uint64_t workers = sl_bus_receivers(port, envelope);
    workers &= ~(UINT64_C(1) << port->worker);
    while (workers != 0) {
        unsigned worker = (unsigned)__builtin_ctzll(workers);
        workers &= workers - 1;
        sl_assert(worker < bus->worker_count);
        post(&bus->ports[worker], on_envelope, sl_envelope_copy(envelope));
    }
}

/* ---- group changes ---- */

static void on_change_done(void *context, void *item)
{
    (void)context;
    struct sl_group_change *change = item;
    change->done(change);
}

static void on_change(void *context, void *item)
{
    struct sl_bus_port *port = context;
    struct sl_group_change *change = item;
    port->receiver.change_group(port->user, change);
    post(&port->bus->ports[change->asker], on_change_done, change);
}

bool sl_bus_change_group(struct sl_bus_port *port,
                         struct sl_group_change *change)
{
    struct sl_bus *bus = port->bus;
    int worker = sl_directory_find_conn(bus->directory, change->hub,
                                        sl_slice_str(change->conn_id));
    if (worker < 0)
        return false;
    change->asker = port->worker;
    change->err = 0;
    post(&bus->ports[worker], on_change, change);
    return true;
}
