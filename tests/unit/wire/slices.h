// SPDX-License-Identifier: MIT
/*
 * What the tests of this folder share: cmocka with its includes, and a check of
 * bytes that shows both sides when it fails.
 */
#pragma once

#include "base/slice.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static inline void check_slices(struct sl_slice got, struct sl_slice wanted,
                                const char *file, int line)
{
    if (sl_slice_eq(got, wanted))
        return;
    fprintf(stderr, "got    [%zu] %.*s\nwanted [%zu] %.*s\n", got.len,
            (int)got.len, got.ptr, wanted.len, (int)wanted.len, wanted.ptr);
    _fail(file, line);
}

/* The slice holds exactly the bytes of the literal (zero bytes count). */
#define assert_bytes(got, literal) \
    check_slices((got), SL_SLICE(literal), __FILE__, __LINE__)

#define assert_slices(got, wanted) \
    check_slices((got), (wanted), __FILE__, __LINE__)
