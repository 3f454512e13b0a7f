/* runner/stacks/attach.c - stop and release the threads of a process; see attach.h. */

#include "runner/stacks/attach.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/io.h"

/* The value behind `key`, such as "\nState:\t", in a status file of /proc; empty when there is
 * none. */
static void status_value(const char *path, const char *key, char *ret, size_t size)
{
    struct buf text = BUF_INIT(65536);
    const char *line = NULL;

    ret[0] = '\0';
    if (io_read_file(path, &text) == 0)
        line = strstr(buf_text(&text), key);
    if (line)
        snprintf(ret, size, "%.*s", (int)strcspn(line + strlen(key), "\n"), line + strlen(key));
    buf_fini(&text);
}

/* Whether what the status file describes still runs: not a zombie, and not reaped. */
static bool alive(const char *path)
{
    char state[64];

    status_value(path, "\nState:\t", state, sizeof state);
    return state[0] && !strchr("ZX", state[0]);
}

bool process_alive(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return alive(path);
}

/* Put words to a refusal. They need the reason only: the caller says what was refused. */
static int refused(pid_t pid, struct err *err)
{
    struct buf scope = BUF_INIT(64);
    char path[64], tracer[64];

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    status_value(path, "\nTracerPid:\t", tracer, sizeof tracer);
    io_read_file("/proc/sys/kernel/yama/ptrace_scope", &scope);
    if (atoi(tracer) > 0)
        err_set(err, 0, "process %s traces it already", tracer);
    else if (atoi(buf_text(&scope)) > 0)
        err_set(err, 0, "kernel.yama.ptrace_scope is %d", atoi(buf_text(&scope)));
    else
        err_set(err, 0, "%s", strerror(EPERM));
    buf_fini(&scope);
    return -EPERM;
}

static void read_name(pid_t pid, struct attached_thread *thread)
{
    struct buf name = BUF_INIT(sizeof thread->name - 1);
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)pid, (int)thread->tid);
    io_read_file(path, &name);
    snprintf(thread->name, sizeof thread->name, "%.*s", (int)strcspn(buf_text(&name), "\n"),
             buf_text(&name));
    buf_fini(&name);
}

static bool is_known(const struct attached *attached, pid_t tid)
{
    for (size_t i = 0; i < attached->count; i++)
        if (attached->thread[i].tid == tid)
            return true;
    return false;
}

static bool is_thread_of(pid_t pid, pid_t tid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task/%d", (int)pid, (int)tid);
    return access(path, F_OK) == 0;
}

/* Seize one thread that is not known yet and ask it to stop. A thread that has ended meanwhile
 * is no failure. */
static int seize(struct attached *attached, pid_t pid, pid_t tid)
{
    struct attached_thread *thread = &attached->thread[attached->count];
    char path[64];

    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
        if (errno == ESRCH)
            return 0;
        snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
        return alive(path) ? -EPERM : 0; /* zombies are refused with EPERM as well */
    }
    *thread = (struct attached_thread){ .tid = tid };
    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
    read_name(pid, thread);
    attached->count++;
    return 0;
}

/* One look at the list of threads. Returns how many were new, or a negative errno. */
static int seize_listed(struct attached *attached, pid_t pid)
{
    size_t before = attached->count;
    struct dirent *entry;
    char path[64];
    DIR *tasks;
    int r = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (!tasks)
        return -errno;
    attached->left_out = 0;
    while (r == 0 && (entry = readdir(tasks))) {
        pid_t tid = (pid_t)atoi(entry->d_name);

        if (tid <= 0 || is_known(attached, tid))
            continue;
        if (attached->count == ATTACH_MAX)
            attached->left_out++;
        else
            r = seize(attached, pid, tid);
    }
    closedir(tasks);
    return r < 0 ? r : (int)(attached->count - before);
}

static size_t running(const struct attached *attached)
{
    size_t count = 0;

    for (size_t i = 0; i < attached->count; i++)
        count += !attached->thread[i].stopped && !attached->thread[i].gone;
    return count;
}

static void note_status(struct attached *attached, pid_t tid, int status)
{
    for (size_t i = 0; i < attached->count; i++) {
        struct attached_thread *thread = &attached->thread[i];

        if (thread->tid != tid)
            continue;
        thread->gone = !WIFSTOPPED(status);
        thread->stopped = WIFSTOPPED(status);
        if (thread->stopped && status >> 16 != PTRACE_EVENT_STOP)
            thread->signal = WSTOPSIG(status);
    }
}

/* SIGCHLD is blocked, so that a stop between waitpid and sigtimedwait is not missed. */
static void wait_for_stops(struct attached *attached, uint64_t deadline_ns)
{
    sigset_t children;

    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    while (running(attached) > 0) {
        int status, left_ms = deadline_poll_ms(deadline_ns);
        struct timespec left = { left_ms / 1000, left_ms % 1000 * 1000000L };
        pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

        if (tid > 0)
            note_status(attached, tid, status);
        else if (tid < 0 || left_ms == 0)
            break;
        else
            sigtimedwait(&children, NULL, &left);
    }
}

static void drop_ended(struct attached *attached)
{
    size_t kept = 0;

    for (size_t i = 0; i < attached->count; i++)
        if (!attached->thread[i].gone)
            attached->thread[kept++] = attached->thread[i];
    attached->count = kept;
}

int attach_all(struct attached *ret, pid_t pid, pid_t first, uint64_t deadline_ns,
               struct err *err)
{
    sigset_t children;
    int r = 0;

    *ret = (struct attached){ 0 };
    signal(SIGCHLD, SIG_DFL); /* ignored, it would not tell of stops */
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    if (first > 0 && is_thread_of(pid, first))
        r = seize(ret, pid, first);
    /* A thread that runs may start another one: done when a look finds none that is new. */
    do {
        if (r >= 0)
            r = seize_listed(ret, pid);
        wait_for_stops(ret, deadline_ns);
    } while (r > 0 && ret->count < ATTACH_MAX);
    drop_ended(ret);
    if (r >= 0 && ret->count > 0)
        return 0;
    attach_release(ret);
    return r != -EPERM || !process_alive(pid) ? -ESRCH : refused(pid, err);
}

void attach_release(struct attached *attached)
{
    for (size_t i = 0; i < attached->count; i++)
        ptrace(PTRACE_DETACH, attached->thread[i].tid, NULL, (long)attached->thread[i].signal);
}
