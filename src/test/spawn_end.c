/* test/spawn_end.c - how a spawned program ends, and what that means for the test. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
#include "test/spawn.h"
#include "test/spawn_report.h"

enum {
    STOP_MS = 5000,
    KILLED_MS = 5000,
    ENDS_MS = KILLED_MS + SPAWN_REPORT_MS,
    OTHERS_TOLD = 10
};

/* ---- words */

const char *spawn_how(seam_process *child, struct spawn_end end)
{
    struct arena *arena = &child->t->arena;

    if (end.lost)
        return "ended with a status that somebody else's wait() took";
    if (!end.killed)
        return arena_printf(arena, "exited with status %d", end.status);
    return arena_printf(arena, "was ended by signal %d (%s)", end.status,
                        strsignal(end.status));
}

int spawn_status(struct spawn_end end)
{
    return end.killed ? -end.status : end.status;
}

/* ---- what is a failure */

static bool is_crash(int number)
{
    static const int crashes[] = { SIGABRT, SIGBUS,  SIGFPE,  SIGILL, SIGSEGV,
                                   SIGSYS,  SIGTRAP, SIGXCPU, SIGXFSZ };

    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (crashes[i] == number)
            return true;
    return false;
}

static bool ends_programs(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGKILL ||
           number == SIGABRT;
}

/* What the test asked for, or has been told as a result, is its own affair; a crash never is, but for one by
 * the very signal that the test sent. */
static bool is_excused(const seam_process *child, struct spawn_end end)
{
    bool expected = child->stopping || child->awaited;

    if (child->options.may_fail || end.lost)
        return true;
    if (!end.killed)
        return end.status == 0 || expected;
    return sigismember(&child->sent, end.status) == 1 || (expected && !is_crash(end.status));
}

static void judge_report(seam_process *child, seam_site at)
{
    const char *report = child->told_report ? NULL : spawn_report(child);

    if (!report)
        return;
    child->told_report = true;
    seam_error_at(child->t, at, "'%s': %s\n    the whole report is in its output", child->name,
                  report);
}

static void tell_other(seam_process *child, seam_site at, const struct spawn_crash *crash)
{
    const char *words = arena_printf(
        &child->t->arena, "'%s' (started by '%s') crashed: it was ended by signal %d (%s)%s",
        crash->name, child->name, crash->number, strsignal(crash->number), crash->stack);

    if (++child->others > OTHERS_TOLD)
        words = arena_printf(&child->t->arena,
                             "more than %d processes that '%s' has started crashed",
                             OTHERS_TOLD, child->name);
    if (child->others > OTHERS_TOLD + 1)
        return;
    if (child->options.may_fail)
        seam_log_at(child->t, at, "%s", words);
    else
        seam_error_at(child->t, at, "%s", words);
}

/* What it started, and did crash. At the end of the test all has been killed: what there is will not grow. */
static void judge_others(seam_process *child, seam_site at, bool at_end)
{
    struct spawn_crash crash;

    while (spawn_next_crash(child, !at_end, &crash))
        tell_other(child, at, &crash);
}

/* A signal that the test sent while the stack of a crash was read may have been faster. */
static struct spawn_end true_end(seam_process *child)
{
    const struct spawn_crash *crash = spawn_own_crash(child);
    struct spawn_end end = spawn_end_of(child);

    if (crash && !crash->sender) {
        end.killed = true;
        end.status = crash->number;
    }
    return end;
}

void spawn_judge(seam_process *child, seam_site at, bool at_end)
{
    struct spawn_end end = true_end(child);

    if (!end.ended)
        return;
    judge_report(child, at);
    judge_others(child, at, at_end);
    if (child->told || is_excused(child, end))
        return;
    child->told = true;
    seam_error_at(child->t, at, "'%s' %s%s%s%s", child->name,
                  end.killed && is_crash(end.status) ? "crashed: it " : "",
                  spawn_how(child, end), at_end ? ", which nobody asked for" : "",
                  spawn_tail(child));
}

/* ---- signals */

void spawn_signal(seam_process *child, int number)
{
    sigaddset(&child->sent, number);
    child->stopping |= ends_programs(number);
    pidfd_send_signal(child->pidfd, number, NULL, 0);
}

static bool never(seam_process *child, void *arg)
{
    (void)child;
    (void)arg;
    return false;
}

static bool ends_within(seam_process *child, int ms, bool with_context)
{
    struct spawn_limit limit = spawn_limit(child, ms);

    if (!with_context) /* whatever time the test has: this is not long */
        limit.context = NULL;
    return spawn_await(child, &limit, never, NULL) == SPAWN_ENDED;
}

/* Whether it has ended by itself, though the reader may not have said so yet; or is just crashing. */
bool spawn_has_ended(seam_process *child)
{
    struct pollfd gone = { .fd = child->pidfd, .events = POLLIN };

    return (poll(&gone, 1, 0) == 1 || spawn_is_crashing(child)) &&
           ends_within(child, ENDS_MS, false);
}

void spawn_stop(seam_process *child)
{
    const struct seam_spawn_options *options = &child->options;
    int number = options->stop_signal ? options->stop_signal : SIGTERM;
    int ms = options->stop_timeout_ms ? options->stop_timeout_ms : STOP_MS;

    if (spawn_has_ended(child))
        return;
    child->stopping = true;
    spawn_signal(child, number);
    pidfd_send_signal(child->pidfd, SIGCONT, NULL, 0); /* the test may have stopped it */
    if (ends_within(child, ms, true))
        return;
    seam_log_at(child->t, options->site,
                "'%s' did not end on signal %d (%s) within %d ms: killed", child->name, number,
                strsignal(number), ms);
    spawn_signal(child, SIGKILL);
    ends_within(child, KILLED_MS, false);
}

/* ---- the end of the test */

/* What it started goes with it: its group, and those that carry its marker. It is not reaped yet, so both
 * are its own. */
static void kill_all(seam_process *child)
{
    kill(-child->pid, SIGKILL);
    if (proc_kill_marked(child->marker, NULL, 0) == -ETIMEDOUT)
        seam_error_at(child->t, child->options.site, "what '%s' has started cannot be killed",
                      child->name);
}

static void close_private(int *fd)
{
    if (*fd >= 0)
        t_private_close(*fd);
    *fd = -1;
}

void spawn_release(void *arg)
{
    seam_process *child = arg;

    if (child->reading)
        spawn_stop(child);
    if (child->pid)
        kill_all(child);
    spawn_read_end(child);
    if (child->pid)
        waitpid(child->pid, NULL, 0);
    spawn_judge(child, child->options.site, true);
    close_private(&child->pidfd);
    close_private(&child->output);
    close_private(&child->input);
    close_private(&child->ready);
    close_private(&child->changed);
    close_private(&child->finish);
    buf_fini(&child->text);
    buf_fini(&child->report);
    child->pid = 0;
}
