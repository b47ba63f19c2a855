// SPDX-License-Identifier: MIT
/*
 * One run: connect everybody, warm up, measure, drain.  What is sent and how
 * answers are judged is the mode's (modes.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "histogram.h"
#include "options.h"
#include "payload.h"
#include "process.h"

struct sl_mode;

enum sl_phase {
    SL_PHASE_CONNECTING,
    SL_PHASE_WARMING_UP,
    SL_PHASE_MEASURING,
    SL_PHASE_DRAINING, /* nothing new is sent, answers are awaited */
    SL_PHASE_DONE,
};

/* How messages fared.  Only `count` is limited to the measured window. */
struct sl_tally {
    uint64_t count;      /* answers, deliveries, items or cycles */
    uint64_t broadcasts; /* sent */
    uint64_t overload;   /* broadcasts due in open loop that could not be sent,
                            because too many were in flight */
    uint64_t lost;       /* never arrived */
    uint64_t gaps;       /* places where something was missing */
    uint64_t repeated;
    uint64_t damaged;
};

/* What is read at a border of the measured window. */
struct sl_border {
    uint64_t time_ns;
    struct sl_snapshot machine;
    struct sl_traffic traffic;
    uint64_t broadcasts;
};

struct sl_load {
    const struct sl_options *options;
    const struct sl_mode *mode;
    void *mode_state; /* the mode's own */
    enum sl_phase phase;
    struct sl_client client;
    struct sl_payload payload;
    struct sl_tally tally;
    struct sl_histogram latency; /* of the window */

    struct sl_family families[SL_PIDS_MAX];
    struct sl_border start;
    struct sl_border connected;
    struct sl_border window_start;
    struct sl_border window_end;
};

/* Runs to the end and judges.  The load is released with sl_load_release. */
void sl_load_run(struct sl_load *load, const struct sl_options *options);
void sl_load_release(struct sl_load *load);

/* True when every message was right and no connection broke. */
bool sl_load_is_clean(const struct sl_load *load);

/* Counts one answer of the given age, if the window is open. */
static inline void sl_load_count(struct sl_load *load, uint64_t age_ns)
{
    if (load->phase != SL_PHASE_MEASURING)
        return;
    load->tally.count++;
    sl_histogram_add(&load->latency, age_ns);
}
