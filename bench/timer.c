/*
 * bench/timer.c - run programs in turn and note what each run took.
 *
 *   timer ROUNDS FOLDER LABEL PROGRAM [ARG...] [-- LABEL PROGRAM [ARG...]]...
 *
 * Each round runs every program once, so that a slow spell of the machine falls on all of them;
 * with more than one round a first one is not noted. A run adds a line to FOLDER/LABEL (wall time
 * from before fork to after wait, ms) and to FOLDER/LABEL.cpu (CPU time of the program and all that
 * it started, ms). A program that fails has its output shown and ends the timer with 1.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"

enum { PROGRAMS = 8, RUN_SECONDS = 600, LEFT_SECONDS = 20 };

struct program {
    const char *label;
    char **argv;
};

struct taken {
    double wall_ms;
    double cpu_ms;
};

static double cpu_ms(const struct rusage *use)
{
    return (double)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1e3 +
           (double)(use->ru_utime.tv_usec + use->ru_stime.tv_usec) / 1e3;
}

static void note(const char *folder, const char *label, const char *suffix, double ms)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s%s", folder, label, suffix);
    file = fopen(path, "a");
    if (!file || fprintf(file, "%.4f\n", ms) < 0 || fclose(file) != 0) {
        fprintf(stderr, "timer: cannot write '%s': %s\n", path, strerror(errno));
        exit(1);
    }
}

static void run_child(int output, char **argv)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(126);
    execvp(argv[0], argv);
    fprintf(stderr, "timer: cannot run '%s': %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Show how a failed program's output ends. */
static void show_output(int output)
{
    char text[4096];
    off_t size = lseek(output, 0, SEEK_END);
    ssize_t n = pread(output, text, sizeof text,
                      size > (off_t)sizeof text ? size - (off_t)sizeof text : 0);

    if (n > 0)
        fwrite(text, 1, (size_t)n, stderr);
}

/* Wait for what the program left running: it must not disturb the run that comes next. */
static bool reap_orphans(struct taken *taken)
{
    struct rusage use;

    alarm(LEFT_SECONDS);
    while (wait4(-1, NULL, 0, &use) > 0)
        taken->cpu_ms += cpu_ms(&use);
    alarm(0);
    return errno == ECHILD;
}

/* Orphans come to us, so a wait for just any process would end too early. */
static bool wait_for(pid_t pid, int *status, struct rusage *use)
{
    pid_t r;

    alarm(RUN_SECONDS);
    r = wait4(pid, status, 0, use);
    alarm(0);
    return r == pid;
}

/* Returns what is wrong with the run, NULL when it was good. */
static const char *run_once(char **argv, int output, struct taken *ret)
{
    struct taken taken = { 0 };
    struct rusage use;
    uint64_t start = now_ns();
    pid_t pid = fork();
    int status;

    if (pid == 0)
        run_child(output, argv);
    if (pid < 0 || !wait_for(pid, &status, &use))
        return "did not end in time";
    taken.wall_ms = (double)(now_ns() - start) / 1e6;
    taken.cpu_ms = cpu_ms(&use);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return WIFEXITED(status) ? "failed" : "was killed";
    if (!reap_orphans(&taken))
        return "left processes behind";
    *ret = taken;
    return NULL;
}

/* The output goes to memory: a file on a disk would be measured as well. */
static bool run_program(const struct program *program, struct taken *ret)
{
    int output = memfd_create("output", MFD_CLOEXEC);
    const char *wrong = output < 0 ? "cannot start" : run_once(program->argv, output, ret);

    if (wrong) {
        fprintf(stderr, "timer: %s: '%s' %s\n", program->label, program->argv[0], wrong);
        show_output(output);
    }
    close(output);
    return !wrong;
}

/* Cut argv at each "--". */
static int read_programs(char **argv, struct program *programs)
{
    int count = 0;

    while (argv[0] && argv[1] && count < PROGRAMS) {
        programs[count++] = (struct program){ .label = argv[0], .argv = argv + 1 };
        while (*argv && strcmp(*argv, "--") != 0)
            argv++;
        if (*argv)
            *argv++ = NULL;
    }
    return *argv ? 0 : count;
}

/* Its only use is that alarm() interrupts a wait. */
static void on_alarm(int number)
{
    (void)number;
}

int main(int argc, char **argv)
{
    struct program programs[PROGRAMS];
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int count = argc > 4 ? read_programs(argv + 3, programs) : 0;
    const struct sigaction interrupt = { .sa_handler = on_alarm };

    if (rounds < 1 || count == 0) {
        fputs("usage: timer ROUNDS FOLDER LABEL PROGRAM [ARG...] [-- LABEL PROGRAM ...]\n",
              stderr);
        return 2;
    }
    sigaction(SIGALRM, &interrupt, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (long round = rounds > 1 ? -1 : 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            struct taken taken;

            if (!run_program(&programs[i], &taken))
                return 1;
            if (round < 0)
                continue;
            note(argv[2], programs[i].label, "", taken.wall_ms);
            note(argv[2], programs[i].label, ".cpu", taken.cpu_ms);
        }
    return 0;
}
