// SPDX-License-Identifier: MIT
/*
 * Names and texts of codes. This layer knows the C library alone, so of
 * libuv's own codes, which are no errno values, it only knows the one that is
 * met every day: the end of a file.
 */
#include "base/err.h"

#include "base/base.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define UV_EOF_VALUE (-4095)

static const char *const names[] = {
#define SL_ERR(name, text) #name,
#include "base/err.def"
#undef SL_ERR
};

static const char *const texts[] = {
#define SL_ERR(name, text) text,
#include "base/err.def"
#undef SL_ERR
};

_Static_assert(SL_COUNT(names) == SL_ERR_COUNT, "one name per code");
_Static_assert(SL_COUNT(texts) == SL_ERR_COUNT, "one text per code");

/* The index of one of our codes; SL_ERR_COUNT for others. */
static unsigned index_of(int err)
{
    if (err > SL_E_BASE64 || err <= SL_E_BASE64 - SL_ERR_COUNT)
        return SL_ERR_COUNT;
    return (unsigned)(SL_E_BASE64 - err);
}

static bool is_errno(int err)
{
    return err <= 0 && err != INT_MIN;
}

const char *sl_err_name(int err)
{
    unsigned index = index_of(err);
    if (index < SL_ERR_COUNT)
        return names[index];
    if (err == UV_EOF_VALUE)
        return "EOF";
    const char *name = is_errno(err) ? strerrorname_np(-err) : NULL;
    return name != NULL ? name : "ERRNO";
}

const char *sl_err_text(int err)
{
    unsigned index = index_of(err);
    if (index < SL_ERR_COUNT)
        return texts[index];
    if (err == UV_EOF_VALUE)
        return "end of file";
    const char *text = is_errno(err) ? strerrordesc_np(-err) : NULL;
    return text != NULL ? text : "unknown error";
}
