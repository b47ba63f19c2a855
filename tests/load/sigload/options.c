// SPDX-License-Identifier: MIT
/*
 * Reads the command line.  A wrong value is refused with its name, its value
 * and what would be right, because a measurement with a misread option is
 * worse than none.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fatal.h"

/* Connections one run may open; the descriptor limit is usually lower. */
#define CONNS_MAX 1000000
/* Outstanding calls per connection, or broadcasts in flight. */
#define WINDOW_MAX 65536
/* Source addresses taken from 127.0.0.0/8. */
#define SOURCES_MAX 250
/* Longest duration of anything, in seconds. */
#define SECONDS_MAX 86400.0

static const char *const mode_names[SL_MODE_COUNT] = {
    [SL_MODE_CONNECT] = "connect",     [SL_MODE_ECHO] = "echo",
    [SL_MODE_BROADCAST] = "broadcast", [SL_MODE_GROUP] = "group",
    [SL_MODE_BACKPLANE] = "backplane", [SL_MODE_STREAM] = "stream",
    [SL_MODE_CHURN] = "churn",
};

static const char help_text[] =
    "usage: sigload MODE [options]\n"
    "modes: connect echo broadcast group backplane stream churn\n"
    "  -p PORT[,PORT..]  servers; connections alternate, the first one gets\n"
    "                    the broadcasts (5200)\n"
    "  -a ADDRESS        IPv4 address of the servers (127.0.0.1)\n"
    "  -u PATH           path of the hub (/bench)\n"
    "  -i PID[,PID..]    processes whose CPU and memory are reported,\n"
    "                    their children included\n"
    "  -P PROTOCOL       json or msgpack (json)\n"
    "  -N                negotiate first (default: skip)\n"
    "  -c COUNT          connections (1000; churn: 64)\n"
    "  -k COUNT          connections being opened at once (128)\n"
    "  -S COUNT          source addresses 127.0.0.2.. (8; churn: 32; 0: any)\n"
    "  -w COUNT          calls outstanding per connection, or broadcasts in\n"
    "                    flight per group (1)\n"
    "  -s BYTES          payload (100)\n"
    "  -g COUNT          members of a group (group: 10)\n"
    "  -A COUNT          groups that send (all)\n"
    "  -n COUNT          items of a stream (1000)\n"
    "  -r RATE           broadcasts per second, open loop (0: closed loop)\n"
    "  -q                broadcasts carry no invocation id\n"
    "  -d SECONDS        measured window (3)\n"
    "  -W SECONDS        warm-up before it (1)\n"
    "  -H SECONDS        connect: hold before the idle window (2)\n"
    "  -D SECONDS        longest wait at the end for answers (10)\n"
    "  -I SECONDS        between two pings of a client (10; 0: none)\n"
    "  -l LABEL          text copied into the result\n"
    "exit status: 0 all messages right, 1 some lost, repeated, out of order,\n"
    "damaged, refused or closed, 2 not measured\n";

static uint32_t parse_count(char option, const char *text, uint32_t min,
                            uint32_t max)
{
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < (long)min ||
        value > (long)max)
        sl_fatal("-%c %s: a whole number from %u to %u is needed", option, text,
                 min, max);
    return (uint32_t)value;
}

static double parse_real(char option, const char *text, double max)
{
    char *end;
    errno = 0;
    const double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= 0) ||
        value > max)
        sl_fatal("-%c %s: a number from 0 to %g is needed", option, text, max);
    return value;
}

static void parse_ports(struct sl_options *options, char *list)
{
    char *rest = NULL;
    options->port_count = 0;
    for (char *item = strtok_r(list, ",", &rest); item != NULL;
         item = strtok_r(NULL, ",", &rest)) {
        if (options->port_count == SL_PORTS_MAX)
            sl_fatal("-p: at most %d ports", SL_PORTS_MAX);
        options->ports[options->port_count++] =
            (uint16_t)parse_count('p', item, 1, UINT16_MAX);
    }
}

static void parse_pids(struct sl_options *options, char *list)
{
    char *rest = NULL;
    options->pid_count = 0;
    for (char *item = strtok_r(list, ",", &rest); item != NULL;
         item = strtok_r(NULL, ",", &rest)) {
        if (options->pid_count == SL_PIDS_MAX)
            sl_fatal("-i: at most %d processes", SL_PIDS_MAX);
        options->pids[options->pid_count++] =
            (pid_t)parse_count('i', item, 1, INT32_MAX);
    }
}

static enum sl_mode_kind parse_mode(const char *name)
{
    for (unsigned i = 0; i < SL_MODE_COUNT; i++)
        if (strcmp(name, mode_names[i]) == 0)
            return (enum sl_mode_kind)i;
    sl_fatal("unknown mode %s; try --help", name);
}

static void set_defaults(struct sl_options *options, enum sl_mode_kind mode)
{
    *options = (struct sl_options){
        .mode = mode,
        .mode_name = mode_names[mode],
        .protocol_name = "json",
        .label = "",
        .host = "127.0.0.1",
        .path = "/bench",
        .ports = { 5200 },
        .port_count = 1,
        .conn_count = 1000,
        .opening_max = 128,
        .source_count = 8,
        .window = 1,
        .payload_size = 100,
        .stream_items = 1000,
        .measure_s = 3,
        .warmup_s = 1,
        .hold_s = 2,
        .drain_s = 10,
        .ping_s = 10,
    };
    if (options->mode == SL_MODE_GROUP)
        options->group_size = 10;
    if (options->mode == SL_MODE_CHURN) {
        options->conn_count = 64;
        /* Closed sockets wait a minute in TIME_WAIT; more addresses, more
         * free ports. */
        options->source_count = 32;
    }
}

static bool parse_sizes(struct sl_options *options, int letter, char *text)
{
    const char option = (char)letter;
    switch (letter) {
    case 'c':
        options->conn_count = parse_count(option, text, 1, CONNS_MAX);
        break;
    case 'k':
        options->opening_max = parse_count(option, text, 1, CONNS_MAX);
        break;
    case 'S':
        options->source_count = parse_count(option, text, 0, SOURCES_MAX);
        break;
    case 'w': options->window = parse_count(option, text, 1, WINDOW_MAX); break;
    case 's':
        options->payload_size =
            parse_count(option, text, SL_PAYLOAD_SIZE_MIN, SL_PAYLOAD_SIZE_MAX);
        break;
    case 'g':
        options->group_size = parse_count(option, text, 1, CONNS_MAX);
        break;
    case 'A':
        options->groups_active = parse_count(option, text, 1, CONNS_MAX);
        break;
    case 'n':
        options->stream_items = parse_count(option, text, 1, INT32_MAX);
        break;
    default: return false;
    }
    return true;
}

static bool parse_times(struct sl_options *options, int letter, char *text)
{
    const char option = (char)letter;
    switch (letter) {
    case 'r': options->rate = parse_real(option, text, 1e6); break;
    case 'd': options->measure_s = parse_real(option, text, SECONDS_MAX); break;
    case 'W': options->warmup_s = parse_real(option, text, SECONDS_MAX); break;
    case 'H': options->hold_s = parse_real(option, text, SECONDS_MAX); break;
    case 'D': options->drain_s = parse_real(option, text, SECONDS_MAX); break;
    case 'I': options->ping_s = parse_real(option, text, SECONDS_MAX); break;
    default: return false;
    }
    return true;
}

static bool parse_texts(struct sl_options *options, int letter, char *text)
{
    switch (letter) {
    case 'p': parse_ports(options, text); break;
    case 'i': parse_pids(options, text); break;
    case 'P': options->protocol_name = text; break;
    case 'a': options->host = text; break;
    case 'u': options->path = text; break;
    case 'l': options->label = text; break;
    case 'N': options->negotiate = true; break;
    case 'q': options->no_invocation_id = true; break;
    default: return false;
    }
    return true;
}

static void check_combination(const struct sl_options *options)
{
    if (options->port_count == 0)
        sl_fatal("-p: no port given");
    if (options->mode == SL_MODE_BACKPLANE && options->port_count < 2)
        sl_fatal("backplane needs two servers: -p PORT1,PORT2");
    if (options->mode == SL_MODE_CHURN && options->window != 1)
        sl_fatal("-w %u: churn makes one call per connection", options->window);
    if (options->measure_s <= 0)
        sl_fatal("-d: the measured window cannot be empty");
    for (const char *c = options->label; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
            sl_fatal("-l: no quotes, backslashes or control characters");
}

void sl_options_parse(struct sl_options *options, int argc, char **argv)
{
    if (argc < 2)
        sl_fatal("no mode given; try --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help_text, stdout);
        exit(EXIT_SUCCESS);
    }
    set_defaults(options, parse_mode(argv[1]));
    int letter;
    optind = 2;
    while ((letter = getopt(argc, argv,
                            "p:a:u:i:P:Nc:k:S:w:s:g:A:n:r:qd:W:H:D:I:l:")) !=
           -1) {
        if (!parse_sizes(options, letter, optarg) &&
            !parse_times(options, letter, optarg) &&
            !parse_texts(options, letter, optarg))
            sl_fatal("try --help");
    }
    if (optind < argc)
        sl_fatal("%s: no such option; try --help", argv[optind]);
    check_combination(options);
}
