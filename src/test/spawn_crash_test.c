/* test/spawn_crash_test.c - the stacks of spawned programs that crash. */
//seam:build !asan && !race
/* With a sanitizer the program says itself where it crashed. */
//seam:program spawn_crasher testdata/crasher.c

#include <seam/spawn.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/spawn.h"
#include "test/trial_test.h"

/* A line of a stack. */
#define AT(function) "        " function " \\(testdata/crasher.c:[0-9]+\\)\n"
#define ENDED "error t: 'spawn_crasher' crashed: it was ended by signal "
#define SILENT "    it wrote nothing\n"

/* In the trial: the way, and what is to come of it. */
static const char *way;
static int want;

static void dies(seam_t *t)
{
    seam_process *p = seam_spawn(t, .argv = { "spawn_crasher", way });

    seam_check_eq(t, seam_process_wait(p, 0), want);
}

static void says(seam_t *t, const char *the_way, int status, const char *pattern)
{
    way = the_way;
    want = status;
    seam_via(t, seam_check_match(t, trial_run(t, dies, NULL), pattern));
}

SEAM_TEST(spawn_shows_the_stack_of_a_crash)
{
    says(t, "writes", -SIGSEGV,
         "^" ENDED "11 \\(Segmentation fault\\)\n"
         "    stack \\(write to address 0x0\\):\n" AT("writes") AT("main") SILENT
         "end t fail\n$");
    says(t, "aborts", -SIGABRT,
         "^" ENDED "6 \\(Aborted\\)\n    stack:\n" AT("main") SILENT "end t fail\n$");
    says(t, "divides", -SIGFPE, "\n    stack \\(integer division by zero\\):\n" AT("divides"));
    says(t, "overflows", -SIGSEGV,
         "\n    stack \\(it has overflowed\\):\n        deeper [^$]* more like this\n");
    says(t, "in_thread", -SIGSEGV,
         AT("writes") AT("worker") "        thread 2 \\([0-9]+ 'spawn_crasher'\\)  ");
    says(t, "without_descriptors", -SIGSEGV, AT("writes") AT("without_descriptors"));
}

SEAM_TEST(spawn_shows_the_crash_of_what_it_started)
{
    says(t, "in_fork", SIGSEGV,
         "^error t: 'spawn_crasher' \\(started by 'spawn_crasher'\\) crashed: it was ended by "
         "signal 11 \\(Segmentation fault\\)\n"
         "    stack \\(write to address 0x0\\):\n" AT("writes") AT("in_fork")
             AT("main") "end t fail\n$");
    says(t, "in_program", 0,
         "^error t: 'other' \\(started by 'spawn_crasher'\\) crashed: it was ended by signal "
         "11");
}

/* What the program does about it comes first, and the helper is none of its children. */
SEAM_TEST(spawn_leaves_a_crash_to_the_program)
{
    seam_process *p = seam_spawn(t, .argv = { "spawn_crasher", "handles" }, .may_fail = true);

    seam_check_eq(t, seam_process_wait(p, 0), SIGSEGV);
    says(t, "handles_and_dies", -SIGSEGV,
         "^" ENDED "11 \\(Segmentation fault\\)\n    no stack: Seam's handler was not reached "
         "\\(the program has one of its own, or a thread's stack has overflowed\\) or may not "
         "write \\(another user or root\\)\n" SILENT);
    says(t, "handles_first", -SIGSEGV, ENDED "11 [^$]*" AT("writes") AT("handles_first"));
    says(t, "listens_to_children", -SIGSEGV, AT("worker"));
}

static void may_fail(seam_t *t)
{
    seam_process_wait(
        seam_spawn(t, .argv = { "spawn_crasher", "in_program" }, .may_fail = true), 0);
    seam_process_wait(seam_spawn(t, .argv = { "spawn_crasher", "writes" }, .may_fail = true),
                      0);
}

SEAM_TEST(spawn_only_logs_a_crash_that_may_be)
{
    seam_check_match(t, trial_run(t, may_fail, NULL),
                     "^log t: 'other' \\(started by 'spawn_crasher'\\) crashed: [^$]*"
                     "end t pass\n$");
}

static void is_sent_signals(seam_t *t)
{
    seam_process *p = seam_spawn(t, .argv = { "spawn_crasher", "reads" }, .stdin_pipe = true,
                                 .ready_line = "");

    seam_process_signal(p, SIGSEGV);
    seam_check_eq(t, seam_process_wait(p, 0), -SIGSEGV);
    p = seam_spawn(t, .argv = { "spawn_crasher", "reads" }, .stdin_pipe = true,
                   .ready_line = "");
    kill(seam_process_pid(p), SIGSEGV);
    seam_process_wait(p, 0);
}

SEAM_TEST(spawn_takes_a_signal_that_was_sent_for_no_crash)
{
    seam_check_match(t, trial_run(t, is_sent_signals, NULL),
                     "^" ENDED "11 \\(Segmentation fault\\)\n"
                     "    no stack: process [0-9]+ sent the signal\n"
                     "    last lines of its output:\n        reads\nend t fail\n$");
}

static bool crashes(void *process)
{
    return spawn_is_crashing(process);
}

static void has_no_time(seam_t *t)
{
    seam_process *p = seam_spawn(t, .argv = { "spawn_crasher", "writes" });

    seam_check_eventually(t, 10000, crashes, p);
    seam_process_wait(p, 1);
}

static void is_stopped(seam_t *t)
{
    seam_process *p =
        seam_spawn(t, .argv = { "spawn_crasher", "in_thread" }, .stop_timeout_ms = 1);

    seam_check_eventually(t, 10000, crashes, p);
}

SEAM_TEST(spawn_waits_until_the_stack_is_read)
{
    seam_check_match(t, trial_run(t, has_no_time, NULL), "^" ENDED "11 [^$]*" AT("writes"));
    seam_check_match(t, trial_run(t, is_stopped, NULL), "^" ENDED "11 [^$]*" AT("worker"));
}

static void has_it_left_out(seam_t *t)
{
    seam_process_wait(
        seam_spawn(t, .argv = { "spawn_crasher", "writes" }, .env = { "SEAM_CRASH" }), 0);
}

SEAM_TEST(spawn_reads_no_stack_where_that_is_left_out)
{
    seam_check_contains(t, trial_run(t, has_it_left_out, NULL),
                        "\n    no stack: the test has a SEAM_CRASH of its own in .env\n");
}
