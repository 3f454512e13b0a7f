/* clock/clock_test.c - a clock of a test: its port, and libc's functions that tell the time or sleep. */

#include <seam/clock.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "fake/now.h"
#include "test/trial_test.h"

enum { WITHIN_MS = 5000 };

static const int64_t noon = 1795262400; /* 2026-11-21T12:00:00Z */

static int64_t ms_by(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

SEAM_TEST(time_stands_still_until_it_is_moved)
{
    seam_clock *clock = seam_clock_start(t, .at = "2026-11-21T12:00:00Z");
    int64_t monotonic = ms_by(CLOCK_MONOTONIC);
    struct timespec utc;
    struct timeval day;
    time_t told;

    seam_clock_advance(clock, 1500);
    seam_check_eq(t, time(&told), noon + 1);
    seam_check_eq(t, told, noon + 1);
    seam_check_eq(t, ms_by(CLOCK_REALTIME), noon * 1000 + 1500);
    seam_check_eq(t, ms_by(CLOCK_REALTIME_COARSE), noon * 1000 + 1500);
    seam_check_eq(t, ms_by(CLOCK_MONOTONIC), monotonic + 1500);
    seam_check_eq(t, ms_by(CLOCK_BOOTTIME), monotonic + 1500);
    gettimeofday(&day, NULL);
    seam_check_eq(t, day.tv_sec, noon + 1);
    seam_check_eq(t, day.tv_usec, 500000);
    seam_check_eq(t, timespec_get(&utc, TIME_UTC), TIME_UTC);
    seam_check_eq(t, utc.tv_sec, noon + 1);
    seam_check_eq(t, seam_clock_now_ms(clock), noon * 1000 + 1500);
    seam_check_eq(t, seam_clock_now_ns(clock), (noon * 1000 + 1500) * 1000000);
}

SEAM_TEST(a_clock_begins_in_2001)
{
    seam_check_eq(t, seam_clock_now_ms(seam_clock_start(t)), 1000000000000);
    seam_check_eq(t, time(NULL), 1000000000);
}

SEAM_TEST(time_of_the_processor_is_real)
{
    struct timespec before, after = { 0 };

    seam_clock_start(t);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    while (after.tv_sec == before.tv_sec && after.tv_nsec == before.tv_nsec);
}

SEAM_TEST(wall_time_goes_back_and_monotonic_time_does_not)
{
    seam_clock *clock = seam_clock_start(t, .at = "2026-11-21T12:00:00Z");
    int64_t monotonic = ms_by(CLOCK_MONOTONIC);

    seam_clock_set(clock, "2026-11-21T11:00:00Z");
    seam_check_eq(t, time(NULL), noon - 3600);
    seam_check_eq(t, ms_by(CLOCK_MONOTONIC), monotonic);
    seam_clock_set(clock, "2026-11-21T12:00:01+00:00");
    seam_check_eq(t, time(NULL), noon + 1);
    seam_check_eq(t, ms_by(CLOCK_MONOTONIC), monotonic + 3601000);
}

SEAM_SUBTEST(sets_a_clock)
{
    (void)arg;
    seam_clock_start(t);
    seam_check_eq(t, time(NULL), 1000000000);
}

SEAM_TEST(the_machines_time_is_back_behind_it)
{
    int64_t monotonic = ms_by(CLOCK_MONOTONIC);

    seam_run(t, "one", sets_a_clock, NULL);
    seam_run(t, "two", sets_a_clock, NULL);
    seam_check(t, time(NULL) > noon - 86400);
    seam_check(t, ms_by(CLOCK_MONOTONIC) >= monotonic);
}

SEAM_TEST(the_port_alone)
{
    seam_clock *clock = seam_clock_start(t, .at = "2001-01-01T00:00:00Z", .port_only = true);

    seam_check(t, time(NULL) > noon - 86400);
    seam_check_eq(t, seam_clock_now_ms(clock), 978307200000);
    usleep(1);
    seam_check_eq(t, seam_clock_slept_ms(clock), 0);
}

/* Seam itself goes by the machine. */
SEAM_TEST(what_seam_measures_is_real)
{
    uint64_t before = now_ns();
    seam_clock *clock = seam_clock_start(t);

    seam_clock_advance(clock, 3600 * 1000);
    seam_check(t, now_ns() - before < 600 * UINT64_C(1000000000));
    seam_check(t, seam_context_remaining_ms(seam_context_within(t, 100)) <= 100);
}

SEAM_TEST(doubles_go_by_it)
{
    int64_t before = fake_now_ms(), after;
    seam_clock *clock = seam_clock_start(t);

    after = fake_now_ms();
    seam_check(t, after >= before);
    seam_clock_advance(clock, 1000);
    seam_check_eq(t, fake_now_ms(), after + 1000);
}

/* ---- sleeping ---------------------------------------------------------------------------- */

struct sleeper {
    seam_clock *clock;
    pthread_t thread;
    int ms;
    void (*sleep)(struct sleeper *sleeper);
    int64_t woke_ms; /* wall time */
    int place; /* in the order in which they woke up */
};

static atomic_int woken;

static void by_nanosleep(struct sleeper *sleeper)
{
    nanosleep(&(struct timespec){ .tv_sec = sleeper->ms / 1000,
                                  .tv_nsec = sleeper->ms % 1000 * 1000000L },
              NULL);
}

static void by_point(struct sleeper *sleeper)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += sleeper->ms / 1000;
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
}

static void by_usleep(struct sleeper *sleeper)
{
    usleep((unsigned)sleeper->ms * 1000);
}

static void by_sleep(struct sleeper *sleeper)
{
    sleep((unsigned)sleeper->ms / 1000);
}

static void by_thrd_sleep(struct sleeper *sleeper)
{
    thrd_sleep(&(struct timespec){ .tv_sec = sleeper->ms / 1000 }, NULL);
}

static void by_port(struct sleeper *sleeper)
{
    seam_clock_sleep(sleeper->clock, sleeper->ms);
}

static void *sleep_so(void *arg)
{
    struct sleeper *sleeper = arg;

    sleeper->sleep(sleeper);
    sleeper->woke_ms = seam_clock_now_ms(sleeper->clock);
    sleeper->place = atomic_fetch_add(&woken, 1);
    return NULL;
}

static void start(seam_t *t, struct sleeper *sleeper)
{
    seam_require_ok(t, pthread_create(&sleeper->thread, NULL, sleep_so, sleeper));
}

/* Each wakes at its own time, and time goes on when it has. */
SEAM_TEST(sleepers_wake_in_the_order_of_their_time)
{
    seam_clock *clock = seam_clock_start(t, .at = "2026-11-21T12:00:00Z");
    struct sleeper all[] = {
        { clock, .ms = 6000, .sleep = by_nanosleep },  { clock, .ms = 5000, .sleep = by_point },
        { clock, .ms = 4000, .sleep = by_usleep },     { clock, .ms = 3000, .sleep = by_sleep },
        { clock, .ms = 2000, .sleep = by_thrd_sleep }, { clock, .ms = 1000, .sleep = by_port }
    };

    for (int i = 0; i < 6; i++)
        start(t, &all[i]);
    seam_clock_wait_for_sleepers(clock, 6, WITHIN_MS);
    seam_check_eq(t, seam_clock_sleepers(clock), 6);
    seam_clock_advance(clock, 2999);
    seam_check_eq(t, woken, 2);
    seam_clock_advance(clock, 60000);
    for (int i = 0; i < 6; i++) {
        pthread_join(all[i].thread, NULL);
        seam_check_eq(t, all[i].place, 5 - i);
        seam_check_eq(t, all[i].woke_ms, noon * 1000 + all[i].ms);
    }
    seam_check_eq(t, seam_clock_sleepers(clock), 0);
    seam_check_eq(t, seam_clock_slept_ms(clock), 21000);
}

static void ten_times(struct sleeper *sleeper)
{
    for (int i = 0; i < 10; i++)
        by_nanosleep(sleeper);
}

/* One that sleeps again finds the time at which it woke. */
SEAM_TEST(a_loop_that_sleeps_takes_its_time)
{
    seam_clock *clock = seam_clock_start(t, .at = "2026-11-21T12:00:00Z");
    struct sleeper loop = { clock, .ms = 100, .sleep = ten_times };

    start(t, &loop);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    seam_clock_advance(clock, 60000);
    pthread_join(loop.thread, NULL);
    seam_check_eq(t, loop.woke_ms, noon * 1000 + 1000);
}

SEAM_TEST(sleepers_move_the_clock)
{
    seam_clock *clock =
        seam_clock_start(t, .at = "2026-11-21T12:00:00Z", .sleepers_advance = true);

    sleep(60);
    seam_clock_sleep(clock, 500);
    seam_check_eq(t, seam_clock_now_ms(clock), (noon + 60) * 1000 + 500);
    seam_check_eq(t, seam_clock_slept_ms(clock), 60500);
}

static void handle(int number)
{
    (void)number;
}

/* SA_RESTART is nothing to a sleep. */
static void install_handler(void)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };

    sigaction(SIGUSR1, &action, NULL);
}

static struct timespec left_of_sleep;
static atomic_int error_of_sleep;

static void is_interrupted(struct sleeper *sleeper)
{
    if (nanosleep(&(struct timespec){ .tv_sec = sleeper->ms / 1000 }, &left_of_sleep) < 0)
        error_of_sleep = errno;
}

SEAM_TEST(a_signal_ends_a_sleep)
{
    seam_clock *clock = seam_clock_start(t);
    struct sleeper one = { clock, .ms = 10000, .sleep = is_interrupted };

    install_handler();
    start(t, &one);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    seam_clock_advance(clock, 4000);
    for (error_of_sleep = 0; seam_clock_sleepers(clock) > 0; sched_yield())
        pthread_kill(one.thread, SIGUSR1);
    pthread_join(one.thread, NULL);
    seam_check_eq(t, error_of_sleep, EINTR);
    seam_check_eq(t, left_of_sleep.tv_sec, 6);
}

SEAM_TEST(a_sleep_that_is_none)
{
    seam_clock_start(t);
    seam_check_eq(t, nanosleep(&(struct timespec){ 0 }, NULL), 0);
    seam_check_eq(t, nanosleep(&(struct timespec){ .tv_nsec = 1000000000 }, NULL), -1);
    seam_check_eq(t, errno, EINVAL);
    seam_check_eq(
        t, clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = -1 }, NULL),
        EINVAL);
    seam_check_eq(
        t,
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ .tv_sec = 5 }, NULL),
        0);
}

/* Sanitizers lose count of the locks and the stack of a thread that is cancelled. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
static const bool may_cancel = false;
#else
static const bool may_cancel = true;
#endif

SEAM_TEST(a_cancelled_sleep_leaves_nothing)
{
    seam_clock *clock = seam_clock_start(t);
    struct sleeper one = { clock, .ms = 10000, .sleep = by_nanosleep };

    start(t, &one);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    if (may_cancel)
        pthread_cancel(one.thread);
    else
        seam_clock_advance(clock, 10000);
    pthread_join(one.thread, NULL);
    seam_check_eq(t, seam_clock_sleepers(clock), 0);
}

SEAM_TEST(a_process_that_is_forked_goes_by_it)
{
    seam_clock *clock = seam_clock_start(t);
    pid_t child = fork();
    int status;

    if (child == 0) {
        sleep(5);
        _exit(time(NULL) == 1000000005 ? 0 : 1);
    }
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    seam_clock_advance(clock, 5000);
    seam_check_eq(t, waitpid(child, &status, 0), child);
    seam_check_eq(t, status, 0);
}

SEAM_TEST(a_dead_process_sleeps_no_more)
{
    seam_clock *clock = seam_clock_start(t);
    pid_t child = fork();

    if (child == 0) {
        sleep(5);
        _exit(0);
    }
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    seam_clock_advance(clock, 5000);
    seam_check_eq(t, seam_clock_sleepers(clock), 0);
}

/* ---- what goes wrong --------------------------------------------------------------------- */

static void starts_two(seam_t *t)
{
    seam_clock_start(t);
    seam_clock_start(t);
}

static void starts_at_no_time(seam_t *t)
{
    seam_clock_start(t, .at = "noon");
}

static void starts_too_early(seam_t *t)
{
    seam_clock_start(t, .at = "1900-01-01T00:00:00Z");
}

static void goes_back(seam_t *t)
{
    seam_clock_advance(seam_clock_start(t), -1);
}

static void goes_too_far(seam_t *t)
{
    seam_clock_advance(seam_clock_start(t), INT64_MAX);
}

static void sets_no_time(seam_t *t)
{
    seam_clock_set(seam_clock_start(t), "2026-11-21");
}

static void waits_for_nobody(seam_t *t)
{
    seam_clock_wait_for_sleepers(seam_clock_start(t), 2, 1);
}

SEAM_TEST(what_a_clock_refuses)
{
    seam_check_match(
        t, trial_run(t, starts_two, NULL),
        "^error t: a clock runs already, from .*clock_test.c:[0-9]+: a test has one "
        "at a time\nend t fail\n$");
    trial_says(t, starts_at_no_time,
               "error t: seam_clock_start: 'noon' is no time of RFC 3339, such as "
               "\"2026-11-21T12:00:00Z\"\nend t fail\n");
    trial_says(
        t, starts_too_early,
        "error t: seam_clock_start: '1900-01-01T00:00:00Z' is not between 1970 and 2261, "
        "where a clock may stand\nend t fail\n");
    trial_says(t, goes_back,
               "error t: seam_clock_advance: -1 ms: it goes on only\n"
               "try: seam_clock_set, which puts wall time back\nend t fail\n");
    trial_says(t, goes_too_far,
               "error t: seam_clock_advance: 9223372036854775807 ms: that is beyond 2261\n"
               "end t fail\n");
    trial_says(t, sets_no_time,
               "error t: seam_clock_set: '2026-11-21' is no time of RFC 3339, such as "
               "\"2026-11-21T12:00:00Z\"\nend t fail\n");
    trial_says(t, waits_for_nobody,
               "error t: after 1 ms of the machine's time 0 of 2 sleepers wait on the clock\n"
               "end t fail\n");
}

static void sleeps_itself(seam_t *t)
{
    seam_clock_start(t);
    sleep(5);
    seam_log(t, "goes on");
}

static void waits_for_a_sleeper(seam_t *t)
{
    struct sleeper one = { seam_clock_start(t), .ms = 5500, .sleep = by_nanosleep };

    start(t, &one);
    pthread_join(one.thread, NULL);
}

SEAM_TEST(nobody_is_left_to_move_it)
{
    trial_says(
        t, sleeps_itself,
        "error t: the clock stands still at 2001-09-09T01:46:40Z, and all threads wait for "
        "it\n"
        "    sleep in the test's own thread until 2001-09-09T01:46:45Z, in 5 s\n"
        "try: seam_clock_advance in the test's own thread, or .sleepers_advance = true\n"
        "log t: goes on\n"
        "end t fail\n");
    seam_check_match(t, trial_run(t, waits_for_a_sleeper, NULL),
                     "nanosleep in thread '.*' until 2001-09-09T01:46:45.5Z, in 5.5 s\n");
}

static void fails_beside_a_sleeper(seam_t *t)
{
    struct sleeper *one = seam_alloc(t, sizeof *one);

    *one = (struct sleeper){ seam_clock_start(t), .ms = 5000, .sleep = by_port };
    start(t, one);
    pthread_detach(one->thread);
    seam_clock_wait_for_sleepers(one->clock, 1, WITHIN_MS);
    seam_fatal(t, "wrong");
}

SEAM_TEST(a_failure_names_the_sleepers)
{
    seam_check_match(
        t, trial_run(t, fails_beside_a_sleeper, NULL),
        "^error t: wrong\n"
        "log t: the clock stands still at 2001-09-09T01:46:40Z; on it wait\n"
        "    seam_clock_sleep in thread '.*' until 2001-09-09T01:46:45Z, in 5 s\n");
}

static void end_process(void *pid)
{
    kill((pid_t)(intptr_t)pid, SIGKILL);
}

static void moves_past_a_stopped_process(seam_t *t)
{
    seam_clock *clock = seam_clock_start(t);
    pid_t child = fork();

    if (child == 0) {
        sleep(5);
        _exit(0);
    }
    seam_cleanup(t, end_process, (void *)(intptr_t)child);
    seam_clock_wait_for_sleepers(clock, 1, WITHIN_MS);
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    seam_clock_advance(clock, 5000);
}

SEAM_TEST(who_does_not_wake_up_is_named)
{
    seam_check_match(
        t, trial_run(t, moves_past_a_stopped_process, NULL),
        "^error t: the clock was moved past the time of sleepers that have not woken "
        "up in 2 s of the machine's:\n"
        "    sleep in program '.*', whose time has come\n"
        "try: hold no lock that they need, and let no program be stopped\n");
}
