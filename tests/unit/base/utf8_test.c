// SPDX-License-Identifier: MIT
/*
 * Validation against a naive decoder, which decodes to a number and judges
 * that: all sequences of one to three bytes, four-byte ones with every first
 * two bytes and sampled rest, each alone, and split at every position.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Decodes the one character at the beginning; returns its bytes, 0: wrong. */
static size_t decode_naively(const uint8_t *bytes, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t need = bytes[0] < 0x80             ? 1
                  : (bytes[0] & 0xe0) == 0xc0 ? 2
                  : (bytes[0] & 0xf0) == 0xe0 ? 3
                  : (bytes[0] & 0xf8) == 0xf0 ? 4
                                              : 0;
    if (need == 0 || need > len)
        return 0;
    uint32_t value = need == 1 ? bytes[0] : bytes[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < least[need] || value > 0x10ffff || surrogate ? 0 : need;
}

static bool valid_naively(const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t used = decode_naively(bytes, len);
        if (used == 0)
            return false;
        bytes += used;
        len -= used;
    }
    return true;
}

static void check(const uint8_t *bytes, size_t len)
{
    bool valid = valid_naively(bytes, len);
    if (sl_utf8_valid(sl_slice_of(bytes, len)) != valid)
        fail_msg("%02x %02x %02x %02x (%zu bytes)", bytes[0], bytes[1],
                 bytes[2], bytes[3], len);
    for (size_t cut = 0; cut <= len; cut++) {
        uint32_t state = sl_utf8_check(SL_UTF8_ACCEPT, sl_slice_of(bytes, cut));
        state = sl_utf8_check(state, sl_slice_of(bytes + cut, len - cut));
        if ((state == SL_UTF8_ACCEPT) != valid)
            fail_msg("%02x %02x %02x %02x cut at %zu", bytes[0], bytes[1],
                     bytes[2], bytes[3], cut);
    }
}

static void all_of_up_to_three_bytes(void **state)
{
    (void)state;
    uint8_t bytes[4] = { 0 };
    check(bytes, 0);
    for (unsigned i = 0; i < 1u << 24; i++) {
        bytes[0] = (uint8_t)(i >> 16);
        bytes[1] = (uint8_t)(i >> 8);
        bytes[2] = (uint8_t)i;
        /* Three bytes of which two are ASCII say nothing new. */
        if (bytes[0] < 0x7e && bytes[1] < 0x7e && i % 61 != 0)
            continue;
        check(bytes, 3);
        if (bytes[2] == 0)
            check(bytes, 2);
        if (bytes[1] == 0 && bytes[2] == 0)
            check(bytes, 1);
    }
}

static void sampled_four_bytes(void **state)
{
    (void)state;
    static const uint8_t samples[] = {
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
        0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xf4, 0xff
    };
    enum { COUNT = sizeof(samples) };
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (unsigned i = 0; i < COUNT * COUNT; i++) {
                uint8_t bytes[] = { (uint8_t)first, (uint8_t)second,
                                    samples[i / COUNT], samples[i % COUNT] };
                check(bytes, 4);
            }
}

/* A wrong byte at every place of a text, at every alignment: the words of the
 * fast path must see each of their bytes. */
static void wrong_byte_anywhere(void **state)
{
    (void)state;
    for (size_t len = 1; len < 40; len++) {
        for (size_t start = 0; start < 8; start++) {
            uint8_t room[64];
            memset(room, 'a', sizeof(room));
            assert_true(sl_utf8_valid(sl_slice_of(room + start, len)));
            for (size_t at = 0; at < len; at++) {
                room[start + at] = 0xff;
                assert_false(sl_utf8_valid(sl_slice_of(room + start, len)));
                room[start + at] = 'a';
            }
        }
    }
}

static void reject_is_final(void **state)
{
    (void)state;
    uint32_t reached = sl_utf8_check(SL_UTF8_ACCEPT, SL_SLICE("ab\xff"));
    assert_int_equal(reached, SL_UTF8_REJECT);
    assert_int_equal(sl_utf8_check(reached, SL_SLICE("abc")), SL_UTF8_REJECT);
    assert_int_equal(sl_utf8_check(reached, SL_SLICE("")), SL_UTF8_REJECT);
}

static void cut_character_is_not_accepted(void **state)
{
    (void)state;
    struct sl_slice euro = SL_SLICE("\xe2\x82\xac");
    uint32_t reached = SL_UTF8_ACCEPT;
    for (size_t i = 0; i < euro.len; i++) {
        reached = sl_utf8_check(reached, sl_slice_of(euro.ptr + i, 1));
        assert_true(reached != SL_UTF8_REJECT);
        assert_true((reached == SL_UTF8_ACCEPT) == (i == 2));
    }
    assert_false(sl_utf8_valid(sl_slice_of(euro.ptr, 2)));
    assert_true(sl_utf8_valid((struct sl_slice){ 0 }));
    assert_true(sl_utf8_valid(SL_SLICE("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_up_to_three_bytes),
        cmocka_unit_test(sampled_four_bytes),
        cmocka_unit_test(wrong_byte_anywhere),
        cmocka_unit_test(reject_is_final),
        cmocka_unit_test(cut_character_is_not_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
