/*
 * bench/forkloop.c - what isolating tests in processes costs at the least.
 *
 *   forkloop COUNT IN_FLIGHT        fork, setpgid, an output and an event pipe of its own, one record
 *                                   written and read, both pipes read to their end, waitpid
 *   forkloop -bare COUNT IN_FLIGHT  fork, _exit, waitpid
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seam/attr.h"

enum { SLOTS = 64 };

struct record {
    uint32_t number;
    uint32_t verdict;
    uint64_t time;
};

/* One child; pid 0 is a free slot. Pipes are our reading ends, -1 once at their end. */
struct child {
    pid_t pid;
    uint32_t number;
    bool passed;
    int output;
    int events;
};

SEAM_NORETURN static void die(const char *what)
{
    fprintf(stderr, "forkloop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void child_main(uint32_t number, const int output[2], const int events[2])
{
    const struct record record = { .number = number, .verdict = 1 };

    setpgid(0, 0);
    dup2(output[1], 1);
    dup2(output[1], 2);
    _exit(write(events[1], &record, sizeof record) != sizeof record);
}

static void start(struct child *child, uint32_t number)
{
    int output[2], events[2];

    if (pipe2(output, O_CLOEXEC) < 0 || pipe2(events, O_CLOEXEC) < 0)
        die("pipe");
    *child = (struct child){ .number = number, .output = output[0], .events = events[0] };
    child->pid = fork();
    if (child->pid < 0)
        die("fork");
    if (child->pid == 0)
        child_main(number, output, events);
    setpgid(child->pid,
            child->pid); /* both sides, so that neither needs to wait for the other */
    close(output[1]);
    close(events[1]);
}

static void close_at_end(int *fd, ssize_t got)
{
    if (got > 0)
        return;
    close(*fd);
    *fd = -1;
}

static void read_events(struct child *child)
{
    struct record record;
    ssize_t got = read(child->events, &record, sizeof record);

    if (got == sizeof record && record.number == child->number)
        child->passed = record.verdict == 1;
    close_at_end(&child->events, got);
}

static void read_output(struct child *child)
{
    char bytes[4096];

    close_at_end(&child->output, read(child->output, bytes, sizeof bytes));
}

/* Take what a child's pipes have. Returns whether it has ended. */
static bool serve(struct child *child, const struct pollfd ready[2])
{
    int status;

    if (ready[0].revents)
        read_events(child);
    if (ready[1].revents)
        read_output(child);
    if (child->events >= 0 || child->output >= 0)
        return false;
    if (waitpid(child->pid, &status, 0) != child->pid || status != 0 || !child->passed)
        die("a child did not pass");
    child->pid = 0;
    return true;
}

static void run_isolated(uint32_t count, uint32_t in_flight)
{
    struct child children[SLOTS] = { 0 };
    struct pollfd ready[SLOTS * 2];
    uint32_t started = 0, ended = 0;

    while (ended < count) {
        for (uint32_t i = 0; i < in_flight; i++) {
            if (children[i].pid == 0 && started < count)
                start(&children[i], started++);
            ready[2 * i] = (struct pollfd){ .fd = children[i].pid ? children[i].events : -1,
                                            .events = POLLIN };
            ready[2 * i + 1] = (struct pollfd){ .fd = children[i].pid ? children[i].output : -1,
                                                .events = POLLIN };
        }
        if (poll(ready, 2 * in_flight, -1) < 0)
            die("poll");
        for (uint32_t i = 0; i < in_flight; i++)
            if (children[i].pid && serve(&children[i], &ready[2 * i]))
                ended++;
    }
}

static void run_bare(uint32_t count, uint32_t in_flight)
{
    for (uint32_t i = 0; i < count; i++) {
        pid_t pid;

        if (i >= in_flight && wait(NULL) < 0)
            die("wait");
        pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0)
            _exit(0);
    }
    while (wait(NULL) > 0)
        continue;
}

int main(int argc, char **argv)
{
    bool bare = argc > 1 && strcmp(argv[1], "-bare") == 0;
    char **numbers = argv + (bare ? 2 : 1);
    uint32_t count = 0, in_flight = 0;

    if (argc == (bare ? 4 : 3)) {
        count = (uint32_t)strtoul(numbers[0], NULL, 10);
        in_flight = (uint32_t)strtoul(numbers[1], NULL, 10);
    }
    if (count == 0 || in_flight == 0 || in_flight > SLOTS) {
        fprintf(stderr, "usage: forkloop [-bare] COUNT IN_FLIGHT (at most %d)\n", SLOTS);
        return 2;
    }
    if (bare)
        run_bare(count, in_flight);
    else
        run_isolated(count, in_flight);
    return 0;
}
