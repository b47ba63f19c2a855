// SPDX-License-Identifier: MIT
/* The result of a run. */
#include "report.h"

#include <inttypes.h>

#include "clock.h"
#include "modes.h"

#define PER_MILLION 1e6
#define BYTES_PER_KB 1024.0

/* The figures that both reports need. */
struct figures {
    double window_s;
    double connect_s;
    double user_s; /* of the servers, in the window */
    double system_s;
    double connect_cpu_s;
    int64_t rss_start_kb;
    int64_t rss_window_kb;
};

static double cpu_s(const struct sl_usage *usage)
{
    return usage->user_s + usage->system_s;
}

static struct figures compute(const struct sl_load *load)
{
    struct figures figures = {
        .window_s = sl_clock_seconds(load->window_end.time_ns -
                                     load->window_start.time_ns),
        .connect_s =
            sl_clock_seconds(load->connected.time_ns - load->start.time_ns),
    };
    for (uint32_t i = 0; i < load->options->pid_count; i++) {
        const struct sl_usage *start = &load->start.machine.servers[i];
        const struct sl_usage *connected = &load->connected.machine.servers[i];
        const struct sl_usage *from = &load->window_start.machine.servers[i];
        const struct sl_usage *to = &load->window_end.machine.servers[i];
        figures.user_s += to->user_s - from->user_s;
        figures.system_s += to->system_s - from->system_s;
        figures.connect_cpu_s += cpu_s(connected) - cpu_s(start);
        figures.rss_start_kb += start->rss_kb;
        figures.rss_window_kb += from->rss_kb;
    }
    return figures;
}

static double per_million(double seconds, uint64_t count)
{
    return count > 0 ? seconds / (double)count * PER_MILLION : 0;
}

static double client_util(const struct sl_load *load,
                          const struct figures *figures)
{
    return (load->window_end.machine.own_cpu_s -
            load->window_start.machine.own_cpu_s) /
           figures->window_s;
}

static void print_setup(const struct sl_options *options, FILE *out)
{
    fprintf(out, "\"label\":\"%s\",\"mode\":\"%s\",\"proto\":\"%s\"",
            options->label, options->mode_name, options->protocol_name);
    fprintf(out, ",\"conns\":%u,\"size\":%u,\"window\":%u,\"group\":%u",
            options->conn_count, options->payload_size, options->window,
            options->group_size);
    fprintf(out, ",\"rate\":%g", options->rate);
}

static void print_rates(const struct sl_load *load,
                        const struct figures *figures, FILE *out)
{
    const uint64_t count = load->tally.count;
    const double window_s = figures->window_s;
    const double total_s = figures->user_s + figures->system_s;
    const uint64_t sends =
        load->window_end.broadcasts - load->window_start.broadcasts;
    fprintf(out, ",\"secs\":%.3f,\"count\":%" PRIu64 ",\"per_s\":%.0f",
            window_s, count, (double)count / window_s);
    fprintf(out, ",\"sends_per_s\":%.1f,\"cpu_s_per_M\":%.3f",
            (double)sends / window_s, per_million(total_s, count));
    fprintf(out, ",\"cpu_user\":%.2f,\"cpu_sys\":%.2f,\"cpu_util\":%.3f",
            figures->user_s, figures->system_s, total_s / window_s);
    fputs(",\"cpu_each\":[", out);
    for (uint32_t i = 0; i < load->options->pid_count; i++) {
        const double each_s = cpu_s(&load->window_end.machine.servers[i]) -
                              cpu_s(&load->window_start.machine.servers[i]);
        fprintf(out, "%s%.3f", i > 0 ? "," : "",
                count > 0 ? per_million(each_s, count) : each_s);
    }
    fputc(']', out);
}

static void print_latency(const struct sl_histogram *latency, FILE *out)
{
    fprintf(out, ",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f",
            sl_histogram_quantile_us(latency, 0.5),
            sl_histogram_quantile_us(latency, 0.9),
            sl_histogram_quantile_us(latency, 0.99));
    fprintf(out, ",\"p999_us\":%.1f,\"max_us\":%.1f,\"mean_us\":%.1f",
            sl_histogram_quantile_us(latency, 0.999),
            sl_histogram_max_us(latency), sl_histogram_mean_us(latency));
}

static void print_connections(const struct sl_load *load,
                              const struct figures *figures, FILE *out)
{
    const double conns = load->options->conn_count;
    const int64_t rss_kb = figures->rss_window_kb - figures->rss_start_kb;
    const int64_t machine_kb = load->start.machine.available_kb -
                               load->window_start.machine.available_kb;
    fprintf(out, ",\"connect_s\":%.3f,\"connects_per_s\":%.0f",
            figures->connect_s, conns / figures->connect_s);
    fprintf(out, ",\"connect_cpu_s_per_k\":%.3f",
            figures->connect_cpu_s / conns * 1000);
    fprintf(out, ",\"rss0_kb\":%" PRId64 ",\"rss_kb\":%" PRId64,
            figures->rss_start_kb, figures->rss_window_kb);
    fprintf(out, ",\"rss_per_conn_b\":%.0f,\"sysmem_per_conn_b\":%.0f",
            (double)rss_kb * BYTES_PER_KB / conns,
            (double)machine_kb * BYTES_PER_KB / conns);
}

static void print_cores(const struct sl_load *load, FILE *out)
{
    const struct sl_core *from = load->window_start.machine.cores;
    const struct sl_core *to = load->window_end.machine.cores;
    double steal_s = 0;
    for (int i = 0; i < SL_CORES_MAX; i++)
        steal_s += to[i].steal_s - from[i].steal_s;
    fprintf(out, ",\"steal_s\":%.2f,\"core_busy\":[%.2f,%.2f]", steal_s,
            to[0].busy_s - from[0].busy_s, to[1].busy_s - from[1].busy_s);
    fprintf(out, ",\"core_softirq\":[%.2f,%.2f]",
            to[0].softirq_s - from[0].softirq_s,
            to[1].softirq_s - from[1].softirq_s);
}

static void print_client(const struct sl_load *load,
                         const struct figures *figures, FILE *out)
{
    const struct sl_traffic *from = &load->window_start.traffic;
    const struct sl_traffic *to = &load->window_end.traffic;
    const uint64_t reads = to->reads - from->reads;
    const uint64_t read_bytes = to->read_bytes - from->read_bytes;
    fprintf(out, ",\"client_util\":%.3f,\"client_bytes_per_read\":%.0f",
            client_util(load, figures),
            reads > 0 ? (double)read_bytes / (double)reads : 0);
    fprintf(out, ",\"client_reads\":%" PRIu64 ",\"client_sends\":%" PRIu64,
            reads, to->sends - from->sends);
}

static void print_faults(const struct sl_load *load, FILE *out)
{
    const struct sl_tally *tally = &load->tally;
    const struct sl_faults *faults = &load->client.faults;
    fprintf(out, ",\"lost\":%" PRIu64 ",\"gaps\":%" PRIu64, tally->lost,
            tally->gaps);
    fprintf(out, ",\"dups\":%" PRIu64 ",\"bad\":%" PRIu64, tally->repeated,
            tally->damaged);
    fprintf(out, ",\"errors\":%" PRIu64 ",\"closed\":%" PRIu64, faults->errors,
            faults->closed);
    fprintf(out, ",\"conn_fail\":%" PRIu64 ",\"overload\":%" PRIu64,
            faults->failed, tally->overload);
    fprintf(out, ",\"last_error\":\"%s\"", faults->last);
}

void sl_report_json(const struct sl_load *load, FILE *out)
{
    const struct figures figures = compute(load);
    fputc('{', out);
    print_setup(load->options, out);
    print_rates(load, &figures, out);
    print_latency(&load->latency, out);
    print_connections(load, &figures, out);
    print_client(load, &figures, out);
    print_cores(load, out);
    print_faults(load, out);
    fputs("}\n", out);
}

static void print_connect_line(const struct sl_load *load,
                               const struct figures *figures, FILE *out)
{
    const double conns = load->options->conn_count;
    const int64_t rss_kb = figures->rss_window_kb - figures->rss_start_kb;
    fprintf(out, "%.0f connections, %.0f/s, server CPU %.3f s per 1000, ",
            conns, conns / figures->connect_s,
            figures->connect_cpu_s / conns * 1000);
    fprintf(out, "RSS %" PRId64 " -> %" PRId64 " kB = %.0f B each, ",
            figures->rss_start_kb, figures->rss_window_kb,
            (double)rss_kb * BYTES_PER_KB / conns);
    fprintf(out, "idle CPU %.3f s in %.1f s",
            figures->user_s + figures->system_s, figures->window_s);
}

static void print_load_line(const struct sl_load *load,
                            const struct figures *figures, FILE *out)
{
    const struct sl_options *options = load->options;
    const double total_s = figures->user_s + figures->system_s;
    fprintf(out, "c=%u w=%u s=%u: %.0f %s/s, ", options->conn_count,
            options->window, options->payload_size,
            (double)load->tally.count / figures->window_s, load->mode->unit);
    fprintf(out, "CPU %.3f s per 1M (user %.0f%%), util %.2f, client %.2f, ",
            per_million(total_s, load->tally.count),
            total_s > 0 ? figures->user_s / total_s * 100 : 0,
            total_s / figures->window_s, client_util(load, figures));
    fprintf(out, "p50 %.0f p99 %.0f p999 %.0f us",
            sl_histogram_quantile_us(&load->latency, 0.5),
            sl_histogram_quantile_us(&load->latency, 0.99),
            sl_histogram_quantile_us(&load->latency, 0.999));
}

void sl_report_line(const struct sl_load *load, FILE *out)
{
    const struct sl_options *options = load->options;
    const struct figures figures = compute(load);
    fprintf(out, "%s %s %s ", options->label, options->mode_name,
            options->protocol_name);
    if (options->mode == SL_MODE_CONNECT)
        print_connect_line(load, &figures, out);
    else
        print_load_line(load, &figures, out);
    if (sl_load_is_clean(load)) {
        fputs(", ok\n", out);
        return;
    }
    const struct sl_tally *tally = &load->tally;
    const struct sl_faults *faults = &load->client.faults;
    fprintf(out,
            ", WRONG: lost %" PRIu64 " gaps %" PRIu64 " repeated %" PRIu64
            " damaged %" PRIu64 " errors %" PRIu64 " closed %" PRIu64
            " broken %" PRIu64 "; last: %s\n",
            tally->lost, tally->gaps, tally->repeated, tally->damaged,
            faults->errors, faults->closed, faults->failed, faults->last);
}
