// SPDX-License-Identifier: MIT
/*
 * The end of the process. Allocates nothing and takes no lock of ours, since
 * it also reports that memory is used up; one write(2), so that the line stays
 * whole among those of other threads.
 */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FATAL_LINE_MAX 1024 /* bytes; what does not fit is cut */

void sl_fatal(const char *file, int line, const char *format, ...)
{
    char text[FATAL_LINE_MAX];
    int len = snprintf(text, sizeof(text), "fatal: %s:%d: ", file, line);
    if (len < 0 || len >= (int)sizeof(text))
        len = 0;

    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + len, sizeof(text) - (size_t)len, format, args);
    va_end(args);

    len += more > 0 ? more : 0;
    if (len > (int)sizeof(text) - 1)
        len = (int)sizeof(text) - 1;
    text[len++] = '\n';
    /* Nothing is left to do about a failure to write. */
    ssize_t written SL_UNUSED = write(STDERR_FILENO, text, (size_t)len);
    abort();
}
