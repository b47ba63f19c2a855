// SPDX-License-Identifier: MIT
/*
 * The names of close_reason.def: what on_disconnected, logs and metrics say.
 */
#include "base/check.h"
#include "hub/script.h"

static const char *const names[SL_CLOSE_REASON_COUNT] = {
#define SL_CLOSE_REASON(id, name) [SL_CLOSE_##id] = (name),
#include "hub/close_reason.def"
#undef SL_CLOSE_REASON
};

const char *sl_close_reason_name(enum sl_close_reason reason)
{
    sl_assert(reason < SL_CLOSE_REASON_COUNT);
    return names[reason];
}
