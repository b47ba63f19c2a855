// SPDX-License-Identifier: MIT
/*
 * Error codes. Functions that can fail return int: 0, or negative. Negative
 * values are libuv's UV_E... (which are -errno) or ours, below -10000.
 */
#pragma once

enum sl_err_index {
#define SL_ERR(name, text) SL_ERR_INDEX_##name,
#include "base/err.def"
#undef SL_ERR
    SL_ERR_COUNT
};

enum sl_err {
#define SL_ERR(name, text) SL_E_##name = -10001 - SL_ERR_INDEX_##name,
#include "base/err.def"
#undef SL_ERR
};

/* "TOO_LARGE", "larger than the limit"; for -errno "ECONNRESET" and the
 * system's text; for anything else "ERRNO", "unknown error". Static storage. */
const char *sl_err_name(int err);
const char *sl_err_text(int err);
