// SPDX-License-Identifier: MIT
/*
 * Assertions that stay in release builds, magic numbers for objects that are
 * reached through a void pointer, and the one way to end the process.
 *
 * sl_assert states what must hold whatever the outside does: a failure is a
 * bug of ours. Input from outside is never asserted, always handled.
 */
#pragma once

#include "base/base.h"

#include <stdint.h>

/* Writes one line to standard error and aborts. Any thread. */
SL_NORETURN SL_COLD void sl_fatal(const char *file, int line,
                                  const char *format, ...) SL_PRINTF(3, 4);

#define sl_assert(cond)                                                  \
    do {                                                                 \
        if (SL_UNLIKELY(!(cond)))                                        \
            sl_fatal(__FILE__, __LINE__, "assertion failed: %s", #cond); \
    } while (0)

#define sl_unreachable() sl_fatal(__FILE__, __LINE__, "not reachable")

/* First field of an object that callbacks receive as void *. */
#define SL_MAGIC(obj, value) ((obj)->magic = (value))
#define sl_check_magic(obj, value) \
    sl_assert((obj) != NULL && (obj)->magic == (value))
