// SPDX-License-Identifier: MIT
/*
 * Which hub protocols there are. Arrays of payloads are indexed by these.
 */
#pragma once

enum sl_protocol_id {
    SL_PROTOCOL_JSON,
    SL_PROTOCOL_MESSAGEPACK,
    SL_PROTOCOL_COUNT,
};
