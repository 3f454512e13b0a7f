/* runner/verdict.c - how a test ended: pass, fail or skip, and the words for it. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/proc.h"
#include "runner/attempt.h"

static const char *signal_text(int number)
{
    static char unknown[32];
    const char *name = sigabbrev_np(number);

    snprintf(unknown, sizeof unknown, "%s%s", name ? "SIG" : "signal ", name ? name : "");
    if (!name)
        snprintf(unknown, sizeof unknown, "signal %d", number);
    return unknown;
}

/* The line that repeats this test alone. */
static void say_again(struct attempt *attempt)
{
    const struct options *options = attempt->agent->package->run->options;

    attempt_say(attempt, "again: %s -run '^%s$' %s", options->is_run ? "seam run" : "seam test",
                attempt->test->name, attempt->test->declared->package->again);
}

static void say_crash(struct attempt *attempt)
{
    static const char *const access[] = {
        [CRASH_NO_ADDRESS] = "",
        [CRASH_READ] = ": read of address 0x%llx",
        [CRASH_WRITE] = ": write to address 0x%llx",
        [CRASH_DIVIDED_BY_ZERO] = ": integer division by zero",
    };
    char where[64] = "";

    if (attempt->crash.status < sizeof access / sizeof *access)
        snprintf(where, sizeof where, access[attempt->crash.status],
                 (unsigned long long)attempt->crash.elapsed_ns);
    attempt_say(attempt, "killed by %s%s%s%s", signal_text(attempt->crash.number), where,
                attempt->crash.flags & EVENT_OVERFLOW ? ": the stack has overflowed" : "",
                attempt->stack_text ? attempt->stack_text : "");
    say_again(attempt);
}

static void say_timeout(struct attempt *attempt)
{
    struct run *run = attempt->agent->package->run;
    double seconds = attempt->test->declared->timeout_ms > 0
                         ? attempt->test->declared->timeout_ms / 1e3
                         : (double)run->options->timeout_ms / 1e3;
    bool own = attempt->test->declared->timeout_ms > 0 &&
               (!run->deadline_ns || attempt->timed_out_at < run->deadline_ns);

    attempt_say(attempt, "%s %g s; %s%s",
                own ? "timed out after"
                    : "was still running when the run's time was over, -timeout",
                own ? seconds : (double)run->options->timeout_ms / 1e3,
                attempt->kill_stage >= 3 ? "TERM had no effect, killed after 2 s more"
                                         : "ended by TERM",
                attempt->stack_text ? attempt->stack_text : "");
    say_again(attempt);
}

/* The kernel does not tell whom it has killed when memory was out, but how often it did. */
static void say_killed(struct attempt *attempt)
{
    const struct run *run = attempt->agent->package->run;

    if (WTERMSIG(attempt->status) != SIGKILL)
        attempt_say(attempt, "killed by %s", signal_text(WTERMSIG(attempt->status)));
    else if (proc_oom_kills() > run->oom_kills)
        attempt_say(attempt,
                    "killed by SIGKILL: memory ran out, and the kernel's out-of-memory killer "
                    "was at work; this test had %llu MB",
                    (unsigned long long)attempt->peak_kb >> 10);
    else
        attempt_say(attempt, "killed by SIGKILL (not by seam: the kernel's out-of-memory "
                             "killer, or another process)");
    say_again(attempt);
}

/* The process ended without the test's own END. */
static void say_early_end(struct attempt *attempt)
{
    if (attempt->crashed)
        say_crash(attempt);
    else if (attempt->agent_died)
        attempt_say(attempt,
                    "the agent died: the program that ran this test was killed from outside");
    else if (WIFSIGNALED(attempt->status))
        say_killed(attempt);
    else if (attempt->agent->sanitized && WEXITSTATUS(attempt->status) != 0) {
        attempt_say(attempt, "ended by its sanitizer; the report is above");
        say_again(attempt);
    } else if (WEXITSTATUS(attempt->status) == AGENT_EXIT_EVENTS_LOST)
        attempt_say(attempt,
                    "the test closed or replaced descriptor 500, which carries its results, so "
                    "they are lost\nclose only what you opened, or at most up to 499");
    else
        attempt_say(attempt, "exit(%d) was called in the middle of the test",
                    WEXITSTATUS(attempt->status));
}

/* The test had ended well, and then its process did not. */
static void say_late_end(struct attempt *attempt)
{
    if (WIFSIGNALED(attempt->status))
        attempt_say(attempt, "killed by %s after the test had ended",
                    signal_text(WTERMSIG(attempt->status)));
    else if (attempt->agent->sanitized)
        attempt_say(attempt, "its sanitizer reported it; the report is above");
    else
        attempt_say(attempt, "the process ended with status %d after the test had ended",
                    WEXITSTATUS(attempt->status));
}

/* .signal and .exit_code: the test passes by ending like that, and only so. */
static enum verdict expected_end(struct attempt *attempt)
{
    const struct test *test = attempt->test;
    bool died = attempt->exited && WIFSIGNALED(attempt->status);
    int number = attempt->crashed ? attempt->crash.number
                 : died           ? WTERMSIG(attempt->status)
                                  : 0;

    if (attempt->ended && attempt->end.status == VERDICT_SKIP)
        return VERDICT_SKIP;
    if ((attempt->ended && attempt->end.status == VERDICT_FAIL) || attempt->said_error)
        return VERDICT_FAIL;
    if (test->declared->signal && number == test->declared->signal)
        return VERDICT_PASS;
    if (test->declared->exit_code && !attempt->ended && !number &&
        WEXITSTATUS(attempt->status) == test->declared->exit_code)
        return VERDICT_PASS;
    if (test->declared->signal)
        attempt_say(attempt, "expected to be killed by %s, but %s",
                    signal_text(test->declared->signal),
                    attempt->ended ? "the test returned"
                    : number       ? "another signal came"
                                   : "it called exit");
    else
        attempt_say(attempt, "expected exit(%d), but %s", test->declared->exit_code,
                    attempt->ended ? "the test returned" : "it ended otherwise");
    if (!attempt->ended)
        say_early_end(attempt);
    return VERDICT_FAIL;
}

enum verdict verdict_of(struct attempt *attempt)
{
    const struct run *run = attempt->agent->package->run;
    const struct test *test = attempt->test;

    if (attempt->failed && attempt->exit_told)
        return VERDICT_FAIL;
    if (attempt->lost)
        attempt_say(attempt, "ended because the runner had no memory for what it reported");
    else if (attempt->interrupted)
        attempt_say(attempt, "interrupted");
    else if (attempt->timed_out)
        say_timeout(attempt);
    else if (test->declared->signal || test->declared->exit_code)
        return expected_end(attempt);
    else if (attempt->crashed || attempt->agent_died || !attempt->ended)
        say_early_end(attempt);
    else if (attempt->exited && !attempt->agent->in_process &&
             attempt->end.status != VERDICT_FAIL && attempt->status != 0) {
        say_late_end(attempt);
        return VERDICT_FAIL;
    } else if (attempt->said_error)
        return VERDICT_FAIL;
    else if (attempt->left_something && run->options->leaks == LEAKS_FAIL &&
             attempt->end.status == VERDICT_PASS)
        return VERDICT_FAIL;
    else
        return attempt->end.status;
    return VERDICT_FAIL;
}
