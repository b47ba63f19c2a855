// SPDX-License-Identifier: MIT
/*
 * Streams over loopback TCP: what is queued arrives whole and in order, also
 * when the peer reads slowly; one turn makes one system call; ends and failures
 * are reported once; nothing of what was sent last is lost, whatever input
 * was left unread.
 */
#include "net/stream.h"

#include "base/limits.h"
#include "tests/lib/test_loop.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct owner {
    struct sl_str got;
    unsigned ends, drains, closes;
    int end_err;
    bool close_in_data, close_at_end;
};

static void on_data(struct sl_stream *stream, uint8_t *data, size_t len)
{
    struct owner *owner = stream->user;
    sl_str_add(&owner->got, data, len);
    if (owner->close_in_data)
        sl_stream_close(stream);
}

static void on_end(struct sl_stream *stream, int err)
{
    struct owner *owner = stream->user;
    owner->ends++;
    owner->end_err = err;
    if (owner->close_at_end)
        sl_stream_close(stream);
}

static void on_drained(struct sl_stream *stream)
{
    struct owner *owner = stream->user;
    owner->drains++;
}

static void on_closed(struct sl_stream *stream)
{
    struct owner *owner = stream->user;
    owner->closes++;
}

static const struct sl_stream_ops ops = { on_data, on_end, on_drained,
                                          on_closed };

struct fixture {
    struct test_loop test;
    struct owner owner;
    struct sl_stream *stream;
    int client;
    struct sl_str got; /* by the client */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int pair[2];
    test_loop_open(&f->test);
    test_tcp_pair(pair);
    f->client = pair[1];
    f->stream = sl_stream_open(&f->test.loop, pair[0], &ops, &f->owner);
    assert_non_null(f->stream);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->owner.closes == 0)
        sl_stream_close(f->stream);
    test_loop_close(&f->test);
    assert_int_equal(f->owner.closes, 1);
    if (f->client >= 0)
        close(f->client);
    sl_str_release(&f->got);
    sl_str_release(&f->owner.got);
    free(f);
    return 0;
}

static struct sl_buf *framed(struct sl_slice payload, const char *head)
{
    struct sl_buf *buf = sl_buf_new(payload);
    sl_buf_set_head(buf, head, strlen(head));
    return buf;
}

static void expect_client(struct fixture *f, struct sl_slice bytes)
{
    test_loop_until(&f->test, (test_recv(f->client, &f->got, NULL),
                               f->got.len >= bytes.len));
    assert_int_equal(f->got.len, bytes.len);
    assert_memory_equal(f->got.ptr, bytes.ptr, bytes.len);
}

/* ---- */

static void sends_all_kinds_in_order(void **state)
{
    struct fixture *f = *state;
    struct sl_buf *buf = framed(SL_SLICE("payload"), "<>");
    sl_stream_send_copy(f->stream, SL_SLICE("a"), SL_SLICE("b"));
    sl_stream_send_copy(f->stream, (struct sl_slice){ 0 }, SL_SLICE("c"));
    sl_stream_send_framed(f->stream, buf);
    sl_stream_send_payload(f->stream, buf);
    sl_stream_send_copy(f->stream, SL_SLICE("d"), (struct sl_slice){ 0 });
    sl_stream_send_copy(f->stream, (struct sl_slice){ 0 },
                        (struct sl_slice){ 0 });
    assert_int_equal(sl_stream_queued(f->stream), 3 + 9 + 7 + 1);
    assert_int_equal(sl_metric_get(&f->test.metrics, SL_M_QUEUED_BYTES), 20);
    sl_buf_unref(buf); /* the queue has its own */

    expect_client(f, SL_SLICE("abc<>payloadpayloadd"));
    assert_int_equal(sl_stream_queued(f->stream), 0);
    assert_int_equal(sl_metric_get(&f->test.metrics, SL_M_BYTES_OUT), 20);
    assert_int_equal(f->owner.drains, 0); /* it never had to wait */
}

/* On a socket of records each system call makes one. */
static void one_write_per_turn(void **state)
{
    struct fixture *f = *state;
    struct owner owner = { 0 };
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    struct sl_stream *stream =
        sl_stream_open(&f->test.loop, pair[0], &ops, &owner);
    struct sl_buf *buf = framed(SL_SLICE("xyz"), "h");
    for (int i = 0; i < 20; i++) {
        sl_stream_send_copy(stream, SL_SLICE("small"), SL_SLICE("!"));
        sl_stream_send_framed(stream, buf);
    }
    sl_buf_unref(buf);
    test_loop_until(&f->test, sl_stream_queued(stream) == 0);
    char record[1000];
    assert_int_equal(recv(pair[1], record, sizeof(record), MSG_DONTWAIT), 200);
    sl_stream_close(stream);
    test_loop_until(&f->test, owner.closes == 1);
    close(pair[1]);
}

/* Fills a queue far over what the socket takes, with all kinds of slots, and
 * more while it waits; the client reads in drips. */
static void slow_reader_gets_all(void **state)
{
    struct fixture *f = *state;
    struct sl_str want = { 0 };
    char piece[1000];
    int small = 4096;
    setsockopt(f->stream->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    for (unsigned i = 0; i < 3000; i++) {
        memset(piece, 'a' + (int)(i % 26), sizeof(piece));
        struct sl_slice bytes = sl_slice_of(piece, 1 + i % sizeof(piece));
        if (i % 3 == 0) {
            sl_stream_send_copy(f->stream, SL_SLICE("#"), bytes);
            sl_str_add_char(&want, '#');
        } else {
            struct sl_buf *buf = framed(bytes, "=");
            if (i % 3 == 1) {
                sl_stream_send_framed(f->stream, buf);
                sl_str_add_char(&want, '=');
            } else {
                sl_stream_send_payload(f->stream, buf);
            }
            sl_buf_unref(buf);
        }
        sl_str_add_slice(&want, bytes);
        if (i % 100 == 0)
            test_loop_turn(&f->test);
    }
    assert_true(sl_stream_queued(f->stream) > 100000);
    assert_int_equal(f->owner.drains, 0);
    while (f->got.len < want.len) {
        ssize_t len =
            recv(f->client, sl_str_reserve(&f->got, 7777), 7777, MSG_DONTWAIT);
        if (len > 0)
            f->got.len += (size_t)len;
        test_loop_turn(&f->test);
    }
    assert_int_equal(f->got.len, want.len);
    assert_memory_equal(f->got.ptr, want.ptr, want.len);
    test_loop_until(&f->test, f->owner.drains == 1);
    assert_int_equal(sl_stream_queued(f->stream), 0);
    assert_ptr_equal(f->stream->out.slots, f->stream->out.few);
    sl_str_release(&want);
}

static void block_in_flight_is_not_changed(void **state)
{
    struct fixture *f = *state;
    char *big = calloc(1, 8 << 20);
    memset(big, 'B', 8 << 20);
    sl_stream_send_copy(f->stream, sl_slice_of(big, 8 << 20), SL_SLICE(""));
    test_loop_turn(&f->test);
    test_loop_turn(&f->test);
    assert_non_null(f->stream->write);
    sl_stream_send_copy(f->stream, SL_SLICE("tail"), SL_SLICE("-end"));
    test_loop_until(&f->test, (test_recv(f->client, &f->got, NULL),
                               f->got.len >= (8 << 20) + 8));
    assert_memory_equal(f->got.ptr + (8 << 20), "tail-end", 8);
    free(big);
}

static void notify_drained_without_waiting(void **state)
{
    struct fixture *f = *state;
    sl_stream_notify_drained(f->stream);
    assert_int_equal(f->owner.drains, 0); /* not from inside */
    test_loop_until(&f->test, f->owner.drains == 1);
    sl_stream_send_copy(f->stream, SL_SLICE("x"), SL_SLICE("y"));
    sl_stream_notify_drained(f->stream);
    expect_client(f, SL_SLICE("xy"));
    assert_int_equal(f->owner.drains, 2);
}

static void reads_on_demand(void **state)
{
    struct fixture *f = *state;
    test_send(f->client, SL_SLICE("one"));
    for (int i = 0; i < 5; i++)
        test_loop_turn(&f->test);
    assert_int_equal(f->owner.got.len, 0);
    sl_stream_read_start(f->stream);
    sl_stream_read_start(f->stream);
    test_loop_until(&f->test, f->owner.got.len == 3);
    sl_stream_read_stop(f->stream);
    test_send(f->client, SL_SLICE("two"));
    for (int i = 0; i < 5; i++)
        test_loop_turn(&f->test);
    assert_int_equal(f->owner.got.len, 3);
    sl_stream_read_start(f->stream);
    test_loop_until(&f->test, f->owner.got.len == 6);
    assert_int_equal(sl_metric_get(&f->test.metrics, SL_M_BYTES_IN), 6);
}

/* A peer that sent its end may still read. */
static void half_open_peer_still_reads(void **state)
{
    struct fixture *f = *state;
    sl_stream_read_start(f->stream);
    test_send(f->client, SL_SLICE("bye"));
    shutdown(f->client, SHUT_WR);
    test_loop_until(&f->test, f->owner.ends == 1);
    assert_int_equal(f->owner.end_err, 0);
    assert_int_equal(f->owner.got.len, 3);
    sl_stream_read_start(f->stream); /* nothing: it has ended */
    sl_stream_send_copy(f->stream, SL_SLICE("last"), SL_SLICE(" words"));
    sl_stream_finish(f->stream);
    sl_stream_send_copy(f->stream, SL_SLICE("too late"), SL_SLICE(""));
    test_loop_until(&f->test, f->owner.closes == 1);
    assert_false(test_recv(f->client, &f->got, NULL));
    assert_int_equal(f->got.len, 10);
    assert_int_equal(f->owner.ends, 1);
}

/* The peer goes on sending what nobody reads; the answer must not be lost to
 * a reset. */
static void finish_with_unread_input(void **state)
{
    struct fixture *f = *state;
    char junk[4096] = { 0 };
    for (int i = 0; i < 16; i++)
        test_send(f->client, sl_slice_of(junk, sizeof(junk)));
    sl_stream_send_copy(f->stream, SL_SLICE("413"), SL_SLICE(" too large"));
    sl_stream_finish(f->stream);
    sl_stream_finish(f->stream);
    for (int i = 0; i < 20; i++)
        test_loop_turn(&f->test);
    for (int i = 0; i < 16; i++)
        test_send(f->client, sl_slice_of(junk, sizeof(junk)));
    int error;
    test_loop_until(&f->test, !test_recv(f->client, &f->got, &error));
    assert_int_equal(error, 0);
    assert_int_equal(f->got.len, 13);
    assert_int_equal(f->owner.closes, 0); /* it waits for the peer's end */
    close(f->client);
    f->client = -1;
    test_loop_until(&f->test, f->owner.closes == 1);
    assert_int_equal(f->owner.ends, 0);
    assert_int_equal(f->owner.got.len, 0); /* dropped */
}

static void close_bounds_finish(void **state)
{
    struct fixture *f = *state;
    char *big = calloc(1, 16 << 20);
    sl_stream_send_copy(f->stream, sl_slice_of(big, 16 << 20), SL_SLICE(""));
    free(big);
    sl_stream_finish(f->stream);
    for (int i = 0; i < 5; i++)
        test_loop_turn(&f->test);
    assert_non_null(f->stream->write);
    sl_stream_close(f->stream);
    sl_stream_close(f->stream);
    assert_int_equal(f->owner.closes, 0); /* not from inside */
    test_loop_until(&f->test, f->owner.closes == 1);
    assert_int_equal(sl_metric_get(&f->test.metrics, SL_M_QUEUED_BYTES), 0);
}

static void reset(int *fd)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(*fd);
    *fd = -1;
}

static void reset_is_reported_once_when_reading(void **state)
{
    struct fixture *f = *state;
    sl_stream_read_start(f->stream);
    reset(&f->client);
    test_loop_until(&f->test, f->owner.ends == 1);
    assert_int_equal(f->owner.end_err, UV_ECONNRESET);
    sl_stream_send_copy(f->stream, SL_SLICE("x"), SL_SLICE("x"));
    for (int i = 0; i < 5; i++)
        test_loop_turn(&f->test);
    assert_int_equal(f->owner.ends, 1);
    assert_int_equal(sl_stream_queued(f->stream), 0);
}

static void broken_pipe_is_reported_once_when_writing(void **state)
{
    struct fixture *f = *state;
    reset(&f->client);
    for (int i = 0; i < 3; i++)
        sl_stream_send_copy(f->stream, SL_SLICE("x"), SL_SLICE("x"));
    assert_int_equal(f->owner.ends, 0);
    test_loop_until(&f->test, f->owner.ends == 1);
    assert_true(f->owner.end_err == UV_ECONNRESET ||
                f->owner.end_err == UV_EPIPE);
    sl_stream_send_copy(f->stream, SL_SLICE("x"), SL_SLICE("x"));
    assert_int_equal(sl_stream_queued(f->stream), 0);
    for (int i = 0; i < 5; i++)
        test_loop_turn(&f->test);
    assert_int_equal(f->owner.ends, 1);
    sl_stream_finish(f->stream); /* nothing to wait for */
    test_loop_until(&f->test, f->owner.closes == 1);
}

static void reset_while_waiting_for_room(void **state)
{
    struct fixture *f = *state;
    char *big = calloc(1, 16 << 20);
    sl_stream_send_copy(f->stream, sl_slice_of(big, 16 << 20), SL_SLICE(""));
    free(big);
    f->owner.close_at_end = true;
    for (int i = 0; i < 5; i++)
        test_loop_turn(&f->test);
    assert_non_null(f->stream->write);
    reset(&f->client);
    test_loop_until(&f->test, f->owner.closes == 1);
    assert_int_equal(f->owner.ends, 1);
    assert_true(f->owner.end_err < 0);
}

static void closes_inside_on_data(void **state)
{
    struct fixture *f = *state;
    f->owner.close_in_data = true;
    sl_stream_read_start(f->stream);
    test_send(f->client, SL_SLICE("x"));
    test_loop_until(&f->test, f->owner.closes == 1);
    assert_int_equal(f->owner.ends, 0);
}

static void refuses_what_is_no_socket(void **state)
{
    struct fixture *f = *state;
    int pair[2];
    test_tcp_pair(pair);
    close(pair[0]);
    assert_null(sl_stream_open(&f->test.loop, pair[0], &ops, &f->owner));
    close(pair[1]);
}

/* Parting: flushed, and closed though the peer keeps its side open. */
static void parts_without_waiting_for_the_peer(void **state)
{
    struct fixture *f = *state;
    sl_stream_send_copy(f->stream, SL_SLICE("bye"), (struct sl_slice){ 0 });
    sl_stream_part(f->stream);
    sl_stream_part(f->stream);
    test_loop_until(&f->test, f->owner.closes == 1);
    expect_client(f, SL_SLICE("bye"));
    assert_int_equal(f->owner.ends, 0);
}

static void pushes_before_the_turn_ends(void **state)
{
    struct fixture *f = *state;
    sl_stream_send_copy(f->stream, SL_SLICE("a"), SL_SLICE("b"));
    sl_stream_push(f->stream);
    assert_int_equal(sl_stream_queued(f->stream), 0);
    sl_stream_send_copy(f->stream, SL_SLICE("c"), SL_SLICE("d"));
    assert_int_equal(sl_stream_queued(f->stream), 2);
    assert_int_equal(f->owner.drains, 0);
    expect_client(f, SL_SLICE("abcd"));
}

/* More than the sockets take: the order holds over pushes, the write that
 * waits for room, and what is queued meanwhile. */
static void pushes_what_the_socket_takes(void **state)
{
    struct fixture *f = *state;
    struct sl_str want = { 0 };
    char piece[1000];
    for (unsigned i = 0; i < 20000; i++) {
        memset(piece, 'a' + (int)(i % 26), sizeof(piece));
        sl_str_add(&want, piece, sizeof(piece));
        sl_stream_send_copy(f->stream, sl_slice_of(piece, 500),
                            sl_slice_of(piece + 500, 500));
        sl_stream_push(f->stream);
        if (i % 1000 == 0)
            test_loop_turn(&f->test);
    }
    assert_true(sl_stream_queued(f->stream) > 0);
    expect_client(f, sl_str_slice(&want));
    sl_str_release(&want);
}

static void push_of_a_broken_stream_leaves_it_to_the_flush(void **state)
{
    struct fixture *f = *state;
    struct linger hard = { .l_onoff = 1 };
    setsockopt(f->client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(f->client);
    f->client = -1;
    sl_stream_send_copy(f->stream, SL_SLICE("x"), (struct sl_slice){ 0 });
    sl_stream_push(f->stream);
    assert_int_equal(f->owner.ends, 0);
    test_loop_until(&f->test, f->owner.ends == 1);
    assert_true(f->owner.end_err < 0);
    sl_stream_push(f->stream);
    assert_int_equal(sl_stream_queued(f->stream), 0);
}

struct causal {
    struct sl_loop *loop;
    struct sl_stream *streams[2];
    unsigned posted, delivered, read, closes;
    bool close_in_letter;
};

static void on_causal_letter(void *context, void *item)
{
    (void)item;
    struct causal *causal = context;
    causal->delivered++;
    for (int i = 0; causal->close_in_letter && i < 2; i++)
        sl_stream_close(causal->streams[i]);
}

static void on_causal_data(struct sl_stream *stream, uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
    struct causal *causal = stream->user;
    assert_int_equal(causal->delivered, causal->posted);
    causal->read++;
    causal->posted++;
    sl_loop_post(causal->loop, (struct sl_letter){ .deliver = on_causal_letter,
                                                   .context = causal });
}

static void on_causal_closed(struct sl_stream *stream)
{
    ((struct causal *)stream->user)->closes++;
}

/* Two streams are readable in one turn; what is posted in the first one's
 * callback is there in the second's. */
static void letters_come_before_bytes_read_after_them(void **state)
{
    static const struct sl_stream_ops causal_ops = {
        .on_data = on_causal_data, .on_closed = on_causal_closed
    };
    struct fixture *f = *state;
    for (unsigned closing = 0; closing < 2; closing++) {
        struct causal causal = { .loop = &f->test.loop,
                                 .close_in_letter = closing };
        int clients[2];
        for (int i = 0; i < 2; i++) {
            int pair[2];
            test_local_pair(pair);
            clients[i] = pair[1];
            test_send(clients[i], SL_SLICE("x"));
            causal.streams[i] =
                sl_stream_open(causal.loop, pair[0], &causal_ops, &causal);
            sl_stream_read_start(causal.streams[i]);
        }
        test_loop_until(&f->test, causal.read == (closing ? 1 : 2) &&
                                      causal.delivered == causal.posted);
        assert_int_equal(causal.read, closing ? 1 : 2);
        for (int i = 0; !closing && i < 2; i++)
            sl_stream_close(causal.streams[i]);
        test_loop_until(&f->test, causal.closes == 2);
        for (int i = 0; i < 2; i++)
            close(clients[i]);
    }
}

/* An idle connection is allowed 1.5 KB in all. */
static void idle_stream_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct sl_stream) <= 384);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(sends_all_kinds_in_order),
        STREAM_TEST(one_write_per_turn),
        STREAM_TEST(slow_reader_gets_all),
        STREAM_TEST(block_in_flight_is_not_changed),
        STREAM_TEST(notify_drained_without_waiting),
        STREAM_TEST(reads_on_demand),
        STREAM_TEST(half_open_peer_still_reads),
        STREAM_TEST(finish_with_unread_input),
        STREAM_TEST(close_bounds_finish),
        STREAM_TEST(reset_is_reported_once_when_reading),
        STREAM_TEST(broken_pipe_is_reported_once_when_writing),
        STREAM_TEST(reset_while_waiting_for_room),
        STREAM_TEST(closes_inside_on_data),
        STREAM_TEST(refuses_what_is_no_socket),
        STREAM_TEST(parts_without_waiting_for_the_peer),
        STREAM_TEST(pushes_before_the_turn_ends),
        STREAM_TEST(pushes_what_the_socket_takes),
        STREAM_TEST(push_of_a_broken_stream_leaves_it_to_the_flush),
        STREAM_TEST(letters_come_before_bytes_read_after_them),
        cmocka_unit_test(idle_stream_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
