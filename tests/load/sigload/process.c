// SPDX-License-Identifier: MIT
/*
 * What the servers cost, from /proc.  CPU times there count in clock ticks
 * (usually 10 ms), so a window should be a second or longer.
 */
#include "process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Processes of the machine that are looked at; more are not expected. */
#define PROCESSES_MAX 32768

struct process {
    pid_t pid;
    pid_t parent;
};

/* The fields of /proc/PID/stat that stand behind the command's name, which may
 * itself contain blanks and brackets.  False: no such process (any more). */
static bool read_stat(pid_t pid, char *fields, int fields_size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char line[1024];
    const size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    const char *name_end = strrchr(line, ')');
    if (name_end == NULL || name_end[1] == '\0')
        return false;
    snprintf(fields, (size_t)fields_size, "%s", name_end + 2);
    return true;
}

static uint32_t list_processes(struct process *processes, uint32_t max)
{
    uint32_t count = 0;
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        char fields[1024];
        int parent;
        if (pid <= 0 || count == max ||
            !read_stat(pid, fields, sizeof fields) ||
            sscanf(fields, "%*c %d", &parent) != 1)
            continue;
        processes[count++] = (struct process){ pid, parent };
    }
    closedir(directory);
    return count;
}

void sl_family_find(struct sl_family families[SL_PIDS_MAX],
                    const struct sl_options *options)
{
    static struct process processes[PROCESSES_MAX];
    const uint32_t count = list_processes(processes, PROCESSES_MAX);
    for (uint32_t i = 0; i < options->pid_count; i++) {
        struct sl_family *family = &families[i];
        family->pids[0] = options->pids[i];
        family->count = 1;
        for (uint32_t j = 0; j < family->count; j++)
            for (uint32_t k = 0; k < count; k++)
                if (processes[k].parent == family->pids[j] &&
                    family->count < SL_FAMILY_MAX)
                    family->pids[family->count++] = processes[k].pid;
    }
}

static void add_usage(struct sl_usage *usage, pid_t pid)
{
    char fields[1024];
    unsigned long user_ticks;
    unsigned long system_ticks;
    long rss_pages;
    if (!read_stat(pid, fields, sizeof fields))
        return;
    /* Fields 3 to 24 of proc(5): state, eleven others, utime, stime, eight
     * others, rss. */
    if (sscanf(fields,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu "
               "%*d %*d %*d %*d %*d %*d %*u %*u %ld",
               &user_ticks, &system_ticks, &rss_pages) != 3)
        return;
    const double ticks_per_s = (double)sysconf(_SC_CLK_TCK);
    usage->user_s += (double)user_ticks / ticks_per_s;
    usage->system_s += (double)system_ticks / ticks_per_s;
    usage->rss_kb += rss_pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void read_cores(struct sl_core cores[SL_CORES_MAX])
{
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL)
        return;
    const double ticks_per_s = (double)sysconf(_SC_CLK_TCK);
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned core;
        double user, nice, system, idle, wait, irq, softirq, steal;
        if (sscanf(line, "cpu%u %lf %lf %lf %lf %lf %lf %lf %lf", &core, &user,
                   &nice, &system, &idle, &wait, &irq, &softirq, &steal) != 9 ||
            line[3] == ' ' || core >= SL_CORES_MAX)
            continue;
        cores[core].busy_s =
            (user + nice + system + irq + softirq) / ticks_per_s;
        cores[core].softirq_s = (irq + softirq) / ticks_per_s;
        cores[core].steal_s = steal / ticks_per_s;
    }
    fclose(file);
}

static int64_t read_available_kb(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    if (file == NULL)
        return 0;
    int64_t kb = 0;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %" SCNd64, &kb) == 1)
            break;
    fclose(file);
    return kb;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void sl_snapshot_take(struct sl_snapshot *snapshot,
                      const struct sl_family families[SL_PIDS_MAX],
                      const struct sl_options *options)
{
    *snapshot = (struct sl_snapshot){ 0 };
    for (uint32_t i = 0; i < options->pid_count; i++)
        for (uint32_t j = 0; j < families[i].count; j++)
            add_usage(&snapshot->servers[i], families[i].pids[j]);
    read_cores(snapshot->cores);
    snapshot->available_kb = read_available_kb();
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    snapshot->own_cpu_s = seconds(own.ru_utime) + seconds(own.ru_stime);
}
