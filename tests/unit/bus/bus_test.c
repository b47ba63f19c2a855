// SPDX-License-Identifier: MIT
/*
 * Letters go to the workers that have receivers and to no others; a group
 * change goes there and back once. The last test runs workers as threads.
 */
#include "bus/bus.h"

#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORKERS 3

struct worker {
    struct sl_mailbox mailbox;
    struct sl_bus_port *port;
    unsigned delivered, changed;
    char last[32];
};

struct fixture {
    struct sl_directory *directory;
    struct sl_bus *bus;
    uint32_t hub;
    struct worker workers[WORKERS];
};

static void on_deliver(void *user, const struct sl_envelope *envelope)
{
    struct worker *worker = user;
    struct sl_slice payload =
        sl_buf_payload(envelope->payload[SL_PROTOCOL_JSON]);
    worker->delivered++;
    memcpy(worker->last, payload.ptr, payload.len);
    worker->last[payload.len] = '\0';
}

static void on_change(void *user, struct sl_group_change *change)
{
    struct worker *worker = user;
    worker->changed++;
    change->err = change->add ? 0 : -7;
}

static const struct sl_bus_receiver receiver = { on_deliver, on_change };

static int set_up(void **state)
{
    struct fixture *f = sl_zalloc(sizeof(*f));
    f->directory = sl_directory_new();
    f->bus = sl_bus_new(f->directory, WORKERS);
    f->hub = sl_directory_hub(f->directory, SL_SLICE("hub"));
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *worker = &f->workers[i];
        sl_mailbox_init(&worker->mailbox, NULL, NULL);
        worker->port =
            sl_bus_attach(f->bus, i, &worker->mailbox, &receiver, worker);
        assert_int_equal(sl_bus_worker(worker->port), i);
        assert_ptr_equal(sl_bus_directory(worker->port), f->directory);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < WORKERS; i++)
        sl_mailbox_release(&f->workers[i].mailbox);
    sl_bus_free(f->bus);
    sl_directory_free(f->directory);
    sl_free(f);
    return 0;
}

static void publish(struct fixture *f, unsigned from,
                    struct sl_envelope envelope, const char *text)
{
    struct sl_buf *payload = sl_buf_new(sl_slice_str(text));
    envelope.hub = f->hub;
    envelope.payload[SL_PROTOCOL_JSON] = payload;
    sl_bus_publish(f->workers[from].port, &envelope);
    sl_buf_unref(payload);
}

static void add(struct fixture *f, const char *id, unsigned worker)
{
    assert_int_equal(sl_directory_add_conn(f->directory, f->hub,
                                           sl_slice_str(id), worker,
                                           SL_PROTOCOL_JSON),
                     0);
}

static void expect_letters(struct fixture *f, size_t a, size_t b, size_t c)
{
    const size_t expected[WORKERS] = { a, b, c };
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(sl_mailbox_deliver(&f->workers[i].mailbox),
                         expected[i]);
}

static void test_all(void **state)
{
    struct fixture *f = *state;
    publish(f, 0, (struct sl_envelope){ .audience = SL_TO_ALL }, "nobody");
    expect_letters(f, 0, 0, 0);

    add(f, "a", 0);
    add(f, "b", 2);
    publish(f, 0, (struct sl_envelope){ .audience = SL_TO_ALL }, "one");
    publish(f, 0, (struct sl_envelope){ .audience = SL_TO_ALL }, "two");
    expect_letters(f, 0, 0, 2);
    assert_string_equal(f->workers[2].last, "two");
    publish(f, 1, (struct sl_envelope){ .audience = SL_TO_ALL }, "three");
    expect_letters(f, 1, 0, 1);
}

static void test_clients(void **state)
{
    struct fixture *f = *state;
    add(f, "a", 0);
    add(f, "b", 1);
    add(f, "b2", 1);
    struct sl_slice local[] = { SL_SLICE("a"), SL_SLICE("unknown") };
    struct sl_envelope envelope = { .audience = SL_TO_CLIENTS,
                                    .names = local,
                                    .name_count = 2 };
    publish(f, 0, envelope, "local");
    expect_letters(f, 0, 0, 0);

    struct sl_slice ids[] = { SL_SLICE("b"), SL_SLICE("b2"), SL_SLICE("a") };
    envelope.names = ids;
    envelope.name_count = 3;
    publish(f, 0, envelope, "one letter for two of them");
    expect_letters(f, 0, 1, 0);
}

static void test_sets(void **state)
{
    struct fixture *f = *state;
    struct sl_slice names[] = { SL_SLICE("x"), SL_SLICE("y") };
    sl_directory_join(f->directory, SL_SET_GROUP, f->hub, names[0], 1);
    sl_directory_join(f->directory, SL_SET_GROUP, f->hub, names[1], 1);
    sl_directory_join(f->directory, SL_SET_GROUP, f->hub, names[1], 2);
    sl_directory_join(f->directory, SL_SET_USER, f->hub, names[0], 0);

    struct sl_envelope envelope = { .audience = SL_TO_GROUPS,
                                    .names = names,
                                    .name_count = 2 };
    publish(f, 0, envelope, "groups");
    expect_letters(f, 0, 1, 1);
    envelope.audience = SL_TO_USERS;
    publish(f, 1, envelope, "user");
    expect_letters(f, 1, 0, 0);
}

/* ---- group changes ---- */

static struct sl_group_change change_of(struct fixture *f, const char *id,
                                        bool adds)
{
    return (struct sl_group_change){
        .hub = f->hub,
        .add = adds,
        .conn_id = (char *)(uintptr_t)id,
        .group = (char *)(uintptr_t) "g",
        .group_len = 1,
    };
}

static void on_done(struct sl_group_change *change)
{
    ++*(unsigned *)change->user;
}

static void test_change_goes_there_and_back(void **state)
{
    struct fixture *f = *state;
    unsigned done = 0;
    add(f, "b", 1);
    struct sl_group_change change = change_of(f, "b", true);
    change.done = on_done;
    change.user = &done;

    assert_true(sl_bus_change_group(f->workers[0].port, &change));
    expect_letters(f, 0, 1, 0);
    assert_int_equal(f->workers[1].changed, 1);
    assert_int_equal(done, 0);
    expect_letters(f, 1, 0, 0);
    assert_int_equal(done, 1);
    assert_int_equal(change.err, 0);

    change = change_of(f, "b", false);
    change.done = on_done;
    change.user = &done;
    assert_true(sl_bus_change_group(f->workers[1].port, &change));
    expect_letters(f, 0, 1, 0); /* to itself, by letter too */
    expect_letters(f, 0, 1, 0);
    assert_int_equal(done, 2);
    assert_int_equal(change.err, -7);
}

static void test_change_of_unknown_connection(void **state)
{
    struct fixture *f = *state;
    struct sl_group_change change = change_of(f, "nobody", true);
    assert_false(sl_bus_change_group(f->workers[0].port, &change));
    expect_letters(f, 0, 0, 0);
}

static void on_posted(void *context, void *item)
{
    struct worker *worker = context;
    worker->changed += *(unsigned *)item;
}

/* With what that worker gave as `user`, when its letters are delivered. */
static void test_post(void **state)
{
    struct fixture *f = *state;
    unsigned item = 5;
    sl_bus_post(f->workers[0].port, 2, on_posted, &item);
    sl_bus_post(f->workers[2].port, 2, on_posted, &item);
    assert_int_equal(f->workers[2].changed, 0);
    expect_letters(f, 0, 0, 2);
    assert_int_equal(f->workers[2].changed, 10);
    assert_int_equal(f->workers[0].changed, 0);
}

static void test_receivers(void **state)
{
    struct fixture *f = *state;
    struct sl_slice names[] = { SL_SLICE("b"), SL_SLICE("nobody") };
    struct sl_envelope envelope = { .hub = f->hub, .audience = SL_TO_ALL };
    struct sl_bus_port *port = f->workers[1].port;
    assert_int_equal(sl_bus_receivers(port, &envelope), 0);
    add(f, "a", 0);
    add(f, "b", 1);
    assert_int_equal(sl_bus_receivers(port, &envelope), 3);
    envelope.audience = SL_TO_CLIENTS;
    envelope.names = names;
    envelope.name_count = 2;
    assert_int_equal(sl_bus_receivers(port, &envelope), 2);
    envelope.audience = SL_TO_GROUPS;
    assert_int_equal(sl_bus_receivers(port, &envelope), 0);
}

static void test_letters_left_over_are_freed(void **state)
{
    struct fixture *f = *state;
    add(f, "b", 1);
    publish(f, 0, (struct sl_envelope){ .audience = SL_TO_ALL }, "left");
}

static void test_single_worker_posts_nothing(void **state)
{
    (void)state;
    struct sl_directory *directory = sl_directory_new();
    struct sl_bus *bus = sl_bus_new(directory, 1);
    struct sl_mailbox mailbox;
    struct worker worker = { .delivered = 0 };
    sl_mailbox_init(&mailbox, NULL, NULL);
    struct sl_bus_port *port =
        sl_bus_attach(bus, 0, &mailbox, &receiver, &worker);
    struct sl_envelope envelope = {
        .hub = sl_directory_hub(directory, SL_SLICE("hub")),
        .audience = SL_TO_ALL,
    };
    sl_bus_publish(port, &envelope);
    assert_int_equal(sl_mailbox_count(&mailbox), 0);
    sl_mailbox_release(&mailbox);
    sl_bus_free(bus);
    sl_directory_free(directory);
}

/* ---- threads: each sends to all others, order is looked at ---- */

#define SENDS 2000

struct runner {
    struct fixture *f;
    unsigned index;
    unsigned next[WORKERS]; /* number expected from each sender */
    bool in_order;
};

static void on_numbered(void *user, const struct sl_envelope *envelope)
{
    struct runner *runner = user;
    struct sl_slice payload =
        sl_buf_payload(envelope->payload[SL_PROTOCOL_JSON]);
    char text[32] = { 0 };
    char *end;
    memcpy(text, payload.ptr, payload.len);
    unsigned long from = strtoul(text, &end, 10);
    unsigned long number = strtoul(end, NULL, 10);
    if (from >= WORKERS || number != runner->next[from])
        runner->in_order = false;
    else
        runner->next[from]++;
}

static bool all_came(const struct runner *runner)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (i != runner->index && runner->next[i] < SENDS)
            return false;
    return true;
}

static void *run_worker(void *user)
{
    struct runner *runner = user;
    struct worker *worker = &runner->f->workers[runner->index];
    for (unsigned i = 0; i < SENDS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%u %u", runner->index, i);
        publish(runner->f, runner->index,
                (struct sl_envelope){ .audience = SL_TO_ALL }, text);
        if (i % 7 == 0)
            sl_mailbox_deliver(&worker->mailbox);
    }
    while (runner->in_order && !all_came(runner))
        if (sl_mailbox_deliver(&worker->mailbox) == 0)
            sched_yield();
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static const struct sl_bus_receiver numbered = { on_numbered, on_change };
    struct fixture f = { .directory = sl_directory_new() };
    struct runner runners[WORKERS];
    pthread_t threads[WORKERS];
    f.bus = sl_bus_new(f.directory, WORKERS);
    f.hub = sl_directory_hub(f.directory, SL_SLICE("hub"));
    for (unsigned i = 0; i < WORKERS; i++) {
        runners[i] = (struct runner){ .f = &f, .index = i, .in_order = true };
        sl_mailbox_init(&f.workers[i].mailbox, NULL, NULL);
        f.workers[i].port = sl_bus_attach(f.bus, i, &f.workers[i].mailbox,
                                          &numbered, &runners[i]);
        char id[16];
        snprintf(id, sizeof(id), "c%u", i);
        add(&f, id, i);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_worker, &runners[i]), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_true(runners[i].in_order);
        sl_mailbox_release(&f.workers[i].mailbox);
    }
    sl_bus_free(f.bus);
    sl_directory_free(f.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_change_goes_there_and_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_change_of_unknown_connection,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_post, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receivers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_letters_left_over_are_freed,
                                        set_up, tear_down),
        cmocka_unit_test(test_single_worker_posts_nothing),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
