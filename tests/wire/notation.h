// SPDX-License-Identifier: MIT
/*
 * How a wire case writes bytes down: everything stands for itself, but
 *
 *   ␞          the record separator, byte 1e
 *   \r \n \t   those; \xHH any byte
 *   \(N*c)     N times the character c, or the byte \xHH
 *   $name      an id: 22 characters of base64url. What is expected gives it
 *              the name at its first use and must be the same from then on;
 *              what is sent has it in place of the name.
 *
 * Any other backslash stands for itself, as those of JSON.
 */
#pragma once

#include "base/random.h"
#include "base/str.h"

#define NOTATION_NAME_MAX 15
#define NOTATION_NAMES_MAX 16

struct notation_names {
    unsigned count;
    struct {
        char name[NOTATION_NAME_MAX + 1];
        char value[SL_ID_LEN];
    } items[NOTATION_NAMES_MAX];
};

/* Appends the bytes that `text` stands for. False: a name has no value. */
bool notation_expand(struct sl_str *out, struct sl_slice text,
                     const struct notation_names *names);

/* Whether `bytes` are what `text` expects. Names get their values. */
bool notation_matches(struct sl_slice text, struct sl_slice bytes,
                      struct notation_names *names);

/* Appends bytes as a case would write them. */
void notation_show(struct sl_str *out, struct sl_slice bytes);
