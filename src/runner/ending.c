/*
 * runner/ending.c - time-outs, crashes, interrupts, and what a test leaves behind; see ending.h.
 *
 * A test that hangs goes through stages, each with a deadline:
 *   1 its stacks are read   2 TERM to all its processes   3 KILL
 */

#include "runner/ending.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/proc.h"
#include "runner/stacks.h"

enum { STACKS_MS = 8000, GRACE_MS = 2000, KILL_MS = 5000 };
enum stage { STAGE_RUNNING, STAGE_STACKS, STAGE_TERM, STAGE_KILL, STAGE_GIVEN_UP };

static struct run *run_of(const struct attempt *attempt)
{
    return attempt->agent->package->run;
}

/* ---- all processes of a test: its group, and whatever carries its marker */

struct signalling {
    pid_t test; /* and its group */
    int number;
};

static bool send_signal(void *arg, pid_t pid, const char *rest)
{
    const struct signalling *signalling = arg;

    (void)rest;
    if (pid != signalling->test && getpgid(pid) != signalling->test)
        kill(pid, signalling->number);
    return true;
}

static void marker_of(const struct attempt *attempt, char *to, size_t size)
{
    snprintf(to, size, "%s.%0*u", run_of(attempt)->id, AGENT_SERIAL, attempt->serial);
}

static void signal_members(struct attempt *attempt, int number)
{
    struct signalling signalling = { attempt->pid, number };
    char marker[64];

    run_kill(run_of(attempt), attempt->pid, number);
    marker_of(attempt, marker, sizeof marker);
    if (!attempt->agent->in_process)
        proc_visit_marked(marker, send_signal, &signalling);
}

void ending_kill(struct attempt *attempt)
{
    run_kill(run_of(attempt), attempt->pid, SIGKILL);
    if (attempt->agent->in_process)
        kill(attempt->pid, SIGKILL);
}

/* ---- crash */

static void begin_stacks(struct attempt *attempt)
{
    attempt->stacks = stacks_start(attempt);
    attempt->kill_stage = STAGE_STACKS;
    attempt->deadline_ns = now_ns() + STACKS_MS * 1000000ull;
    if (!attempt->stacks)
        ending_stacks_done(attempt, NULL);
}

void ending_crashed(struct attempt *attempt)
{
    const struct test *test = attempt->test;

    if (test && test->declared->signal == attempt->crash.number)
        ending_kill(attempt);
    else if (!attempt->stacks)
        begin_stacks(attempt);
}

static void set_stage(struct attempt *attempt, enum stage stage, int ms)
{
    attempt->kill_stage = stage;
    attempt->deadline_ns = now_ns() + (uint64_t)ms * 1000000u;
}

void ending_stacks_done(struct attempt *attempt, char *words)
{
    free(attempt->stack_text);
    attempt->stack_text = words;
    if (attempt->crashed) {
        set_stage(attempt, STAGE_KILL, KILL_MS);
        ending_kill(attempt);
    } else {
        set_stage(attempt, STAGE_TERM, GRACE_MS);
        signal_members(attempt, SIGTERM);
        signal_members(attempt, SIGCONT);
    }
}

/* ---- deadlines */

static void next_step(struct attempt *attempt)
{
    switch (attempt->kill_stage) {
    case STAGE_RUNNING:
        attempt->timed_out = true;
        attempt->timed_out_at = now_ns();
        begin_stacks(attempt);
        break;
    case STAGE_STACKS:
        if (attempt->stacks)
            stacks_cancel(run_of(attempt), attempt->stacks);
        attempt->stacks = NULL;
        ending_stacks_done(attempt, NULL);
        break;
    case STAGE_TERM:
        set_stage(attempt, STAGE_KILL, KILL_MS);
        signal_members(attempt, SIGKILL);
        ending_kill(attempt);
        break;
    default: /* it cannot be killed: in the kernel, or stopped by somebody's debugger */
        set_stage(attempt, STAGE_KILL, KILL_MS);
        ending_kill(attempt);
    }
}

uint64_t attempts_deadline(const struct run *run)
{
    uint64_t first = 0;

    for (const struct attempt *attempt = run->attempts; attempt; attempt = attempt->next)
        first = deadline_first(first, deadline_first(attempt->deadline_ns, attempt->watch_ns));
    return first;
}

void attempts_tick(struct run *run)
{
    uint64_t now = now_ns();

    for (struct attempt *attempt = run->attempts, *next; attempt; attempt = next) {
        next = attempt->next;
        if (attempt->watch_ns && attempt->watch_ns <= now)
            stream_watch(attempt);
        if (attempt->deadline_ns && attempt->deadline_ns <= now)
            next_step(attempt);
    }
}

void attempt_interrupt(struct attempt *attempt)
{
    if (!attempt->test || attempt->kill_stage >= STAGE_TERM)
        return;
    attempt->interrupted = true;
    if (attempt->stacks)
        stacks_cancel(attempt->agent->package->run, attempt->stacks);
    attempt->stacks = NULL;
    set_stage(attempt, STAGE_TERM, GRACE_MS);
    signal_members(attempt, SIGTERM);
}

/* ---- what was left behind */

static void name_left(struct attempt *attempt, pid_t pid)
{
    char command[256], number[24];

    snprintf(number, sizeof number, "%d '", (int)pid);
    if (strstr(buf_text(&attempt->children_left), number) ||
        proc_command(pid, command, sizeof command) < 0)
        return;
    attempt->children_left.cap = 8 << 10;
    buf_printf(&attempt->children_left, "%s%s%s'", attempt->children_left.size ? ", " : "",
               number, command);
    attempt->children_left_count++;
}

static bool name_member(void *arg, pid_t pid, const char *rest)
{
    (void)rest;
    name_left(arg, pid);
    return true;
}

/* Members of the group that outlived the test: name them all, then kill the group. */
static void name_group(struct attempt *attempt)
{
    DIR *all = opendir("/proc");
    struct dirent *entry;

    while (all && (entry = readdir(all))) {
        pid_t pid = atoi(entry->d_name);

        if (pid > 0 && pid != attempt->pid && getpgid(pid) == attempt->pid)
            name_left(attempt, pid);
    }
    if (all)
        closedir(all);
    kill(-attempt->pid, SIGKILL);
}

void ending_reap_left(struct attempt *attempt)
{
    struct event left = { .kind = EVENT_LEFT, .node = EVENT_ROOT };
    bool killed = attempt->kill_stage != STAGE_RUNNING;
    struct buf words = BUF_INIT(16 << 10);
    char marker[64];

    marker_of(attempt, marker, sizeof marker);
    if (attempt->exit_flags & AGENT_GROUP_LEFT)
        name_group(attempt);
    if (attempt->exit_flags & AGENT_ORPHANS)
        proc_visit_marked(marker, name_member, attempt);
    if (attempt->exit_flags || killed)
        proc_kill_marked(marker, NULL, 0);
    if (attempt->children_left_count == 0 || killed)
        return;
    buf_printf(&words, "left process%s %s running; killed",
               attempt->children_left_count == 1 ? "" : "es",
               buf_text(&attempt->children_left));
    left.text = (struct text){ buf_text(&words), words.size };
    attempt->left_something = true;
    attempt_emit(attempt, &left);
    buf_fini(&words);
}
