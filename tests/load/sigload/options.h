// SPDX-License-Identifier: MIT
/*
 * What the command line asks for.  Everything is a plain value, fixed before
 * the first connection; durations are seconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Servers that connections may alternate between. */
#define SL_PORTS_MAX 8
/* Processes whose CPU and memory are reported. */
#define SL_PIDS_MAX 16
/* Bytes of a payload: its stamp at least, and a frame must fit the reader. */
#define SL_PAYLOAD_SIZE_MIN 24
#define SL_PAYLOAD_SIZE_MAX 400000

enum sl_mode_kind {
    SL_MODE_CONNECT,
    SL_MODE_ECHO,
    SL_MODE_BROADCAST,
    SL_MODE_GROUP,
    SL_MODE_BACKPLANE,
    SL_MODE_STREAM,
    SL_MODE_CHURN,
    SL_MODE_COUNT
};

struct sl_options {
    enum sl_mode_kind mode;
    const char *mode_name;
    const char *protocol_name;
    const char *label;
    const char *host;
    const char *path;

    uint16_t ports[SL_PORTS_MAX];
    uint32_t port_count;
    pid_t pids[SL_PIDS_MAX];
    uint32_t pid_count;

    uint32_t conn_count;
    uint32_t opening_max;   /* connections being opened at once */
    uint32_t source_count;  /* source addresses 127.0.0.2 and up; 0: any */
    uint32_t window;        /* calls or broadcasts in flight */
    uint32_t payload_size;  /* bytes */
    uint32_t group_size;    /* members; 0: everybody is one group */
    uint32_t groups_active; /* groups that send; 0: all */
    uint32_t stream_items;  /* per stream */
    double rate;            /* broadcasts per second; 0: closed loop */

    double measure_s;
    double warmup_s;
    double hold_s;  /* connect mode: wait before the idle window */
    double drain_s; /* wait at the end for what is still in flight */
    double ping_s;  /* between two pings of a client; 0: none */

    bool negotiate;
    bool no_invocation_id;
};

/* Fills `options` from the arguments; a wrong one ends the program with a
 * sentence (exit status 2).  The texts are borrowed from argv for ever. */
void sl_options_parse(struct sl_options *options, int argc, char **argv);
