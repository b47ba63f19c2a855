// SPDX-License-Identifier: MIT
/* The way out when a measurement cannot be made. */
#include "fatal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* 1 says "measured, and something was lost"; 2 says "not measured". */
#define EXIT_NOT_MEASURED 2

void sl_fatal(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_NOT_MEASURED);
}
