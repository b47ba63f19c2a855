// SPDX-License-Identifier: MIT
/*
 * A copy owns its names and shares its payloads, whether it is adopted by the
 * receiving thread or thrown away on the way. Leaks and late reads are the
 * address sanitizer's to find.
 */
#include "bus/envelope.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sl_envelope *make_copy(struct sl_buf *payload)
{
    char first[] = "first", second[] = "", id[] = "someone";
    struct sl_slice names[] = { sl_slice_str(first), sl_slice_str(second) };
    struct sl_slice except[] = { sl_slice_str(id) };
    struct sl_envelope envelope = {
        .hub = 7,
        .audience = SL_TO_GROUPS,
        .names = names,
        .name_count = 2,
        .except = except,
        .except_count = 1,
        .payload[SL_PROTOCOL_JSON] = payload,
    };
    struct sl_envelope *copy = sl_envelope_copy(&envelope);
    /* The sender's memory is reused at once. */
    memset(first, 'x', sizeof(first));
    memset(id, 'x', sizeof(id));
    return copy;
}

static void check_copy(const struct sl_envelope *copy)
{
    assert_int_equal(copy->hub, 7);
    assert_int_equal(copy->audience, SL_TO_GROUPS);
    assert_int_equal(copy->name_count, 2);
    assert_true(sl_slice_eq(copy->names[0], SL_SLICE("first")));
    assert_int_equal(copy->names[1].len, 0);
    assert_int_equal(copy->except_count, 1);
    assert_true(sl_slice_eq(copy->except[0], SL_SLICE("someone")));
    assert_null(copy->payload[SL_PROTOCOL_MESSAGEPACK]);
}

static void test_copy_owns_its_names(void **state)
{
    (void)state;
    struct sl_buf *payload = sl_buf_new(SL_SLICE("bytes"));
    struct sl_envelope *copy = make_copy(payload);
    check_copy(copy);
    sl_envelope_free(copy, false);
    assert_int_equal(payload->refs, 1);
    sl_buf_unref(payload);
}

static void *receive(void *user)
{
    struct sl_envelope *copy = user;
    sl_envelope_adopt(copy);
    bool good = sl_slice_eq(sl_buf_payload(copy->payload[SL_PROTOCOL_JSON]),
                            SL_SLICE("bytes"));
    sl_envelope_free(copy, true);
    return good ? user : NULL;
}

static void test_payload_outlives_the_sender(void **state)
{
    (void)state;
    struct sl_buf *payload = sl_buf_new(SL_SLICE("bytes"));
    struct sl_envelope *copies[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        copies[i] = make_copy(payload);
    sl_buf_unref(payload); /* the copies alone hold it now */
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, receive, copies[i]),
                         0);
    for (int i = 0; i < 4; i++) {
        void *outcome = NULL;
        pthread_join(threads[i], &outcome);
        assert_non_null(outcome);
    }
}

static void test_empty_envelope(void **state)
{
    (void)state;
    struct sl_envelope empty = { .audience = SL_TO_ALL };
    struct sl_envelope *copy = sl_envelope_copy(&empty);
    assert_int_equal(copy->name_count, 0);
    sl_envelope_adopt(copy);
    sl_envelope_free(copy, true);
    sl_envelope_free(NULL, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_owns_its_names),
        cmocka_unit_test(test_payload_outlives_the_sender),
        cmocka_unit_test(test_empty_envelope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
