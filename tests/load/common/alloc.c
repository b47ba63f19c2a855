// SPDX-License-Identifier: MIT
/* Memory that is there or the program ends. */
#include "alloc.h"

#include <stdlib.h>

#include "fatal.h"

void *sl_allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        sl_fatal("out of memory");
    return memory;
}
