// SPDX-License-Identifier: MIT
/* Memory that is there or the program ends: see fatal.h. */
#pragma once

#include <stddef.h>

/* Returns owned, zeroed memory for `count` things of `size` bytes. */
void *sl_allocate(size_t count, size_t size);
