// SPDX-License-Identifier: MIT
/*
 * Which hub protocols there are. Arrays of payloads are indexed by these.
 */
#pragma once

enum sl_protocol_id {
    SL_PROTOCOL_JSON,
    SL_PROTOCOL_MESSAGEPACK, /* comes with its own issue; the place is kept */
    SL_PROTOCOL_COUNT,
};
