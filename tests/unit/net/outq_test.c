// SPDX-License-Identifier: MIT
/*
 * The queue without sockets: what is gathered is what was pushed, whatever the
 * pieces in which it leaves (compared with a plain string, at random); small
 * copies share blocks, and a queue that has run empty holds no memory.
 */
#include "net/outq.h"

#include "base/limits.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct sl_loop loop;
    struct sl_metrics metrics;
    struct sl_outq out;
    struct sl_buf *buf; /* "<>" and "payload" */
};

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    f.metrics = (struct sl_metrics){ 0 };
    assert_int_equal(sl_loop_init(&f.loop, &f.metrics), 0);
    sl_outq_init(&f.out);
    f.buf = sl_buf_new(SL_SLICE("payload"));
    sl_buf_set_head(f.buf, "<>", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_outq_clear(&f.out, &f.loop);
    assert_int_equal(sl_metric_get(&f.metrics, SL_M_QUEUED_BYTES), 0);
    assert_int_equal(f.buf->refs, 1);
    sl_buf_unref(f.buf);
    sl_loop_release(&f.loop);
    return 0;
}

static void copy(const char *text)
{
    sl_outq_push_copy(&f.out, &f.loop, (struct sl_slice){ 0 },
                      sl_slice_str(text));
}

static unsigned slices(void)
{
    uv_buf_t bufs[SL_WRITE_IOV_MAX];
    size_t bytes;
    return sl_outq_gather(&f.out, bufs, &bytes);
}

static void assert_empty(void)
{
    assert_int_equal(f.out.count, 0);
    assert_int_equal(f.out.bytes, 0);
    assert_ptr_equal(f.out.slots, f.out.few);
}

static void broadcast_needs_no_memory(void **state)
{
    (void)state;
    sl_outq_push_framed(&f.out, &f.loop, f.buf);
    sl_outq_push_payload(&f.out, &f.loop, f.buf);
    assert_ptr_equal(f.out.slots, f.out.few);
    assert_int_equal(f.buf->refs, 3);
    assert_int_equal(f.out.bytes, 16);
    sl_outq_consume(&f.out, &f.loop, 10); /* into the second */
    assert_int_equal(f.buf->refs, 2);
    uv_buf_t bufs[SL_WRITE_IOV_MAX];
    size_t bytes;
    assert_int_equal(sl_outq_gather(&f.out, bufs, &bytes), 1);
    assert_int_equal(bytes, 6);
    assert_memory_equal(bufs[0].base, "ayload", 6);
    sl_outq_consume(&f.out, &f.loop, 6);
    assert_empty();
    assert_int_equal(sl_metric_get(&f.metrics, SL_M_BYTES_OUT), 16);
}

static void small_copies_share_a_block(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        copy("twenty bytes of text");
    assert_int_equal(slices(), 1);
    sl_outq_seal(&f.out); /* now it is being written */
    copy("later");
    assert_int_equal(slices(), 2);
    sl_outq_push_framed(&f.out, &f.loop, f.buf);
    copy("after the buffer");
    assert_int_equal(slices(), 4);
}

/* Many copies in one turn: few slices, since blocks grow. */
static void blocks_grow(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++)
        copy("twenty bytes of text");
    unsigned most = 200000 / SL_TAIL_BLOCK_MAX + 10;
    assert_true(f.out.count <= most);
    assert_true(f.out.count > 5);
}

static void large_copy_stays_in_one_piece(void **state)
{
    (void)state;
    size_t size = 3 * SL_TAIL_BLOCK_MAX;
    char *text = malloc(size);
    memset(text, 'x', size);
    sl_outq_push_copy(&f.out, &f.loop, SL_SLICE("head"),
                      sl_slice_of(text, size));
    free(text);
    assert_int_equal(slices(), 1);
    assert_int_equal(f.out.bytes, size + 4);
}

static void gathers_at_most_what_a_write_takes(void **state)
{
    (void)state;
    uv_buf_t bufs[SL_WRITE_IOV_MAX];
    size_t bytes;
    for (int i = 0; i < 3 * SL_WRITE_IOV_MAX; i++)
        sl_outq_push_payload(&f.out, &f.loop, f.buf);
    assert_int_equal(sl_outq_gather(&f.out, bufs, &bytes), SL_WRITE_IOV_MAX);
    assert_int_equal(bytes, 7 * SL_WRITE_IOV_MAX);
    sl_outq_consume(&f.out, &f.loop, f.out.bytes);
    assert_empty();
}

/* The model is a string: pushes append to it, consumed bytes leave it. */
static void random_pieces(void **state)
{
    (void)state;
    struct sl_str model = { 0 };
    size_t out = 0; /* of the model */
    srand(1);
    for (int i = 0; i < 20000; i++) {
        unsigned choice = (unsigned)rand() % 10;
        if (choice < 2) {
            sl_outq_push_framed(&f.out, &f.loop, f.buf);
            sl_str_add_lit(&model, "<>payload");
        } else if (choice < 4) {
            sl_outq_push_payload(&f.out, &f.loop, f.buf);
            sl_str_add_lit(&model, "payload");
        } else if (choice < 7) {
            char text[400];
            size_t len = 1 + (size_t)rand() % sizeof(text);
            memset(text, 'a' + i % 26, len);
            sl_outq_push_copy(&f.out, &f.loop, SL_SLICE("#"),
                              sl_slice_of(text, len));
            sl_str_add_char(&model, '#');
            sl_str_add(&model, text, len);
        } else {
            uv_buf_t bufs[SL_WRITE_IOV_MAX];
            size_t bytes, at = out;
            unsigned count = sl_outq_gather(&f.out, bufs, &bytes);
            for (unsigned k = 0; k < count; k++) {
                assert_memory_equal(bufs[k].base, model.ptr + at, bufs[k].len);
                at += bufs[k].len;
            }
            assert_int_equal(at - out, bytes);
            if (rand() % 2 == 0)
                sl_outq_seal(&f.out);
            size_t taken = rand() % 3 == 0 ? bytes : (size_t)rand() % 700;
            taken = taken > bytes ? bytes : taken;
            sl_outq_consume(&f.out, &f.loop, taken);
            out += taken;
        }
        assert_int_equal(f.out.bytes, model.len - out);
        assert_int_equal(sl_metric_get(&f.metrics, SL_M_QUEUED_BYTES),
                         model.len - out);
    }
    sl_outq_consume(&f.out, &f.loop, f.out.bytes);
    assert_empty();
    sl_str_release(&model);
}

#define OUTQ_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTQ_TEST(broadcast_needs_no_memory),
        OUTQ_TEST(small_copies_share_a_block),
        OUTQ_TEST(blocks_grow),
        OUTQ_TEST(large_copy_stays_in_one_piece),
        OUTQ_TEST(gathers_at_most_what_a_write_takes),
        OUTQ_TEST(random_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
