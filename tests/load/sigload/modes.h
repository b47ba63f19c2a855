// SPDX-License-Identifier: MIT
/* What a mode provides: what to send, and how to judge what comes. */
#pragma once

#include "load.h"

struct sl_mode {
    const char *unit;    /* what the tally counts */
    bool starts_at_once; /* does not wait until everybody is ready */

    void (*prepare)(struct sl_load *load);
    void (*release)(struct sl_load *load);

    /* The first calls, after everybody is ready. */
    void (*begin)(struct sl_load *load);
    /* After `begin`, once per turn; returns how long to sleep at most, ns. */
    uint64_t (*on_turn)(struct sl_load *load, uint64_t now_ns);
    /* While draining: is nothing outstanding any more? */
    bool (*is_idle)(const struct sl_load *load);
    /* At the end: adds to the tally what never arrived. */
    void (*settle)(struct sl_load *load);

    void (*on_open)(struct sl_load *load, struct sl_conn *conn);
    void (*on_message)(struct sl_load *load, struct sl_conn *conn,
                       const struct sl_message *message, uint64_t now_ns);
    void (*on_closed)(struct sl_load *load, struct sl_conn *conn);
};

extern const struct sl_mode sl_mode_connect;
extern const struct sl_mode sl_mode_echo;
extern const struct sl_mode sl_mode_stream;
extern const struct sl_mode sl_mode_churn;
extern const struct sl_mode sl_mode_broadcast;

const struct sl_mode *sl_mode_find(enum sl_mode_kind kind);

/* The `on_open` of modes that have nothing to prepare. */
void sl_mode_open_ready(struct sl_load *load, struct sl_conn *conn);

/* The longest sleep of a turn, ns: phases change with this precision. */
#define SL_TURN_NS_MAX 20000000u
