// SPDX-License-Identifier: MIT
/*
 * /proc/self/cgroup names the group of the process per hierarchy:
 *
 *   0::/kubepods/pod1/abc              version 2: cpu.max, "QUOTA PERIOD"
 *   4:cpu,cpuacct:/docker/abc          version 1: cpu.cfs_quota_us, -period_us
 *
 * Each group up to the root may hold a quota, and the smallest counts. Inside
 * of a container the path may be the host's, of which nothing is mounted but
 * the group itself, at the root: a folder that is missing is no error, and the
 * walk ends there anyway.
 *
 * A quota of one and a half CPUs makes two workers: half a CPU would lie idle
 * otherwise.
 */
#include "host/cpus.h"

#include "base/base.h"
#include "base/limits.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 65536 /* beyond any machine: where growing the mask ends */
#define LINE_SIZE 4096 /* bytes; longer paths are not looked at */
#define CGROUP "/sys/fs/cgroup"

unsigned sl_cpus_affinity(void)
{
    for (int cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (set == NULL)
            return 1;
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int err = sched_getaffinity(0, size, set) == 0 ? 0 : errno;
        int count = err == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (err == 0)
            return count < 1 ? 1 : (unsigned)count;
        if (err != EINVAL)
            return 1;
    }
    return 1;
}

/* ---- files ---- */

static bool read_line(const char *path, char line[LINE_SIZE])
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(line, LINE_SIZE, file) != NULL;
    fclose(file);
    return got;
}

static bool join(char out[LINE_SIZE], const char *root, const char *folder,
                 const char *name)
{
    int len = snprintf(out, LINE_SIZE, "%s%s/%s", root, folder, name);
    return len > 0 && len < LINE_SIZE;
}

/* ---- quotas: whole CPUs rounded up, 0 for none ---- */

static unsigned whole_cpus(int64_t quota_us, int64_t period_us)
{
    if (quota_us <= 0 || period_us <= 0)
        return 0;
    int64_t cpus = quota_us / period_us + (quota_us % period_us != 0);
    return cpus > CPUS_MAX ? CPUS_MAX : (unsigned)cpus;
}

/* A number at *text; moves behind it. One out of range becomes the nearest. */
static bool read_number(const char **text, int64_t *value)
{
    char *end;
    *value = strtoll(*text, &end, 10);
    bool any = end != *text;
    *text = end;
    return any;
}

static unsigned quota_v2(const char *root, const char *folder)
{
    char path[LINE_SIZE], line[LINE_SIZE];
    int64_t quota_us, period_us;
    const char *at = line;
    if (!join(path, root, folder, "cpu.max") || !read_line(path, line) ||
        !read_number(&at, &quota_us) || !read_number(&at, &period_us))
        return 0; /* "max 100000", or no such file */
    return whole_cpus(quota_us, period_us);
}

static bool read_number_of(const char *root, const char *folder,
                           const char *name, int64_t *value)
{
    char path[LINE_SIZE], line[LINE_SIZE];
    const char *at = line;
    return join(path, root, folder, name) && read_line(path, line) &&
           read_number(&at, value);
}

static unsigned quota_v1(const char *root, const char *folder)
{
    int64_t quota_us, period_us;
    if (!read_number_of(root, folder, "cpu.cfs_quota_us", &quota_us) ||
        !read_number_of(root, folder, "cpu.cfs_period_us", &period_us))
        return 0;
    return whole_cpus(quota_us, period_us);
}

static unsigned smaller_quota(unsigned a, unsigned b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

/* The group at mount/group and all above it, the mount included. */
static unsigned walk_up(const char *root, const char *mount, const char *group,
                        unsigned (*quota)(const char *, const char *))
{
    char folder[LINE_SIZE];
    size_t mount_len = strlen(mount);
    int len = snprintf(folder, sizeof(folder), "%s%s", mount, group);
    if (len < 0 || len >= (int)sizeof(folder))
        return quota(root, mount);

    unsigned least = 0;
    for (;;) {
        least = smaller_quota(least, quota(root, folder));
        char *slash = strrchr(folder + mount_len, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* Whether "cpu" is among "cpu,cpuacct". */
static bool has_cpu(const char *controllers)
{
    while (*controllers != '\0') {
        size_t len = strcspn(controllers, ",");
        if (len == 3 && memcmp(controllers, "cpu", 3) == 0)
            return true;
        controllers += len + (controllers[len] == ',');
    }
    return false;
}

/* One line of /proc/self/cgroup: "ID:CONTROLLERS:PATH". */
static unsigned quota_of_line(const char *root, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return 0;
    *group++ = '\0';
    controllers++;
    if (controllers[0] == '\0')
        return walk_up(root, CGROUP, group, quota_v2);
    if (!has_cpu(controllers))
        return 0;
    /* Mounted under all its controllers, with a link for each, or alone. */
    char mount[LINE_SIZE];
    snprintf(mount, sizeof(mount), CGROUP "/%.512s", controllers);
    return smaller_quota(walk_up(root, mount, group, quota_v1),
                         walk_up(root, CGROUP "/cpu", group, quota_v1));
}

unsigned sl_cpus_quota(const char *root)
{
    char path[LINE_SIZE], line[LINE_SIZE];
    unsigned least = 0;
    if (!join(path, root, "/proc/self", "cgroup"))
        return 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        least = smaller_quota(least, quota_of_line(root, line));
    fclose(file);
    return least;
}

unsigned sl_cpus_workers(void)
{
    unsigned cpus = smaller_quota(sl_cpus_affinity(), sl_cpus_quota(""));
    return cpus > SL_WORKERS_AUTO_MAX ? SL_WORKERS_AUTO_MAX : cpus;
}
