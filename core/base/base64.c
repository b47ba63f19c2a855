// SPDX-License-Identifier: MIT
/*
 * Base64 both ways. Decoding is strict, since tokens are compared as text
 * elsewhere: exactly one text decodes to given bytes, so the bits that the last
 * character leaves over must be zero.
 */
#include "base/base64.h"

#include "base/err.h"

struct alphabet {
    char digits[65];
    bool padded;
};

static const struct alphabet plain = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true
};
static const struct alphabet url = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false
};

/* The value of a character; 64 and more for one outside the alphabet. */
static unsigned digit_value(const struct alphabet *alphabet, char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    if (c == alphabet->digits[62])
        return 62;
    return c == alphabet->digits[63] ? 63 : 64;
}

static void encode(const struct alphabet *alphabet, struct sl_str *out,
                   struct sl_slice bytes)
{
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    size_t tail = bytes.len % 3;
    size_t tail_chars = tail == 0 ? 0 : alphabet->padded ? 4 : tail + 1;
    size_t out_len = bytes.len / 3 * 4 + tail_chars;
    char *at = sl_str_reserve(out, out_len);

    for (size_t i = 0; i + 3 <= bytes.len; i += 3) {
        unsigned bits =
            (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
        *at++ = alphabet->digits[bits >> 18];
        *at++ = alphabet->digits[bits >> 12 & 63];
        *at++ = alphabet->digits[bits >> 6 & 63];
        *at++ = alphabet->digits[bits & 63];
    }
    if (tail > 0) {
        const unsigned char *last = in + bytes.len - tail;
        unsigned bits = (unsigned)last[0] << 16;
        if (tail == 2)
            bits |= (unsigned)last[1] << 8;
        *at++ = alphabet->digits[bits >> 18];
        *at++ = alphabet->digits[bits >> 12 & 63];
        if (tail == 2)
            *at++ = alphabet->digits[bits >> 6 & 63];
        for (size_t i = tail; alphabet->padded && i < 3; i++)
            *at++ = '=';
    }
    out->len += out_len;
}

/* Takes the padding off; false when it is wrong for the length. */
static bool strip_padding(struct sl_slice *text)
{
    if (text->len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text->len > 0; i++)
        if (text->ptr[text->len - 1] == '=')
            text->len--;
    return true;
}

static int decode(const struct alphabet *alphabet, struct sl_str *out,
                  struct sl_slice text)
{
    if (alphabet->padded && !strip_padding(&text))
        return SL_E_BASE64;
    if (text.len % 4 == 1)
        return SL_E_BASE64;
    if (text.len == 0)
        return 0;

    /* The bytes go to reserved room; out->len moves only on success. */
    size_t out_len = text.len / 4 * 3 + (text.len % 4) * 3 / 4;
    char *at = sl_str_reserve(out, out_len);
    unsigned bits = 0, bit_count = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned value = digit_value(alphabet, text.ptr[i]);
        if (value > 63)
            return SL_E_BASE64;
        bits = bits << 6 | value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            *at++ = (char)(unsigned char)(bits >> bit_count & 0xff);
            bits &= (1u << bit_count) - 1;
        }
    }
    if (bits != 0)
        return SL_E_BASE64;
    out->len += out_len;
    return 0;
}

void sl_base64_encode(struct sl_str *out, struct sl_slice bytes)
{
    encode(&plain, out, bytes);
}

void sl_base64url_encode(struct sl_str *out, struct sl_slice bytes)
{
    encode(&url, out, bytes);
}

int sl_base64_decode(struct sl_str *out, struct sl_slice text)
{
    return decode(&plain, out, text);
}

int sl_base64url_decode(struct sl_str *out, struct sl_slice text)
{
    return decode(&url, out, text);
}
