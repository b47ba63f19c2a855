// SPDX-License-Identifier: MIT
/*
 * Quotas as version 1 and 2 of the control groups write them, in a folder of
 * the test's own that stands for the root, and the affinity of the process.
 */
#include "host/cpus.h"

#include "base/base.h"

#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/cpus_test.XXXXXX";

static int make_root(void **state)
{
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) == NULL;
}

static int on_remove(const char *path, const struct stat *st, int flag,
                     struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, on_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the root, with the folders above it. */
static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#define CGROUP "/sys/fs/cgroup"

static void put_v1(const char *folder, const char *quota)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
    put(path, quota);
    snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
    put(path, "100000\n");
}

static void no_groups_at_all(void **state)
{
    (void)state;
    assert_int_equal(sl_cpus_quota(root), 0);
    put("/proc/self/cgroup", "");
    assert_int_equal(sl_cpus_quota(root), 0);
    put("/proc/self/cgroup", "0::/\n");
    assert_int_equal(sl_cpus_quota(root), 0);
}

static void v2_rounds_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {
        { "max 100000\n", 0 },
        { "100000 100000\n", 1 },
        { "150000 100000\n", 2 },
        { "200000 100000\n", 2 },
        { "200001 100000\n", 3 },
        { "1000 100000\n", 1 },
        { "50000 10000\n", 5 },
        { "", 0 },
        { "nonsense\n", 0 },
        { "100000\n", 0 },
        { "-1 100000\n", 0 },
        { "100000 0\n", 0 },
        { "9223372036854775807 1\n", 65536 },
    };
    put("/proc/self/cgroup", "0::/pod/abc\n");
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        put(CGROUP "/pod/abc/cpu.max", cases[i].text);
        assert_int_equal(sl_cpus_quota(root), cases[i].cpus);
    }
}

static void the_smallest_on_the_way_up_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/kube/pod/abc\n");
    put(CGROUP "/kube/pod/abc/cpu.max", "400000 100000\n");
    assert_int_equal(sl_cpus_quota(root), 4);
    put(CGROUP "/kube/cpu.max", "250000 100000\n");
    assert_int_equal(sl_cpus_quota(root), 3);
    put(CGROUP "/kube/pod/cpu.max", "max 100000\n");
    assert_int_equal(sl_cpus_quota(root), 3);
}

static void a_container_sees_only_its_own_group(void **state)
{
    (void)state;
    /* The path is the host's; what is mounted is the group itself. */
    put("/proc/self/cgroup", "0::/kube/pod/abc\n");
    put(CGROUP "/cpu.max", "200000 100000\n");
    assert_int_equal(sl_cpus_quota(root), 2);
    put("/proc/self/cgroup", "0::/../other\n");
    assert_int_equal(sl_cpus_quota(root), 2);
}

static void v1_alone_and_among_others(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "5:memory:/m\n4:cpu:/docker/abc\n");
    put_v1(CGROUP "/cpu/docker/abc", "-1\n");
    assert_int_equal(sl_cpus_quota(root), 0);
    put_v1(CGROUP "/cpu/docker/abc", "350000\n");
    assert_int_equal(sl_cpus_quota(root), 4);
    put_v1(CGROUP "/cpu", "100000\n");
    assert_int_equal(sl_cpus_quota(root), 1);
}

static void v1_mounted_with_its_companions(void **state)
{
    (void)state;
    put("/proc/self/cgroup",
        "12:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n");
    put_v1(CGROUP "/cpuset/docker/abc", "100000\n"); /* not the one */
    put_v1(CGROUP "/cpu,cpuacct/docker/abc", "300000\n");
    assert_int_equal(sl_cpus_quota(root), 3);
    put_v1(CGROUP "/cpu,cpuacct", "200000\n");
    assert_int_equal(sl_cpus_quota(root), 2);
}

static void both_versions_at_once(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:cpu:/a\n0::/b\n");
    put_v1(CGROUP "/cpu/a", "500000\n");
    put(CGROUP "/b/cpu.max", "200000 100000\n");
    assert_int_equal(sl_cpus_quota(root), 2);
}

static void lines_that_are_none(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "no colons\n4:cpu\n\n::\n0::\n");
    assert_int_equal(sl_cpus_quota(root), 0);
    static char text[10000];
    memset(text, '/', sizeof(text) - 1);
    memcpy(text, "0::", 3);
    put("/proc/self/cgroup", text);
    put(CGROUP "/cpu.max", "300000 100000\n");
    assert_in_range(sl_cpus_quota(root), 0, 3);
}

static void affinity_counts(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(sl_cpus_affinity(), CPU_COUNT(&before));
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(sl_cpus_affinity(), 1);
    assert_int_equal(sl_cpus_workers(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    assert_in_range(sl_cpus_workers(), 1, 8);
}

#define ROOT_TEST(function) \
    cmocka_unit_test_setup_teardown(function, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_TEST(no_groups_at_all),
        ROOT_TEST(v2_rounds_up),
        ROOT_TEST(the_smallest_on_the_way_up_counts),
        ROOT_TEST(a_container_sees_only_its_own_group),
        ROOT_TEST(v1_alone_and_among_others),
        ROOT_TEST(v1_mounted_with_its_companions),
        ROOT_TEST(both_versions_at_once),
        ROOT_TEST(lines_that_are_none),
        cmocka_unit_test(affinity_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
