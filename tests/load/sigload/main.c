// SPDX-License-Identifier: MIT
/*
 * sigload: drives a SignalR server over WebSockets on one thread, checks every
 * message, and reports rates, latencies and the server's CPU time per message.
 */
#include <stdio.h>
#include <stdlib.h>

#include "load.h"
#include "report.h"

int main(int argc, char **argv)
{
    static struct sl_load load; /* its histogram is too large for a stack */
    struct sl_options options;
    sl_options_parse(&options, argc, argv);
    sl_load_run(&load, &options);
    sl_report_json(&load, stdout);
    sl_report_line(&load, stderr);
    const bool clean = sl_load_is_clean(&load);
    sl_load_release(&load);
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}
