// SPDX-License-Identifier: MIT
/* The way out when a measurement cannot be made: a sentence, exit status 2. */
#pragma once

/* Prints the sentence on stderr, prefixed by the program's name, and exits. */
_Noreturn void sl_fatal(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
