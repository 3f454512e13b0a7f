/*
 * test/crash_spawned.c - libseam-crash.so: when a signal kills a program that a test spawned, have its stack read.
 *
 * The handler starts the helper `stacks` itself and waits for it: no descriptor, thread or socket is kept for the
 * day of the crash. The helper begins in the memory of the program, as by vfork, and is a child that no wait() of
 * the program finds and no SIGCHLD tells of. Then the signal is sent again as it came, so that the exit status and
 * the core are what they would have been. See spawn_report.h.
 *
 * A program that has a handler of its own, or a sanitizer's, is left alone. Libc's functions that open and close
 * are not called: in a program with doubles they are hooks, which may be what was interrupted. Nor are those that
 * glibc alone has: what the program starts may have musl, and would not start with a library that asks for them.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/crash_context.h"
#include "test/spawn_report.h"

enum { PATH_ROOM = 4096, HELPER_STACK = 32 << 10, KILLED_MS = 500 };

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };

static char alternate_stack[CRASH_STACK];
static _Alignas(16) char helper_stack[HELPER_STACK];
static char folder[PATH_ROOM], helper[PATH_ROOM], marker[256];
static atomic_int crashed; /* the process whose crash is being told; 0: none */

extern void __asan_init(void) __attribute__((weak));
extern void __hwasan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

/* ---- words, without stdio */

struct words {
    char text[1024];
    size_t size;
};

static void add_text(struct words *words, const char *text)
{
    while (*text && words->size < sizeof words->text)
        words->text[words->size++] = *text++;
}

static void add_number(struct words *words, unsigned value)
{
    char digits[12];
    size_t at = sizeof digits;

    digits[--at] = '\0';
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    add_text(words, digits + at);
}

static void add_hex(struct words *words, uintptr_t value)
{
    char digits[20];

    digits[crash_add_hex(digits, 0, value)] = '\0';
    add_text(words, digits);
}

static void add_field(struct words *words, unsigned value)
{
    add_number(words, value);
    add_text(words, "\t");
}

static const char *words_text(struct words *words)
{
    words->text[words->size < sizeof words->text ? words->size : sizeof words->text - 1] = '\0';
    return words->text;
}

static void write_words(int file, const struct words *words)
{
    ssize_t n = syscall(SYS_write, file, words->text, words->size);

    (void)n;
}

static void write_text(int file, const char *text)
{
    struct words words = { .size = 0 };

    add_text(&words, text);
    write_words(file, &words);
}

/* ---- the report */

/* Not among the first three, which the helper has other uses for. */
static int open_report(void)
{
    static char path[PATH_ROOM + 16];
    struct words name = { .size = 0 };
    int fd, above;

    add_text(&name, "/");
    add_number(&name, (unsigned)getpid());
    memcpy(path, folder, strlen(folder));
    memcpy(path + strlen(folder), words_text(&name), name.size + 1);
    fd =
        (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    above = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    syscall(SYS_close, fd);
    return above;
}

static void write_head(int file, int number, const siginfo_t *info, const void *context,
                       pid_t sender)
{
    struct words words = { .size = 0 };

    add_text(&words, "crash\t");
    add_field(&words, (unsigned)number);
    add_field(&words, (unsigned)crash_access_of(number, info, context));
    add_hex(&words, (uintptr_t)info->si_addr);
    add_text(&words, "\t");
    add_field(&words, crash_overflowed(number, info, context));
    add_field(&words, (unsigned)sender);
    add_text(&words, program_invocation_short_name);
    add_text(&words, "\n");
    write_words(file, &words);
}

/* ---- the helper */

/* In static memory: the stack may be what is short. One crash is told at a time. */
static struct {
    int report;
    atomic_int may_start; /* a futex */
    struct words pid, thread, sp, pc;
    char raw[8 + CRASH_ADDRESSES];
    char *argv[7], *environment[2];
} launch;

static void take_addresses(const void *context)
{
    char *addresses = launch.raw + strlen("--raw=");
    size_t size = crash_addresses(addresses, context), sp, pc;

    addresses[size] = '\0';
    memcpy(launch.raw, "--raw=", strlen("--raw="));
    sp = strcspn(addresses, ",");
    addresses[sp] = '\0';
    add_text(&launch.sp, addresses);
    memmove(addresses, addresses + sp + 1, size - sp);
    pc = strcspn(addresses, ",");
    for (size_t i = 0; i < pc && launch.pc.size < sizeof launch.pc.text - 1; i++)
        launch.pc.text[launch.pc.size++] = addresses[i];
}

static void fill_launch(int report, const void *context)
{
    memset(&launch, 0, sizeof launch);
    launch.report = report;
    add_number(&launch.pid, (unsigned)getpid());
    add_text(&launch.thread, "--crashed=");
    add_number(&launch.thread, (unsigned)syscall(SYS_gettid));
    add_text(&launch.sp, "--sp=");
    add_text(&launch.pc, "--pc=");
    take_addresses(context);
    launch.argv[0] = helper;
    launch.argv[1] = launch.pid.text;
    launch.argv[2] = launch.thread.text;
    launch.argv[3] = launch.sp.text;
    launch.argv[4] = launch.pc.text;
    launch.argv[5] = launch.raw;
    launch.environment[0] = marker;
}

/* The crashed thread is out of clone() when the helper looks at it: no stack can be read from in there. */
static void let_start(void)
{
    atomic_store(&launch.may_start, 1);
    syscall(SYS_futex, &launch.may_start, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void await_start(void)
{
    while (!atomic_load(&launch.may_start))
        syscall(SYS_futex, &launch.may_start, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* In the memory of the crashed process, until execve(). */
static int become_helper(void *arg)
{
    struct words words = { .size = 0 };
    int null;

    (void)arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    await_start();
    syscall(SYS_dup3, launch.report, STDOUT_FILENO, 0);
    null = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
    syscall(SYS_dup3, null, STDIN_FILENO, 0);
    syscall(SYS_dup3, null, STDERR_FILENO, 0);
    syscall(SYS_close_range, 3u, ~0u, 0u); /* what the program holds, the helper does not */
    execve(helper, launch.argv, launch.environment);
    add_text(&words, "note\tthe stack reader cannot be started: error ");
    add_number(&words, (unsigned)errno);
    add_text(&words, "\nend\n");
    write_words(STDOUT_FILENO, &words);
    syscall(SYS_exit_group, 127);
    return 127;
}

/* Not by libc: the program may go by the clock of a test, which stands still. */
static long wait_for(struct pollfd *fds, unsigned count, int ms)
{
    struct timespec at_most = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

    return syscall(SYS_ppoll, fds, count, &at_most, NULL, 0);
}

static void await_helper(pid_t pid, int pidfd)
{
    struct pollfd ends = { .fd = pidfd, .events = POLLIN };

    if (wait_for(&ends, 1, SPAWN_REPORT_MS - KILLED_MS) == 0) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        write_text(launch.report, "note\treading the stacks took too long\nend\n");
        wait_for(&ends, 1, KILLED_MS);
    }
    waitpid(pid, NULL, __WALL | WNOHANG);
    syscall(SYS_close, pidfd);
}

/* No signal at its end, so that it is no child to the program. */
static void run_helper(int report, const void *context)
{
    int pidfd = -1;
    pid_t pid;

    fill_launch(report, context);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where only parents may (Yama) */
    pid = clone(become_helper, helper_stack + sizeof helper_stack, CLONE_VM | CLONE_PIDFD, NULL,
                &pidfd);
    if (pid > 0) {
        let_start();
        await_helper(pid, pidfd);
    } else
        write_text(report, "note\tno process can be started to read the stack\nend\n");
}

/* ---- the signal */

static void tell(int number, const siginfo_t *info, const void *context)
{
    bool is_sent = info->si_code <= 0 && info->si_pid != getpid();
    int report = open_report();

    if (report < 0)
        return;
    write_head(report, number, info, context, is_sent ? info->si_pid : 0);
    if (is_sent)
        write_text(report, "end\n");
    else
        run_helper(report, context);
    syscall(SYS_close, report);
}

/* A second thread that crashes meanwhile waits for the end of the first. A process that was forked meanwhile has
 * a crash of its own. */
static bool is_first(void)
{
    int before = atomic_load(&crashed), self = getpid();

    return before != self && atomic_compare_exchange_strong(&crashed, &before, self);
}

static void crash_handler(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    if (is_first())
        tell(number, info, context);
    else
        wait_for(NULL, 0, SPAWN_REPORT_MS);
    signal(number, SIG_DFL);
    /* It is blocked until this handler returns, and comes before the next instruction. */
    syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info);
    errno = saved;
}

/* ---- at the program's start */

static bool take_variable(const char *name, char *ret, size_t size)
{
    const char *value = getenv(name);

    return value && *value && snprintf(ret, size, "%s", value) < (int)size;
}

static void take_signal(int number)
{
    struct sigaction action = { .sa_sigaction = crash_handler,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK };
    struct sigaction now;

    sigfillset(&action.sa_mask);
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        sigaction(number, &action, NULL);
}

__attribute__((constructor)) static void begin(void)
{
    stack_t stack = { .ss_sp = alternate_stack, .ss_size = sizeof alternate_stack }, now;
    char id[sizeof marker - sizeof "SEAM_TEST_ID="];

    if (__asan_init || __hwasan_init || __msan_init || __tsan_init)
        return;
    if (!take_variable(SPAWN_REPORT_FOLDER, folder, sizeof folder) ||
        !take_variable(SPAWN_REPORT_STACKS, helper, sizeof helper) ||
        !take_variable("SEAM_TEST_ID", id, sizeof id))
        return;
    snprintf(marker, sizeof marker, "SEAM_TEST_ID=%s", id);
    if (sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_DISABLE)
        sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        take_signal(crash_signals[i]);
}
