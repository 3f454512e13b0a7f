/*
 * bench/peak.c - run a program and print the peak memory of that one process, in KiB.
 *
 *   peak PROGRAM [ARG...]
 *
 * What wait4() reports also covers the program's children. So the process is stopped once, at its
 * exit, where its own VmHWM can still be read.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static long peak_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    FILE *status;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    status = fopen(path, "r");
    while (status && kib < 0 && fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %ld", &kib);
    if (status)
        fclose(status);
    return kib;
}

/* Let the program run to its exit. Returns its wait status. */
static int follow(pid_t pid, long *ret_kib)
{
    int status;

    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        int event = status >> 16, number = WSTOPSIG(status);

        if (event == PTRACE_EVENT_EXIT)
            *ret_kib = peak_kib(pid);
        ptrace(PTRACE_CONT, pid, NULL, (void *)(long)(event ? 0 : number));
    }
    return status;
}

static void run_child(int go, char **argv)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char byte;

    if (read(go, &byte, 1) != 1 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        _exit(126);
    execvp(argv[0], argv);
    _exit(127);
}

int main(int argc, char **argv)
{
    int go[2], status;
    long kib = -1;
    pid_t pid;

    if (argc < 2 || pipe2(go, O_CLOEXEC) < 0) {
        fputs("usage: peak PROGRAM [ARG...]\n", stderr);
        return 2;
    }
    pid = fork();
    if (pid == 0)
        run_child(go[0], argv + 1);
    if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEEXIT) < 0 ||
        write(go[1], "", 1) != 1) {
        fprintf(stderr, "peak: cannot trace '%s': %s\n", argv[1], strerror(errno));
        return 1;
    }
    status = follow(pid, &kib);
    if (kib < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "peak: '%s' failed (wait status 0x%x)\n", argv[1], (unsigned)status);
        return 1;
    }
    printf("%ld\n", kib);
    return 0;
}
