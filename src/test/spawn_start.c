/* test/spawn_start.c - pipes, fork and exec of a program that a test spawns. */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "test/spawn.h"

enum { CLEAR_FD = 64 }; /* above all that the program is given */

/* Between fork and exec. */
struct launch {
    const char *path;
    char *const *argv;
    char *const *environment;
    const char *folder;
    int input, output, ready; /* what becomes descriptor 0, 1 and 2, SPAWN_READY_FD; -1: none */
    int report; /* what went wrong goes there; closed by exec */
    pid_t parent;
};

struct failure {
    int code; /* errno */
    char step[24];
};

static SEAM_NORETURN void fail(const struct launch *launch, const char *step)
{
    struct failure failure = { .code = errno };

    strncpy(failure.step, step, sizeof failure.step - 1);
    _exit(write(launch->report, &failure, sizeof failure) == (ssize_t)sizeof failure ? 127
                                                                                     : 126);
}

/* What the test ignores or blocks is its own affair. Handlers go with exec. */
static void reset_signals(void)
{
    struct sigaction now;
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static SEAM_NORETURN void become(const struct launch *launch)
{
    unsigned first_other = launch->ready < 0 ? SPAWN_READY_FD : SPAWN_READY_FD + 1;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launch->parent)
        _exit(127);
    setpgid(0, 0);
    if (dup2(launch->input, STDIN_FILENO) < 0 || dup2(launch->output, STDOUT_FILENO) < 0 ||
        dup2(launch->output, STDERR_FILENO) < 0 ||
        (launch->ready >= 0 && dup2(launch->ready, SPAWN_READY_FD) < 0))
        fail(launch, "set its descriptors");
    close_range(first_other, ~0u, CLOSE_RANGE_CLOEXEC);
    if (launch->folder && chdir(launch->folder) < 0)
        fail(launch, "change to its folder");
    reset_signals();
    execve(launch->path, launch->argv, launch->environment);
    fail(launch, "execute it");
}

/* Without the signals of the test, whose handlers are not for a process that is about to become another. */
static pid_t fork_quietly(const struct launch *launch)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        become(launch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* ---- descriptors */

/* Out of the way of those that the program is given, where a test has closed one of its first three. */
static int high(int fd)
{
    int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, CLEAR_FD);
    int r = moved < 0 ? -errno : moved;

    if (fd >= 0)
        close(fd);
    return r;
}

/* A pipe of which one end is ours, out of the way of the test's own, and the other the program's. */
static int make_pipe(int *ret_ours, int *ret_theirs, bool we_read)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *ret_ours = t_private_fd(fds[we_read ? 0 : 1]);
    *ret_theirs = high(fds[we_read ? 1 : 0]);
    fcntl(*ret_ours, F_SETFL, O_NONBLOCK);
    return *ret_ours < 0 ? *ret_ours : *ret_theirs < 0 ? *ret_theirs : 0;
}

/* A text as a file to read; a pipe might not hold all of it. */
static int text_file(const char *text)
{
    int fd = high(memfd_create("stdin", MFD_CLOEXEC));
    int r = fd < 0 ? fd : io_write_all(fd, text, strlen(text));

    if (r < 0) {
        io_close(&fd);
        return r;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int open_descriptors(seam_process *child, struct launch *launch)
{
    int r = make_pipe(&child->output, &launch->output, true);

    child->changed = t_private_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    child->finish = t_private_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (r == 0 && (child->changed < 0 || child->finish < 0))
        r = child->changed < 0 ? child->changed : child->finish;
    if (r == 0 && child->options.ready_fd)
        r = make_pipe(&child->ready, &launch->ready, true);
    if (r < 0)
        return r;
    if (child->options.stdin_pipe)
        return make_pipe(&child->input, &launch->input, false);
    launch->input = child->options.stdin_text ? text_file(child->options.stdin_text)
                                              : high(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return launch->input < 0 ? launch->input : 0;
}

/* ---- */

/* Wait for exec, which closes the pipe, or for what the child says instead. */
static int await_exec(seam_process *child, const struct launch *launch, int report,
                      struct err *err)
{
    struct failure failure;
    ssize_t n;

    do
        n = read(report, &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof failure)
        return 0;
    waitpid(child->pid, NULL, 0);
    child->pid = 0;
    failure.step[sizeof failure.step - 1] = '\0';
    if (failure.code == ENOENT && access(launch->path, F_OK) == 0 &&
        strcmp(failure.step, "execute it") == 0)
        return err_set(err, -ENOENT,
                       "cannot start '%s': the interpreter or loader that it names "
                       "is not there",
                       launch->path);
    return err_system(err, -failure.code, "cannot start '%s': cannot %s%s%s", launch->path,
                      failure.step, launch->folder ? ", folder " : "",
                      launch->folder ? launch->folder : "");
}

static int launch_it(seam_process *child, struct launch *launch, struct err *err)
{
    int report[2] = { -1, -1 };
    int r = 0;

    if (pipe2(report, O_CLOEXEC) < 0 || (launch->report = high(report[1])) < 0)
        r = err_system(err, -errno, "cannot start '%s'", launch->path);
    else {
        child->pid = fork_quietly(launch);
        if (child->pid < 0) {
            child->pid = 0;
            r = err_system(err, -errno, "cannot start '%s'", launch->path);
        }
    }
    io_close(&launch->report);
    if (r == 0)
        r = await_exec(child, launch, report[0], err);
    io_close(&report[0]);
    return r;
}

int spawn_start(seam_process *child, const char *path, char **environment, struct err *err)
{
    struct launch launch = { .path = path,
                             .argv = child->argv,
                             .environment = environment,
                             .folder = child->options.cwd,
                             .input = -1,
                             .output = -1,
                             .ready = -1,
                             .report = -1,
                             .parent = getpid() };
    int r = open_descriptors(child, &launch);

    if (r < 0)
        err_system(err, r, "cannot start '%s'", path);
    else
        r = launch_it(child, &launch, err);
    if (r == 0) {
        child->pidfd = t_private_fd(pidfd_open(child->pid, 0));
        if (child->pidfd < 0)
            r = err_system(err, child->pidfd, "cannot watch '%s'", path);
    }
    io_close(&launch.input);
    io_close(&launch.output);
    io_close(&launch.ready);
    return r;
}
