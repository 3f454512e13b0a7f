/*
 * runner/stacks/main.c - `stacks PID`: print where the threads of a process are.
 *
 * Usage in options.h, output in print.h. Exits with 0 after a stack, 1 when there was none to
 * read or time ran out, 2 for wrong usage.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/deadline.h"
#include "runner/stacks/attach.h"
#include "runner/stacks/options.h"
#include "runner/stacks/print.h"
#include "runner/stacks/process.h"

enum {
    LIMIT_S = 5, /* for all of it */
    STOP_MS = 1000, /* for the threads to stop */
    UNWIND_MS = 2000, /* for all stacks to be read */
    EXIT_USAGE = 2,
};

static void time_is_up(int signal)
{
    static const char last[] = "note\treading the stacks took longer than 5 s\nend\n";
    ssize_t written = write(STDOUT_FILENO, last, sizeof last - 1);

    (void)signal, (void)written;
    _exit(EXIT_FAILURE);
}

static void read_folder(pid_t pid, char *ret, size_t size)
{
    char path[64];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    length = readlink(path, ret, size - 1);
    ret[length < 0 ? 0 : length] = '\0';
}

static int say_ended(void)
{
    print_note("the process ended before its stack could be read");
    print_end();
    return EXIT_FAILURE;
}

/* Print what the crashed thread knows of itself. */
static int print_raw(const struct options *options, const char *refusal)
{
    const struct trace *raw = &options->raw;
    char folder[PATH_MAX];
    struct err err;
    Dwfl *dwfl;
    int r = process_open(&dwfl, options->pid, &err);

    if (r == -ESRCH)
        return say_ended();
    print_note("ptrace was refused (%s): addresses of the crashed thread only", refusal);
    if (raw->count > 0)
        print_thread(options->fault.tid, "");
    if (r == 0) {
        read_folder(options->pid, folder, sizeof folder);
        print_trace(dwfl, folder, raw);
        dwfl_end(dwfl);
    } else {
        print_note("no names: the libraries of the process cannot be listed (%s)", err.text);
        print_addresses(raw);
    }
    print_end();
    return raw->count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns how many threads have a stack. */
static size_t unwind_all(Dwfl *dwfl, const struct options *options,
                         const struct attached *attached, struct trace *ret)
{
    uint64_t deadline_ns = deadline_after_ms(UNWIND_MS);
    bool has_raw = options->raw.count > 0;
    size_t found = 0;

    for (size_t i = 0; i < attached->count; i++) {
        const struct attached_thread *thread = &attached->thread[i];

        if (!thread->stopped)
            snprintf(ret[i].note, sizeof ret[i].note,
                     "it did not stop: it waits in the kernel");
        else if (thread->tid != options->fault.tid)
            unwind_thread(dwfl, thread->tid, deadline_ns, &ret[i]);
        else if (!fault_unwind(dwfl, &options->fault, deadline_ns, &ret[i]) && has_raw)
            ret[i] = options->raw;
        found += ret[i].count > 0;
    }
    return found;
}

static void print_all(Dwfl *dwfl, const char *folder, const struct attached *attached,
                      const struct trace *traces)
{
    for (size_t i = 0; i < attached->count; i++) {
        print_thread(attached->thread[i].tid, attached->thread[i].name);
        print_trace(dwfl, folder, &traces[i]);
    }
    if (attached->left_out > 0)
        print_note("%zu more threads are left out", attached->left_out);
}

static int say_unreadable(pid_t pid, const char *reason)
{
    if (!process_alive(pid))
        return say_ended();
    print_note("the stacks cannot be read: %s", reason);
    print_end();
    return EXIT_FAILURE;
}

static int print_stacks(const struct options *options, struct attached *attached)
{
    static struct trace traces[ATTACH_MAX];
    char folder[PATH_MAX];
    size_t found = 0;
    struct err err;
    Dwfl *dwfl;

    read_folder(options->pid, folder, sizeof folder);
    if (process_open(&dwfl, options->pid, &err) < 0)
        return say_unreadable(options->pid, err.text);
    if (dwfl_linux_proc_attach(dwfl, options->pid, true) == 0)
        found = unwind_all(dwfl, options, attached, traces);
    attach_release(attached); /* names come from files */
    if (found > 0) {
        print_all(dwfl, folder, attached, traces);
        print_end();
    }
    dwfl_end(dwfl);
    return found > 0 ? EXIT_SUCCESS
                     : say_unreadable(options->pid, "no thread could be stopped");
}

int main(int argc, char **argv)
{
    static struct attached attached;
    struct options options;
    sigset_t none;
    struct err err;
    int r;

    if (!options_parse(argc, argv, &options)) {
        fputs(
            "usage: stacks PID [--crashed=TID --signal=N --pc=HEX --sp=HEX] [--raw=HEX,...]\n",
            stderr);
        return EXIT_USAGE;
    }
    signal(SIGALRM, time_is_up);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* a program that crashed has all blocked */
    alarm(LIMIT_S);
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsetenv("DEBUGINFOD_URLS"); /* debug information from this machine only */
    r = attach_all(&attached, options.pid, options.fault.tid, deadline_after_ms(STOP_MS), &err);
    if (r == -ESRCH)
        return say_ended();
    return r < 0 ? print_raw(&options, err.text) : print_stacks(&options, &attached);
}
