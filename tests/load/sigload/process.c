// SPDX-License-Identifier: MIT
/*
 * What the servers cost, from /proc.  CPU times there count in clock ticks
 * (usually 10 ms), so a window should be a second or longer.
 */
#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Processes of the machine that are looked at; more are not expected. */
#define PROCESSES_MAX 32768

/* Bytes of a line of /proc. */
#define LINE_SIZE 1024

/* Fields of /proc/PID/stat, counted from its third (see proc(5)). */
enum { STAT_PARENT = 1, STAT_USER = 11, STAT_SYSTEM = 12, STAT_RSS = 21 };

/* Fields of a core's line in /proc/stat. */
enum {
    CORE_USER = 1,
    CORE_NICE = 2,
    CORE_SYSTEM = 3,
    CORE_IRQ = 6,
    CORE_SOFTIRQ = 7,
    CORE_STEAL = 8,
};

struct process {
    pid_t pid;
    pid_t parent;
};

/* The number in a field of a line; fields are counted from 0 and separated by
 * blanks.  0: there are fewer. */
static int64_t read_field(const char *line, unsigned field)
{
    const char *at = line + strspn(line, " ");
    for (; field > 0 && *at != '\0'; field--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return strtoll(at, NULL, 10);
}

/* The fields of /proc/PID/stat from the third (state) on: they stand behind
 * the command's name, which may itself contain blanks and brackets.  False: no
 * such process (any more). */
static bool read_stat(pid_t pid, char fields[LINE_SIZE])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char line[LINE_SIZE];
    const size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    const char *name_end = strrchr(line, ')');
    if (name_end == NULL || name_end[1] == '\0')
        return false;
    snprintf(fields, LINE_SIZE, "%s", name_end + 2);
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
        char fields[LINE_SIZE];
        if (pid <= 0 || count == max || !read_stat(pid, fields))
            continue;
        processes[count++] = (struct process){
            .pid = pid,
            .parent = (pid_t)read_field(fields, STAT_PARENT),
        };
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

static double ticks_to_s(int64_t ticks)
{
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void add_usage(struct sl_usage *usage, pid_t pid)
{
    char fields[LINE_SIZE];
    if (!read_stat(pid, fields))
        return;
    usage->user_s += ticks_to_s(read_field(fields, STAT_USER));
    usage->system_s += ticks_to_s(read_field(fields, STAT_SYSTEM));
    usage->rss_kb +=
        read_field(fields, STAT_RSS) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void read_cores(struct sl_core cores[SL_CORES_MAX])
{
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL)
        return;
    char line[LINE_SIZE];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "cpu", 3) != 0 || line[3] == ' ')
            continue; /* "cpu " is the sum of all */
        const unsigned long core = strtoul(line + 3, NULL, 10);
        if (core >= SL_CORES_MAX)
            continue;
        const int64_t softirq =
            read_field(line, CORE_IRQ) + read_field(line, CORE_SOFTIRQ);
        const int64_t busy = read_field(line, CORE_USER) +
                             read_field(line, CORE_NICE) +
                             read_field(line, CORE_SYSTEM) + softirq;
        cores[core] = (struct sl_core){
            .busy_s = ticks_to_s(busy),
            .softirq_s = ticks_to_s(softirq),
            .steal_s = ticks_to_s(read_field(line, CORE_STEAL)),
        };
    }
    fclose(file);
}

static int64_t read_available_kb(void)
{
    static const char name[] = "MemAvailable:";
    FILE *file = fopen("/proc/meminfo", "re");
    if (file == NULL)
        return 0;
    int64_t kb = 0;
    char line[LINE_SIZE];
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, sizeof name - 1) == 0)
            kb = read_field(line, 1);
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
