/* test/leave_test.c - a fatal from threads, from forked children and through several levels. */

#include <seam/seam.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/state.h"
#include "test/trial_test.h"

static void says(void *t)
{
    seam_log((seam_t *)t, "cleaned up");
}

/* ---- forked children: what they record fails the test in the runner, not in its memory ----- */

static int wait_for(pid_t pid)
{
    int status = 0;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void checks_in_a_child(seam_t *t)
{
    pid_t pid = fork();

    if (pid == 0) {
        seam_check(t, 1 > 2);
        _exit(7);
    }
    seam_check_eq(t, wait_for(pid), 7);
}

static void leaves_in_a_child(seam_t *t)
{
    pid_t pid;

    seam_cleanup(t, says, t);
    pid = fork();
    if (pid == 0)
        seam_require(t, 1 > 2);
    seam_check_eq(t, wait_for(pid), 1);
}

static void returns_in_a_child(seam_t *t)
{
    pid_t pid;

    seam_cleanup(t, says, t);
    pid = fork();
    if (pid == 0)
        return;
    seam_check_eq(t, wait_for(pid), 1);
}

/* The transcript without the child's pid, which nobody can know. */
static const char *without_pid(seam_t *t, const char *said)
{
    char *words = seam_format(t, "%s", said);

    for (char *at = words; *at; at++)
        if (*at >= '0' && *at <= '9' && at > words && at[-1] == ' ' && atoi(at) > 9) {
            *at = 'N';
            while (at[1] >= '0' && at[1] <= '9')
                memmove(at + 1, at + 2, strlen(at + 2) + 1);
        }
    return words;
}

SEAM_TEST(leave_of_a_forked_child_ends_that_child)
{
    seam_check_str(t, without_pid(t, trial_run(t, leaves_in_a_child, NULL)),
                   "error t: [in forked process N] 1 > 2 is false\n"
                   "log t: cleaned up\n"
                   "end t pass\n");
}

SEAM_TEST(checks_of_a_forked_child_are_recorded)
{
    seam_check_str(t, without_pid(t, trial_run(t, checks_in_a_child, NULL)),
                   "error t: [in forked process N] 1 > 2 is false\n"
                   "end t pass\n");
}

SEAM_TEST(return_of_a_forked_child_ends_that_child)
{
    trial_says(t, returns_in_a_child, "log t: cleaned up\nend t pass\n");
}

static void returns_in_a_forked_child(void *t)
{
    pid_t pid = fork();

    if (pid != 0)
        seam_check_eq((seam_t *)t, wait_for(pid), 1);
}

static void forks_in_a_clean_up(seam_t *t)
{
    seam_cleanup(t, says, t);
    seam_cleanup(t, returns_in_a_forked_child, t);
}

SEAM_SUBTEST(forks_beside_its_siblings)
{
    seam_parallel(t);
    seam_cleanup(t, says, t);
    returns_in_a_forked_child(t);
}

static void has_a_forking_subtest(seam_t *t)
{
    seam_run(t, "a", forks_beside_its_siblings, NULL);
}

static void forks_in_a_team(seam_t *t, int index, void *arg)
{
    (void)index;
    (void)arg;
    returns_in_a_forked_child(t);
}

static void has_a_forking_team(seam_t *t)
{
    seam_cleanup(t, says, t);
    seam_threads(t, 1, forks_in_a_team, NULL);
}

SEAM_TEST(return_of_a_forked_child_is_no_end_wherever_it_was_forked)
{
    trial_says(t, forks_in_a_clean_up, "log t: cleaned up\nend t pass\n");
    trial_says(t, has_a_forking_subtest,
               "run t/a\npause t/a\ncontinue t/a\n"
               "log t/a: cleaned up\nend t/a pass\nend t pass\n");
    trial_says(t, has_a_forking_team, "log t: cleaned up\nend t pass\n");
}

static void aborts(seam_t *t)
{
    seam_log(t, "so far");
    abort();
}

SEAM_TEST(leave_by_a_signal_is_seen_by_a_trial)
{
    trial_says(t, aborts, "log t: so far\nsignal 6\n");
}

/* ---- threads ----------------------------------------------------------------------------- */

static void *checks_in_thread(void *t)
{
    seam_check((seam_t *)t, 1 > 2);
    return NULL;
}

static void *leaves_in_thread(void *t)
{
    seam_require((seam_t *)t, 1 > 2);
    return NULL;
}

static void starts(seam_t *t, void *(*fn)(void *t))
{
    pthread_t thread;

    seam_cleanup(t, says, t);
    seam_require_ok(t, pthread_create(&thread, NULL, fn, t));
    seam_require_ok(t, pthread_join(thread, NULL));
}

static void has_checking_thread(seam_t *t)
{
    starts(t, checks_in_thread);
}

static void has_leaving_thread(seam_t *t)
{
    starts(t, leaves_in_thread);
}

SEAM_TEST(checks_of_a_thread_count)
{
    trial_says(t, has_checking_thread,
               "error t: 1 > 2 is false\n"
               "log t: cleaned up\n"
               "end t fail\n");
}

SEAM_TEST(leave_of_a_foreign_thread_ends_the_process)
{
    trial_says(
        t, has_leaving_thread,
        "error t: 1 > 2 is false\n"
        "error t: a fatal failure on a thread that runs no test ends the whole test; its "
        "clean-up did not run\n"
        "end t fail\n");
}

/* ---- seam_threads ------------------------------------------------------------------------ */

enum { TEAM = 4 };

static void counts(seam_t *t, int index, void *arg)
{
    int *seen = arg;

    __atomic_add_fetch(&seen[index], 1, __ATOMIC_RELAXED);
    seam_check_lt(t, index, TEAM);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* When the first of them begins, all have been started; none ends before each has looked. */
static void looks_around(seam_t *t, int index, void *arg)
{
    struct stat tasks;

    (void)index;
    seam_check_eq(t, stat("/proc/self/task", &tasks), 0);
    seam_check_le(t, 2 + TEAM + 1, tasks.st_nlink);
    pthread_barrier_wait(arg);
}

/* Under -race the data that checks of several threads share would be reported. */
static void differs(seam_t *t, int index, void *arg)
{
    static const char *const names[TEAM] = { "ann", "bob", "cay", "dan" };

    (void)arg;
    seam_check_eq(t, names[index], "eve");
    seam_check_eventually(t, 0, never, NULL);
}

static void team_that_differs(seam_t *t)
{
    seam_threads(t, TEAM, differs, NULL);
}

static void one_leaves(seam_t *t, int index, void *arg)
{
    int *done = arg;

    seam_require_ne(t, index, 2);
    __atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
}

static void team_with_a_fatal(seam_t *t)
{
    int done = 0;

    seam_threads(t, TEAM, one_leaves, &done);
    seam_log(t, "%d went on", done);
}

static bool is_the_only_thread(void *arg)
{
    (void)arg;
    return leaks_count_threads() == 1;
}

static void finds_no_thread(void *t)
{
    seam_check_eventually((seam_t *)t, 5000, is_the_only_thread, NULL);
}

/* A thread's stack takes more than is left; those that were started before must not run. */
static void team_too_large(seam_t *t)
{
    struct rlimit limit;
    FILE *size = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    seam_require(t, size && fscanf(size, "%lu", &pages) == 1);
    fclose(size);
    seam_require_ok(t, getrlimit(RLIMIT_STACK, &limit));
    limit.rlim_max = pages * (rlim_t)sysconf(_SC_PAGESIZE) + 3 * limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    seam_require_ok(t, setrlimit(RLIMIT_AS, &limit));
    seam_cleanup(t, finds_no_thread, t);
    seam_threads(t, 64, counts, NULL);
}

static void team_of_none(seam_t *t)
{
    seam_threads(t, 0, counts, NULL);
}

SEAM_TEST(threads_each_run_once)
{
    int seen[TEAM] = { 0 };

    seam_threads(t, TEAM, counts, seen);
    for (int i = 0; i < TEAM; i++)
        seam_check_eq(t, seen[i], 1);
}

SEAM_TEST(threads_run_at_once)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, TEAM);
    seam_threads(t, TEAM, looks_around, &barrier);
    pthread_barrier_destroy(&barrier);
}

SEAM_TEST(threads_may_all_fail_at_once)
{
    const char *said = trial_run(t, team_that_differs, NULL);

    for (const char *name = "ann\0bob\0cay\0dan\0"; *name; name += strlen(name) + 1)
        seam_check_contains(
            t, said,
            seam_format(t, "error t: names[index]\ngot:  \"%s\"\nwant: \"eve\"\n", name));
    seam_check_match(t, said, "end t fail\n$");
}

SEAM_TEST(threads_are_left_alone)
{
    trial_says(t, team_with_a_fatal,
               "error t: index\ngot:  2\nwant: anything but 2\n"
               "log t: 3 went on\n"
               "end t fail\n");
    trial_says(t, team_of_none, "error t: seam_threads: 0 threads asked\nend t fail\n");
}

SEAM_TEST(threads_that_cannot_all_start_do_not_begin)
{
    const char *said;

    if (crash_is_sanitized())
        seam_skip(t, "a sanitizer's memory has no such limit");
    said = trial_run(t, team_too_large, NULL);
    seam_check_match(t, said, "^error t: cannot start thread \\d+ of 64: .*\nend t fail\n$");
}
