// SPDX-License-Identifier: MIT
/*
 * What the watchdog makes of what it sees, look by look, under a time of the
 * test: who is named, when, how often, and what is no hold at all. The loops
 * are only their atomics. Last the thread itself, over a worker that is held
 * until the log says so.
 */
#include "host/watchdog.h"

#include "base/limits.h"
#include "base/log.h"
#include "hub/routines.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define WARN_MS 100
#define LIMIT_MS 1000
#define VERSION "0a1b2c3d"

struct rig {
    struct sl_loop loops[2];
    struct sl_activity activities[2];
    struct sl_metrics metrics[2];
    struct sl_routines *routines;
    struct sl_watchdog *watchdog;
    int log_pipe[2];
    uint64_t now_ms;
    char log[4096];
};

static void rig_init(struct rig *rig, struct sl_watchdog_options options)
{
    struct sl_watched workers[2];
    memset(rig, 0, sizeof(*rig));
    for (int i = 0; i < 2; i++)
        workers[i] = (struct sl_watched){ &rig->loops[i], &rig->activities[i],
                                          &rig->metrics[i] };
    rig->now_ms = 5000;
    rig->routines = sl_routines_new(10);
    rig->watchdog = sl_watchdog_new(workers, 2, &options);
    assert_int_equal(pipe2(rig->log_pipe, O_CLOEXEC), 0);
    sl_log_setup(rig->log_pipe[1], SL_LOG_INFO, SL_LOG_JSON);
}

static void rig_release(struct rig *rig)
{
    sl_watchdog_free(rig->watchdog);
    sl_routines_free(rig->routines);
    sl_log_setup(STDERR_FILENO, SL_LOG_INFO, SL_LOG_AUTO);
    close(rig->log_pipe[0]);
    close(rig->log_pipe[1]);
}

static const struct sl_watchdog_options usual = { WARN_MS, LIMIT_MS };

static const char *logged(struct rig *rig)
{
    int flags = fcntl(rig->log_pipe[0], F_GETFL);
    fcntl(rig->log_pipe[0], F_SETFL, flags | O_NONBLOCK);
    ssize_t len = read(rig->log_pipe[0], rig->log, sizeof(rig->log) - 1);
    rig->log[len < 0 ? 0 : len] = '\0';
    return rig->log;
}

static void begin_turn(struct rig *rig, int worker)
{
    atomic_store(&rig->loops[worker].awake_since_ms, rig->now_ms);
}

static void end_turn(struct rig *rig, int worker)
{
    atomic_store(&rig->loops[worker].awake_since_ms, 0);
}

static void enter(struct rig *rig, int worker, const char *method)
{
    sl_activity_enter(
        &rig->activities[worker],
        sl_routines_get(rig->routines, SL_SLICE("chat"), sl_slice_str(method)),
        VERSION, false);
}

/* Time passes under the watchdog's eyes. */
static void pass(struct rig *rig, uint64_t ms)
{
    uint64_t tick_ms = sl_watchdog_tick_ms(rig->watchdog);
    for (uint64_t end_ms = rig->now_ms + ms; rig->now_ms < end_ms;) {
        rig->now_ms += tick_ms;
        sl_watchdog_look(rig->watchdog, rig->now_ms);
    }
}

static int64_t holds(const struct rig *rig, int worker)
{
    return sl_metric_get(&rig->metrics[worker], SL_M_SCRIPT_HOLDS);
}

static void names_who_holds_a_worker(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, usual);
    begin_turn(&rig, 1);
    enter(&rig, 1, "Slow");
    pass(&rig, WARN_MS);
    assert_string_equal(logged(&rig), "");
    pass(&rig, 25);
    const char *log = logged(&rig);
    assert_non_null(strstr(log, "warn\",\"text\":\"a script holds its worker"));
    assert_non_null(strstr(log, "\"worker\":\"worker 1\""));
    assert_non_null(strstr(log, "\"hub\":\"chat"));
    assert_non_null(strstr(log, "\"method\":\"Slow"));
    assert_non_null(strstr(log, "\"version\":\"" VERSION));
    assert_non_null(strstr(log, "\"ms\":100"));
    pass(&rig, WARN_MS);
    assert_string_equal(logged(&rig), ""); /* once */
    sl_activity_leave(&rig.activities[1]);
    end_turn(&rig, 1);
    pass(&rig, 100);
    assert_string_equal(logged(&rig), "");
    assert_int_equal(holds(&rig, 1), 1);
    assert_int_equal(holds(&rig, 0), 0);
    rig_release(&rig);
}

static void tells_the_limit_and_the_end(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_str why = { 0 };
    rig_init(&rig, usual);
    begin_turn(&rig, 0);
    enter(&rig, 0, "Endless");
    pass(&rig, LIMIT_MS);
    assert_true(sl_watchdog_healthy(rig.watchdog, rig.now_ms, &why));
    assert_null(strstr(logged(&rig), "\"error\""));
    pass(&rig, 25);
    const char *log = logged(&rig);
    assert_non_null(
        strstr(log, "error\",\"text\":\"a script holds its worker"));
    assert_non_null(strstr(log, "\"method\":\"Endless"));
    assert_non_null(strstr(log, "\"ms\":1000"));
    assert_false(sl_watchdog_healthy(rig.watchdog, rig.now_ms, &why));
    assert_string_equal(sl_str_cstr(&why),
                        "worker 0 has been held for 1025 ms by method Endless "
                        "of hub \"chat\", version " VERSION "\n");
    pass(&rig, 475);
    assert_string_equal(logged(&rig), "");
    sl_activity_leave(&rig.activities[0]);
    end_turn(&rig, 0);
    pass(&rig, 25);
    log = logged(&rig);
    assert_non_null(strstr(log, "a worker goes on"));
    assert_non_null(strstr(log, "\"method\":\"Endless"));
    assert_non_null(strstr(log, "\"ms\":1475"));
    assert_true(sl_watchdog_healthy(rig.watchdog, rig.now_ms, &why));
    assert_int_equal(holds(&rig, 0), 1);
    sl_str_release(&why);
    rig_release(&rig);
}

static void work_in_many_pieces_is_no_hold(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, usual);
    begin_turn(&rig, 0);
    for (int i = 0; i < 20; i++) { /* one turn, many calls */
        enter(&rig, 0, "Short");
        pass(&rig, 75);
        sl_activity_leave(&rig.activities[0]);
    }
    end_turn(&rig, 0);
    for (int i = 0; i < 20; i++) { /* many turns, a wait in each */
        begin_turn(&rig, 0);
        pass(&rig, 75);
        end_turn(&rig, 0);
    }
    pass(&rig, 10000); /* asleep */
    assert_string_equal(logged(&rig), "");
    assert_int_equal(holds(&rig, 0), 0);
    rig_release(&rig);
}

/* Its own code, or a library, has the worker. */
static void a_hold_without_a_script(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_str why = { 0 };
    rig_init(&rig, usual);
    begin_turn(&rig, 0);
    enter(&rig, 0, "Before");
    sl_activity_leave(&rig.activities[0]);
    pass(&rig, 1100);
    const char *log = logged(&rig);
    assert_non_null(strstr(log, "warn\",\"text\":\"a worker is held"));
    assert_non_null(strstr(log, "error\",\"text\":\"a worker is held"));
    assert_null(strstr(log, "\"method\":\""));
    assert_false(sl_watchdog_healthy(rig.watchdog, rig.now_ms, &why));
    assert_string_equal(sl_str_cstr(&why),
                        "worker 0 has been held for 1100 ms\n");
    sl_str_release(&why);
    rig_release(&rig);
}

static void hold(struct rig *rig, const char *method, uint64_t ms)
{
    begin_turn(rig, 0);
    enter(rig, 0, method);
    pass(rig, ms);
    sl_activity_leave(&rig->activities[0]);
    end_turn(rig, 0);
    pass(rig, 25);
}

static void a_method_that_is_always_slow_is_named_now_and_then(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, usual);
    hold(&rig, "Slow", 150);
    assert_non_null(strstr(logged(&rig), "\"method\":\"Slow"));
    for (int i = 0; i < 5; i++)
        hold(&rig, "Slow", 150);
    assert_string_equal(logged(&rig), "");
    hold(&rig, "Other", 150);
    assert_non_null(strstr(logged(&rig), "\"method\":\"Other"));
    hold(&rig, "Other", LIMIT_MS + 50); /* that is always told */
    assert_non_null(
        strstr(logged(&rig), "error\",\"text\":\"a script holds its worker"));
    pass(&rig, SL_WATCHDOG_REST_MS);
    hold(&rig, "Other", 150);
    const char *log = logged(&rig);
    assert_non_null(strstr(log, "\"method\":\"Other"));
    assert_non_null(strstr(log, "\"more\":1"));
    assert_int_equal(holds(&rig, 0), 9);
    rig_release(&rig);
}

static void either_may_be_off(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_str why = { 0 };
    rig_init(&rig, (struct sl_watchdog_options){ 0, LIMIT_MS });
    begin_turn(&rig, 0);
    enter(&rig, 0, "Slow");
    pass(&rig, 2 * LIMIT_MS);
    assert_null(strstr(logged(&rig), "\"warn\""));
    assert_false(sl_watchdog_healthy(rig.watchdog, rig.now_ms, &why));
    sl_str_release(&why);
    rig_release(&rig);

    rig_init(&rig, (struct sl_watchdog_options){ WARN_MS, 0 });
    begin_turn(&rig, 0);
    enter(&rig, 0, "Slow");
    pass(&rig, 100 * LIMIT_MS);
    assert_null(strstr(logged(&rig), "\"error\""));
    assert_true(sl_watchdog_healthy(rig.watchdog, rig.now_ms, NULL));
    rig_release(&rig);

    rig_init(&rig, (struct sl_watchdog_options){ 0, 0 });
    assert_int_equal(sl_watchdog_start(rig.watchdog), 0);
    rig_release(&rig);
}

static void looks_often_enough_and_not_too_often(void **state)
{
    (void)state;
    static const struct {
        struct sl_watchdog_options options;
        uint64_t tick_ms;
    } cases[] = {
        { { 100, 10000 }, 25 },
        { { 0, 10000 }, SL_WATCHDOG_TICK_MS },
        { { 60000, 10000 }, SL_WATCHDOG_TICK_MS },
        { { 60000, 20 }, 5 },
        { { 1, 0 }, 1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        rig_init(&rig, cases[i].options);
        assert_int_equal(sl_watchdog_tick_ms(rig.watchdog), cases[i].tick_ms);
        rig_release(&rig);
    }
}

static void the_thread_looks_by_itself(void **state)
{
    (void)state;
    struct rig rig;
    char text[512];
    rig_init(&rig, (struct sl_watchdog_options){ 4, 0 });
    begin_turn(&rig, 0);
    enter(&rig, 0, "Held");
    assert_int_equal(sl_watchdog_start(rig.watchdog), 0);
    ssize_t len = read(rig.log_pipe[0], text, sizeof(text) - 1); /* waits */
    assert_true(len > 0);
    text[len] = '\0';
    assert_non_null(strstr(text, "\"method\":\"Held"));
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_who_holds_a_worker),
        cmocka_unit_test(tells_the_limit_and_the_end),
        cmocka_unit_test(work_in_many_pieces_is_no_hold),
        cmocka_unit_test(a_hold_without_a_script),
        cmocka_unit_test(a_method_that_is_always_slow_is_named_now_and_then),
        cmocka_unit_test(either_may_be_off),
        cmocka_unit_test(looks_often_enough_and_not_too_often),
        cmocka_unit_test(the_thread_looks_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
