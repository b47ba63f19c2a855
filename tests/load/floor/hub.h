// SPDX-License-Identifier: MIT
/*
 * The floor's pretence of a hub: it finds the fields of sigload's JSON calls by
 * their places and writes hand-made answers.  It knows Echo and SendAll.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conn.h"

/* Handles all whole frames (and, first, the HTTP request) of `data`, unmasking
 * in place; answers go to conn->out.  Returns the bytes taken.  In send mode a
 * call of SendAll sends at once, which may free any connection that broke; the
 * caller looks at floor->by_fd before it touches this one again. */
size_t sl_floor_handle(struct sl_floor *floor, struct sl_floor_conn *conn,
                       uint8_t *data, size_t size);
