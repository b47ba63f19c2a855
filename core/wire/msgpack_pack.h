// SPDX-License-Identifier: MIT
/*
 * msgpack-c's packer, made for our byte strings: msgpack_pack_int64(out, 1)
 * and its sisters append to a struct sl_str, each in the shortest form. Of the
 * library this is all; it is headers only.
 */
#pragma once

#include "base/str.h"

#include <msgpack/pack_define.h>
#include <msgpack/timestamp.h>

#define msgpack_pack_inline_func(name) static inline void msgpack_pack##name
#define msgpack_pack_user struct sl_str *
#define msgpack_pack_append_buffer(out, bytes, len) \
    sl_str_add((out), (bytes), (len))

#include <msgpack/pack_template.h>
