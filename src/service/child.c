/* service/child.c - start a server as a child that cannot outlive the keeper; see child.h. */

#include "service/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"

enum { ENVIRON_ROOM = 8, LOG_MAX = 4 << 20, ERR_LINES = 20 };

/* The thread that forks takes one order at a time. */
static struct {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct order *order; /* NULL: none waits */
    bool closed;
} nursery = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

struct order {
    const struct child_spec *spec;
    char **environment;
    int log;
    int report; /* the child writes here what failed; closed by exec */
    pid_t parent;
    pid_t pid; /* the answer, or -errno */
    bool done;
};

/* What a child that could not execute its program says. */
struct failure {
    int code;
    char step[32];
};

static SEAM_NORETURN void fail_in_child(int report, int code, const char *step)
{
    struct failure failure = { .code = code };

    strncpy(failure.step, step, sizeof failure.step - 1);
    if (write(report, &failure, sizeof failure) < 0)
        _exit(126);
    _exit(127);
}

static void connect_streams(const struct order *order)
{
    const struct child_spec *spec = order->spec;
    int input = spec->input > 0 ? spec->input : open("/dev/null", O_RDONLY | O_CLOEXEC);
    int output = spec->output > 0 ? spec->output : order->log;

    if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 ||
        dup2(spec->error > 0 ? spec->error : output, 2) < 0)
        fail_in_child(order->report, errno, "open /dev/null");
}

static int become_user(const struct child_user *user)
{
    if (setgroups(1, &user->gid) < 0 || setgid(user->gid) < 0 || setuid(user->uid) < 0)
        return -errno;
    return 0;
}

/* The order matters: setuid clears the death signal, and a parent that died before it was set sends
 * none. Between fork and exec in a process with threads: system calls only. */
static SEAM_NORETURN void become(const struct order *order)
{
    const struct child_spec *spec = order->spec;
    sigset_t none;
    int r;

    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    umask(077);
    connect_streams(order);
    r = spec->user ? become_user(spec->user) : identity_become(spec->identity);
    if (r < 0)
        fail_in_child(order->report, -r, "change the user");
    if (prctl(PR_SET_PDEATHSIG, spec->death_signal) < 0)
        fail_in_child(order->report, errno, "set the death signal");
    if (getppid() != order->parent)
        _exit(127);
    if (chdir(spec->folder) < 0)
        fail_in_child(order->report, errno, "enter its folder");
    execve(spec->argv[0], (char *const *)spec->argv, order->environment);
    fail_in_child(order->report, errno, "execute it");
}

static void *run_nursery(void *arg)
{
    pthread_mutex_lock(&nursery.lock);
    for (;;) {
        struct order *order = nursery.order;

        if (!order || order->done) {
            pthread_cond_wait(&nursery.changed, &nursery.lock);
            continue;
        }
        order->pid = nursery.closed ? -1 : fork();
        if (order->pid == 0)
            become(order);
        if (order->pid < 0)
            order->pid = nursery.closed ? -ECANCELED : -errno;
        order->done = true;
        pthread_cond_broadcast(&nursery.changed);
    }
    return arg;
}

int child_begin(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, run_nursery, NULL);
}

void child_close(void)
{
    pthread_mutex_lock(&nursery.lock);
    nursery.closed = true;
    pthread_mutex_unlock(&nursery.lock);
}

/* Hand an order to the thread that forks. Returns the pid or -errno. */
static pid_t place(struct order *order)
{
    pthread_mutex_lock(&nursery.lock);
    while (nursery.order)
        pthread_cond_wait(&nursery.changed, &nursery.lock);
    nursery.order = order;
    pthread_cond_broadcast(&nursery.changed);
    while (!order->done)
        pthread_cond_wait(&nursery.changed, &nursery.lock);
    nursery.order = NULL;
    pthread_cond_broadcast(&nursery.changed);
    pthread_mutex_unlock(&nursery.lock);
    return order->pid;
}

static bool is_set(char *const *environment, const char *assignment)
{
    size_t size = strcspn(assignment, "=") + 1;

    for (; *environment; environment++)
        if (strncmp(*environment, assignment, size) == 0)
            return true;
    return false;
}

/* A small environment of our own: PG*, LC_* and the like of the user must not reach a server. Returns false
 * without memory. */
static bool make_environment(struct order *order, char *marker, size_t size)
{
    static const char *const kept[] = { "PATH", "LD_LIBRARY_PATH", "TZ" };
    static char locale[] = "LC_ALL=C";
    const char *const *given = order->spec->env;
    size_t count = 0;
    char **to;

    while (given && given[count])
        count++;
    to = order->environment = calloc(count + ENVIRON_ROOM, sizeof *to);
    if (!to)
        return false;
    snprintf(marker, size, "SEAM_TEST_ID=%s", order->spec->marker);
    *to++ = marker;
    for (size_t i = 0; i < count; i++)
        *to++ = (char *)given[i];
    if (!is_set(order->environment, locale))
        *to++ = locale;
    for (char **from = environ; *from; from++)
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (strncmp(*from, kept[i], strlen(kept[i])) == 0 &&
                (*from)[strlen(kept[i])] == '=' && !is_set(order->environment, *from))
                *to++ = *from;
    return true;
}

/* Wait for exec, which closes the pipe, or for what the child says instead. */
static int await_exec(int report, pid_t pid, const char *program, struct err *err)
{
    struct failure failure;
    ssize_t n;

    do
        n = read(report, &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof failure)
        return 0;
    waitpid(pid, NULL, 0);
    failure.step[sizeof failure.step - 1] = '\0';
    return err_system(err, -failure.code, "cannot start '%s': cannot %s", program,
                      failure.step);
}

/* Without a pidfd nobody could wait for it, so it is ended again. */
static int hold(pid_t pid, const char *program, struct child *ret, struct err *err)
{
    int fd = pidfd_open(pid, 0);
    int r = fd < 0 ? -errno : 0;

    if (r < 0) {
        kill(pid, SIGKILL); /* not reaped yet, so the number is still its own */
        waitpid(pid, NULL, 0);
        return err_system(err, r, "cannot start '%s'", program);
    }
    *ret = (struct child){ pid, fd };
    return 0;
}

int child_start(const struct child_spec *spec, struct child *ret, struct err *err)
{
    struct order order = { .spec = spec, .log = -1, .report = -1, .parent = getpid() };
    int pipe_fds[2] = { -1, -1 };
    char marker[128];
    pid_t pid = -1;
    int r = 0;

    if (!make_environment(&order, marker, sizeof marker))
        return err_set(err, -ENOMEM, "out of memory");
    order.log = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (order.log < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
        r = err_system(err, -errno, "cannot start '%s'", spec->argv[0]);
    order.report = pipe_fds[1];
    if (r == 0) {
        pid = place(&order);
        r = pid < 0 ? err_system(err, pid, "cannot start '%s'", spec->argv[0]) : 0;
    }
    io_close(&pipe_fds[1]);
    if (r == 0)
        r = await_exec(pipe_fds[0], pid, spec->argv[0], err);
    if (r == 0)
        r = hold(pid, spec->argv[0], ret, err);
    io_close(&pipe_fds[0]);
    io_close(&order.log);
    free(order.environment);
    return r;
}

int child_wait(struct child *child, uint64_t deadline_ns, int *ret_status)
{
    struct pollfd ended = { .fd = child->fd, .events = POLLIN };
    int n, status = 0;

    if (child->pid <= 0)
        return -ECHILD;
    do
        n = poll(&ended, 1, deadline_poll_ms(deadline_ns));
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return -ETIMEDOUT;
    if (waitpid(child->pid, &status, 0) < 0)
        return -errno;
    io_close(&child->fd);
    child->pid = 0;
    if (ret_status)
        *ret_status = status;
    return 0;
}

void child_signal(const struct child *child, int signal)
{
    if (child->pid > 0)
        pidfd_send_signal(child->fd, signal, NULL, 0);
}

void child_end(struct child *child, int signal, int patience_ms)
{
    if (child->pid <= 0)
        return;
    child_signal(child, signal);
    child_signal(child, SIGCONT); /* a paused one would not notice */
    if (child_wait(child, deadline_after_ms(patience_ms), NULL) != -ETIMEDOUT)
        return;
    child_signal(child, SIGKILL);
    child_wait(child, 0, NULL);
}

const char *child_describe(int status, char *room, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(room, size, "SIG%s", sigabbrev_np(WTERMSIG(status)));
    else
        snprintf(room, size, "exit status %d", WEXITSTATUS(status));
    return room;
}

int child_run(const struct child_spec *spec, uint64_t deadline_ns, struct err *err)
{
    struct child child = CHILD_NONE;
    struct buf tail = BUF_INIT(sizeof err->text);
    char how[32] = "it takes too long";
    int status = 0;
    int r = child_start(spec, &child, err);

    if (r < 0)
        return r;
    r = child_wait(&child, deadline_ns, &status);
    if (r == -ETIMEDOUT)
        child_end(&child, SIGKILL, 0);
    else if (r == 0 && status != 0)
        child_describe(status, how, sizeof how);
    if (r == 0 && status == 0)
        return 0;
    child_log_tail(spec->log, ERR_LINES, "        ", &tail);
    err_set(err, -EIO, "'%s' failed: %s; the last lines of its log:\n%s", spec->argv[0], how,
            buf_text(&tail));
    buf_fini(&tail);
    return -EIO;
}

/* Read the end of a file, which may be huge. */
static void read_end(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t part = size < LOG_MAX ? size : LOG_MAX;
    char *to = part > 0 ? buf_reserve(ret, (size_t)part) : NULL;
    ssize_t n = to ? pread(fd, to, (size_t)part, size - part) : 0;

    if (n > 0) {
        ret->size += (size_t)n;
        ret->data[ret->size] = '\0';
    }
    io_close(&fd);
}

void child_log_tail(const char *log, int lines, const char *indent, struct buf *ret)
{
    struct buf text = BUF_INIT(LOG_MAX);
    const char *at;

    read_end(log, &text);
    while (text.size > 0 && text.data[text.size - 1] == '\n')
        text.data[--text.size] = '\0';
    at = buf_text(&text) + text.size;
    while (at > buf_text(&text) && !(at[-1] == '\n' && --lines == 0))
        at--;
    while (*at) {
        size_t size = strcspn(at, "\n");

        buf_printf(ret, "%s%.*s\n", indent, (int)size, at);
        at += size + (at[size] == '\n');
    }
    buf_fini(&text);
}
