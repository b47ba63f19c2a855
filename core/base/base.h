// SPDX-License-Identifier: MIT
/*
 * The few macros everyone may use. Nothing here has state.
 */
#pragma once

#include <stddef.h>

#define SL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SL_CONTAINER_OF(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#define SL_UNUSED __attribute__((unused))
#define SL_NORETURN __attribute__((noreturn))
#define SL_PRINTF(fmt, first) \
    __attribute__((__format__(__printf__, fmt, first)))
#define SL_MUST_USE __attribute__((warn_unused_result))
#define SL_COLD __attribute__((cold))

#define SL_LIKELY(x) __builtin_expect(!!(x), 1)
#define SL_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Marks a function that may raise a Lua error, that is, longjmp. */
#define SL_RAISES
