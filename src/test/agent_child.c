/*
 * test/agent_child.c - between the fork and the test, and between the test and the exit.
 *
 * Each page that is touched here is paid for by every test: see docs/decisions/0004.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "test/agent.h"

/* The earlier of the run's end and the test's own. */
static void set_deadline(int timeout_ms)
{
    uint64_t now = now_ns();

    if (process.deadline_ns > now)
        process.timeout_ns = process.deadline_ns - now;
    if (timeout_ms > 0 &&
        (!process.deadline_ns || process.timeout_ns > timeout_ms * 1000000ull)) {
        process.timeout_ns = timeout_ms * 1000000ull;
        process.deadline_ns = now + process.timeout_ns;
    }
}

extern void __gcov_dump(void)
    __attribute__((weak)); /* clang's; gcc's only where the program names it */
extern void __gcov_exit(void) __attribute__((weak)); /* gcc's */
extern int __llvm_profile_write_file(void) __attribute__((weak));
extern void __lsan_do_leak_check(void) __attribute__((weak));

/* glibc's list of streams: with stderr at its head the test has opened none, and there is nothing to flush. */
extern void *_IO_list_all;

SEAM_NORETURN void child_end(bool passed)
{
    if (_IO_list_all != (void *)stderr || __fpending(stdout) > 0 || __fpending(stderr) > 0)
        fflush(NULL);
    if (!emit_is_possible())
        _exit(AGENT_EXIT_EVENTS_LOST);
    if (__gcov_dump)
        __gcov_dump();
    else if (__gcov_exit)
        __gcov_exit();
    if (__llvm_profile_write_file)
        __llvm_profile_write_file();
    if (passed && __lsan_do_leak_check)
        __lsan_do_leak_check();
    _exit(passed ? 0 : 1);
}

/* Everything between the fork (or exec) and user code. */
static SEAM_NORETURN void be_test(const struct granted *granted)
{
    const struct seam_test_record *record = agent.tests[granted->test];
    struct seam_options options = registry_options(record);

    emit_begin(FD_EVENTS, FD_OUTPUT);
    process.pass_over = granted->pass_over;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (options.signal)
        signal(options.signal, SIG_DFL); /* it is to die of that one */
    set_deadline(options.timeout_ms);
    leaks_begin(!(process.flags & AGENT_ISOLATE_EXEC));
    child_end(run_test(record, granted->test, false));
}

static void exec_test(const struct granted *granted, uint32_t backlog)
{
    char option[64];
    char **argv = calloc((size_t)agent.argc + 3, sizeof *argv);
    int config = memfd_create("seam-config", MFD_CLOEXEC);

    snprintf(option, sizeof option, AGENT_CHILD_OPTION "%u:%u:%u", granted->test,
             granted->pass_over, backlog);
    if (argv && config >= 0 &&
        io_write_all(config, agent.config.data, agent.config.size) == 0 &&
        dup2(config, FD_CONFIG) >= 0) {
        fcntl(FD_EVENTS, F_SETFD, 0);
        fcntl(FD_OUTPUT, F_SETFD, 0);
        fcntl(FD_BACKLOGS, F_SETFD, 0);
        argv[0] = agent.argv[0];
        argv[1] = option;
        memcpy(argv + 2, agent.argv + 2, (size_t)(agent.argc - 1) * sizeof *argv);
        execv("/proc/self/exe", argv);
    }
    dprintf(FD_OUTPUT, "seam: cannot start the test program again: %s\n", strerror(errno));
    _exit(EXIT_SETUP);
}

/* The child makes its pipes and hands the runner their other ends, and its pidfd, before it does anything
 * else: the agent's time is the time of all. */
static void introduce(const struct granted *granted)
{
    struct agent_packet started = {
        .op = AGENT_STARTED, .test = granted->test, .serial = granted->serial, .pid = getpid()
    };
    int output[2], events[2], fds[3];

    fds[0] = (int)syscall(SYS_pidfd_open, started.pid, 0);
    if (fds[0] < 0 || pipe2(output, O_CLOEXEC) < 0 || pipe2(events, O_CLOEXEC) < 0) {
        agent_cannot_start(granted, "its pipes");
        _exit(EXIT_SETUP);
    }
    fds[1] = output[0];
    fds[2] = events[0];
    agent_say(&started, fds, 3);
    dup2(output[1], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    dup3(events[1], FD_EVENTS, O_CLOEXEC);
    dup3(output[1], FD_OUTPUT, O_CLOEXEC);
    close(fds[0]);
    for (int i = 0; i < 2; i++) {
        close(output[i]);
        close(events[i]);
    }
}

SEAM_NORETURN void child_begin(const struct granted *granted, uint32_t backlog, pid_t parent)
{
    uint32_t serial = granted->serial;

    if (!(process.flags & AGENT_NO_GROUPS))
        setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_SETUP);
    for (int i = AGENT_SERIAL; agent.marker && i > 0; i--, serial /= 10)
        agent.marker[i - 1] = (char)('0' + serial % 10);
    for (size_t i = 0; i < hot->running_count; i++)
        close(hot->running[i].pidfd);
    introduce(granted);
    close(FD_LINK);
    close(FD_CHILDREN);
    if (process.flags & AGENT_ISOLATE_EXEC)
        exec_test(granted, backlog);
    if (agent.backlogs)
        process.backlog = backlog_at(agent.backlogs, backlog);
    be_test(granted);
}

/* After exec: the one with this number, of those that the agent has made. */
static void take_backlog(uint32_t number)
{
    struct backlog *all = backlog_map(FD_BACKLOGS, (size_t)number + 1);

    if (all)
        process.backlog = backlog_at(all, number);
    close(FD_BACKLOGS);
}

int agent_child(const char *option, int argc, char **argv)
{
    struct granted granted = { 0 };
    struct buf config = BUF_INIT(MESSAGE_MAX);
    struct message frame;
    uint32_t backlog;

    if (sscanf(option, "%u:%u:%u", &granted.test, &granted.pass_over, &backlog) != 3)
        return EXIT_SETUP;
    lseek(FD_CONFIG, 0, SEEK_SET);
    if (message_receive(FD_CONFIG, &config, 0, &frame) < 0)
        return EXIT_SETUP;
    close(FD_CONFIG);
    take_backlog(backlog);
    fcntl(FD_EVENTS, F_SETFD, FD_CLOEXEC);
    fcntl(FD_OUTPUT, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    agent_take_config(&frame);
    process.flags |= AGENT_ISOLATE_EXEC;
    agent_collect_tests();
    if (granted.test >= agent.count)
        return EXIT_SETUP;
    registry_run_main(argc - 2, argv + 2);
    group_enter(agent.tests[granted.test]);
    leaks_baseline();
    crash_install();
    be_test(&granted);
}
